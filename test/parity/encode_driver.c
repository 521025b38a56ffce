/*
 * Encodes lists of token ids with a preset archive.
 *
 *   encode_driver ARCHIVE TOKENS OUTPUT [KERNELS]
 *
 * Each line of TOKENS is a batch of sequences separated by "|"; a token is an
 * id, id:segment or id:segment:mask; a first word "prompt=K" says how many
 * leading tokens are the prompt's.  OUTPUT receives, for each sequence in turn,
 * raw floats: sequence_output, the embedding, and pooled_output where the
 * archive has a pooler.
 */
#include "core/encoder.h"
#include "model_file.h"

#define MAX_TOKENS 100000

/* A line of TOKENS. */
typedef struct token_line
{
	electra_batch batch;
	int32_t		offsets[MAX_TOKENS + 1];
	int32_t		ids[MAX_TOKENS];
	uint8_t		segments[MAX_TOKENS];
	uint8_t		mask[MAX_TOKENS];
} token_line;

static void
parse_line(char *text, token_line *line)
{
	int32_t		count = 0;
	int			sequences = 0;

	memset(&line->batch, 0, sizeof(line->batch));
	line->offsets[0] = 0;
	for (char *word = strtok(text, " \n"); word != NULL; word = strtok(NULL, " \n"))
	{
		char	   *colon = strchr(word, ':');
		char	   *second = colon == NULL ? NULL : strchr(colon + 1, ':');

		if (strcmp(word, "|") == 0)
			line->offsets[++sequences] = count;
		else if (strncmp(word, "prompt=", 7) == 0)
			line->batch.prompt_tokens = (int32_t) atoi(word + 7);
		else if (count < MAX_TOKENS)
		{
			line->ids[count] = (int32_t) atoi(word);
			line->segments[count] = (uint8_t) (colon == NULL ? 0 : atoi(colon + 1));
			line->mask[count] = (uint8_t) (second == NULL ? 1 : atoi(second + 1));
			if (second != NULL)
				line->batch.padding_mask = line->mask;
			count++;
		}
	}
	line->offsets[++sequences] = count;
	line->batch.num_sequences = sequences;
	line->batch.offsets = line->offsets;
	line->batch.token_ids = line->ids;
	line->batch.segment_ids = line->segments;
}

static void
encode(const electra_model *model, const token_line *line, FILE *output)
{
	const electra_batch *batch = &line->batch;
	const electra_config *config = electra_model_config(model);
	size_t		hidden_dim = (size_t) config->hidden_dim;
	size_t		dimensions = (size_t) electra_config_dimensions(config);
	float	   *hidden = allocate((size_t) batch->offsets[batch->num_sequences] * hidden_dim * sizeof(float));
	float	   *embeddings = allocate((size_t) batch->num_sequences * dimensions * sizeof(float));
	float	   *pooled = allocate((size_t) batch->num_sequences * hidden_dim * sizeof(float));
	void	   *workspace = allocate(electra_encoder_workspace(model, batch));
	void	   *pool_workspace = allocate(electra_pool_workspace(model));
	electra_error error = {0};

	check(electra_encode(model, batch, workspace, hidden, NULL, &error), &error);
	check(electra_pool(model, batch, hidden, pool_workspace, embeddings, &error), &error);
	if (config->has_pooler)
		check(electra_pooled_output(model, batch, hidden, pooled, &error), &error);
	for (int b = 0; b < batch->num_sequences; b++)
	{
		fwrite(hidden + (size_t) batch->offsets[b] * hidden_dim, sizeof(float),
			   (size_t) (batch->offsets[b + 1] - batch->offsets[b]) * hidden_dim, output);
		fwrite(embeddings + (size_t) b * dimensions, sizeof(float), dimensions, output);
		if (config->has_pooler)
			fwrite(pooled + (size_t) b * hidden_dim, sizeof(float), hidden_dim, output);
	}
	free(hidden);
	free(embeddings);
	free(pooled);
	free(workspace);
	free(pool_workspace);
}

int
main(int argc, char **argv)
{
	electra_model model;
	token_line *line = allocate(sizeof(*line));
	char	   *text = NULL;
	size_t		capacity = 0;
	FILE	   *tokens;
	FILE	   *output;

	if (argc < 4)
	{
		fprintf(stderr, "usage: encode_driver ARCHIVE TOKENS OUTPUT [KERNELS]\n");
		return 2;
	}
	if (argc > 4)
		choose_kernels(argv[4]);
	load(argv[1], &model);
	tokens = fopen(argv[2], "r");
	output = fopen(argv[3], "wb");
	if (tokens == NULL || output == NULL)
	{
		fprintf(stderr, "encode_driver: %s or %s: %s\n", argv[2], argv[3], strerror(errno));
		return 1;
	}
	while (getline(&text, &capacity, tokens) > 0)
	{
		parse_line(text, line);
		encode(&model, line, output);
	}
	fclose(tokens);
	free(text);
	free(line);
	free((void *) model.header);
	return fclose(output) == 0 ? 0 : 1;
}
