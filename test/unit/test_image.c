/*
 * From archive to image: every weight is where the kernels look for it, and
 * whatever goes wrong on the way is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/table.h"
#include "core/vocabulary.h"
#include "core/widen.h"
#include "image_fixture.h"

/* An element of a panel in F32, F16 or BF16. */
static float
packed_value(const electra_image_linear *linear, const char *panel, int32_t k, int column)
{
	size_t		size = electra_dtype_size((electra_dtype) linear->dtype);
	float		value;

	electra_widen((electra_dtype) linear->dtype, panel + ((size_t) k * 32 + (size_t) column) * size, 1, &value);
	return value;
}

/* A packed matrix against the tensor, element by element, zeros behind the last column. */
static void
check_linear(const electra_model *model, const electra_image_linear *linear,
			 const preset_source *source, const char *name, bool has_bias)
{
	char		full_name[128];
	int64_t		count;
	float	   *weight;
	const char *panels = (const char *) model->header + linear->panels;
	size_t		panel_size = electra_panel_size((electra_dtype) linear->dtype, linear->in_dim);
	int32_t		K = linear->in_dim;
	int32_t		N = linear->out_dim;

	snprintf(full_name, sizeof(full_name), "%s.weight", name);
	weight = tensor_values(source, full_name, &count);
	assert_int_equal(count, (int64_t) K * N);
	for (int32_t n = 0; n < (N + 31) / 32 * 32; n++)
	{
		for (int32_t k = 0; k < K; k++)
		{
			float		packed = packed_value(linear, panels + (size_t) (n / 32) * panel_size, k, n % 32);

			assert_true(packed == (n < N ? weight[(int64_t) n * K + k] : 0));
		}
	}
	free(weight);
	if (!has_bias)
	{
		assert_int_equal(linear->bias, 0);
		return;
	}
	snprintf(full_name, sizeof(full_name), "%s.bias", name);
	weight = tensor_values(source, full_name, &count);
	assert_int_equal(count, N);
	for (int32_t n = 0; n < (N + 31) / 32 * 32; n++)
		assert_true(electra_model_floats(model, linear->bias)[n] == (n < N ? weight[n] : 0));
	free(weight);
}

static void
check_floats(const electra_model *model, uint64_t offset, const preset_source *source, const char *name)
{
	int64_t		count;
	float	   *values = tensor_values(source, name, &count);

	assert_memory_equal(electra_model_floats(model, offset), values, (size_t) count * sizeof(float));
	free(values);
}

static void
check_table(const electra_model *model, const electra_image_table *table, const preset_source *source,
			const char *name)
{
	int64_t		count;
	float	   *values = tensor_values(source, name, &count);
	float	   *row = malloc((size_t) table->dim * sizeof(float));

	assert_int_equal(count, (int64_t) table->num_rows * table->dim);
	for (int32_t r = 0; r < table->num_rows; r++)
	{
		electra_table_row(model, table, (size_t) r, row);
		assert_memory_equal(row, values + (int64_t) r * table->dim, (size_t) table->dim * sizeof(float));
	}
	free(row);
	free(values);
}

static void
check_layer(const electra_model *model, int number, const preset_source *source)
{
	const electra_image_layer *layer = &model->layers[number];
	const struct
	{
		const char *name;
		const electra_image_linear *linear;
	}			linears[] = {
		{"attention.self.query", &layer->query},
		{"attention.self.key", &layer->key},
		{"attention.self.value", &layer->value},
		{"attention.output.dense", &layer->attention_output},
		{"intermediate.dense", &layer->intermediate},
		{"output.dense", &layer->output},
	};
	const struct
	{
		const char *name;
		uint64_t	offset;
	}			vectors[] = {
		{"attention.output.LayerNorm.weight", layer->attention_norm.weight},
		{"attention.output.LayerNorm.bias", layer->attention_norm.bias},
		{"output.LayerNorm.weight", layer->output_norm.weight},
		{"output.LayerNorm.bias", layer->output_norm.bias},
	};
	char		name[128];

	for (size_t i = 0; i < sizeof(linears) / sizeof(linears[0]); i++)
	{
		snprintf(name, sizeof(name), "encoder.layer.%d.%s", number, linears[i].name);
		check_linear(model, linears[i].linear, source, name, true);
	}
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
	{
		snprintf(name, sizeof(name), "encoder.layer.%d.%s", number, vectors[i].name);
		check_floats(model, vectors[i].offset, source, name);
	}
}

