/*
 * Tokenizes or detokenizes what comes on standard input, for
 * tokenizer_parity.py: binary both ways, all numbers 32-bit little-endian.
 *
 * tokenize_driver VOCABULARY ADDED OPTIONS MAX_WORD_CHARS UNK_ID < texts
 *
 * VOCABULARY and ADDED are files with the content of the two tensors of
 * archive.h.  OPTIONS are letters: c clean_text, h tokenize_chinese_chars,
 * l lowercase, s strip_accents; d turns round.  Each text is its size and its
 * bytes, answered by the number of ids and the ids; with d each list of ids is
 * answered by the text.
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
	/* a character is three tokens at most: a Hangul syllable, one piece a jamo */
	size_t		capacity = 3 * (size_t) size + 1;
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
	void	   *elements;

	if (argc != 6)
		fail("usage: tokenize_driver VOCABULARY ADDED OPTIONS MAX_WORD_CHARS UNK_ID");
	config.clean_text = strchr(argv[3], 'c') != NULL;
	config.tokenize_chinese_chars = strchr(argv[3], 'h') != NULL;
	config.lowercase = strchr(argv[3], 'l') != NULL;
	config.strip_accents = strchr(argv[3], 's') != NULL;
	config.max_word_chars = atoi(argv[4]);
	config.unk_token_id = atoi(argv[5]);
	backwards = strchr(argv[3], 'd') != NULL;

	vocabulary = read_whole(argv[1], &vocabulary_size);
	added = read_whole(argv[2], &added_size);
	image = fixture_open(&model, &config, vocabulary, vocabulary_size, added, added_size, &error);
	if (image == NULL)
	{
		fprintf(stderr, "%s\n%s\n", error.message, error.detail);
		fail("cannot build the vocabulary");
	}
	while ((elements = read_array(backwards ? sizeof(int32_t) : 1, &count)) != NULL)
	{
		if (backwards)
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
