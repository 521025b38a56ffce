/*
 * The strict reader: what it accepts, and that it refuses everything else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/canonical_json.h"
#include "archive_fixture.h"

/* Opens and closes; the error is left to look at. */
static electra_status
open_status(byte_buffer *archive, electra_error *error)
{
	electra_archive_reader reader;
	electra_status status;

	status = electra_archive_open(&reader, buffer_stream(archive), archive->size,
								  &electra_malloc_allocator, error);
	electra_archive_close(&reader);
	return status;
}

static void
make_archive(byte_buffer *archive, int32_t embedding_dim)
{
	preset_source source;

	memset(archive, 0, sizeof(*archive));
	fixture_source(&source, embedding_dim, 3);
	write_archive(&source, archive, NULL);
	preset_source_free(&source);
}

static void
test_accepted(void **state)
{
	electra_archive_reader reader;
	byte_buffer archive;
	electra_error error;
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	uint8_t		expected[ELECTRA_DIGEST_SIZE];
	electra_sha256 sha;
	char	   *data;

	(void) state;
	make_archive(&archive, 24);
	assert_int_equal(electra_archive_open(&reader, buffer_stream(&archive), archive.size,
										  &electra_malloc_allocator, &error), ELECTRA_OK);
	assert_int_equal(reader.archive->size, archive.size);
	assert_int_equal(reader.archive->data_begin % ELECTRA_ARCHIVE_ALIGNMENT, 0);
	assert_int_equal(reader.archive->config.embedding_dim, 24);
	assert_string_equal(electra_archive_metadata(reader.archive, "source.seed"), "3");
	assert_null(electra_archive_metadata(reader.archive, "source.none"));
	for (int i = 0; i < reader.archive->num_tensors; i++)
	{
		const electra_tensor *tensor = &reader.archive->tensors[i];

		assert_ptr_equal(electra_archive_tensor(reader.archive, tensor->name), tensor);
	}
	assert_null(electra_archive_tensor(reader.archive, "qa_outputs.weight"));

	/* the digest only at the end, and nothing behind it */
	assert_int_equal(electra_archive_digest(&reader, digest, &error), ELECTRA_CORRUPT);
	data = malloc(archive.size);
	assert_int_equal(electra_archive_read(&reader, data, archive.size, &error), ELECTRA_CORRUPT);
	assert_int_equal(electra_archive_read(&reader, data, archive.size - reader.archive->data_begin, &error),
					 ELECTRA_OK);
	assert_int_equal(electra_archive_read(&reader, data, 1, &error), ELECTRA_CORRUPT);
	assert_int_equal(electra_archive_digest(&reader, digest, &error), ELECTRA_OK);
	electra_sha256_init(&sha);
	electra_sha256_update(&sha, archive.bytes, archive.size);
	electra_sha256_final(&sha, expected);
	assert_memory_equal(digest, expected, sizeof(digest));
	electra_archive_close(&reader);
	free(data);
	free(archive.bytes);
}

/* Wherever the header is cut off, the stream's own error comes back. */
static void
test_truncated(void **state)
{
	byte_buffer archive;
	size_t		whole;
	size_t		data_begin;
	electra_error error;

	(void) state;
	make_archive(&archive, 40);
	whole = archive.size;
	data_begin = 8 + (size_t) ((unsigned char) archive.bytes[0] | (unsigned char) archive.bytes[1] << 8);
	for (size_t size = 0; size < data_begin; size++)
	{
		archive.size = size;
		assert_int_equal(open_status(&archive, &error), ELECTRA_IO_ERROR);
	}

	/* data that is claimed but not there */
	archive.size = whole - 1;
	assert_int_equal(open_status(&archive, &error), ELECTRA_CORRUPT);
	free(archive.bytes);
}

