/*
 * The importer's command line, load options and vocabulary files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "archive_fixture.h"
#include "import/arguments.h"
#include "import/vocabulary_file.h"

#include <fcntl.h>
#include <locale.h>

#define MAX_ARGUMENTS 32

/* Parses words separated by spaces. */
static electra_status
parse(const char *line, arguments *arguments, electra_error *error)
{
	static char words[1000];
	char	   *argv[MAX_ARGUMENTS + 1] = {"electra-import"};
	int			argc = 1;

	strcpy(words, line);
	for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	return arguments_parse(argc, argv, arguments, error);
}

static void
test_command_line(void **state)
{
	static arguments arguments;
	electra_error error;

	(void) state;
	assert_int_equal(parse("dir -o file --pooling cls,mean --normalize yes --max-length 128 --dimensions 64 "
						   "--query-prompt q: --document-prompt d: --truncation error --dtype float32",
						   &arguments, &error), ELECTRA_OK);
	assert_int_equal(arguments.mode, MODE_IMPORT);
	assert_int_equal(arguments.target, TARGET_FILE);
	assert_string_equal(arguments.input, "dir");
	assert_string_equal(arguments.output, "file");
	assert_int_equal(arguments.options.pooling_modes, ELECTRA_POOL_CLS | ELECTRA_POOL_MEAN);
	assert_int_equal(arguments.options.normalize, 1);
	assert_int_equal(arguments.options.max_length, 128);
	assert_int_equal(arguments.options.dimensions, 64);
	assert_string_equal(arguments.options.query_prompt, "q:");
	assert_string_equal(arguments.options.document_prompt, "d:");
	assert_int_equal(arguments.options.truncation, ELECTRA_TRUNCATION_ERROR);
	assert_true(arguments.options.load_weights);
	assert_false(arguments.options.keep_dtype);

	assert_int_equal(parse("--framed dir --no-weights --seed=7", &arguments, &error), ELECTRA_OK);
	assert_int_equal(arguments.mode, MODE_IMPORT);
	assert_int_equal(arguments.target, TARGET_FRAMES);
	assert_int_equal(arguments.options.normalize, -1);
	assert_null(arguments.options.query_prompt);
	assert_false(arguments.options.load_weights);
	assert_int_equal(arguments.options.seed, 7);

	assert_int_equal(parse("./dir --sql --name n", &arguments, &error), ELECTRA_OK);
	assert_int_equal(arguments.mode, MODE_IMPORT);
	assert_int_equal(arguments.target, TARGET_SQL);
	assert_string_equal(arguments.name, "n");
	assert_int_equal(parse("dir --sql", &arguments, &error), ELECTRA_OK);
	assert_null(arguments.name);

	assert_int_equal(parse("--export new -", &arguments, &error), ELECTRA_OK);
	assert_int_equal(arguments.mode, MODE_EXPORT);
	assert_string_equal(arguments.output, "new");
	assert_string_equal(arguments.input, "-");
	assert_int_equal(parse("--inspect f", &arguments, &error), ELECTRA_OK);
	assert_int_equal(arguments.mode, MODE_INSPECT);
	assert_int_equal(parse("--help", &arguments, &error), ELECTRA_OK);
	assert_int_equal(arguments.mode, MODE_HELP);
}

