/*
 * Speed of the tokenizer on one core.
 *
 *   tokenizer_bench [-k] [-c] [-r ROUNDS] VOCABULARY TEXT
 *
 * VOCABULARY is a vocab.txt (one token a line; -k takes it for Keras's
 * pipeline, -c for a cased one) or an archive, which says all that itself.  Each
 * line of TEXT is one text, empty ones are left out.  Prints one line,
 * tab-separated: pipeline, texts, bytes, tokens, MB/s, tokens/s, microseconds a
 * text, and for the whole file as one text MB/s.  CPU time, minima over the
 * rounds.
 *
 *   tokenizer_bench [-k] [-c] [-r ROUNDS] VOCABULARY
 *
 * prints the size of the vocabulary's section and the time to build it, then
 * for hostile texts of 16 MB each: bytes, tokens, MB/s.
 */
#include <time.h>
#include <unistd.h>

#include "../unit/tokenizer_fixture.h"
#include "core/archive.h"

#define MEGABYTE ((size_t) 1 << 20)
#define HOSTILE_BYTES (16 * MEGABYTE)

typedef struct line
{
	const char *text;
	size_t		size;
} line;

static void
fail(const char *what)
{
	fprintf(stderr, "tokenizer_bench: %s\n", what);
	exit(2);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static void *
allocate(size_t size)
{
	void	   *memory = malloc(size + 1);

	if (memory == NULL)
		fail("out of memory");
	return memory;
}

static char *
read_whole(const char *path, size_t *size)
{
	FILE	   *file = fopen(path, "rb");
	char	   *bytes;
	long		end;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (end = ftell(file)) < 0)
		fail(path);
	rewind(file);
	*size = (size_t) end;
	bytes = allocate(*size);
	if (fread(bytes, 1, *size, file) != *size)
		fail(path);
	fclose(file);
	return bytes;
}

/* What a model is made of. */
typedef struct tensors
{
	electra_tokenizer_config config;
	char	   *vocabulary;
	size_t		vocabulary_size;
	char	   *added;
	size_t		added_size;
} tensors;

/* Where an archive is read from. */
typedef struct memory_stream
{
	const char *bytes;
	size_t		size;
	size_t		at;
} memory_stream;

static electra_status
read_memory(void *context, void *destination, size_t size, electra_error *error)
{
	memory_stream *stream = context;

	if (size > stream->size - stream->at)
		return electra_fail(error, ELECTRA_CORRUPT, "the archive ends too early");
	memcpy(destination, stream->bytes + stream->at, size);
	stream->at += size;
	return ELECTRA_OK;
}

/* A copy of a tensor of an archive, empty where it is absent. */
static char *
copy_tensor(const electra_archive *archive, const char *bytes, const char *name, size_t *size)
{
	const electra_tensor *tensor = electra_archive_tensor(archive, name);
	char	   *copy;

	*size = tensor == NULL ? 0 : (size_t) (tensor->end - tensor->begin);
	copy = allocate(*size);
	if (tensor != NULL)
		memcpy(copy, bytes + archive->data_begin + tensor->begin, *size);
	return copy;
}

static void
take_archive(tensors *t, const char *bytes, size_t size)
{
	memory_stream stream = {bytes, size, 0};
	electra_archive_reader reader;
	electra_error error;

	if (electra_archive_open(&reader, (electra_stream) {read_memory, &stream}, size,
							 &electra_malloc_allocator, &error) != ELECTRA_OK)
		fail(error.message);
	t->config = reader.archive->config.tokenizer;
	t->vocabulary = copy_tensor(reader.archive, bytes, "tokenizer.vocabulary", &t->vocabulary_size);
	t->added = copy_tensor(reader.archive, bytes, "tokenizer.added_tokens", &t->added_size);
	electra_archive_close(&reader);
}

