/*
 * From an int8 archive to its image: every weight, scale and correction, and
 * values that no quantization makes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "core/table.h"
#include "image_fixture.h"

/* The value that int8 makes of an element: its group's scale times a whole number. */
static float
rounded_value(const float *row /* (K) */ , int32_t K, int32_t k)
{
	int32_t		first = k / ELECTRA_INT8_GROUP * ELECTRA_INT8_GROUP;
	int32_t		count = K - first < ELECTRA_INT8_GROUP ? K - first : ELECTRA_INT8_GROUP;
	float		absmax = 0;

	for (int32_t i = first; i < first + count; i++)
		absmax = fabsf(row[i]) > absmax ? fabsf(row[i]) : absmax;
	return absmax == 0 ? 0 : (float) nearbyint((double) (row[k] * (127 / absmax))) * (absmax / 127);
}

/* Weights and corrections of a column; returns the sum of its weights. */
static double
check_int8_column(const electra_model *model, const electra_image_linear *linear, int32_t n,
				  const float *row /* (in_dim), NULL behind out_dim */ )
{
	const electra_int8_group *groups = (const electra_int8_group *) ((const char *) model->header + linear->panels);
	size_t		num_groups = electra_int8_groups(linear->in_dim);
	double		total = 0;

	for (size_t g = 0; g < num_groups; g++)
	{
		const electra_int8_group *group = &groups[(size_t) (n / 32) * num_groups + g];
		int32_t		sum = 0;

		for (int32_t i = 0; i < ELECTRA_INT8_GROUP; i++)
		{
			int32_t		k = (int32_t) g * ELECTRA_INT8_GROUP + i;
			int8_t		q = group->weights[i / 4][n % 32][i % 4];

			assert_true((float) q * group->scales[n % 32] ==
						(row != NULL && k < linear->in_dim ? rounded_value(row, linear->in_dim, k) : 0));
			sum += q;
		}
		assert_int_equal(group->corrections[n % 32], linear->shift > 0 ? 0 : -128 * sum);
		total += (double) sum * group->scales[n % 32];
	}
	return total;
}

/* Takes the exact channels out of a row, after they have been found in the image. */
static void
check_exact(const electra_model *model, const electra_image_linear *linear, int32_t n, float *row)
{
	const float *exact = electra_model_floats(model, linear->exact) + n / 32 * linear->num_exact * 32;

	for (int e = 0; e < linear->num_exact; e++)
	{
		assert_true(exact[e * 32 + n % 32] == (row == NULL ? 0 : row[linear->exact_channels[e]]));
		if (row != NULL)
			row[linear->exact_channels[e]] = 0;
	}
}

/* A linear layer in I8 against its tensor: weights, scales, corrections, bias, zeros behind the ends. */
static void
check_int8_linear(const electra_model *model, const electra_image_linear *linear,
				  const preset_source *source, const char *name)
{
	const float *found = electra_model_floats(model, linear->bias);
	char		full_name[128];
	int64_t		count;
	float	   *weight;
	float	   *bias;

	assert_int_equal(linear->dtype, ELECTRA_I8);
	snprintf(full_name, sizeof(full_name), "%s.weight", name);
	weight = tensor_values(source, full_name, &count);
	snprintf(full_name, sizeof(full_name), "%s.bias", name);
	bias = tensor_values(source, full_name, &count);
	for (int32_t n = 0; n < (linear->out_dim + 31) / 32 * 32; n++)
	{
		float	   *row = n < linear->out_dim ? weight + (int64_t) n * linear->in_dim : NULL;
		double		sum;

		check_exact(model, linear, n, row);
		sum = check_int8_column(model, linear, n, row);
		assert_true(fabs(found[n] - (row == NULL ? 0 : bias[n] - linear->shift * sum)) <=
					(linear->shift > 0 && row != NULL ? 1e-6 * (fabsf(bias[n]) + fabs(sum)) : 0));
	}
	free(bias);
	free(weight);
}