/* Whatever the dtypes in which they were stored. */
static void
check_weights(const electra_model *model, const preset_source *source)
{
	const electra_image_header *header = model->header;
	const electra_config *config = &source->config;

	check_table(model, &header->word_embeddings, source, "embeddings.word_embeddings.weight");
	check_table(model, &header->position_embeddings, source, "embeddings.position_embeddings.weight");
	check_table(model, &header->segment_embeddings, source, "embeddings.token_type_embeddings.weight");
	check_floats(model, header->embedding_norm.weight, source, "embeddings.LayerNorm.weight");
	check_floats(model, header->embedding_norm.bias, source, "embeddings.LayerNorm.bias");
	if (config->embedding_dim != config->hidden_dim)
		check_linear(model, &header->projection, source, "embeddings_project", true);
	else
		assert_int_equal(header->projection.panels, 0);
	if (config->has_pooler)
		check_linear(model, &header->pooler, source, "pooler.dense", true);
	else
		assert_int_equal(header->pooler.panels, 0);
	if (config->num_modules > 1)
		check_linear(model, &header->modules[1], source, "modules.1.linear", config->modules[1].has_bias);
	for (int layer = 0; layer < config->num_layers; layer++)
		check_layer(model, layer, source);
}

/* With projection and pooler, without; with a Dense module, with and without its bias. */
static void
test_every_weight(void **state)
{
	(void) state;
	for (int variant = 0; variant < 4; variant++)
	{
		bool		projection = variant % 2 == 0;
		bool		dense_bias = variant >= 2;
		preset_source source;
		byte_buffer archive = {0};
		uint8_t		digest[ELECTRA_DIGEST_SIZE];
		memory_image image;
		electra_model model;
		electra_error error;
		uint64_t	size;
		const char *token;
		size_t		token_size;

		make_source(&source, projection ? 24 : 40, true, dense_bias);
		if (variant == 1 || variant == 2)
			fixture_remove_pooler(&source);
		write_archive(&source, &archive, digest);
		assert_int_equal(build(&archive, &image, digest, UINT64_MAX, &electra_malloc_allocator, NULL,
							   &size, &error), ELECTRA_OK);
		assert_true(image.header_written);
		assert_int_equal(size, image.end);
		assert_int_equal(electra_model_open(&model, image.bytes, size, &error), ELECTRA_OK);
		assert_memory_equal(model.header->digest, digest, sizeof(digest));
		assert_int_equal(electra_model_verify(&model, NULL, &error), ELECTRA_OK);
		assert_memory_equal(electra_model_config(&model), &source.config, sizeof(electra_config));

		check_weights(&model, &source);
		assert_true(electra_vocabulary_token(image.bytes + model.header->vocabulary, 6, &token, &token_size));
		assert_int_equal(token_size, 5);
		assert_memory_equal(token, "##ing", 5);
		preset_source_free(&source);
		free(archive.bytes);
		free(image.bytes);
	}
}

/*
 * The same values in half the bytes: the image keeps matrices as they are and
 * widens vectors.  With some tensors in another dtype the archive's order, and
 * so the image's, is another one; the weights are the same.
 */