/* The header's text with one occurrence of a part replaced, aligned again as the writer does it. */
static void
edit_header(const byte_buffer *archive, const char *old, const char *replacement, byte_buffer *edited)
{
	size_t		header_size = (size_t) ((unsigned char) archive->bytes[0] | (unsigned char) archive->bytes[1] << 8);
	char	   *header = strndup(archive->bytes + 8, header_size);
	char	   *found = strstr(header, old);
	size_t		end = header_size;
	size_t		size;
	char		size_bytes[8] = {0};

	assert_non_null(found);
	while (header[end - 1] == ' ')
		end--;
	memset(edited, 0, sizeof(*edited));
	buffer_append(edited, size_bytes, 8, NULL);
	buffer_append(edited, header, (size_t) (found - header), NULL);
	buffer_append(edited, replacement, strlen(replacement), NULL);
	buffer_append(edited, found + strlen(old), (size_t) (header + end - found) - strlen(old), NULL);
	while (edited->size % ELECTRA_ARCHIVE_ALIGNMENT != 0)
		buffer_append(edited, " ", 1, NULL);
	size = edited->size - 8;
	edited->bytes[0] = (char) (size & 0xff);
	edited->bytes[1] = (char) (size >> 8 & 0xff);
	edited->bytes[2] = (char) (size >> 16 & 0xff);
	buffer_append(edited, archive->bytes + 8 + header_size, archive->size - 8 - header_size, NULL);
	free(header);
}

/* An archive of electra 0.1.0 lacks three keys: all of them, or it is damaged. */
static void
test_first_version(void **state)
{
	static const char *const keys[] = {
		"\"config.dropout\":\"0.1\",", "\"config.has_pooler\":\"true\",",
		"\"tokenizer.special_tokens_in_strings\":\"false\","
	};
	byte_buffer archive;
	electra_archive_reader reader;
	electra_error error;

	(void) state;
	make_archive(&archive, 24);
	for (int i = 0; i < 3; i++)
	{
		byte_buffer edited;

		edit_header(&archive, keys[i], "", &edited);
		free(archive.bytes);
		archive = edited;
		if (i < 2)
		{
			assert_int_equal(open_status(&archive, &error), ELECTRA_CORRUPT);
			assert_non_null(strstr(error.message, "lacks metadata"));
		}
	}
	assert_int_equal(electra_archive_open(&reader, buffer_stream(&archive), archive.size,
										  &electra_malloc_allocator, &error), ELECTRA_OK);
	assert_true(reader.archive->config.has_pooler);
	assert_true(reader.archive->config.dropout == 0);
	assert_false(reader.archive->config.tokenizer.special_tokens_in_strings);
	electra_archive_close(&reader);
	free(archive.bytes);
}

typedef struct header_edit
{
	const char *old;
	const char *replacement;
	const char *word;			/* in message or detail */
} header_edit;