/* The constructor's arguments and defaults; the values are Keras-Hub's. */
static void
test_create(void **state)
{
	static arguments arguments;
	const electra_config *shape = &arguments.create.shape;
	electra_error error;

	(void) state;
	assert_int_equal(parse("--create --vocabulary v --num-layers 1 --num-heads 2 --hidden-dim 3 --embedding-dim 4 "
						   "--intermediate-dim 5 --max-sequence-length 6 --num-segments 7 --vocab-size 8 "
						   "--dropout 0.25 --dtype bfloat16 --seed 18446744073709551615 -o f",
						   &arguments, &error), ELECTRA_OK);
	assert_int_equal(arguments.mode, MODE_CREATE);
	assert_int_equal(arguments.create.origin, VOCABULARY_FILE);
	assert_string_equal(arguments.create.vocabulary_file, "v");
	assert_int_equal(shape->num_layers, 1);
	assert_int_equal(shape->num_heads, 2);
	assert_int_equal(shape->hidden_dim, 3);
	assert_int_equal(shape->embedding_dim, 4);
	assert_int_equal(shape->intermediate_dim, 5);
	assert_int_equal(shape->max_sequence_length, 6);
	assert_int_equal(shape->num_segments, 7);
	assert_int_equal(shape->vocab_size, 8);
	assert_true(shape->dropout == 0.25);
	assert_int_equal(arguments.options.dtype, ELECTRA_BF16);
	assert_true(arguments.create.seed == UINT64_MAX);

	assert_int_equal(parse("--framed --create --num-layers=1 --num-heads=2 --hidden-dim=32 --intermediate-dim=5 "
						   "--vocab-size=9", &arguments, &error), ELECTRA_OK);
	assert_int_equal(arguments.mode, MODE_CREATE);
	assert_int_equal(arguments.target, TARGET_FRAMES);
	assert_int_equal(arguments.create.origin, VOCABULARY_NONE);
	assert_int_equal(shape->embedding_dim, 32);
	assert_int_equal(shape->max_sequence_length, 512);
	assert_int_equal(shape->num_segments, 2);
	assert_int_equal(shape->activation, ELECTRA_GELU_TANH);
	assert_true(shape->dropout == 0.1);
	assert_true(shape->layer_norm_eps == 1e-12);
	assert_int_equal(arguments.create.seed, 0);

	assert_int_equal(parse("--framed --create --num-layers=1 --num-heads=2 --hidden-dim=32 --intermediate-dim=5 "
						   "--vocabulary-stdin", &arguments, &error), ELECTRA_OK);
	assert_int_equal(arguments.create.origin, VOCABULARY_STDIN);
	assert_int_equal(shape->vocab_size, 0);
}

/* A seed is 64 bits, however SQL or a shell writes them. */
static void
test_seeds(void **state)
{
	static const struct
	{
		const char *line;
		uint64_t	seed;
	}			cases[] = {
		{"d -o f --no-weights --seed 0", 0}, {"d -o f --seed -1 --no-weights", UINT64_MAX},
		{"d -o f --no-weights --seed=-9223372036854775808", UINT64_C(1) << 63},
		{"d -o f --no-weights --seed 9223372036854775808", UINT64_C(1) << 63},
		{"d -o f --no-weights --seed 18446744073709551615", UINT64_MAX},
		{"d -o f --no-weights", 0},
	};
	static arguments arguments;
	electra_error error;

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		assert_int_equal(parse(cases[i].line, &arguments, &error), ELECTRA_OK);
		assert_true(arguments.options.seed == cases[i].seed);
	}
}

#define SHAPE "--num-layers 1 --num-heads 1 --hidden-dim 1 --intermediate-dim 1 "

