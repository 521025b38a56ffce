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
	assert_string_equal(arguments.input, "dir");
	assert_string_equal(arguments.output, "file");
	assert_int_equal(arguments.options.pooling_modes, ELECTRA_POOL_CLS | ELECTRA_POOL_MEAN);
	assert_int_equal(arguments.options.normalize, 1);
	assert_int_equal(arguments.options.max_length, 128);
	assert_int_equal(arguments.options.dimensions, 64);
	assert_string_equal(arguments.options.query_prompt, "q:");
	assert_string_equal(arguments.options.document_prompt, "d:");
	assert_int_equal(arguments.options.truncation, ELECTRA_TRUNCATION_ERROR);

	assert_int_equal(parse("--framed dir", &arguments, &error), ELECTRA_OK);
	assert_int_equal(arguments.mode, MODE_FRAMED);
	assert_int_equal(arguments.options.normalize, -1);
	assert_null(arguments.options.query_prompt);

	assert_int_equal(parse("--create --vocabulary v --num-layers 1 --num-heads 2 --hidden-dim 3 --embedding-dim 4 "
						   "--intermediate-dim 5 --max-sequence-length 6 --seed 18446744073709551615 -o f",
						   &arguments, &error), ELECTRA_OK);
	assert_int_equal(arguments.mode, MODE_CREATE);
	assert_int_equal(arguments.shape.num_layers, 1);
	assert_int_equal(arguments.shape.max_sequence_length, 6);
	assert_int_equal(arguments.shape.num_segments, 2);
	assert_true(arguments.seed == UINT64_MAX);

	assert_int_equal(parse("--inspect f", &arguments, &error), ELECTRA_OK);
	assert_int_equal(arguments.mode, MODE_INSPECT);
	assert_int_equal(parse("--help", &arguments, &error), ELECTRA_OK);
	assert_int_equal(arguments.mode, MODE_HELP);
}

static void
test_refused_command_lines(void **state)
{
	static const char *const lines[][2] = {
		{"", "output"}, {"dir", "output"}, {"-o file", "directory"}, {"a b -o file", "too many"},
		{"--inspect", "archive"}, {"--inspect a b", "too many"}, {"--inspect a -o b", "output"},
		{"--bogus dir", "--bogus"}, {"-x dir", "-x"}, {"dir -o", "-o"}, {"dir --output", "--output"},
		{"dir -o f -o g", "twice"}, {"dir --framed", "first"}, {"--framed", "directory"},
		{"--framed dir -o f", "output"}, {"--framed --create dir", "create"},
		{"dir -o f --pooling median", "\"pooling\""}, {"dir -o f --pooling cls,", "\"pooling\""},
		{"dir -o f --pooling cls,cls", "\"pooling\""}, {"dir -o f --normalize maybe", "\"normalize\""},
		{"dir -o f --max-length 0", "\"max-length\""}, {"dir -o f --max-length -3", "\"max-length\""},
		{"dir -o f --max-length 12x", "\"max-length\""}, {"dir -o f --max-length 4294967297", "\"max-length\""},
		{"dir -o f --dimensions 99999999999999999999", "\"dimensions\""},
		{"dir -o f --truncation no", "\"truncation\""}, {"dir -o f --dtype float64", "\"dtype\""},
		{"dir -o f --seed 3", "--seed"}, {"dir -o f --vocabulary v", "--vocabulary"},
		{"--create --vocabulary v -o f", "missing"}, {"--create --seed x", "\"seed\""},
		{"--create --seed -1", "\"seed\""}, {"--create --seed 18446744073709551616", "\"seed\""},
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
	assert_int_equal(parse("dir -o f --dtype int8", &arguments, &error), ELECTRA_UNSUPPORTED);
	assert_true(error.hint[0] != '\0');
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

static const import_options no_options = {.normalize = -1};

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
	electra_config shape;
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
	fixture_shape(&shape, 40);
	assert_int_equal(random_preset_open(&shape, path, 0, &source, &error), ELECTRA_INVALID_SOURCE);
	assert_non_null(strstr(error.message, "[SEP]"));
	unlink(path);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command_line),
		cmocka_unit_test(test_refused_command_lines),
		cmocka_unit_test(test_normalize_and_dimensions),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_vocabulary_file),
		cmocka_unit_test(test_refused_vocabularies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
