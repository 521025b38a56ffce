/*
 * The seeded generator and the presets made with it: published values, the
 * normal distribution, the same bits under any floating-point environment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "archive_fixture.h"
#include "core/random.h"
#include "core/sha256.h"

#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT 100000

/* The first numbers of SplitMix64 from state 0, as its authors' program prints them. */
static void
test_splitmix(void **state)
{
	electra_random random = {0};

	(void) state;
	assert_int_equal(electra_random_u64(&random), UINT64_C(0xe220a8397b1dcdaf));
	assert_int_equal(electra_random_u64(&random), UINT64_C(0x6e789e6aa1b965f4));
	assert_int_equal(electra_random_u64(&random), UINT64_C(0x06c45d188009454f));
}

/* Another seed or another name is another stream. */
static void
test_streams_differ(void **state)
{
	electra_random a;
	electra_random b;
	electra_random c;

	(void) state;
	electra_random_init(&a, 0, "embeddings.word_embeddings.weight");
	electra_random_init(&b, 1, "embeddings.word_embeddings.weight");
	electra_random_init(&c, 0, "embeddings.position_embeddings.weight");
	assert_true(a.state != b.state && a.state != c.state && b.state != c.state);
}

static void
test_skip(void **state)
{
	float		whole[1000];
	float		part[300];
	electra_random random;

	(void) state;
	electra_random_init(&random, 7, "x");
	electra_random_truncated_normal(&random, whole, 1000, 0.02);
	electra_random_init(&random, 7, "x");
	electra_random_skip(&random, 700);
	electra_random_truncated_normal(&random, part, 300, 0.02);
	assert_memory_equal(part, whole + 700, sizeof(part));
}

/*
 * Moments of a normal truncated to [-2, 2]: variance 1 - 4 phi(2) / (1 - 2 Phi(-2))
 * = 0.7737413, fourth moment 3 variance - 16 phi(2) / (1 - 2 Phi(-2)) = 1.4161891,
 * lower quartile -0.6391119.
 */
static void
test_distribution(void **state)
{
	float	   *values = malloc(COUNT * sizeof(float));
	electra_random random;
	double		sum = 0;
	double		square = 0;
	double		fourth = 0;
	int			below_quartile = 0;

	(void) state;
	assert_non_null(values);
	electra_random_init(&random, 42, "distribution");
	electra_random_truncated_normal(&random, values, COUNT, 1);
	for (int i = 0; i < COUNT; i++)
	{
		double		x = values[i];

		assert_true(x >= -2 && x <= 2);
		sum += x;
		square += x * x;
		fourth += x * x * x * x;
		below_quartile += x < -0.6391119;
	}
	/* five standard deviations of each estimate */
	assert_true(fabs(sum / COUNT) < 0.014);
	assert_true(fabs(square / COUNT - 0.7737413) < 0.015);
	assert_true(fabs(fourth / COUNT - 1.4161891) < 0.045);
	assert_true(fabs(below_quartile / (double) COUNT - 0.25) < 0.007);
	free(values);
}

static void
digest_of(const float *values /* (count) */ , size_t count, char hex[ELECTRA_DIGEST_HEX_SIZE])
{
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	electra_sha256 sha;

	electra_sha256_init(&sha);
	electra_sha256_update(&sha, values, count * sizeof(float));
	electra_sha256_final(&sha, digest);
	electra_digest_to_hex(digest, hex);
}

static void
digest_of_normals(char hex[ELECTRA_DIGEST_HEX_SIZE])
{
	static float values[COUNT];
	electra_random random;

	electra_random_init(&random, 0, "golden");
	electra_random_truncated_normal(&random, values, COUNT, 0.02);
	digest_of(values, COUNT, hex);
}

/*
 * The bits of test/parity/random_golden.py, an independent implementation in
 * Python; whatever rounding mode the process has set.
 */