static void
test_stored_dtypes(void **state)
{
	static const electra_dtype dtypes[][2] = {
		/* matrices, vectors */
		{ELECTRA_F32, ELECTRA_F32}, {ELECTRA_F16, ELECTRA_F16}, {ELECTRA_BF16, ELECTRA_BF16},
		{ELECTRA_F16, ELECTRA_F32}, {ELECTRA_BF16, ELECTRA_F32}, {ELECTRA_BF16, ELECTRA_F16},
		{ELECTRA_F32, ELECTRA_BF16}
	};
	uint64_t	first_size = 0;
	size_t		first_archive = 0;

	(void) state;
	for (size_t i = 0; i < sizeof(dtypes) / sizeof(dtypes[0]); i++)
	{
		preset_source source;
		byte_buffer archive = {0};
		memory_image image;
		electra_model model;
		electra_error error;
		uint64_t	size;

		make_source(&source, 24, true, true);
		fixture_add_tensor(&source, "qa_outputs.weight");
		source.tensors[source.num_tensors - 1].read = read_numbered;
		fixture_store(&source, dtypes[i][0], dtypes[i][1]);
		write_archive(&source, &archive, NULL);
		assert_int_equal(build_plainly(&archive, &image, &size, &error), ELECTRA_OK);
		assert_int_equal(electra_model_open(&model, image.bytes, size, &error), ELECTRA_OK);
		assert_int_equal(electra_model_config(&model)->dtype, dtypes[i][0]);
		check_weights(&model, &source);
		if (i == 0)
		{
			first_size = size;
			first_archive = archive.size;
		}
		else
		{
			/* matrices stay as they are, vectors become floats */
			assert_true(archive.size < first_archive);
			assert_true(dtypes[i][0] == ELECTRA_F32 ? size == first_size : size < first_size);
		}
		free(image.bytes);
		free(archive.bytes);
		preset_source_free(&source);
	}
}

/* Subnormals, the largest and the smallest, in both small formats. */
static const float extremes[][8] = {
	[ELECTRA_F16] = {0x1p-24f, -0x3FFp-24f, 0x1p-14f, 65504.0f, -65504.0f, 1.0f + 0x1p-10f, -0.0f, 0.0f},
	[ELECTRA_BF16] = {0x1p-133f, -0x7Fp-133f, 0x1p-126f, 0x1.FEp127f, -0x1.FEp127f, 1.0f + 0x1p-7f, -0.0f, 0.0f},
};

static electra_status
read_extremes(const source_tensor *tensor, int64_t first, int64_t count, float *values, electra_error *error)
{
	(void) error;
	for (int64_t i = 0; i < count; i++)
		values[i] = extremes[tensor->stored_dtype][(first + i) % 8];
	return ELECTRA_OK;
}

static void
test_extreme_values(void **state)
{
	(void) state;
	for (electra_dtype dtype = ELECTRA_F16; dtype <= ELECTRA_BF16; dtype++)
	{
		preset_source source;
		byte_buffer archive = {0};
		memory_image image;
		electra_model model;
		electra_error error;
		uint64_t	size;

		fixture_source(&source, 24, 5);
		fixture_store(&source, dtype, dtype);
		for (int i = 0; i < source.num_tensors; i++)
			source.tensors[i].read = read_extremes;
		write_archive(&source, &archive, NULL);
		assert_int_equal(build_plainly(&archive, &image, &size, &error), ELECTRA_OK);
		assert_int_equal(electra_model_open(&model, image.bytes, size, &error), ELECTRA_OK);
		for (int i = 0; i < 8 * 24; i++)
		{
			float		words[24];

			electra_table_row(&model, &model.header->word_embeddings, (size_t) i / 24, words);
			assert_memory_equal(&words[i % 24], &extremes[dtype][i % 8], sizeof(float));
		}
		free(image.bytes);
		free(archive.bytes);
		preset_source_free(&source);
	}
}

/* Without a vocabulary no id has a token; everything else is there. */
static void
test_no_vocabulary(void **state)
{
	preset_source source;
	byte_buffer archive = {0};
	memory_image image;
	electra_model model;
	electra_error error;
	uint64_t	size;
	const char *token;
	size_t		token_size;

	(void) state;
	make_source(&source, 24, false, false);
	fixture_remove_vocabulary(&source);
	write_archive(&source, &archive, NULL);
	assert_int_equal(build_plainly(&archive, &image, &size, &error), ELECTRA_OK);
	assert_int_equal(electra_model_open(&model, image.bytes, size, &error), ELECTRA_OK);
	assert_int_equal(electra_model_config(&model)->tokenizer.pipeline, ELECTRA_TOKENIZER_NONE);
	check_weights(&model, &source);
	for (int32_t id = -1; id < 9; id++)
		assert_false(electra_vocabulary_token(image.bytes + model.header->vocabulary, id, &token, &token_size));
	free(image.bytes);
	free(archive.bytes);
	preset_source_free(&source);
}