static void
test_refused_headers(void **state)
{
	static const header_edit edits[] = {
		/* not canonical */
		{"{\"__metadata__\"", " {\"__metadata__\"", "canonical"},
		{"{\"__metadata__\":{", "{\"__metadata__\": {", "canonical"},
		{"\":\"1\",\"electra.n", "\": \"1\",\"electra.n", "canonical"},
		{"\"config.dtype\"", "\"config.\\u0064type\"", "canonical"},
		{"\"config.dtype\"", "\"config.d\\/type\"", "canonical"},
		{"\"source.seed\":\"3\"", "\"source.seed\":\"\\u000A\"", "canonical"},
		{"\"source.seed\":\"3\"", "\"source.seed\":\"\\u000a\"", "canonical"},
		{"\"source.seed\":\"3\"", "\"source.seed\":\"\\u0000\"", "canonical"},
		{"\"source.seed\":\"3\"", "\"source.seed\":\"\t\"", "canonical"},
		{"\"source.seed\":\"3\"", "\"source.seed\":\"\xff\"", "canonical"},
		{"\"source.seed\":\"3\"", "\"source.seed\":\"\xc0\x80\"", "canonical"},
		{"\"source.seed\":\"3\"", "\"source.seed\":\"\xed\xa0\x80\"", "canonical"},
		{"\"source.seed\":\"3\"", "\"source.seed\":3", "canonical"},
		{"\"source.seed\":\"3\"", "\"source.seed\":\"3\",\"source.seed\":\"3\"", "order"},
		{"\"source.seed\":\"3\"", "\"a\":\"3\"", "order"},
		{"\"shape\":[24]", "\"shape\":[024]", "canonical"},
		{"\"shape\":[24]", "\"shape\":[+24]", "canonical"},
		{"\"shape\":[24]", "\"shape\":[-24]", "canonical"},
		{"\"shape\":[24]", "\"shape\":[24.0]", "canonical"},
		{"\"shape\":[24]", "\"shape\":[24,]", "canonical"},
		{"\"shape\":[24]", "\"shape\":[1,1,24]", "canonical"},
		{"\"shape\":[24]", "\"shape\":[99999999999999999999]", "canonical"},
		{"{\"dtype\":\"F32\",\"shape\":[24],", "{\"shape\":[24],\"dtype\":\"F32\",", "canonical"},
		{"\"dtype\":\"F32\"", "\"dtype\":\"F33\"", "canonical"},
		{"\"dtype\":\"F32\"", "\"dtype\":\"F64\"", "canonical"},
		/* places */
		{"\"data_offsets\":[0,96]", "\"data_offsets\":[0,100]", "misplaced"},
		{"\"data_offsets\":[0,96]", "\"data_offsets\":[4,100]", "misplaced"},
		{"\"data_offsets\":[0,96]", "\"data_offsets\":[96,0]", "misplaced"},
		{"\"shape\":[24]", "\"shape\":[25]", "misplaced"},
		{"\"shape\":[24]", "\"shape\":[4611686018427387904,4]", "misplaced"},
		{"\"shape\":[24]", "\"shape\":[9223372036854775807,9223372036854775807]", "misplaced"},
		{"\"embeddings.LayerNorm.bias\"", "\"embeddings.LayerNorm.x\"", "order"},
		{"\"embeddings.LayerNorm.weight\"", "\"embeddings.LayerNorm.bias\"", "order"},
		/* names, shapes and types */
		{"\"embeddings.LayerNorm.bias\"", "\"embeddings.LayerNorm.beta\"", "embeddings.LayerNorm.beta"},
		{"\"pooler.dense.weight\"", "\"pooler.dense.weighty\"", "pooler.dense.weighty"},
		{"\"pooler.dense.weight\"", "\"pooler.dense.weigh\\\"\"", "unknown"},
		{"encoder.layer.1.output.dense.weight", "encoder.layer.2.output.dense.weight", "encoder.layer.2"},
		{"encoder.layer.1.output.dense.weight", "encoder.layer.1.output.dense.weights", "unknown"},
		{"encoder.layer.0.attention.output.LayerNorm.bias", "encoder.layer.00.attention.output.LayerNorm.bias", "00"},
		{"\"shape\":[24]", "\"shape\":[2,12]", "shape"},
		{"\"shape\":[24]", "\"shape\":[24,1]", "shape"},
		{"\"tokenizer.added_tokens\"", "\"tokenizer.added_tokenx\"", "unknown"},
		{"\"tokenizer.added_tokens\"", "\"qa_outputs.bias\"", "qa_outputs.bias"},
		{"\"tokenizer.added_tokens\"", "\"pooler.dense.bias\"", "pooler.dense.bias"},
		{"\"tokenizer.vocabulary\":{\"dtype\":\"U8\"", "\"tokenizer.vocabulary\":{\"dtype\":\"I8\"", "Expected U8"},
		{"\"tokenizer.added_tokens\":{\"dtype\":\"U8\"", "\"classifier.bias\":{\"dtype\":\"U8\"", "Expected F32, F16 or BF16"},
		{"\"tokenizer.added_tokens\":{\"dtype\":\"U8\"", "\"classifier.bias\":{\"dtype\":\"I8\"", "Expected F32, F16 or BF16"},
		/* configuration */
		{"\"config.dtype\":\"F32\"", "\"config.dtype\":\"F16\"", "config.dtype"},
		{"\"config.dtype\":\"F32\"", "\"config.dtype\":\"BF16\"", "config.dtype"},
		{"\"config.has_pooler\":\"true\"", "\"config.has_pooler\":\"false\"", "unknown tensor \"pooler.dense.bias\""},
		{"\"tokenizer.pipeline\":\"bert\"", "\"tokenizer.pipeline\":\"none\"", "_token_id"},
		{"\"config.dropout\":\"0.1\"", "\"config.dropout\":\"1\"", "dropout"},
		{"\"config.num_layers\":\"2\"", "\"config.num_layers\":\"1\"", "encoder.layer.1"},
		{"\"config.num_layers\":\"2\"", "\"config.num_layers\":\"3\"", "lacks tensor \"encoder.layer.2"},
		{"\"config.embedding_dim\":\"24\"", "\"config.embedding_dim\":\"40\"", "shape"},
		{"\"config.num_heads\":\"4\"", "\"config.num_heads\":\"3\"", "num_heads"},
		{"\"config.vocab_size\":\"8\"", "\"config.vocab_size\":\"0\"", "vocab_size"},
		{"\"config.vocab_size\":\"8\",", "", "vocab_size"},
	};
	byte_buffer archive;

	(void) state;
	make_archive(&archive, 24);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
	{
		byte_buffer edited;
		electra_error error;
		electra_status status;

		edit_header(&archive, edits[i].old, edits[i].replacement, &edited);
		status = open_status(&edited, &error);
		if (status != ELECTRA_CORRUPT ||
			(strstr(error.message, edits[i].word) == NULL && strstr(error.detail, edits[i].word) == NULL))
			fail_msg("edit %zu (%s): status %d, %s, %s", i, edits[i].replacement, (int) status,
					 error.message, error.detail);
		free(edited.bytes);
	}
	free(archive.bytes);
}

