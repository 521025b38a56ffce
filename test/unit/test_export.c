/*
 * Export: what its input makes of pipes and psql's lines, what a directory can
 * and cannot say; export_test.py has whole round trips.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "import/export.h"
#include "import/export_input.h"
#include "import/export_parts.h"

#include <sys/stat.h>

#include "archive_fixture.h"

static const char directory[] = "electra-test-export";

/* Notices of the last export, one a line. */
static char notices[2048];

static void
collect_notice(const char *message)
{
	strcat(notices, message);
	strcat(notices, "\n");
}

/* Bytes as psql prints them in pieces of a size; the result is malloc'd. */
static char *
psql_lines(const char *bytes, size_t size, size_t piece, size_t *length)
{
	char	   *text = malloc(size * 2 + (size / piece + 1) * 3 + 1);
	char	   *to = text;

	for (size_t i = 0; i < size; i++)
	{
		if (i % piece == 0)
			to += sprintf(to, "%s\\x", i > 0 ? "\n" : "");
		to += sprintf(to, "%02x", (unsigned) (unsigned char) bytes[i]);
	}
	to += sprintf(to, "\n");
	*length = (size_t) (to - text);
	return text;
}

/* Reads size bytes in parts of a size; the status of the first failure, or of the end. */
static electra_status
read_all(const char *content, size_t content_size, char *found, size_t size, size_t part, electra_error *error)
{
	static export_input input;
	char	   *path = temporary_file(content, content_size);
	electra_status status = export_input_open(&input, path, error);

	for (size_t done = 0; status == ELECTRA_OK && done < size; done += part)
		status = export_input_read(&input, found + done, part < size - done ? part : size - done, error);
	if (status == ELECTRA_OK)
		status = export_input_end(&input, error);
	export_input_close(&input);
	unlink(path);
	free(path);
	return status;
}

/* Lines and blocks end wherever they will: each way gives the same bytes. */
static void
test_lines(void **state)
{
	static const size_t pieces[] = {1, 31, 32766, 32767, 32768, 100000};
	const size_t size = 100000;
	char	   *bytes = malloc(size);
	char	   *found = malloc(size);
	electra_error error;

	(void) state;
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char) (i * 7 + i / 251);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
	{
		size_t		length;
		char	   *text = psql_lines(bytes, size, pieces[i], &length);

		for (size_t part = 8; part <= size; part = part * 37 + 1)
		{
			memset(found, 0, size);
			assert_int_equal(read_all(text, length, found, size, part, &error), ELECTRA_OK);
			assert_memory_equal(found, bytes, size);
		}
		assert_int_equal(read_all(text, length, found, size - 1, size, &error), ELECTRA_CORRUPT);
		assert_non_null(strstr(error.message, "goes on behind its end"));
		assert_int_equal(read_all(text, length - 2, found, size, size, &error), ELECTRA_CORRUPT);
		assert_non_null(strstr(error.message, "ends too early"));
		free(text);
	}
	assert_int_equal(read_all(bytes, size, found, size, 1000, &error), ELECTRA_OK);
	assert_memory_equal(found, bytes, size);
	free(bytes);
	free(found);
}

static void
test_wrong_lines(void **state)
{
	static const struct
	{
		const char *text;
		const char *message;
	}			cases[] = {
		{"\\x00\\x00\n", "line 1 of the file is not"},
		{"\\x00\n\n00\n", "line 2 of the file is not"},
		{"\\x00\n00\n", "line 2 of the file is not"},
		{"\\x000\n", "line 1 of the file is not"},
		{"\\x0g", "line 1 of the file is not"},
		{"\\x0", "ends too early"},
		{"\\x00\n\\", "ends too early"},
		{"\\x00\n\\x", "ends too early"},
		{"\\x00 00", "line 1 of the file is not"},
	};
	char		found[2];
	electra_error error;

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		assert_int_equal(read_all(cases[i].text, strlen(cases[i].text), found, 2, 2, &error), ELECTRA_CORRUPT);
		assert_non_null(strstr(error.message, cases[i].message));
	}
}