static void
test_refused_command_lines(void **state)
{
	static const char *const lines[][2] = {
		{"", "directory"}, {"dir", "output"}, {"-o file", "directory"}, {"a b -o file", "too many"},
		{"--inspect", "archive"}, {"--inspect a b", "too many"}, {"--inspect a -o b", "output"},
		{"--bogus dir", "--bogus"}, {"-x dir", "-x"}, {"dir -o", "-o"}, {"dir --output", "--output"},
		{"dir -o f -o g", "twice"}, {"dir --framed", "first"}, {"--framed", "directory"},
		{"--framed dir -o f", "output"}, {"--framed --inspect a", "framed"},
		{"--framed dir --sql", "exclude"}, {"dir --sql -o f", "output"}, {"dir -o f --name n", "--name"},
		{"--sql", "directory"}, {"--create --sql --vocab-size 9 " SHAPE, "--name"},
		{"--export", "--export"}, {"--export d", "archive"}, {"--export d a b", "too many"},
		{"--export d a --sql", "--sql"}, {"--export d a -o f", "--output"}, {"--inspect --export d a", "--export"},
		{"dir -o f --pooling median", "\"pooling\""}, {"dir -o f --pooling cls,", "\"pooling\""},
		{"dir -o f --pooling cls,cls", "\"pooling\""}, {"dir -o f --normalize maybe", "\"normalize\""},
		{"dir -o f --max-length 0", "\"max_length\""}, {"dir -o f --max-length -3", "\"max_length\""},
		{"dir -o f --max-length 12x", "\"max_length\""}, {"dir -o f --max-length 4294967297", "\"max_length\""},
		{"dir -o f --dimensions 99999999999999999999", "\"dimensions\""},
		{"dir -o f --truncation no", "\"truncation\""},
		{"dir -o f --min-cosine 1.5", "\"min_cosine\""}, {"dir -o f --min-cosine -0.5", "\"min_cosine\""},
		{"dir -o f --min-cosine nan", "\"min_cosine\""}, {"dir -o f --min-cosine x", "\"min_cosine\""},
		{"--inspect f --min-cosine 0.5", "--min-cosine"}, {"dir -o f --dtype float64", "\"dtype\""},
		{"dir -o f --seed 3", "seed has no meaning"}, {"dir -o f --vocabulary v", "--vocabulary"},
		{"dir -o f --no-weights --seed x", "\"seed\""}, {"dir -o f --no-weights --seed -", "\"seed\""},
		{"dir -o f --no-weights --seed 18446744073709551616", "\"seed\""},
		{"dir -o f --no-weights --seed -9223372036854775809", "\"seed\""},
		{"dir -o f --no-weights --seed --1", "\"seed\""},
		{"--create --no-weights " SHAPE "--vocab-size 9 -o f", "--no-weights"},
		{"--create " SHAPE "--vocab-size 9", "output"}, {"--create " SHAPE "--vocab-size 9 -o f x", "\"x\""},
		{"--create " SHAPE "--vocab-size 9 -o f --pooling cls", "--pooling"},
		{"--create " SHAPE "--vocabulary v --vocabulary-stdin", "exclude"},
		{"--create " SHAPE "--vocab-size 9 -o f --dtype source", "\"dtype\""},
		{"--create " SHAPE "-o f", "vocab_size is missing"},
		{"--framed --create " SHAPE "--vocabulary v", "--vocabulary"},
	};
	static arguments arguments;
	electra_error error;

	(void) state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
	{
		assert_int_equal(parse(lines[i][0], &arguments, &error), ELECTRA_INVALID_ARGUMENT);
		if (strstr(error.message, lines[i][1]) == NULL)
			fail_msg("%s: %s", lines[i][0], error.message);
	}
}

/* What int8 must keep to: by default not for random weights, which stand for nothing. */
static void
test_int8(void **state)
{
	static arguments arguments;
	electra_error error;

	(void) state;
	assert_int_equal(parse("dir -o f --dtype int8", &arguments, &error), ELECTRA_OK);
	assert_int_equal(arguments.options.dtype, ELECTRA_I8);
	assert_true(arguments.options.min_cosine == 0.999);
	assert_int_equal(parse("dir -o f --dtype int8 --min-cosine 0.75", &arguments, &error), ELECTRA_OK);
	assert_true(arguments.options.min_cosine == 0.75);
	assert_int_equal(parse("--create " SHAPE "--vocab-size 9 -o f --dtype int8", &arguments, &error), ELECTRA_OK);
	assert_int_equal(arguments.options.dtype, ELECTRA_I8);
	assert_true(arguments.options.min_cosine == 0);
	assert_int_equal(parse("--create " SHAPE "--vocab-size 9 -o f --min-cosine 1", &arguments, &error), ELECTRA_OK);
	assert_true(arguments.options.min_cosine == 1);
}