/* A header of the wrong size, or with other padding than the least. */
static void
test_header_size(void **state)
{
	byte_buffer archive;
	byte_buffer edited;
	electra_error error;
	size_t		header_size;

	(void) state;
	make_archive(&archive, 24);
	header_size = (size_t) ((unsigned char) archive.bytes[0] | (unsigned char) archive.bytes[1] << 8);

	/* 64 spaces more */
	memset(&edited, 0, sizeof(edited));
	buffer_append(&edited, archive.bytes, 8 + header_size, NULL);
	for (int i = 0; i < ELECTRA_ARCHIVE_ALIGNMENT; i++)
		buffer_append(&edited, " ", 1, NULL);
	buffer_append(&edited, archive.bytes + 8 + header_size, archive.size - 8 - header_size, NULL);
	header_size += ELECTRA_ARCHIVE_ALIGNMENT;
	edited.bytes[0] = (char) (header_size & 0xff);
	edited.bytes[1] = (char) (header_size >> 8);
	assert_int_equal(open_status(&edited, &error), ELECTRA_CORRUPT);
	free(edited.bytes);

	/* sizes that are not aligned, too large, absurd */
	archive.bytes[0]++;
	assert_int_equal(open_status(&archive, &error), ELECTRA_CORRUPT);
	archive.bytes[0]--;
	archive.bytes[3]++;
	assert_int_equal(open_status(&archive, &error), ELECTRA_CORRUPT);
	memset(archive.bytes, 0xff, 8);
	assert_int_equal(open_status(&archive, &error), ELECTRA_CORRUPT);
	memset(archive.bytes, 0, 8);
	assert_int_equal(open_status(&archive, &error), ELECTRA_CORRUPT);
	free(archive.bytes);
}

/* Writes and opens; the writer itself reads its header with the strict reader. */
static electra_status
source_status(const preset_source *source, electra_dtype config_dtype, electra_error *error)
{
	preset_source copy = *source;
	byte_buffer archive = {0};
	const archive_output output = {buffer_append, NULL, NULL, &archive};
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	electra_status status;

	copy.config.dtype = config_dtype;
	status = archive_write(&copy, &output, digest, NULL, error);
	if (status == ELECTRA_OK)
		status = open_status(&archive, error);
	free(archive.bytes);
	return status;
}

