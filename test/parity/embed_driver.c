/*
 * Embeds texts with a preset archive: what electra_embed does, without a server.
 *
 *   embed_driver ARCHIVE KERNELS TEXTS_AT_ONCE < texts > vectors
 *
 * Each text ends with a NUL; its vector is raw floats.  TEXTS_AT_ONCE texts
 * make a batch of the encoder.  Exits with 3 where this machine lacks KERNELS.
 */
#include "core/encoder.h"
#include "core/tokenizer.h"
#include "model_file.h"

/* Texts that wait to be encoded together. */
typedef struct waiting_texts
{
	int32_t    *offsets;		/* (most + 1) */
	int32_t    *ids;			/* (most, max_length) at most, one after the other */
	int			count;
	int			most;
} waiting_texts;

/* Tokens of a text, cut to what fits, behind those that wait. */
static void
add_text(const electra_model *model, waiting_texts *texts, const char *text, size_t size)
{
	const electra_config *config = electra_model_config(model);
	electra_tokens tokens = {.capacity = config->max_length - 2};
	int32_t		begin = texts->offsets[texts->count];
	electra_error error = {0};

	tokens.ids = allocate((size_t) config->max_length * sizeof(int32_t));
	check(electra_tokenize(model, text, size, true, &tokens, &electra_malloc_allocator, NULL, &error), &error);
	texts->offsets[++texts->count] = begin +
		(int32_t) electra_join_tokens(&config->tokenizer, tokens.ids, tokens.count, NULL, 0, texts->ids + begin, NULL);
	free(tokens.ids);
}

/* Encodes what waits and writes the vectors. */
static void
encode_waiting(const electra_model *model, waiting_texts *texts)
{
	const electra_config *config = electra_model_config(model);
	size_t		dimensions = (size_t) electra_config_dimensions(config);
	size_t		count = (size_t) texts->count;
	electra_batch batch = {
		.num_sequences = texts->count,
		.offsets = texts->offsets,
		.token_ids = texts->ids
	};
	float	   *output = allocate((size_t) texts->offsets[count] * (size_t) config->hidden_dim * sizeof(float));
	float	   *vectors = allocate(count * dimensions * sizeof(float));
	void	   *workspace = allocate(electra_encoder_workspace(model, &batch));
	void	   *pool_workspace = allocate(electra_pool_workspace(model));
	electra_error error = {0};

	check(electra_encode(model, &batch, workspace, output, NULL, &error), &error);
	check(electra_pool(model, &batch, output, pool_workspace, vectors, &error), &error);
	if (fwrite(vectors, sizeof(float), count * dimensions, stdout) != count * dimensions)
		exit(1);
	texts->count = 0;
	free(output);
	free(vectors);
	free(workspace);
	free(pool_workspace);
}

int
main(int argc, char **argv)
{
	waiting_texts texts = {0};
	electra_model model;
	char	   *text = NULL;
	size_t		capacity = 0;
	ssize_t		size;

	texts.most = argc == 4 ? atoi(argv[3]) : 0;
	if (texts.most < 1)
	{
		fprintf(stderr, "usage: embed_driver ARCHIVE KERNELS TEXTS_AT_ONCE\n");
		return 2;
	}
	choose_kernels(argv[2]);
	load(argv[1], &model);
	texts.offsets = allocate(((size_t) texts.most + 1) * sizeof(int32_t));
	texts.ids = allocate((size_t) texts.most * (size_t) electra_model_config(&model)->max_length * sizeof(int32_t));
	texts.offsets[0] = 0;
	while ((size = getdelim(&text, &capacity, '\0', stdin)) > 0)
	{
		add_text(&model, &texts, text, (size_t) size - (text[size - 1] == '\0'));
		if (texts.count == texts.most)
			encode_waiting(&model, &texts);
	}
	if (texts.count > 0)
		encode_waiting(&model, &texts);
	free(text);
	free(texts.offsets);
	free(texts.ids);
	free((void *) model.header);
	return fflush(stdout) == 0 ? 0 : 1;
}