/* Every kind of matrix and table of an int8 preset. */
static void
test_int8(void **state)
{
	preset_source source;
	byte_buffer archive = {0};
	memory_image image;
	electra_model model;
	electra_error error;
	uint64_t	size;
	int64_t		count;
	float	   *words;
	float		row[24];

	(void) state;
	make_source(&source, 24, true, true);
	fixture_add_tensor(&source, "generator_lm_head.weight");
	source.tensors[source.num_tensors - 1].read = read_numbered;
	fixture_quantize(&source);
	write_archive(&source, &archive, NULL);
	assert_int_equal(build_plainly(&archive, &image, &size, &error), ELECTRA_OK);
	assert_true(size <= image.capacity);
	assert_int_equal(electra_model_open(&model, image.bytes, size, &error), ELECTRA_OK);
	assert_int_equal(electra_model_verify(&model, NULL, &error), ELECTRA_OK);
	for (int l = 0; l < 2; l++)
	{
		const electra_image_layer *layer = &model.layers[l];
		char		name[64];

#define CHECK(member, part) \
		(snprintf(name, sizeof(name), "encoder.layer.%d.%s", l, part), \
		 check_int8_linear(&model, &layer->member, &source, name))
		CHECK(query, "attention.self.query");
		CHECK(key, "attention.self.key");
		CHECK(value, "attention.self.value");
		CHECK(attention_output, "attention.output.dense");
		CHECK(intermediate, "intermediate.dense");
		CHECK(output, "output.dense");
#undef CHECK
		/* what is special about which layer: the fixture has GELU, and 40 hidden channels */
		assert_int_equal(layer->query.num_exact, ELECTRA_EXACT_CHANNELS);
		assert_int_equal(layer->intermediate.num_exact, ELECTRA_EXACT_CHANNELS);
		assert_int_equal(layer->value.exact_channels[ELECTRA_EXACT_CHANNELS - 1], 39);
		assert_int_equal(layer->output.num_exact, ELECTRA_EXACT_CHANNELS);
		assert_int_equal(layer->output.exact_channels[ELECTRA_EXACT_CHANNELS - 1], 69);
		assert_int_equal(layer->attention_output.num_exact, 0);
		assert_true(layer->output.shift > 0.17f && layer->output.shift < 0.1702f);
		assert_true(layer->intermediate.shift == 0);
	}
	check_int8_linear(&model, &model.header->projection, &source, "embeddings_project");
	check_int8_linear(&model, &model.header->pooler, &source, "pooler.dense");
	assert_int_equal(model.header->modules[1].dtype, ELECTRA_F32);
	words = tensor_values(&source, "embeddings.word_embeddings.weight", &count);
	assert_int_equal(model.header->word_embeddings.dtype, ELECTRA_I8);
	for (size_t r = 0; r < 8; r++)
	{
		electra_table_row(&model, &model.header->word_embeddings, r, row);
		for (int k = 0; k < 24; k++)
			assert_true(row[k] == rounded_value(words + 24 * r, 24, k));
	}
	free(words);
	free(image.bytes);
	free(archive.bytes);
	preset_source_free(&source);
}

/* Where the data of a tensor begins in an archive. */
static size_t
tensor_place(byte_buffer *archive, const char *name)
{
	electra_archive_reader reader;
	electra_error error;
	size_t		place;

	assert_int_equal(electra_archive_open(&reader, buffer_stream(archive), archive->size,
										  &electra_malloc_allocator, &error), ELECTRA_OK);
	place = (size_t) (reader.archive->data_begin + electra_archive_tensor(reader.archive, name)->begin);
	electra_archive_close(&reader);
	return place;
}