/* config.dtype is what the matrices have, F32 where they differ; the order is by element size. */
static void
test_dtypes(void **state)
{
	static const electra_dtype dtypes[] = {ELECTRA_F32, ELECTRA_F16, ELECTRA_BF16};
	preset_source source;
	byte_buffer archive = {0};
	electra_archive_reader reader;
	electra_error error;

	(void) state;
	fixture_source(&source, 24, 3);
	for (int matrices = 0; matrices < 3; matrices++)
		for (int vectors = 0; vectors < 3; vectors++)
			for (int config = 0; config < 3; config++)
			{
				fixture_store(&source, dtypes[matrices], dtypes[vectors]);
				assert_int_equal(source_status(&source, dtypes[config], &error),
								 config == matrices ? ELECTRA_OK : ELECTRA_INVALID_SOURCE);
				if (config != matrices)
					assert_string_equal(error.message, "preset archive has a wrong \"config.dtype\"");
			}

	/* every tensor another one */
	for (int i = 0; i < source.num_tensors; i++)
		source.tensors[i].stored_dtype = dtypes[i % 3];
	assert_int_equal(source_status(&source, ELECTRA_F16, &error), ELECTRA_INVALID_SOURCE);
	assert_int_equal(source_status(&source, ELECTRA_BF16, &error), ELECTRA_INVALID_SOURCE);
	source.config.dtype = ELECTRA_F32;
	write_archive(&source, &archive, NULL);
	assert_int_equal(electra_archive_open(&reader, buffer_stream(&archive), archive.size,
										  &electra_malloc_allocator, &error), ELECTRA_OK);
	for (int i = 0; i < reader.archive->num_tensors; i++)
	{
		const electra_tensor *tensor = &reader.archive->tensors[i];

		assert_ptr_equal(electra_archive_tensor(reader.archive, tensor->name), tensor);
		if (i > 0)
			assert_true(electra_dtype_size(tensor[-1].dtype) >= electra_dtype_size(tensor->dtype));
	}
	electra_archive_close(&reader);
	free(archive.bytes);
	preset_source_free(&source);
}

/* The header of an int8 archive with one change, opened. */
static electra_status
int8_status(const byte_buffer *archive, const char *from, const char *to, electra_error *error)
{
	byte_buffer edited;
	electra_status status;

	edit_header(archive, from, to, &edited);
	status = open_status(&edited, error);
	free(edited.bytes);
	return status;
}

/*
 * An int8 preset: what belongs to a quantized tensor is there with it, and
 * every tensor has the one dtype that it may have.
 */