/* Removes an exported directory, whose file README.md it must have. */
static void
remove_directory(void)
{
	static const char *const files[] = {
		"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
		"special_tokens_map.json", "vocab.txt", "modules.json", "sentence_bert_config.json",
		"config_sentence_transformers.json", "1_Pooling/config.json", "2_Dense/config.json",
		"2_Dense/model.safetensors", "1_Pooling", "2_Dense"
	};
	char		path[128];

	snprintf(path, sizeof(path), "%s/README.md", directory);
	assert_int_equal(unlink(path), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
	{
		snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
		if (unlink(path) != 0)
			rmdir(path);
	}
	assert_int_equal(rmdir(directory), 0);
}

/* Is there a file of this name in the exported directory? */
static bool
exported(const char *name)
{
	char		path[128];
	struct stat status;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return stat(path, &status) == 0;
}

/* Writes a source as an archive and exports that; the digests must agree. */
static electra_status
export_source(preset_source *source, electra_error *error)
{
	byte_buffer archive = {NULL, 0, 0};
	uint8_t		expected[ELECTRA_DIGEST_SIZE];
	uint8_t		found[ELECTRA_DIGEST_SIZE];
	electra_status status;
	char	   *path;

	write_archive(source, &archive, expected);
	path = temporary_file(archive.bytes, archive.size);
	notices[0] = '\0';
	status = export_directory(path, directory, collect_notice, found, error);
	if (status == ELECTRA_OK)
		assert_memory_equal(found, expected, ELECTRA_DIGEST_SIZE);
	unlink(path);
	free(path);
	free(archive.bytes);
	preset_source_free(source);
	return status;
}

/* Replaces the texts of the tokenizer by copies of literals. */
static void
set_texts(preset_source *source, const char *vocabulary, size_t vocabulary_size, const char *added, size_t added_size)
{
	free(source->vocabulary);
	free(source->added_tokens);
	source->vocabulary = malloc(vocabulary_size);
	memcpy(source->vocabulary, vocabulary, vocabulary_size);
	source->vocabulary_size = vocabulary_size;
	source->added_tokens = malloc(added_size);
	memcpy(source->added_tokens, added, added_size);
	source->added_tokens_size = added_size;
}

#define SET_TEXTS(source, vocabulary, added) \
	set_texts(source, vocabulary, sizeof(vocabulary), added, sizeof(added))

static void
test_whole(void **state)
{
	static preset_source source;
	electra_error error;

	(void) state;
	fixture_source(&source, 24, 1);
	assert_int_equal(export_source(&source, &error), ELECTRA_OK);
	assert_true(exported("vocab.txt"));
	assert_false(exported("modules.json"));
	assert_non_null(strstr(notices, "has no pooler"));
	remove_directory();

	fixture_source(&source, 24, 1);
	fixture_add_dense(&source, 7, true);
	assert_int_equal(export_source(&source, &error), ELECTRA_OK);
	assert_true(exported("modules.json"));
	assert_true(exported("2_Dense/model.safetensors"));
	remove_directory();

	fixture_source(&source, 24, 1);
	fixture_add_dense(&source, 7, true);
	source.config.modules[1].activation = ELECTRA_GELU_TANH;
	assert_int_equal(export_source(&source, &error), ELECTRA_UNSUPPORTED);
	assert_string_equal(error.message, "a Dense module with the activation gelu_tanh cannot be exported");
	assert_false(exported(""));
}

/* The presets that Hugging Face has no tokenizer for. */
static void
test_tokenizers(void **state)
{
	static preset_source source;
	electra_error error;

	(void) state;
	fixture_source(&source, 24, 1);
	fixture_remove_vocabulary(&source);
	assert_int_equal(export_source(&source, &error), ELECTRA_OK);
	assert_false(exported("tokenizer.json"));
	assert_false(exported("vocab.txt"));
	assert_non_null(strstr(notices, "has no vocabulary"));
	remove_directory();

	fixture_source(&source, 24, 1);
	source.config.tokenizer.pipeline = ELECTRA_TOKENIZER_KERAS;
	assert_int_equal(export_source(&source, &error), ELECTRA_OK);
	assert_true(exported("tokenizer.json"));
	assert_non_null(strstr(notices, "Keras's tokenizer"));
	remove_directory();
}

/* Ids are given out by tokenizers, not by its files; lines cannot end in white space. */
static void
test_added_tokens(void **state)
{
	static preset_source source;
	electra_error error;

	(void) state;
	fixture_source(&source, 24, 1);
	SET_TEXTS(&source, "[PAD]\0[UNK]\0[CLS]\0[SEP]\0[MASK]\0hello\0<a>\0<b>", "1 s [UNK]\0006 o <a>\0007 wlrnso <b>");
	assert_int_equal(export_source(&source, &error), ELECTRA_OK);
	assert_true(exported("vocab.txt"));
	remove_directory();

	fixture_source(&source, 24, 1);
	SET_TEXTS(&source, "[PAD]\0[UNK]\0[CLS]\0[SEP]\0[MASK]\0hello\0\0<b>", "1 s [UNK]\0007 o <b>");
	assert_int_equal(export_source(&source, &error), ELECTRA_UNSUPPORTED);
	assert_string_equal(error.message, "added token 7 cannot be exported");
	assert_string_equal(error.detail, "Hugging Face's tokenizers would give it the id 6.");
	assert_false(exported(""));

	fixture_source(&source, 24, 1);
	SET_TEXTS(&source, "[PAD]\0[UNK]\0[CLS]\0[SEP]\0[MASK]\0hello \0##ing", "1 s [UNK]");
	assert_int_equal(export_source(&source, &error), ELECTRA_OK);
	assert_true(exported("tokenizer.json"));
	assert_false(exported("vocab.txt"));
	remove_directory();

	fixture_source(&source, 24, 1);
	SET_TEXTS(&source, "[PAD]\0\0[CLS]\0[SEP]\0[MASK]\0hello\0##ing", "2 s [CLS]");
	assert_int_equal(export_source(&source, &error), ELECTRA_UNSUPPORTED);
	assert_string_equal(error.message, "a vocabulary without its unknown token (id 1) cannot be exported");
	assert_false(exported(""));
}

/* Only provenance tells BERT from ELECTRA, and only where the shape allows it. */
static void
test_model_type(void **state)
{
	static electra_archive archive;
	static const electra_metadata bert[] = {{"source.model_type", "bert"}};

	(void) state;
	archive.config.hidden_dim = archive.config.embedding_dim = 8;
	assert_false(export_is_bert(&archive));
	archive.metadata = bert;
	archive.num_metadata = 1;
	assert_true(export_is_bert(&archive));
	archive.config.embedding_dim = 4;
	assert_false(export_is_bert(&archive));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_wrong_lines),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_tokenizers),
		cmocka_unit_test(test_added_tokens),
		cmocka_unit_test(test_model_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