/* Lines of a vocab.txt; the five special tokens are added ones, as transformers has them. */
static void
take_lines(tensors *t, char *bytes, size_t size)
{
	static const char *const special[] = {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"};
	int32_t		id = 0;

	t->vocabulary = bytes;
	t->vocabulary_size = size;
	if (size > 0 && bytes[size - 1] != '\n')
		bytes[t->vocabulary_size++] = '\n';
	t->added = allocate(sizeof(special) / sizeof(special[0]) * 32);
	for (char *token = bytes; token < bytes + t->vocabulary_size; id++)
	{
		char	   *end = memchr(token, '\n', (size_t) (bytes + t->vocabulary_size - token));

		*end = '\0';
		for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		{
			if (strcmp(token, special[i]) != 0)
				continue;
			t->added_size += (size_t) sprintf(t->added + t->added_size, "%d s %s", id, token) + 1;
			if (i == 0)
				t->config.unk_token_id = id;
		}
		token = end + 1;
	}
}

/* Cuts a text at line ends; the count comes back. */
static size_t
cut_lines(const char *text, size_t size, line **lines)
{
	size_t		count = 1;
	size_t		kept = 0;

	for (size_t i = 0; i < size; i++)
		count += text[i] == '\n';
	*lines = allocate(count * sizeof(line));
	for (size_t begin = 0; begin < size;)
	{
		const char *end = memchr(text + begin, '\n', size - begin);
		size_t		length = end == NULL ? size - begin : (size_t) (end - text) - begin;

		if (length > 0)
			(*lines)[kept++] = (line) {text + begin, length};
		begin += length + 1;
	}
	return kept;
}

/* Tokenizes all lines; returns the number of tokens. */
static int64_t
tokenize_lines(const electra_model *model, const line *lines, size_t count, int32_t *ids, int64_t capacity)
{
	int64_t		sum = 0;

	for (size_t i = 0; i < count; i++)
	{
		electra_tokens tokens = {.ids = ids, .capacity = capacity};
		electra_error error;

		if (electra_tokenize(model, lines[i].text, lines[i].size, true, &tokens, &electra_malloc_allocator,
							 NULL, &error) != ELECTRA_OK)
			fail(error.message);
		sum += tokens.count;
	}
	return sum;
}

/* The least seconds of the rounds. */
static double
measure(const electra_model *model, const line *lines, size_t count, int32_t *ids, int64_t capacity,
		int rounds, int64_t *num_tokens)
{
	double		best = 1e9;

	for (int r = 0; r < rounds; r++)
	{
		double		start = now();
		double		taken;

		*num_tokens = tokenize_lines(model, lines, count, ids, capacity);
		taken = now() - start;
		best = taken < best ? taken : best;
	}
	return best;
}

static void
measure_text(const electra_model *model, const tensors *t, const char *path, int rounds)
{
	size_t		size;
	char	   *text = read_whole(path, &size);
	line		whole = {text, size};
	line	   *lines;
	size_t		count = cut_lines(text, size, &lines);
	/* six tokens a byte at most: U+FDFA, one piece a letter */
	int64_t		capacity = 6 * (int64_t) size + 1;
	int32_t    *ids = allocate((size_t) capacity * sizeof(int32_t));
	size_t		bytes = 0;
	int64_t		num_tokens;
	int64_t		whole_tokens;
	double		seconds = measure(model, lines, count, ids, capacity, rounds, &num_tokens);
	double		whole_seconds = measure(model, &whole, 1, ids, capacity, rounds, &whole_tokens);

	for (size_t i = 0; i < count; i++)
		bytes += lines[i].size;
	printf("pipeline\ttexts\tbytes\ttokens\tMB/s\ttokens/s\tus/text\tMB/s as one text\n");
	printf("%s\t%zu\t%zu\t%lld\t%.1f\t%.3g\t%.3f\t%.1f\n",
		   t->config.pipeline == ELECTRA_TOKENIZER_KERAS ? "keras" : "bert", count, bytes, (long long) num_tokens,
		   (double) bytes / seconds * 1e-6, (double) num_tokens / seconds, seconds / (double) count * 1e6,
		   (double) size / whole_seconds * 1e-6);
	free(ids);
	free(lines);
	free(text);
}

static void
measure_build(const tensors *t, int rounds)
{
	double		best = 1e9;
	size_t		size = 0;

	for (int r = 0; r < rounds; r++)
	{
		electra_error error;
		double		start = now();
		double		taken;
		void	   *section;

		if (electra_vocabulary_build(&t->config, fixture_count_tokens(t->vocabulary, t->vocabulary_size),
									 t->vocabulary, t->vocabulary_size, t->added, t->added_size,
									 &electra_malloc_allocator, &section, &size, &error) != ELECTRA_OK)
			fail(error.message);
		taken = now() - start;
		best = taken < best ? taken : best;
		free(section);
	}
	printf("section of the image: %zu bytes, built in %.1f ms\n", size, best * 1e3);
}

static void
measure_hostile(const electra_model *model, int rounds)
{
	static const struct
	{
		const char *name;
		const char *unit;
		size_t		period;		/* a space every so many units; 0: never */
	}			texts[] = {
		{"one word: a", "a", 0}, {"one word: \xc3\xa9", "\xc3\xa9", 0}, {"one word: \xd0\xb6", "\xd0\xb6", 0},
		{"one word: \xe0\xb8\x81", "\xe0\xb8\x81", 0}, {"one word: \xed\x95\x9c", "\xed\x95\x9c", 0},
		{"white space", " ", 0}, {"a\xc3\x97" "100", "a", 100}, {"a\xc3\x97" "101", "a", 101},
		{"unknown words", "q\xc6\x8d", 8}, {"zzzzzzzz", "z", 8}, {"accents", "\xcc\x81", 0},
		{"e and accents", "e\xcc\x81", 12}, {"punctuation", "#", 0}, {"[MASK", "[MASK", 0},
		{"soft hyphens", "\xc2\xad", 0}, {"spacing marks", "\xe3\x80\xae\xf0\x9d\x85\xa5", 0},
		{"\xe4\xb8\xad", "\xe4\xb8\xad", 0}
	};
	char	   *text = allocate(HOSTILE_BYTES + 16);
	int32_t    *ids = allocate(HOSTILE_BYTES * sizeof(int32_t));

	printf("text\tbytes\ttokens\tMB/s\n");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		line		whole = {text, 0};
		int64_t		num_tokens;
		double		seconds;

		for (size_t unit = 1; whole.size < HOSTILE_BYTES; unit++)
		{
			memcpy(text + whole.size, texts[i].unit, strlen(texts[i].unit));
			whole.size += strlen(texts[i].unit);
			if (texts[i].period > 0 && unit % texts[i].period == 0)
				text[whole.size++] = ' ';
		}
		seconds = measure(model, &whole, 1, ids, (int64_t) HOSTILE_BYTES, rounds, &num_tokens);
		printf("%s\t%zu\t%lld\t%.1f\n", texts[i].name, whole.size, (long long) num_tokens,
			   (double) whole.size / seconds * 1e-6);
	}
	free(ids);
	free(text);
}