static void
test_int8(void **state)
{
	static const char query[] = "encoder.layer.1.attention.self.query.weight";
	static const char *const bad[][3] = {
		{"\"config.dtype\":\"I8\"", "\"config.dtype\":\"F32\"", "int8"},
		{"\"int8.lowest_cosine\":\"0.9990625\"", "\"int8.lowest_cosine\":\"0.99906250\"", "lowest_cosine"},
		{"\"int8.lowest_cosine\":\"0.9990625\"", "\"int8.lowest_cosine\":\"0.9999\"", "cosines"},
		{"\"int8.calibration_texts\":\"64\"", "\"int8.calibration_texts\":\"0\"", "calibration_texts"},
		{"\"int8.mean_cosine\":\"0.9995\",", "", "mean_cosine"},
		{"embeddings.word_embeddings.weight_scale", "embeddings.word_embeddings.weight_scalf", "unknown tensor"},
		{"encoder.layer.1.output.dense.weight\":{\"dtype\":\"I8\"", "encoder.layer.1.output.dense.weight\":{\"dtype\":\"U8\"",
		"Expected I8"},
		{"encoder.layer.1.output.dense.weight_scale\":{\"dtype\":\"F32\",\"shape\":[40,2]",
		"encoder.layer.1.output.dense.weight_scale\":{\"dtype\":\"F32\",\"shape\":[2,40]", "Expected [40,2]"},
		{"encoder.layer.1.intermediate.dense.weight_exact", "encoder.layer.1.intermediate.dense.weight_exacu",
		"unknown tensor"},
		{"encoder.layer.1.intermediate.dense.weight_exact\":{\"dtype\":\"F32\",\"shape\":[70,4]",
		"encoder.layer.1.intermediate.dense.weight_exact\":{\"dtype\":\"F32\",\"shape\":[4,70]", "Expected [70,4]"},
	};
	preset_source source;
	byte_buffer archive = {0};
	electra_archive_reader reader;
	electra_tensor_spec spec;
	electra_error error;
	char		name[160];

	(void) state;
	fixture_source(&source, 24, 3);
	fixture_quantize(&source);
	write_archive(&source, &archive, NULL);
	assert_int_equal(electra_archive_open(&reader, buffer_stream(&archive), archive.size,
										  &electra_malloc_allocator, &error), ELECTRA_OK);
	assert_int_equal(reader.archive->config.dtype, ELECTRA_I8);
	assert_int_equal(reader.archive->config.calibration_texts, 64);
	assert_true(reader.archive->config.lowest_cosine == 0.9990625);
	assert_true(reader.archive->config.mean_cosine == 0.9995);
	assert_true(electra_tensor_spec_find(&reader.archive->config, query, &spec));
	assert_true(spec.quantized);
	snprintf(name, sizeof(name), "%s%s", query, ELECTRA_SCALE_SUFFIX);
	assert_non_null(electra_archive_tensor(reader.archive, name));
	assert_int_equal(electra_tensor_companion_base(name), strlen(query));
	assert_int_equal(electra_tensor_companion_base(query), 0);
	assert_int_equal(spec.num_exact, ELECTRA_EXACT_CHANNELS);
	for (int i = 0; i < 3; i++)
	{
		snprintf(name, sizeof(name), "%s%s", query, electra_tensor_spec_companion(&spec, i));
		assert_non_null(electra_archive_tensor(reader.archive, name));
		assert_int_equal(electra_tensor_companion_base(name), strlen(query));
	}
	assert_null(electra_tensor_spec_companion(&spec, 3));
	electra_archive_close(&reader);

	/* only where the configuration says I8 */
	source.config.dtype = ELECTRA_F32;
	assert_false(electra_tensor_spec_find(&source.config, "embeddings.word_embeddings.weight_scale", &spec));
	source.config.dtype = ELECTRA_I8;
	assert_true(electra_tensor_spec_find(&source.config, "embeddings.word_embeddings.weight_scale", &spec));
	assert_false(spec.required);
	assert_int_equal(spec.shape[1], 1);
	assert_false(electra_tensor_spec_find(&source.config, "embeddings.LayerNorm.weight_scale", &spec));
	assert_false(electra_tensor_spec_find(&source.config, "embeddings.word_embeddings.weight_exact", &spec));
	assert_false(electra_tensor_spec_find(&source.config, "encoder.layer.0.attention.output.dense.weight_channels", &spec));
	assert_true(electra_tensor_spec_find(&source.config, "encoder.layer.0.intermediate.dense.weight_exact", &spec));
	assert_int_equal(spec.shape[1], ELECTRA_EXACT_CHANNELS);
	assert_true(electra_tensor_spec_find(&source.config, "encoder.layer.0.intermediate.dense.weight_channels", &spec));
	assert_int_equal(spec.rank, 1);
	assert_false(electra_tensor_spec_find(&source.config, "qa_outputs.weight_scale", &spec));

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		assert_int_equal(int8_status(&archive, bad[i][0], bad[i][1], &error), ELECTRA_CORRUPT);
		if (strstr(error.message, bad[i][2]) == NULL && strstr(error.detail, bad[i][2]) == NULL)
			fail_msg("%s: %s %s", bad[i][1], error.message, error.detail);
	}
	free(archive.bytes);

	/* a tensor without its scales, and scales without their tensor */
	archive = (byte_buffer) {0};
	fixture_add_tensor(&source, "pooler.dense.weight_scale");
	source.tensors[source.num_tensors - 1].stored_dtype = ELECTRA_F32;
	assert_int_equal(source_status(&source, ELECTRA_I8, &error), ELECTRA_INVALID_SOURCE);
	assert_non_null(strstr(error.message, "not in order"));
	fixture_remove_pooler(&source);
	fixture_add_tensor(&source, "discriminator_predictions.dense.weight_scale");
	source.tensors[source.num_tensors - 1].stored_dtype = ELECTRA_F32;
	assert_int_equal(source_status(&source, ELECTRA_I8, &error), ELECTRA_INVALID_SOURCE);
	assert_string_equal(error.message, "preset archive lacks tensor \"discriminator_predictions.dense.weight\"");
	source.tensors[source.num_tensors - 1].spec.quantized = false;
	assert_true(electra_tensor_spec_find(&source.config, "discriminator_predictions.dense.weight",
										 &source.tensors[source.num_tensors - 1].spec));
	assert_int_equal(source_status(&source, ELECTRA_I8, &error), ELECTRA_INVALID_SOURCE);
	assert_string_equal(error.detail, "Expected I8, found F32.");
	preset_source_free(&source);
}