/* Nothing of the memory that happened to be there gets into an image. */
static void *
dirty_alloc(void *context, size_t size)
{
	void	   *pointer = malloc(size);

	if (pointer != NULL)
		memset(pointer, *(int *) context, size);
	return pointer;
}

static void
dirty_release(void *context, void *pointer)
{
	(void) context;
	free(pointer);
}

static void
test_same_bytes(void **state)
{
	int			patterns[] = {0x00, 0x5a};
	preset_source source;
	byte_buffer archive = {0};
	memory_image images[2];
	uint64_t	sizes[2];

	(void) state;
	make_source(&source, 24, false, false);
	write_archive(&source, &archive, NULL);
	for (int i = 0; i < 2; i++)
	{
		electra_allocator memory = {dirty_alloc, dirty_release, &patterns[i]};
		electra_error error;

		assert_int_equal(build(&archive, &images[i], NULL, UINT64_MAX, &memory, NULL, &sizes[i], &error),
						 ELECTRA_OK);
	}
	assert_int_equal(sizes[0], sizes[1]);
	assert_memory_equal(images[0].bytes, images[1].bytes, sizes[0]);
	free(images[0].bytes);
	free(images[1].bytes);
	free(archive.bytes);
	preset_source_free(&source);
}

/* NaN and infinities in an encoder's tensor and in one that the image leaves out, in every dtype. */
static void
test_not_finite(void **state)
{
	static const char *const names[] = {"encoder.layer.1.output.dense.weight", "qa_outputs.weight",
	"embeddings.word_embeddings.weight", "encoder.layer.0.attention.self.key.bias"};
	static const struct
	{
		electra_dtype dtype;
		uint32_t	bits;
	}			values[] = {
		{ELECTRA_F32, 0x7fc00000}, {ELECTRA_F32, 0x7f800000}, {ELECTRA_F32, 0xff800000},
		{ELECTRA_F16, 0x7e00}, {ELECTRA_F16, 0x7c00}, {ELECTRA_F16, 0xfc00}, {ELECTRA_F16, 0x7c01},
		{ELECTRA_BF16, 0x7fc0}, {ELECTRA_BF16, 0x7f80}, {ELECTRA_BF16, 0xff80}, {ELECTRA_BF16, 0x7f81},
	};
	const size_t num_values = sizeof(values) / sizeof(values[0]);

	(void) state;
	for (size_t i = 0; i < 4 * num_values; i++)
	{
		const char *name = names[i / num_values];
		electra_dtype dtype = values[i % num_values].dtype;
		preset_source source;
		byte_buffer archive = {0};
		memory_image image;
		electra_archive_reader reader;
		electra_error error;
		uint64_t	size;
		uint64_t	place;

		make_source(&source, 24, false, false);
		fixture_add_tensor(&source, "qa_outputs.weight");
		fixture_store(&source, dtype, dtype);
		write_archive(&source, &archive, NULL);
		assert_int_equal(electra_archive_open(&reader, buffer_stream(&archive), archive.size,
											  &electra_malloc_allocator, &error), ELECTRA_OK);
		place = reader.archive->data_begin + electra_archive_tensor(reader.archive, name)->begin;
		electra_archive_close(&reader);
		memcpy(archive.bytes + place + 7 * electra_dtype_size(dtype), &values[i % num_values].bits,
			   electra_dtype_size(dtype));
		assert_int_equal(build_plainly(&archive, &image, &size, &error), ELECTRA_NOT_FINITE);
		assert_non_null(strstr(error.message, name));
		assert_non_null(strstr(error.detail, "element 7,"));
		assert_false(image.header_written);
		free(image.bytes);
		free(archive.bytes);
		preset_source_free(&source);
	}
}