/* What SQL shows is called as SQL and Keras-Hub call it, without a word of the command line. */
static void
test_errors_for_sql(void **state)
{
	static const char *const lines[][2] = {
		{"", "vocab_size is missing"},
		{"--vocabulary-stdin", "num_layers is missing"},
		{"--vocab-size=9 --num-layers=1", "num_heads is missing"},
		{"--vocab-size=9 --num-layers=1 --num-heads=1", "hidden_dim is missing"},
		{"--vocab-size=9 --num-layers=1 --num-heads=1 --hidden-dim=1", "intermediate_dim is missing"},
		{"--vocab-size=0", "invalid value for \"vocab_size\": \"0\""},
		{"--num-layers=-1", "invalid value for \"num_layers\": \"-1\""},
		{"--max-sequence-length=0", "invalid value for \"max_sequence_length\": \"0\""},
		{"--dropout=1", "invalid value for \"dropout\": \"1\""},
		{"--dropout=-0.1", "invalid value for \"dropout\": \"-0.1\""},
		{"--dropout=-0", "invalid value for \"dropout\": \"-0\""},
		{"--dropout=NaN", "invalid value for \"dropout\": \"NaN\""},
		{"--dropout=Infinity", "invalid value for \"dropout\": \"Infinity\""},
		{"--dropout=0,1", "invalid value for \"dropout\": \"0,1\""},
		{"--dropout=0x1p-3", "invalid value for \"dropout\": \"0x1p-3\""},
		{"--dropout=", "invalid value for \"dropout\": \"\""},
	};
	static arguments arguments;
	char		line[300];
	electra_error error;

	(void) state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
	{
		snprintf(line, sizeof(line), "--framed --create %s", lines[i][0]);
		assert_int_equal(parse(line, &arguments, &error), ELECTRA_INVALID_ARGUMENT);
		assert_string_equal(error.message, lines[i][1]);
		assert_null(strstr(error.detail, "--"));
		assert_string_equal(error.hint, "");
	}
}

/* A number has a point in every locale. */
static void
test_dropout_locale(void **state)
{
	static arguments arguments;
	electra_error error;

	(void) state;
	if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL && setlocale(LC_ALL, "fr_FR.UTF-8") == NULL)
		skip();
	assert_int_equal(parse("--create " SHAPE "--vocab-size 9 -o f --dropout 0.25", &arguments, &error), ELECTRA_OK);
	setlocale(LC_ALL, "C");
	assert_true(arguments.create.shape.dropout == 0.25);
}

/* A configuration as a source's own files would make it. */
static void
source_config(electra_config *config, bool dense, bool normalize)
{
	preset_source source;

	fixture_source(&source, 40, 0);
	if (dense)
		fixture_add_dense(&source, 12, true);
	memcpy(config, &source.config, sizeof(*config));
	preset_source_free(&source);
	if (normalize)
	{
		electra_module *module = &config->modules[config->num_modules++];

		module->kind = ELECTRA_MODULE_NORMALIZE;
		module->in_dim = module->out_dim = dense ? 12 : 40;
	}
}

static const import_options no_options = {.normalize = -1, .load_weights = true};

static void
test_normalize_and_dimensions(void **state)
{
	static const struct
	{
		bool		module;		/* the source ends in Normalize */
		int			normalize;
		int32_t		dimensions;
		int			num_modules;	/* expected */
		bool		final;
		int32_t		cut;
	}			cases[] = {
		{false, -1, 0, 1, false, 0}, {false, 0, 0, 1, false, 0}, {false, 1, 0, 1, true, 0},
		{true, -1, 0, 2, false, 0}, {true, 0, 0, 1, false, 0}, {true, 1, 0, 2, false, 0},
		{false, -1, 8, 1, false, 8}, {false, 0, 8, 1, false, 8}, {false, 1, 8, 1, true, 8},
		{true, -1, 8, 2, true, 8}, {true, 0, 8, 1, false, 8}, {true, 1, 8, 2, true, 8},
		{true, -1, 40, 2, false, 0},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		static electra_config config;
		import_options options = no_options;
		electra_error error;

		source_config(&config, false, cases[i].module);
		options.normalize = cases[i].normalize;
		options.dimensions = cases[i].dimensions;
		assert_int_equal(import_options_apply(&options, &config, &error), ELECTRA_OK);
		assert_int_equal(config.num_modules, cases[i].num_modules);
		assert_int_equal(config.normalize, cases[i].final);
		assert_int_equal(config.dimensions, cases[i].cut);
		assert_int_equal(electra_config_dimensions(&config), cases[i].cut > 0 ? cases[i].cut : 40);
	}
}

