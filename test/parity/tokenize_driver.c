/*
 * Tokenizes or detokenizes what comes on standard input, for
 * tokenizer_parity.py and keras_tokenizer_parity.py: binary both ways, all
 * numbers 32-bit little-endian.
 *
 * tokenize_driver VOCABULARY ADDED OPTIONS MAX_WORD_CHARS UNK_ID [PREFIX] < texts
 *
 * VOCABULARY and ADDED are files with the content of the two tensors of
 * archive.h.  OPTIONS are letters: c clean_text, h tokenize_chinese_chars,
 * l lowercase, s strip_accents, i special_tokens_in_strings; k is the Keras
 * pipeline.  Each text is its size and its bytes, answered by the number of ids
 * and the ids.  With d each list of ids is answered by the text; with t each
 * list of four numbers (1 for a pair, max_length, tokens of A and of B) by the
 * ids of the truncated and joined tokens A 1000, 1001, … and B 2000, 2001, …
 * and, behind all of them, their segments.  PREFIX is "##" unless given.
 */
#include "../unit/tokenizer_fixture.h"

static void
fail(const char *what)
{
	fprintf(stderr, "tokenize_driver: %s\n", what);
	exit(2);
}

static char *
read_whole(const char *path, size_t *size)
{
	FILE	   *file = fopen(path, "rb");
	char	   *bytes = NULL;
	size_t		capacity = 0;
	size_t		got;

	if (file == NULL)
		fail(path);
	*size = 0;
	do
	{
		capacity += 1 << 20;
		bytes = realloc(bytes, capacity);
		if (bytes == NULL)
			fail("out of memory");
		got = fread(bytes + *size, 1, capacity - *size, file);
		*size += got;
	} while (got > 0);
	fclose(file);
	return bytes;
}

/* Reads a counted array of elements; NULL at the end of the input. */
static void *
read_array(size_t width, uint32_t *count)
{
	void	   *elements;

	if (fread(count, sizeof(*count), 1, stdin) != 1)
		return NULL;
	elements = malloc(*count * width + 1);
	if (elements == NULL || fread(elements, width, *count, stdin) != *count)
		fail("the input ends inside an element");
	return elements;
}

static void
write_array(const void *elements, size_t width, uint32_t count)
{
	if (fwrite(&count, sizeof(count), 1, stdout) != 1 || fwrite(elements, width, count, stdout) != count)
		fail("cannot write");
}

static void
tokenize(const electra_model *model, const char *text, uint32_t size)
{
	/* a character is six tokens a byte at most: U+FDFA, one piece a letter */
	size_t		capacity = 6 * (size_t) size + 1;
	electra_tokens tokens = {.ids = malloc(capacity * sizeof(int32_t)), .capacity = (int64_t) capacity};
	electra_error error;

	if (tokens.ids == NULL)
		fail("out of memory");
	if (electra_tokenize(model, text, size, true, &tokens, &electra_malloc_allocator, NULL, &error) != ELECTRA_OK)
		fail(error.message);
	if (tokens.truncated || tokens.need_input)
		fail("tokens are missing");
	write_array(tokens.ids, sizeof(int32_t), (uint32_t) tokens.count);
	free(tokens.ids);
}

static void
detokenize(const electra_model *model, const int32_t *ids, uint32_t count)
{
	electra_error error;
	char	   *text;
	size_t		size;

	if (electra_detokenize(model, ids, count, &text, &size, &electra_malloc_allocator, &error) != ELECTRA_OK)
		fail(error.message);
	write_array(text, 1, (uint32_t) size);
	free(text);
}

static void
truncate_and_join(const electra_tokenizer_config *config, const int32_t *request, uint32_t count)
{
	bool		pair;
	int64_t		a_count;
	int64_t		b_count;
	int32_t		a_ids[64];
	int32_t		b_ids[64];
	int32_t		answer[2 * (64 + 64 + 3)];
	uint8_t		segments[64 + 64 + 3];
	int64_t		joined;

	if (count != 4 || request[2] > 64 || request[3] > 64)
		fail("four numbers are needed, no more than 64 tokens of each text");
	pair = request[0] != 0;
	a_count = request[2];
	b_count = request[3];
	for (int i = 0; i < 64; i++)
	{
		a_ids[i] = 1000 + i;
		b_ids[i] = 2000 + i;
	}
	electra_truncate(config, &a_count, &b_count, pair, request[1]);
	joined = electra_join_tokens(config, a_ids, a_count, pair ? b_ids : NULL, pair ? b_count : 0, answer, segments);
	for (int64_t i = 0; i < joined; i++)
		answer[joined + i] = segments[i];
	write_array(answer, sizeof(*answer), (uint32_t) (2 * joined));
}

int
main(int argc, char **argv)
{
	electra_tokenizer_config config = fixture_config();
	electra_model model;
	electra_error error;
	char	   *vocabulary;
	char	   *added;
	void	   *image;
	size_t		vocabulary_size;
	size_t		added_size;
	uint32_t	count;
	bool		backwards;
	bool		truncating;
	void	   *elements;

	if (argc != 6 && argc != 7)
		fail("usage: tokenize_driver VOCABULARY ADDED OPTIONS MAX_WORD_CHARS UNK_ID [PREFIX]");
	config.pipeline = strchr(argv[3], 'k') != NULL ? ELECTRA_TOKENIZER_KERAS : ELECTRA_TOKENIZER_BERT;
	config.special_tokens_in_strings = strchr(argv[3], 'i') != NULL;
	config.clean_text = strchr(argv[3], 'c') != NULL;
	config.tokenize_chinese_chars = strchr(argv[3], 'h') != NULL;
	config.lowercase = strchr(argv[3], 'l') != NULL;
	config.strip_accents = strchr(argv[3], 's') != NULL;
	config.max_word_chars = atoi(argv[4]);
	config.unk_token_id = atoi(argv[5]);
	backwards = strchr(argv[3], 'd') != NULL;
	truncating = strchr(argv[3], 't') != NULL;
	if (argc == 7)
		snprintf(config.continuing_prefix, sizeof(config.continuing_prefix), "%s", argv[6]);

	vocabulary = read_whole(argv[1], &vocabulary_size);
	added = read_whole(argv[2], &added_size);
	image = fixture_open(&model, &config, vocabulary, vocabulary_size, added, added_size, &error);
	if (image == NULL)
	{
		fprintf(stderr, "%s\n%s\n", error.message, error.detail);
		fail("cannot build the vocabulary");
	}
	while ((elements = read_array(backwards || truncating ? sizeof(int32_t) : 1, &count)) != NULL)
	{
		if (truncating)
			truncate_and_join(&config, elements, count);
		else if (backwards)
			detokenize(&model, elements, count);
		else
			tokenize(&model, elements, count);
		free(elements);
	}
	free(image);
	free(vocabulary);
	free(added);
	return fflush(stdout) == 0 ? 0 : 2;
}