static void
test_wrong_digest(void **state)
{
	preset_source source;
	byte_buffer archive = {0};
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	memory_image image;
	electra_error error;
	uint64_t	size;

	(void) state;
	make_source(&source, 24, false, false);
	write_archive(&source, &archive, digest);
	digest[31] ^= 1;
	assert_int_equal(build(&archive, &image, digest, UINT64_MAX, &electra_malloc_allocator, NULL,
						   &size, &error), ELECTRA_CORRUPT);
	assert_non_null(strstr(error.message, "digest"));
	assert_false(image.header_written);
	free(image.bytes);
	free(archive.bytes);
	preset_source_free(&source);
}

/* A disk that is full at any point, memory that ends at any allocation, a cancel at any poll. */
typedef struct countdown
{
	int			left;			/* calls that succeed */
	int			live;			/* allocations not released */
} countdown;

static void *
counted_alloc(void *context, size_t size)
{
	countdown  *countdown = context;

	if (countdown->left-- <= 0)
		return NULL;
	countdown->live++;
	return malloc(size);
}

static void
counted_release(void *context, void *pointer)
{
	countdown  *countdown = context;

	if (pointer != NULL)
		countdown->live--;
	free(pointer);
}

static bool
counted_stop(void *context)
{
	countdown  *countdown = context;

	return countdown->left-- <= 0;
}

static void
test_failures(void **state)
{
	preset_source source;
	byte_buffer archive = {0};
	electra_error error;
	uint64_t	size;
	int			failures;

	(void) state;
	make_source(&source, 24, true, true);
	write_archive(&source, &archive, NULL);
	for (uint64_t fail_behind = 0; fail_behind < 100000; fail_behind += 977)
	{
		memory_image image;

		assert_int_equal(build(&archive, &image, NULL, fail_behind, &electra_malloc_allocator, NULL,
							   &size, &error), ELECTRA_IO_ERROR);
		assert_string_equal(error.message, "disk full");
		free(image.bytes);
	}
	for (failures = 0;; failures++)
	{
		countdown	countdown = {.left = failures};
		electra_allocator memory = {counted_alloc, counted_release, &countdown};
		memory_image image;
		electra_status status = build(&archive, &image, NULL, UINT64_MAX, &memory, NULL, &size, &error);

		assert_int_equal(countdown.live, 0);
		free(image.bytes);
		if (status == ELECTRA_OK)
			break;
		assert_int_equal(status, ELECTRA_OUT_OF_MEMORY);
	}
	assert_true(failures > 8);
	for (failures = 0;; failures++)
	{
		countdown	countdown = {.left = failures};
		const electra_poll poll = {counted_stop, &countdown};
		memory_image image;
		electra_status status = build(&archive, &image, NULL, UINT64_MAX, &electra_malloc_allocator,
									  &poll, &size, &error);

		free(image.bytes);
		if (status == ELECTRA_OK)
			break;
		assert_int_equal(status, ELECTRA_CANCELED);
	}
	assert_true(failures > 40);
	free(archive.bytes);
	preset_source_free(&source);
}

/* Makes the header's digest right again, so that what is behind it is looked at. */
static void
seal(electra_image_header *header)
{
	electra_sha256 sha;

	memset(header->header_digest, 0, sizeof(header->header_digest));
	electra_sha256_init(&sha);
	electra_sha256_update(&sha, header, sizeof(*header));
	electra_sha256_final(&sha, header->header_digest);
}