/* Values that no quantization makes: -128, scales that are negative or not finite; of heads, too. */
static void
test_bad_int8(void **state)
{
	static const struct
	{
		const char *tensor;
		size_t		size;
		uint32_t	bits;
		electra_status status;
	}			cases[] = {
		{"encoder.layer.1.output.dense.weight", 1, 0x80, ELECTRA_CORRUPT},
		{"embeddings.word_embeddings.weight", 1, 0x80, ELECTRA_CORRUPT},
		{"generator_lm_head.weight", 1, 0x80, ELECTRA_CORRUPT},
		{"encoder.layer.1.output.dense.weight_scale", 4, 0x80000000, ELECTRA_CORRUPT},
		{"embeddings.word_embeddings.weight_scale", 4, 0xbf800000, ELECTRA_CORRUPT},
		{"generator_lm_head.weight_scale", 4, 0xbf800000, ELECTRA_CORRUPT},
		{"encoder.layer.1.output.dense.weight_scale", 4, 0x7f800000, ELECTRA_NOT_FINITE},
		{"embeddings.word_embeddings.weight_scale", 4, 0x7fc00000, ELECTRA_NOT_FINITE},
		{"encoder.layer.1.output.dense.bias", 4, 0x7fc00000, ELECTRA_NOT_FINITE},
		{"encoder.layer.1.attention.self.key.weight_exact", 4, 0x7fc00000, ELECTRA_NOT_FINITE},
	};
	preset_source source;
	byte_buffer archive = {0};
	electra_error error;
	memory_image image;
	uint64_t	size;

	(void) state;
	make_source(&source, 24, false, false);
	fixture_add_tensor(&source, "generator_lm_head.weight");
	fixture_quantize(&source);
	write_archive(&source, &archive, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		size_t		place = tensor_place(&archive, cases[i].tensor) + cases[i].size;
		uint32_t	kept;

		memcpy(&kept, archive.bytes + place, cases[i].size);
		memcpy(archive.bytes + place, &cases[i].bits, cases[i].size);
		assert_int_equal(build_plainly(&archive, &image, &size, &error), cases[i].status);
		assert_non_null(strstr(error.message, cases[i].tensor));
		assert_string_equal(error.detail, "It is element 1, counted from 0.");
		free(image.bytes);
		memcpy(archive.bytes + place, &kept, cases[i].size);
	}
	assert_int_equal(build_plainly(&archive, &image, &size, &error), ELECTRA_OK);
	free(image.bytes);
	free(archive.bytes);
	preset_source_free(&source);
}

/* Numbers of exact channels that are none, or not in order, or others than those of the same input. */
static void
test_bad_channels(void **state)
{
	static const char name[] = "encoder.layer.1.attention.self.key.weight" ELECTRA_CHANNELS_SUFFIX;
	static const struct
	{
		int			index;
		float		value;
		electra_status status;
	}			cases[] = {
		{3, 40.0f, ELECTRA_CORRUPT},	/* there are 40 */
		{0, -1.0f, ELECTRA_CORRUPT},
		{0, -0.0f, ELECTRA_CORRUPT},
		{1, 25.5f, ELECTRA_CORRUPT},
		{1, 18.0f, ELECTRA_CORRUPT},	/* the one before it */
		{1, 33.0f, ELECTRA_CORRUPT},	/* above the one behind it */
		{2, NAN, ELECTRA_NOT_FINITE},
		{1, 26.0f, ELECTRA_CORRUPT},	/* query has 25 */
	};
	preset_source source;
	byte_buffer archive = {0};
	electra_error error;
	memory_image image;
	uint64_t	size;

	(void) state;
	make_source(&source, 24, false, false);
	fixture_quantize(&source);
	write_archive(&source, &archive, NULL);
	/* the last case is to fail by its channel alone, not by the weights that it has */
	for (size_t row = 0; row < 40; row++)
		archive.bytes[tensor_place(&archive, "encoder.layer.1.attention.self.key.weight") + 40 * row + 26] = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char	   *place = archive.bytes + tensor_place(&archive, name) + (size_t) cases[i].index * sizeof(float);
		bool		other = i + 1 == sizeof(cases) / sizeof(cases[0]);
		float		kept;

		memcpy(&kept, place, sizeof(kept));
		memcpy(place, &cases[i].value, sizeof(kept));
		assert_int_equal(build_plainly(&archive, &image, &size, &error), cases[i].status);
		assert_non_null(strstr(error.message, other ? "layer 1 have different exact channels" : name));
		free(image.bytes);
		memcpy(place, &kept, sizeof(kept));
	}
	/* the second row's weight of channel 69 */
	archive.bytes[tensor_place(&archive, "encoder.layer.0.output.dense.weight") + 139] = 1;
	assert_int_equal(build_plainly(&archive, &image, &size, &error), ELECTRA_CORRUPT);
	assert_string_equal(error.message, "tensor \"encoder.layer.0.output.dense.weight\" holds a weight of an exact channel");
	assert_string_equal(error.detail, "Element 139, counted from 0, must be 0.");
	free(image.bytes);
	free(archive.bytes);
	preset_source_free(&source);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_int8),
		cmocka_unit_test(test_bad_int8),
		cmocka_unit_test(test_bad_channels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