static void
test_options(void **state)
{
	static electra_config config;
	import_options options = no_options;
	electra_error error;
	static char long_prompt[ELECTRA_MAX_PROMPT + 2];

	(void) state;
	source_config(&config, false, true);
	options.pooling_modes = ELECTRA_POOL_CLS | ELECTRA_POOL_MAX;
	options.max_length = 24;
	options.query_prompt = "query: ";
	options.truncation = ELECTRA_TRUNCATION_ERROR;
	assert_int_equal(import_options_apply(&options, &config, &error), ELECTRA_OK);
	assert_int_equal(electra_config_dimensions(&config), 80);
	assert_int_equal(config.modules[1].in_dim, 80);
	assert_string_equal(config.query_prompt, "query: ");
	assert_true(config.has_query_prompt);
	assert_false(config.has_document_prompt);
	options = no_options;
	options.query_prompt = "";
	assert_int_equal(import_options_apply(&options, &config, &error), ELECTRA_OK);
	assert_false(config.has_query_prompt);
	assert_string_equal(config.query_prompt, "");

	/* another width does not fit a Dense module, other modes of the same width do */
	source_config(&config, true, true);
	options = no_options;
	options.pooling_modes = ELECTRA_POOL_CLS | ELECTRA_POOL_MAX;
	assert_int_equal(import_options_apply(&options, &config, &error), ELECTRA_INVALID_ARGUMENT);
	assert_non_null(strstr(error.message, "Dense module 1"));
	source_config(&config, true, true);
	options.pooling_modes = ELECTRA_POOL_LAST_TOKEN;
	assert_int_equal(import_options_apply(&options, &config, &error), ELECTRA_OK);

	source_config(&config, false, false);
	options = no_options;
	options.dimensions = 41;
	assert_int_equal(import_options_apply(&options, &config, &error), ELECTRA_INVALID_ARGUMENT);
	options = no_options;
	options.max_length = 25;
	assert_int_equal(import_options_apply(&options, &config, &error), ELECTRA_INVALID_ARGUMENT);
	options.max_length = 1;
	assert_int_equal(import_options_apply(&options, &config, &error), ELECTRA_INVALID_ARGUMENT);
	options = no_options;
	memset(long_prompt, 'x', ELECTRA_MAX_PROMPT + 1);
	options.document_prompt = long_prompt;
	assert_int_equal(import_options_apply(&options, &config, &error), ELECTRA_INVALID_ARGUMENT);
}