static void
test_damaged_image(void **state)
{
	preset_source source;
	byte_buffer archive = {0};
	memory_image image;
	electra_image_header *header;
	electra_image_header good;
	electra_model model;
	electra_error error;
	uint64_t	size;

	(void) state;
	make_source(&source, 24, true, true);
	write_archive(&source, &archive, NULL);
	assert_int_equal(build_plainly(&archive, &image, &size, &error), ELECTRA_OK);
	header = (electra_image_header *) image.bytes;
	good = *header;

	/* every byte of the header counts */
	for (size_t i = 0; i < sizeof(*header); i += 3)
	{
		image.bytes[i] ^= 1;
		assert_int_equal(electra_model_open(&model, image.bytes, size, &error), ELECTRA_CORRUPT);
		image.bytes[i] ^= 1;
	}
	for (size_t shorter = 1; shorter < 4000; shorter += 7)
		assert_int_equal(electra_model_open(&model, image.bytes, size - shorter, &error), ELECTRA_CORRUPT);
	assert_int_equal(electra_model_open(&model, image.bytes, 0, &error), ELECTRA_CORRUPT);

	/* offsets and sizes that a right digest vouches for */
#define BREAK(member, value) \
	do \
	{ \
		header->member = (value); \
		seal(header); \
		assert_int_equal(electra_model_open(&model, image.bytes, size, &error), ELECTRA_CORRUPT); \
		*header = good; \
	} while (0)

	BREAK(word_embeddings.rows, size);
	BREAK(word_embeddings.rows, 0);
	BREAK(word_embeddings.rows, good.word_embeddings.rows + 4);
	BREAK(word_embeddings.dim, 25);
	BREAK(word_embeddings.num_rows, 9);
	BREAK(word_embeddings.dtype, ELECTRA_U8);
	BREAK(word_embeddings.dtype, ELECTRA_I8);
	BREAK(word_embeddings.scales, 64);
	BREAK(position_embeddings.rows, UINT64_MAX - 63);
	BREAK(segment_embeddings.rows, size - 64);
	BREAK(embedding_norm.weight, UINT64_MAX);
	BREAK(embedding_norm.bias, size);
	BREAK(projection.panels, size);
	BREAK(projection.bias, 0);
	BREAK(projection.in_dim, 25);
	BREAK(projection.dtype, ELECTRA_F64);
	BREAK(projection.dtype, -1);
	BREAK(pooler.panels, size);
	BREAK(pooler.panels, 0);
	BREAK(pooler.bias, 0);
	BREAK(pooler.bias, good.pooler.bias + 4);
	BREAK(pooler.out_dim, 39);
	BREAK(config.has_pooler, false);
	BREAK(layers, size - 64);
	BREAK(layers, UINT64_MAX - 63);
	BREAK(modules[1].panels, size);
	BREAK(modules[1].out_dim, 64);
	BREAK(vocabulary, size + 64);
	BREAK(vocabulary, 0);
	BREAK(vocabulary_size, size);
	BREAK(vocabulary_size, UINT64_MAX);
	BREAK(vocabulary_size, 0);
	BREAK(config.vocab_size, 1 << 20);
	BREAK(config.num_layers, 1000);
	BREAK(config.num_heads, 3);
#undef BREAK

	assert_int_equal(electra_model_open(&model, image.bytes, size, &error), ELECTRA_OK);
	((electra_image_layer *) (image.bytes + header->layers))[1].output.panels = size;
	assert_int_equal(electra_model_open(&model, image.bytes, size, &error), ELECTRA_CORRUPT);

	/* the content is checked by verify only */
	((electra_image_layer *) (image.bytes + header->layers))[1].output.panels = model.header->word_embeddings.rows;
	image.bytes[header->word_embeddings.rows] ^= 1;
	assert_int_equal(electra_model_verify(&model, NULL, &error), ELECTRA_CORRUPT);
	assert_int_equal(electra_model_open(&model, image.bytes + 8, size - 8, &error), ELECTRA_INVALID_ARGUMENT);
	free(image.bytes);
	free(archive.bytes);
	preset_source_free(&source);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_weight),
		cmocka_unit_test(test_stored_dtypes),
		cmocka_unit_test(test_extreme_values),
		cmocka_unit_test(test_no_vocabulary),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_not_finite),
		cmocka_unit_test(test_wrong_digest),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_damaged_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