int
main(int argc, char **argv)
{
	tensors		t = {.config = fixture_config()};
	electra_model model;
	electra_error error;
	int			rounds = 7;
	int			option;
	size_t		size;
	char	   *bytes;
	void	   *image;

	while ((option = getopt(argc, argv, "kcr:")) != -1)
	{
		if (option == 'k')
		{
			t.config.pipeline = ELECTRA_TOKENIZER_KERAS;
			t.config.strip_accents = false;
		}
		else if (option == 'c')
			t.config.lowercase = t.config.strip_accents = false;
		else if (option != 'r' || (rounds = atoi(optarg)) < 1)
			fail("usage: tokenizer_bench [-k] [-c] [-r ROUNDS] VOCABULARY [TEXT]");
	}
	if (argc - optind != 1 && argc - optind != 2)
		fail("usage: tokenizer_bench [-k] [-c] [-r ROUNDS] VOCABULARY [TEXT]");
	bytes = read_whole(argv[optind], &size);
	if (size > 8 && bytes[8] == '{')
	{
		take_archive(&t, bytes, size);
		free(bytes);
	}
	else
		take_lines(&t, bytes, size);
	image = fixture_open(&model, &t.config, t.vocabulary, t.vocabulary_size, t.added, t.added_size, &error);
	if (image == NULL)
		fail(error.message);
	if (argc - optind == 2)
		measure_text(&model, &t, argv[optind + 1], rounds);
	else
	{
		measure_build(&t, rounds);
		measure_hostile(&model, rounds);
	}
	free(image);
	free(t.vocabulary);
	free(t.added);
	return 0;
}