/* Matrices are stored as asked for, vectors as F32; "source" keeps each as it is. */
static void
test_store(void **state)
{
	preset_source source;
	import_options options = no_options;
	electra_error error;
	int			num_matrices = 0;

	(void) state;
	fixture_source(&source, 24, 0);
	options.dtype = ELECTRA_BF16;
	assert_int_equal(import_options_store(&options, &source, &error), ELECTRA_OK);
	assert_int_equal(source.config.dtype, ELECTRA_BF16);
	for (int i = 0; i < source.num_tensors; i++)
	{
		bool		matrix = source.tensors[i].spec.rank == 2;

		num_matrices += matrix;
		assert_int_equal(source.tensors[i].stored_dtype, matrix ? ELECTRA_BF16 : ELECTRA_F32);
	}
	assert_int_equal(num_matrices, 3 + 1 + 2 * 6 + 1);

	/* int8: all of these, but not the few rows of a head's labels and of token types */
	fixture_add_tensor(&source, "qa_outputs.weight");
	fixture_add_tensor(&source, "discriminator_predictions.dense.weight");
	options.dtype = ELECTRA_I8;
	assert_int_equal(import_options_store(&options, &source, &error), ELECTRA_OK);
	assert_int_equal(source.config.dtype, ELECTRA_I8);
	for (int i = 0; i < source.num_tensors; i++)
	{
		const electra_tensor_spec *spec = &source.tensors[i].spec;
		bool		few = strcmp(spec->name, "qa_outputs.weight") == 0 ||
			strcmp(spec->name, "embeddings.token_type_embeddings.weight") == 0;

		assert_int_equal(source.tensors[i].stored_dtype,
						 spec->rank == 2 && !few ? ELECTRA_I8 : ELECTRA_F32);
	}
	source.num_tensors -= 2;

	options.keep_dtype = true;
	for (int i = 0; i < source.num_tensors; i++)
		source.tensors[i].source_dtype = ELECTRA_F16;
	assert_int_equal(import_options_store(&options, &source, &error), ELECTRA_OK);
	assert_int_equal(source.config.dtype, ELECTRA_F16);
	assert_int_equal(source.tensors[0].stored_dtype, ELECTRA_F16);
	for (int i = 0; i < source.num_tensors; i++)
	{
		if (source.tensors[i].spec.rank == 1)
			source.tensors[i].source_dtype = ELECTRA_BF16;
	}
	assert_int_equal(import_options_store(&options, &source, &error), ELECTRA_OK);
	assert_int_equal(source.config.dtype, ELECTRA_F16);
	for (int i = 0; i < source.num_tensors; i++)
		assert_int_equal(source.tensors[i].stored_dtype, source.tensors[i].source_dtype);
	source.tensors[source.num_tensors - 1].source_dtype = ELECTRA_F64;
	assert_int_equal(import_options_store(&options, &source, &error), ELECTRA_UNSUPPORTED);
	assert_non_null(strstr(error.message, source.tensors[source.num_tensors - 1].spec.name));
	assert_non_null(strstr(error.detail, "F64"));

	/* with a dtype chosen it does not matter */
	options.keep_dtype = false;
	assert_int_equal(import_options_store(&options, &source, &error), ELECTRA_OK);
	preset_source_free(&source);
}

/* Matrices that differ make the preset's dtype F32, whatever they are. */
static void
test_store_mixed(void **state)
{
	preset_source source;
	import_options options = no_options;
	electra_error error;
	bool		first = true;

	(void) state;
	fixture_source(&source, 24, 0);
	options.keep_dtype = true;
	for (int i = 0; i < source.num_tensors; i++)
	{
		if (source.tensors[i].spec.rank != 2)
			continue;
		source.tensors[i].source_dtype = first ? ELECTRA_F16 : ELECTRA_BF16;
		first = false;
	}
	assert_int_equal(import_options_store(&options, &source, &error), ELECTRA_OK);
	assert_int_equal(source.config.dtype, ELECTRA_F32);
	preset_source_free(&source);
}

/*
 * What tokenizers 0.23's WordPiece::read_file makes of this file, seen through
 * AutoTokenizer.from_pretrained(...).get_vocab() of transformers 5.23.
 */
static void
test_vocabulary_file(void **state)
{
	static const char file[] =
		"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhello \nworld\xc2\xa0\na\xe3\x80\x80\nfoo\r\nbar\rbaz\n\n"
		"qux\xe2\x80\xa8zip\nx\xc2\x85\n\xef\xbb\xbfy\nhello\nlast\x0bq\x0c\nend\x1c\n \nz";
	static const char *const expected[] = {
		"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "", "world", "a", "foo", "bar\rbaz", "",
		"qux\xe2\x80\xa8zip", "x", "\xef\xbb\xbfy", "hello", "last\x0bq", "end\x1c", "", "z"
	};
	char	   *path = temporary_file(file, sizeof(file) - 1);
	char	   *vocabulary;
	const char *token;
	size_t		size;
	int32_t		count;
	electra_error error;

	(void) state;
	assert_int_equal(vocabulary_file_read(path, &vocabulary, &size, &count, &error), ELECTRA_OK);
	assert_int_equal(count, (int32_t) (sizeof(expected) / sizeof(expected[0])));
	token = vocabulary;
	for (int32_t id = 0; id < count; id++)
	{
		assert_string_equal(token, expected[id]);
		token += strlen(token) + 1;
	}
	assert_ptr_equal(token, vocabulary + size);
	assert_int_equal(vocabulary_find(vocabulary, size, "hello"), 14);
	assert_int_equal(vocabulary_find(vocabulary, size, "hell"), -1);
	free(vocabulary);
	unlink(path);
	free(path);
}