/* No archive has this dtype. */
static void
test_unsupported_dtype(void **state)
{
	byte_buffer archive;
	byte_buffer edited;
	electra_error error;

	(void) state;
	make_archive(&archive, 24);
	edit_header(&archive, "\"config.dtype\":\"F32\"", "\"config.dtype\":\"F64\"", &edited);
	assert_int_equal(open_status(&edited, &error), ELECTRA_CORRUPT);
	assert_string_equal(error.message, "preset archive has invalid metadata \"config.dtype\"");
	free(edited.bytes);
	free(archive.bytes);
}

/* Pipeline "none" and an empty vocabulary belong together, and nothing is added to it. */
static void
test_no_vocabulary(void **state)
{
	preset_source source;
	byte_buffer archive = {0};
	byte_buffer edited;
	electra_archive_reader reader;
	const electra_tensor *vocabulary;
	electra_error error;

	(void) state;
	fixture_source(&source, 24, 3);
	fixture_remove_vocabulary(&source);
	write_archive(&source, &archive, NULL);
	assert_int_equal(electra_archive_open(&reader, buffer_stream(&archive), archive.size,
										  &electra_malloc_allocator, &error), ELECTRA_OK);
	vocabulary = electra_archive_tensor(reader.archive, "tokenizer.vocabulary");
	assert_non_null(vocabulary);
	assert_int_equal(vocabulary->shape[0], 0);
	assert_int_equal(vocabulary->begin, vocabulary->end);
	electra_archive_close(&reader);
	edit_header(&archive, "\"tokenizer.vocabulary\"", "\"tokenizer.added_tokens\"", &edited);
	assert_int_equal(open_status(&edited, &error), ELECTRA_CORRUPT);
	assert_string_equal(error.message, "preset archive has unknown tensor \"tokenizer.added_tokens\"");
	free(edited.bytes);
	free(archive.bytes);

	source.vocabulary_size = 6;
	assert_int_equal(source_status(&source, ELECTRA_F32, &error), ELECTRA_INVALID_SOURCE);
	assert_string_equal(error.detail, "Expected [0], found [6].");
	preset_source_free(&source);

	fixture_source(&source, 24, 3);
	source.vocabulary_size = 0;
	assert_int_equal(source_status(&source, ELECTRA_F32, &error), ELECTRA_INVALID_SOURCE);
	assert_string_equal(error.message, "preset archive has tensor \"tokenizer.vocabulary\" with a wrong shape");
	preset_source_free(&source);
}

/* The pooler is there where the configuration says so, and nowhere else. */
static void
test_pooler(void **state)
{
	preset_source source;
	electra_error error;

	(void) state;
	fixture_source(&source, 24, 3);
	assert_true(source.config.has_pooler);
	fixture_remove_pooler(&source);
	assert_int_equal(source_status(&source, ELECTRA_F32, &error), ELECTRA_OK);
	source.config.has_pooler = true;
	assert_int_equal(source_status(&source, ELECTRA_F32, &error), ELECTRA_INVALID_SOURCE);
	assert_string_equal(error.message, "preset archive lacks tensor \"pooler.dense.bias\"");
	fixture_add_tensor(&source, "pooler.dense.bias");
	assert_int_equal(source_status(&source, ELECTRA_F32, &error), ELECTRA_INVALID_SOURCE);
	assert_string_equal(error.message, "preset archive lacks tensor \"pooler.dense.weight\"");
	source.config.has_pooler = false;
	assert_int_equal(source_status(&source, ELECTRA_F32, &error), ELECTRA_INVALID_SOURCE);
	assert_string_equal(error.message, "preset archive has unknown tensor \"pooler.dense.bias\"");
	preset_source_free(&source);
}

