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

/* A linear layer in I8 against its tensor: weights, scales, corrections, bias, zeros behind the ends. */
static void
check_int8_linear(const electra_model *model, const electra_image_linear *linear,
				  const preset_source *source, const char *name)
{
	const electra_int8_group *groups = (const electra_int8_group *) ((const char *) model->header + linear->panels);
	size_t		num_groups = electra_int8_groups(linear->in_dim);
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
		const float *row = weight + (int64_t) n * linear->in_dim;

		for (size_t g = 0; g < num_groups; g++)
		{
			const electra_int8_group *group = &groups[(size_t) (n / 32) * num_groups + g];
			int32_t		sum = 0;

			for (int32_t i = 0; i < ELECTRA_INT8_GROUP; i++)
			{
				int32_t		k = (int32_t) g * ELECTRA_INT8_GROUP + i;
				int8_t		q = group->weights[i / 4][n % 32][i % 4];
				bool		inside = n < linear->out_dim && k < linear->in_dim;

				assert_true((float) q * group->scales[n % 32] ==
							(inside ? rounded_value(row, linear->in_dim, k) : 0));
				sum += q;
			}
			assert_int_equal(group->corrections[n % 32], -128 * sum);
		}
		assert_true(electra_model_floats(model, linear->bias)[n] == (n < linear->out_dim ? bias[n] : 0));
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

#define CHECK(member, part) 		(snprintf(name, sizeof(name), "encoder.layer.%d.%s", l, part), 		 check_int8_linear(&model, &layer->member, &source, name))
		CHECK(query, "attention.self.query");
		CHECK(key, "attention.self.key");
		CHECK(value, "attention.self.value");
		CHECK(attention_output, "attention.output.dense");
		CHECK(intermediate, "intermediate.dense");
		CHECK(output, "output.dense");
#undef CHECK
	}
	check_int8_linear(&model, &model.header->projection, &source, "embeddings_project");
	check_int8_linear(&model, &model.header->pooler, &source, "pooler.dense");
	check_int8_linear(&model, &model.header->modules[1], &source, "modules.1.linear");
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_int8),
		cmocka_unit_test(test_bad_int8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