static void
test_refused_vocabularies(void **state)
{
	char	   *vocabulary;
	size_t		size;
	int32_t		count;
	electra_error error;
	random_preset request = {.origin = VOCABULARY_FILE};
	preset_source source;
	char	   *path;

	(void) state;
	assert_int_equal(vocabulary_file_read("electra-no-such-file", &vocabulary, &size, &count, &error),
					 ELECTRA_NOT_FOUND);
	assert_int_equal(vocabulary_file_parse("v", "", 0, &vocabulary, &size, &count, &error),
					 ELECTRA_INVALID_SOURCE);
	assert_int_equal(vocabulary_file_parse("v", "a\nb\xff\n", 5, &vocabulary, &size, &count, &error),
					 ELECTRA_INVALID_SOURCE);
	assert_non_null(strstr(error.detail, "Line 2"));
	assert_int_equal(vocabulary_file_parse("v", "a\0b\n", 4, &vocabulary, &size, &count, &error),
					 ELECTRA_INVALID_SOURCE);

	path = temporary_file("[PAD]\n[UNK]\n[CLS]\n[MASK]\n", 25);
	fixture_shape(&request.shape, 40);
	request.vocabulary_file = path;
	assert_int_equal(random_preset_open(&request, &source, &error), ELECTRA_INVALID_SOURCE);
	assert_non_null(strstr(error.message, "[SEP]"));
	unlink(path);
	free(path);
}

/* Reads tokens as electra_create_preset sends them. */
static electra_status
read_stream(const char *text, size_t text_size, char **vocabulary, size_t *size, int32_t *count,
			electra_error *error)
{
	char	   *path = temporary_file(text, text_size);
	int			fd = open(path, O_RDONLY);
	electra_status status = vocabulary_stream_read(fd, vocabulary, size, count, error);

	close(fd);
	unlink(path);
	free(path);
	return status;
}

#define READ_STREAM(text) read_stream(text, sizeof(text) - 1, &vocabulary, &size, &count, &error)

static void
test_vocabulary_stream(void **state)
{
	static const char many[3000000] = {0};	/* more than one buffer */
	static const char tokens[] = "[PAD]\0hello\0\0 x\n\0\xc3\xa4\0";
	char	   *vocabulary;
	size_t		size;
	int32_t		count;
	electra_error error;

	(void) state;
	assert_int_equal(READ_STREAM(tokens), ELECTRA_OK);
	assert_int_equal(count, 5);
	assert_int_equal(size, sizeof(tokens) - 1);
	assert_memory_equal(vocabulary, tokens, size);
	free(vocabulary);
	assert_int_equal(read_stream(many, sizeof(many), &vocabulary, &size, &count, &error), ELECTRA_OK);
	assert_int_equal(count, sizeof(many));
	free(vocabulary);

	assert_int_equal(READ_STREAM(""), ELECTRA_INVALID_ARGUMENT);
	assert_string_equal(error.message, "vocabulary is empty");
	assert_int_equal(READ_STREAM("a\0b"), ELECTRA_INVALID_ARGUMENT);
	assert_int_equal(READ_STREAM("a\0b\xff\0"), ELECTRA_INVALID_ARGUMENT);
	assert_non_null(strstr(error.detail, "id 1"));
	assert_int_equal(READ_STREAM("a\0b\0\0\0a\0"), ELECTRA_INVALID_ARGUMENT);
	assert_string_equal(error.message, "vocabulary has the token \"a\" twice");
	assert_non_null(strstr(error.detail, "0 and 4"));
	assert_int_equal(vocabulary_stream_read(-1, &vocabulary, &size, &count, &error), ELECTRA_IO_ERROR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command_line),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_refused_command_lines),
		cmocka_unit_test(test_errors_for_sql),
		cmocka_unit_test(test_dropout_locale),
		cmocka_unit_test(test_normalize_and_dimensions),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_int8),
		cmocka_unit_test(test_store_mixed),
		cmocka_unit_test(test_vocabulary_file),
		cmocka_unit_test(test_refused_vocabularies),
		cmocka_unit_test(test_vocabulary_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