/* What escape writes, string reads, for every byte. */
static void
test_json_strings(void **state)
{
	char		text[2000] = "\"";
	char		plain[200];
	size_t		size = 1;
	size_t		plain_size = 0;
	electra_json json;
	const char *read;

	(void) state;
	for (int byte = 1; byte < 0x80; byte++)
	{
		plain[plain_size++] = (char) byte;
		size += electra_json_escape((char) byte, text + size);
	}
	memcpy(plain + plain_size, "\xf4\x8f\xbf\xbf", 5);
	memcpy(text + size, "\xf4\x8f\xbf\xbf\"", 6);
	json = (electra_json) {text, text + strlen(text)};
	assert_true(electra_json_string(&json, &read));
	assert_string_equal(read, plain);
	assert_ptr_equal(json.next, json.end);
}

static void
test_json_numbers(void **state)
{
	static const struct
	{
		const char *text;
		uint64_t	max;
		bool		accepted;
		uint64_t	number;
	}			cases[] = {
		{"0", 10, true, 0}, {"10", 10, true, 10}, {"11", 10, false, 0}, {"00", 10, false, 0},
		{"01", 10, false, 0}, {"", 10, false, 0}, {"-1", 10, false, 0}, {"9", 5, false, 0},
		{"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, false, 0},
		{"28446744073709551615", UINT64_MAX, false, 0},
		{"9223372036854775808", INT64_MAX, false, 0},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char		text[64];
		electra_json json;
		uint64_t	number = 0;

		strcpy(text, cases[i].text);
		json = (electra_json) {text, text + strlen(text)};
		assert_int_equal(electra_json_number(&json, cases[i].max, &number), cases[i].accepted);
		assert_int_equal(number, cases[i].number);
	}
}

/* find and required agree, and every required tensor is found by its name. */
static void
test_tensor_specs(void **state)
{
	static const char *const unknown[] = {
		"", "encoder", "encoder.layer.", "encoder.layer.0", "encoder.layer.0.", "encoder.layer.2.output.dense.bias",
		"encoder.layer.01.output.dense.bias", "encoder.layer.-1.output.dense.bias",
		"encoder.layer.9999999999.output.dense.bias", "modules.0.linear.weight", "modules.1.linear.weight",
		"modules.2.linear.bias", "embeddings_project.weight", "embeddings.LayerNorm.gamma", "classifier",
		"embeddings.position_ids"
	};
	preset_source source;
	electra_tensor_spec spec;
	electra_tensor_spec found;
	int			count = 0;

	(void) state;
	fixture_source(&source, 40, 0);
	while (electra_tensor_spec_required(&source.config, count, &spec))
	{
		assert_true(spec.required);
		assert_true(electra_tensor_spec_find(&source.config, spec.name, &found));
		assert_memory_equal(&spec, &found, sizeof(spec));
		count++;
	}
	assert_int_equal(count, 6 + 2 + 2 * 16);
	assert_true(electra_tensor_spec_find(&source.config, "pooler.dense.weight", &spec));
	assert_true(spec.required && spec.shape[0] == 40 && spec.shape[1] == 40);
	source.config.has_pooler = false;
	assert_false(electra_tensor_spec_find(&source.config, "pooler.dense.weight", &spec));
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_false(electra_tensor_spec_find(&source.config, unknown[i], &spec));
	assert_true(electra_tensor_spec_find(&source.config, "classifier.weight", &spec));
	assert_false(spec.required);
	assert_int_equal(spec.shape[0], -1);
	assert_int_equal(spec.shape[1], 40);
	preset_source_free(&source);

	fixture_source(&source, 24, 0);
	fixture_add_dense(&source, 10, false);
	assert_true(electra_tensor_spec_find(&source.config, "embeddings_project.weight", &spec));
	assert_true(spec.required);
	assert_true(electra_tensor_spec_find(&source.config, "modules.1.linear.weight", &spec));
	assert_int_equal(spec.shape[0], 10);
	assert_false(electra_tensor_spec_find(&source.config, "modules.1.linear.bias", &spec));
	preset_source_free(&source);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_first_version),
		cmocka_unit_test(test_refused_headers),
		cmocka_unit_test(test_header_size),
		cmocka_unit_test(test_dtypes),
		cmocka_unit_test(test_int8),
		cmocka_unit_test(test_unsupported_dtype),
		cmocka_unit_test(test_no_vocabulary),
		cmocka_unit_test(test_pooler),
		cmocka_unit_test(test_json_strings),
		cmocka_unit_test(test_json_numbers),
		cmocka_unit_test(test_tensor_specs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