static void
test_same_bits(void **state)
{
	static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
	char		hex[ELECTRA_DIGEST_HEX_SIZE];

	(void) state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
	{
		fesetround(modes[i]);
		digest_of_normals(hex);
		assert_int_equal(fegetround(), modes[i]);
		fesetround(FE_TONEAREST);
		assert_string_equal(hex, "7985dd3a83ed4ab49066acdd090f8e1935b2cc33d073d0826306d06897e60d16");
	}
}

/* The same source without its weights, and a Dense module behind the pooling. */
static void
reopen_with_dense(preset_source *source, uint64_t seed)
{
	electra_module *module = &source->config.modules[1];
	electra_error error;

	source->close(source);
	free(source->tensors);
	source->tensors = NULL;
	source->num_tensors = 0;
	source->config.num_modules = 2;
	source->config.untrained = false;
	*module = (electra_module) {ELECTRA_MODULE_DENSE, ELECTRA_TANH, 40, 12, true};
	assert_int_equal(random_weights_open(source, seed, &error), ELECTRA_OK);
}

/* The tensors that test/parity/random_golden.py computes, made to last. */
static void
test_tensors(void **state)
{
	static const struct
	{
		uint64_t	seed;
		const char *name;
		const char *digest;
	}			cases[] = {
		{0, "embeddings.word_embeddings.weight", "e68824fadb33dc7b5c4fb9244180bf471e43bd73691866fbf81186c636b3178c"},
		{0, "encoder.layer.1.attention.self.query.weight", "65515e6d8f34af1ee82189aee768a7d83db90bad58a42589f5042e58fb87d6c3"},
		{0, "pooler.dense.weight", "e42f10438771e87c6f007a29320452e051cd08dbab5a140579835af2cf08e147"},
		{0, "modules.1.linear.weight", "e9880a250819806fb84bd039607ff575a9d7712293db5438a308285e9208b32f"},
		{UINT64_MAX, "embeddings.word_embeddings.weight", "ab472349ad22cfe506a8855ee2b6f7495693c981f39f5ccd2f7c9bd65fffca5c"},
		{UINT64_MAX, "encoder.layer.1.attention.self.query.weight", "898842a2b9f3b979693755d1bdc4ab8ae143f6356ce83ad95e3e73421aea2792"},
		{UINT64_MAX, "pooler.dense.weight", "fff309e5916747c5fa625dd89252d4cec7af4a347e338f1459f18a57649b1269"},
		{UINT64_MAX, "modules.1.linear.weight", "5d3215ae69cb90ab75d19a51aaf35da16210ec10d9789c0bb86b9ef80fbd8014"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char		hex[ELECTRA_DIGEST_HEX_SIZE];
		preset_source source;
		int64_t		count;
		float	   *values;

		fixture_source(&source, 24, cases[i].seed);
		reopen_with_dense(&source, cases[i].seed);
		assert_true(source.config.untrained && source.config.has_pooler);
		values = tensor_values(&source, cases[i].name, &count);
		digest_of(values, (size_t) count, hex);
		assert_string_equal(hex, cases[i].digest);
		free(values);
		preset_source_free(&source);
	}
}

/* The pooler is the reader's decision: Hugging Face's ELECTRA has none. */
static void
test_no_pooler(void **state)
{
	preset_source source;
	electra_error error;

	(void) state;
	fixture_source(&source, 24, 3);
	source.close(&source);
	free(source.tensors);
	source.tensors = NULL;
	source.num_tensors = 0;
	source.config.has_pooler = false;
	assert_int_equal(random_weights_open(&source, 3, &error), ELECTRA_OK);
	assert_false(source.config.has_pooler);
	for (int i = 0; i < source.num_tensors; i++)
		assert_null(strstr(source.tensors[i].spec.name, "pooler."));
	preset_source_free(&source);
}

/* Biases are 0, LayerNorm's scales 1; every tensor that a preset must have is there, none of the tokenizer's. */
static void
test_all_tensors(void **state)
{
	preset_source source;
	electra_tensor_spec spec;
	int			num_required = 0;

	(void) state;
	fixture_source(&source, 24, 3);
	reopen_with_dense(&source, 3);
	while (electra_tensor_spec_required(&source.config, num_required, &spec))
		num_required++;
	assert_int_equal(source.num_tensors, num_required - 1);
	for (int i = 0; i < source.num_tensors; i++)
	{
		const char *name = source.tensors[i].spec.name;
		int64_t		count;
		float	   *values = tensor_values(&source, name, &count);

		assert_null(strstr(name, "tokenizer."));
		for (int64_t j = 0; j < count && source.tensors[i].spec.rank == 1; j++)
			assert_true(values[j] == (strstr(name, "LayerNorm.weight") != NULL ? 1 : 0));
		free(values);
	}
	preset_source_free(&source);
}

/* A preset without a vocabulary is complete: its archive is one that a server takes. */
static void
test_no_vocabulary(void **state)
{
	random_preset request = {.origin = VOCABULARY_NONE};
	preset_source source;
	byte_buffer archive = {0};
	electra_archive_reader reader;
	electra_error error;

	(void) state;
	fixture_shape(&request.shape, 40);
	assert_int_equal(random_preset_open(&request, &source, &error), ELECTRA_INVALID_ARGUMENT);
	assert_non_null(strstr(error.message, "vocab_size"));
	request.shape.vocab_size = 1000;
	request.shape.dropout = 0.25;
	assert_int_equal(random_preset_open(&request, &source, &error), ELECTRA_OK);
	write_archive(&source, &archive, NULL);
	assert_int_equal(electra_archive_open(&reader, buffer_stream(&archive), archive.size,
										  &electra_malloc_allocator, &error), ELECTRA_OK);
	assert_int_equal(reader.archive->config.tokenizer.pipeline, ELECTRA_TOKENIZER_NONE);
	assert_int_equal(reader.archive->config.tokenizer.cls_token_id, -1);
	assert_int_equal(reader.archive->config.vocab_size, 1000);
	assert_true(reader.archive->config.dropout == 0.25);
	assert_true(reader.archive->config.has_pooler);
	assert_string_equal(electra_archive_metadata(reader.archive, "source.seed"), "0");
	assert_int_equal(electra_archive_tensor(reader.archive, "tokenizer.vocabulary")->shape[0], 0);
	assert_null(electra_archive_tensor(reader.archive, "tokenizer.added_tokens"));
	electra_archive_close(&reader);
	preset_source_free(&source);
	free(archive.bytes);
}

/* What Keras-Hub's constructor would refuse, and what cannot be stored. */
static void
test_refused_shapes(void **state)
{
	random_preset request = {.origin = VOCABULARY_NONE};
	preset_source source;
	electra_error error;

	(void) state;
	fixture_shape(&request.shape, 40);
	request.shape.vocab_size = 10;
	request.shape.num_heads = 3;
	assert_int_equal(random_preset_open(&request, &source, &error), ELECTRA_INVALID_ARGUMENT);
	assert_string_equal(error.message, "num_heads does not divide hidden_dim");
	request.shape.num_heads = 4;
	request.shape.max_sequence_length = 1;
	assert_int_equal(random_preset_open(&request, &source, &error), ELECTRA_INVALID_ARGUMENT);
	assert_string_equal(error.message, "invalid max_sequence_length: 1");
	request.shape.max_sequence_length = 2;
	request.shape.dropout = 1;
	assert_int_equal(random_preset_open(&request, &source, &error), ELECTRA_INVALID_ARGUMENT);
	assert_non_null(strstr(error.message, "dropout"));
	request.shape.dropout = NAN;
	assert_int_equal(random_preset_open(&request, &source, &error), ELECTRA_INVALID_ARGUMENT);
	request.shape.dropout = 0;
	assert_int_equal(random_preset_open(&request, &source, &error), ELECTRA_OK);
	preset_source_free(&source);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_splitmix),
		cmocka_unit_test(test_streams_differ),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_distribution),
		cmocka_unit_test(test_same_bits),
		cmocka_unit_test(test_tensors),
		cmocka_unit_test(test_no_pooler),
		cmocka_unit_test(test_all_tensors),
		cmocka_unit_test(test_no_vocabulary),
		cmocka_unit_test(test_refused_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
