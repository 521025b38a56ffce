/*
 * Configurations: metadata form and back, rules, sizes of known models.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/archive.h"
#include "core/random.h"

#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_PAIRS 64

typedef struct pairs
{
	int			count;
	electra_metadata list[MAX_PAIRS];
	char		keys[MAX_PAIRS][64];
	char		values[MAX_PAIRS][ELECTRA_MAX_PROMPT + 1];
} pairs;

static void
collect(void *context, const char *key, const char *value)
{
	pairs	   *pairs = context;
	int			i = pairs->count++;

	assert_true(i < MAX_PAIRS);
	strcpy(pairs->keys[i], key);
	strcpy(pairs->values[i], value);
	pairs->list[i] = (electra_metadata) {pairs->keys[i], pairs->values[i]};
}

static int32_t
draw(electra_random *random, int32_t count)
{
	return (int32_t) (electra_random_u64(random) % (uint64_t) count);
}

/* A configuration in which everything that may differ does. */
static void
random_config(electra_random *random, electra_config *config)
{
	int32_t		width;

	memset(config, 0, sizeof(*config));
	config->numerics_version = ELECTRA_NUMERICS_VERSION;
	config->unicode_version = ELECTRA_UNICODE_VERSION;
	config->vocab_size = 10 + draw(random, 100000);
	config->num_layers = 1 + draw(random, 48);
	config->num_heads = 1 + draw(random, 16);
	config->hidden_dim = config->num_heads * (1 + draw(random, 64));
	config->embedding_dim = 1 + draw(random, 1024);
	config->intermediate_dim = 1 + draw(random, 4096);
	config->max_sequence_length = 2 + draw(random, 2048);
	config->num_segments = 1 + draw(random, 4);
	config->activation = (electra_activation) draw(random, ELECTRA_IDENTITY + 1);
	config->dtype = (electra_dtype) draw(random, ELECTRA_I8 + 1);
	if (config->dtype == ELECTRA_I8)
	{
		config->calibration_texts = 1 + draw(random, 1000);
		config->mean_cosine = (double) (electra_random_u64(random) >> 11) * 0x1p-53;
		config->lowest_cosine = config->mean_cosine - draw(random, 3) * 0.25;
	}
	config->dropout = draw(random, 2) == 0 ? 0.1 : (double) (electra_random_u64(random) >> 11) * 0x1p-53;
	config->has_pooler = draw(random, 2);
	config->layer_norm_eps = draw(random, 2) == 0 ? 1e-12 :
		((double) (electra_random_u64(random) >> 11) + 1) * 0x1p-70;
	config->tokenizer.pipeline = (electra_tokenizer_pipeline) draw(random, ELECTRA_TOKENIZER_NONE + 1);
	config->tokenizer.special_tokens_in_strings = draw(random, 2);
	config->tokenizer.clean_text = draw(random, 2);
	config->tokenizer.tokenize_chinese_chars = draw(random, 2);
	config->tokenizer.lowercase = draw(random, 2);
	config->tokenizer.strip_accents = draw(random, 2);
	config->tokenizer.max_word_chars = 1 + draw(random, 200);
	strcpy(config->tokenizer.continuing_prefix, draw(random, 2) ? "##" : "\"\\\xc3\xa9\n");
	config->tokenizer.unk_token_id = draw(random, 10);
	config->tokenizer.cls_token_id = draw(random, 10);
	config->tokenizer.sep_token_id = draw(random, 10);
	config->tokenizer.pad_token_id = draw(random, 11) - 1;
	config->tokenizer.mask_token_id = draw(random, 11) - 1;
	if (config->tokenizer.pipeline == ELECTRA_TOKENIZER_NONE)
		config->tokenizer.unk_token_id = config->tokenizer.cls_token_id = config->tokenizer.sep_token_id =
			config->tokenizer.pad_token_id = config->tokenizer.mask_token_id = -1;
	config->pooling_modes = 1 + draw(random, (1 << ELECTRA_NUM_POOLING_MODES) - 1);
	config->num_modules = 1 + draw(random, ELECTRA_MAX_MODULES);
	width = config->hidden_dim;
	for (int i = 0; i < config->num_modules; i++)
	{
		electra_module *module = &config->modules[i];

		module->kind = i == 0 ? ELECTRA_MODULE_POOLING :
			draw(random, 2) ? ELECTRA_MODULE_DENSE : ELECTRA_MODULE_NORMALIZE;
		module->in_dim = width;
		if (i == 0)
		{
			width = 0;
			for (int mode = 0; mode < ELECTRA_NUM_POOLING_MODES; mode++)
				width += (config->pooling_modes >> mode & 1) * module->in_dim;
		}
		if (module->kind == ELECTRA_MODULE_DENSE)
		{
			width = 1 + draw(random, 1000);
			module->has_bias = draw(random, 2);
			module->activation = (electra_activation) draw(random, ELECTRA_IDENTITY + 1);
		}
		module->out_dim = width;
	}
	config->include_prompt = draw(random, 2);
	config->trained_for_similarity = draw(random, 2);
	config->untrained = draw(random, 2);
	config->dimensions = draw(random, width + 1);
	config->normalize = draw(random, 2);
	config->max_length = 2 + draw(random, config->max_sequence_length - 1);
	config->truncation = draw(random, 2) ? ELECTRA_TRUNCATE : ELECTRA_TRUNCATION_ERROR;
	config->has_query_prompt = draw(random, 2);
	if (config->has_query_prompt && draw(random, 2))
		memset(config->query_prompt, 'q', (size_t) draw(random, ELECTRA_MAX_PROMPT + 1));
	config->has_document_prompt = draw(random, 2);
	if (config->has_document_prompt)
		strcpy(config->document_prompt, "passage: ");
}

/* To metadata and back is the same configuration, byte by byte. */
static void
test_round_trip(void **state)
{
	electra_random random;

	(void) state;
	electra_random_init(&random, 1, "configurations");
	for (int i = 0; i < 2000; i++)
	{
		static electra_config config;
		static electra_config back;
		static pairs pairs;
		electra_error error;

		random_config(&random, &config);
		assert_int_equal(electra_config_check(&config, &error), ELECTRA_OK);
		pairs.count = 0;
		electra_config_to_metadata(&config, collect, &pairs);
		for (int pair = 1; pair < pairs.count; pair++)
			assert_true(strcmp(pairs.keys[pair - 1], pairs.keys[pair]) < 0);
		assert_int_equal(electra_config_from_metadata(pairs.list, pairs.count, &back, &error), ELECTRA_OK);
		assert_memory_equal(&config, &back, sizeof(config));
	}
}

static const char *
value_of(const pairs *pairs, const char *key)
{
	for (int i = 0; i < pairs->count; i++)
	{
		if (strcmp(pairs->keys[i], key) == 0)
			return pairs->values[i];
	}
	return NULL;
}

static void
valid_config(electra_config *config)
{
	memset(config, 0, sizeof(*config));
	config->numerics_version = ELECTRA_NUMERICS_VERSION;
	config->unicode_version = ELECTRA_UNICODE_VERSION;
	config->vocab_size = 30522;
	config->num_layers = 12;
	config->num_heads = 4;
	config->hidden_dim = 256;
	config->embedding_dim = 128;
	config->intermediate_dim = 1024;
	config->max_sequence_length = 512;
	config->num_segments = 2;
	config->layer_norm_eps = 1e-12;
	config->tokenizer.max_word_chars = 100;
	strcpy(config->tokenizer.continuing_prefix, "##");
	config->tokenizer.unk_token_id = 100;
	config->tokenizer.cls_token_id = 101;
	config->tokenizer.sep_token_id = 102;
	config->tokenizer.mask_token_id = 103;
	config->num_modules = 1;
	config->modules[0].in_dim = config->modules[0].out_dim = 256;
	config->pooling_modes = ELECTRA_POOL_MEAN;
	config->max_length = 512;
}

/* The words that stand for values in archives: other programs read them. */
static void
test_words(void **state)
{
	static const char *const pipelines[] = {"bert", "keras", "none"};
	static const char *const dtypes[] = {"F32", "F16", "BF16"};
	static const char *const dropouts[] = {"0", "0.1", "0.25"};
	static const double dropout_values[] = {0, 0.1, 0.25};
	static electra_config config;
	static pairs pairs;

	(void) state;
	for (int i = 0; i < 3; i++)
	{
		valid_config(&config);
		config.tokenizer.pipeline = (electra_tokenizer_pipeline) i;
		config.tokenizer.special_tokens_in_strings = i == 1;
		config.dtype = (electra_dtype) i;
		config.dropout = dropout_values[i];
		config.has_pooler = i == 2;
		pairs.count = 0;
		electra_config_to_metadata(&config, collect, &pairs);
		assert_string_equal(value_of(&pairs, "tokenizer.pipeline"), pipelines[i]);
		assert_string_equal(value_of(&pairs, "tokenizer.special_tokens_in_strings"), i == 1 ? "true" : "false");
		assert_string_equal(value_of(&pairs, "config.dtype"), dtypes[i]);
		assert_string_equal(value_of(&pairs, "config.dropout"), dropouts[i]);
		assert_string_equal(value_of(&pairs, "config.has_pooler"), i == 2 ? "true" : "false");
	}
}

/* Numbers are written shortest, whatever rounding mode and locale the process has. */
static void
test_eps_form(void **state)
{
	static const struct
	{
		double		eps;
		const char *text;
	}			cases[] = {
		{1e-12, "1e-12"}, {1e-5, "1e-05"}, {0.1, "0.1"}, {1.5e-7, "1.5e-07"},
		{0.30000000000000004, "0.30000000000000004"}, {1.0 / 3, "0.3333333333333333"}, {1, "1"}
	};
	static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
	static const char *const locales[] = {"C", "de_DE.UTF-8", "fr_FR.UTF-8"};
	static electra_config config;
	static electra_config back;
	static pairs pairs;
	electra_error error;

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) * 12; i++)
	{
		/* locales that the machine lacks leave the one before in force */
		setlocale(LC_NUMERIC, locales[i % 3]);
		fesetround(modes[i / 3 % 4]);
		valid_config(&config);
		config.layer_norm_eps = cases[i / 12].eps;
		pairs.count = 0;
		electra_config_to_metadata(&config, collect, &pairs);
		assert_string_equal(value_of(&pairs, "config.layer_norm_eps"), cases[i / 12].text);
		assert_int_equal(electra_config_from_metadata(pairs.list, pairs.count, &back, &error), ELECTRA_OK);
		assert_true(back.layer_norm_eps == cases[i / 12].eps);
		assert_int_equal(fegetround(), modes[i / 3 % 4]);
		fesetround(FE_TONEAREST);
	}
	setlocale(LC_NUMERIC, "C");
}

/* Values that mean something but are not in the one form, or mean nothing. */
static void
test_refused_values(void **state)
{
	static const char *const cases[][2] = {
		{"config.num_layers", "012"}, {"config.num_layers", "+12"}, {"config.num_layers", " 12"},
		{"config.num_layers", "12 "}, {"config.num_layers", "1e1"}, {"config.num_layers", ""},
		{"config.num_layers", "99999999999"}, {"config.num_layers", "-0"}, {"config.num_layers", "2147483648"},
		{"config.layer_norm_eps", "1e-012"}, {"config.layer_norm_eps", "0.0000000000010"},
		{"config.layer_norm_eps", "1E-12"}, {"config.layer_norm_eps", "0x1p-3"},
		{"config.layer_norm_eps", "1e-12x"}, {"config.layer_norm_eps", ""},
		{"config.dropout", "0.10"}, {"config.dropout", ".1"}, {"config.dropout", "1e-1"}, {"config.dropout", "none"},
		{"config.has_pooler", "1"}, {"config.has_pooler", ""}, {"tokenizer.special_tokens_in_strings", "yes"},
		{"tokenizer.pipeline", "Keras"}, {"tokenizer.pipeline", ""},
		{"config.activation", "gelu_new"}, {"config.activation", "GELU"}, {"config.dtype", "U8"},
		{"config.dtype", "f32"}, {"pipeline.untrained", "0"}, {"pipeline.untrained", "True"},
		{"pipeline.pooling_modes", "mean,cls"}, {"pipeline.pooling_modes", "mean,mean"},
		{"pipeline.pooling_modes", "mean,"}, {"pipeline.pooling_modes", "median"},
		{"pipeline.modules", "pooling:256"}, {"pipeline.modules", "pooling:256:256,"},
		{"pipeline.modules", "pooling:256:256:bias:tanh"}, {"pipeline.modules", "dense:256:256"},
		{"pipeline.modules", "dense:256:256:maybe:tanh"}, {"pipeline.modules", "dense:256:256:bias:huh"},
		{"pipeline.truncation", "none"}, {"tokenizer.pipeline", "bpe"},
		{"tokenizer.continuing_prefix", "0123456789012345678901234567890123456789"},
	};
	static electra_config config;
	static electra_config back;
	static pairs pairs;
	electra_error error;

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		valid_config(&config);
		pairs.count = 0;
		electra_config_to_metadata(&config, collect, &pairs);
		for (int pair = 0; pair < pairs.count; pair++)
		{
			if (strcmp(pairs.keys[pair], cases[i][0]) == 0)
				strcpy(pairs.values[pair], cases[i][1]);
		}
		assert_int_equal(electra_config_from_metadata(pairs.list, pairs.count, &back, &error), ELECTRA_CORRUPT);
		assert_non_null(strstr(error.message, cases[i][0]));
	}
}

/* A missing key, an unknown key, another format. */
static void
test_refused_keys(void **state)
{
	static electra_config config;
	static electra_config back;
	static pairs pairs;
	electra_error error;

	(void) state;
	valid_config(&config);
	electra_config_to_metadata(&config, collect, &pairs);
	for (int missing = 0; missing < pairs.count; missing++)
	{
		electra_metadata list[MAX_PAIRS];
		int			count = 0;

		for (int i = 0; i < pairs.count; i++)
		{
			if (i != missing)
				list[count++] = pairs.list[i];
		}
		assert_int_equal(electra_config_from_metadata(list, count, &back, &error), ELECTRA_CORRUPT);
		assert_non_null(strstr(error.message, pairs.keys[missing]));
	}
	collect(&pairs, "zzz", "");
	assert_int_equal(electra_config_from_metadata(pairs.list, pairs.count, &back, &error), ELECTRA_CORRUPT);
	assert_non_null(strstr(error.message, "zzz"));
	strcpy(pairs.keys[pairs.count - 1], "source.x");
	assert_int_equal(electra_config_from_metadata(pairs.list, pairs.count, &back, &error), ELECTRA_OK);
	for (int i = 0; i < pairs.count; i++)
	{
		if (strcmp(pairs.keys[i], "electra.format") == 0)
			strcpy(pairs.values[i], "2");
	}
	assert_int_equal(electra_config_from_metadata(pairs.list, pairs.count, &back, &error), ELECTRA_UNSUPPORTED);
}

/* Keras-Hub's table of presets: its counts have the pooled_dense. */
static void
test_parameters(void **state)
{
	static const struct
	{
		int32_t		layers,
					heads,
					hidden,
					embedding,
					intermediate;
		int64_t		parameters;
	}			presets[] = {
		/* small discriminator and generator, base, large */
		{12, 4, 256, 128, 1024, 13548800},
		{12, 4, 256, 128, 1024, 13548800},
		{12, 12, 768, 768, 3072, 109482240},
		{12, 4, 256, 768, 1024, 33576960},
		{24, 16, 1024, 1024, 4096, 335141888},
		{24, 4, 256, 1024, 1024, 51065344},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
	{
		static electra_config config;
		int64_t		pooled_dense = (int64_t) presets[i].hidden * presets[i].hidden + presets[i].hidden;

		valid_config(&config);
		config.num_layers = presets[i].layers;
		config.num_heads = presets[i].heads;
		config.hidden_dim = presets[i].hidden;
		config.embedding_dim = presets[i].embedding;
		config.intermediate_dim = presets[i].intermediate;
		config.has_pooler = true;
		assert_int_equal(electra_config_parameters(&config), presets[i].parameters);
		config.has_pooler = false;
		assert_int_equal(electra_config_parameters(&config), presets[i].parameters - pooled_dense);
	}
}

/* Each rule broken once; the message names the field. */
/* Figures of a calibration belong to I8 and to nothing else. */
static void
check_calibration(const electra_config *good)
{
	static const struct
	{
		electra_dtype dtype;
		int32_t		texts;
		double		lowest;
		double		mean;
		bool		valid;
	}			cases[] = {
		{ELECTRA_I8, 64, 0.999, 0.9995, true},
		{ELECTRA_I8, 1, -1, 1, true},
		{ELECTRA_I8, 1, 0, 0, true},
		{ELECTRA_I8, 0, 0.999, 0.9995, false},
		{ELECTRA_I8, -1, 0.999, 0.9995, false},
		{ELECTRA_I8, 64, 0.9996, 0.9995, false},
		{ELECTRA_I8, 64, -1.5, 0.9995, false},
		{ELECTRA_I8, 64, 0.999, 1.5, false},
		{ELECTRA_I8, 64, NAN, 0.9995, false},
		{ELECTRA_I8, 64, 0.999, NAN, false},
		{ELECTRA_F32, 64, 0, 0, false},
		{ELECTRA_F32, 0, 0.5, 0.5, false},
		{ELECTRA_BF16, 0, 0, 0.5, false},
		{ELECTRA_BF16, 0, 0, 0, true},
	};
	electra_error error;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		electra_config config = *good;

		config.dtype = cases[i].dtype;
		config.calibration_texts = cases[i].texts;
		config.lowest_cosine = cases[i].lowest;
		config.mean_cosine = cases[i].mean;
		assert_int_equal(electra_config_check(&config, &error),
						 cases[i].valid ? ELECTRA_OK : ELECTRA_INVALID_ARGUMENT);
	}
}

static void
test_rules(void **state)
{
	electra_config good;
	electra_config bad;
	electra_error error;

	(void) state;
	valid_config(&good);
	assert_int_equal(electra_config_check(&good, &error), ELECTRA_OK);

#define BREAK(member, value, word) \
	do \
	{ \
		bad = good; \
		bad.member = (value); \
		assert_int_equal(electra_config_check(&bad, &error), ELECTRA_INVALID_ARGUMENT); \
		assert_non_null(strstr(error.message, word)); \
	} while (0)

	BREAK(vocab_size, 0, "vocab_size");
	BREAK(vocab_size, INT32_MAX, "vocab_size");
	BREAK(num_layers, -5, "num_layers");
	BREAK(num_layers, 1 << 20, "num_layers");
	BREAK(num_heads, 0, "num_heads");
	BREAK(num_heads, 3, "num_heads");
	BREAK(hidden_dim, INT32_MAX, "hidden_dim");
	BREAK(embedding_dim, 0, "embedding_dim");
	BREAK(intermediate_dim, -1, "intermediate_dim");
	BREAK(max_sequence_length, 1, "max_sequence_length");
	BREAK(num_segments, 0, "num_segments");
	BREAK(num_segments, 257, "num_segments");
	BREAK(dropout, -0.1, "dropout");
	BREAK(dropout, -0.0, "dropout");
	BREAK(dropout, 1, "dropout");
	BREAK(dropout, 0.0 / 0.0, "dropout");
	BREAK(tokenizer.pipeline, ELECTRA_TOKENIZER_NONE + 1, "tokenizer pipeline");
	BREAK(tokenizer.pipeline, ELECTRA_TOKENIZER_NONE, "unk_token_id");
	BREAK(layer_norm_eps, 0, "layer_norm_eps");
	BREAK(layer_norm_eps, -1e-12, "layer_norm_eps");
	BREAK(layer_norm_eps, 0.0 / 0.0, "layer_norm_eps");
	BREAK(layer_norm_eps, 1.0 / 0.0, "layer_norm_eps");
	BREAK(tokenizer.unk_token_id, -1, "unk_token_id");
	BREAK(tokenizer.cls_token_id, 30522, "cls_token_id");
	BREAK(tokenizer.sep_token_id, -1, "sep_token_id");
	BREAK(tokenizer.pad_token_id, -2, "pad_token_id");
	BREAK(tokenizer.mask_token_id, 30522, "mask_token_id");
	BREAK(tokenizer.cls_token_id, -1, "cls_token_id");
	BREAK(tokenizer.max_word_chars, 0, "max_word_chars");
	BREAK(num_modules, 0, "modules");
	BREAK(num_modules, ELECTRA_MAX_MODULES + 1, "modules");
	BREAK(pooling_modes, 0, "pooling_modes");
	BREAK(pooling_modes, 64, "pooling_modes");
	BREAK(pooling_modes, ELECTRA_POOL_CLS | ELECTRA_POOL_MEAN, "module 0");
	BREAK(modules[0].in_dim, 128, "module 0");
	BREAK(modules[0].kind, ELECTRA_MODULE_NORMALIZE, "module 0");
	BREAK(dimensions, 257, "dimensions");
	BREAK(dimensions, -1, "dimensions");
	BREAK(max_length, 1, "max_length");
	BREAK(max_length, 513, "max_length");
	BREAK(query_prompt[0], 'x', "query_prompt");
	BREAK(document_prompt[0], '\xff', "document_prompt");

	/* without a vocabulary: no id, not one */
	good.tokenizer.pipeline = ELECTRA_TOKENIZER_NONE;
	good.tokenizer.unk_token_id = good.tokenizer.cls_token_id = good.tokenizer.sep_token_id =
		good.tokenizer.pad_token_id = good.tokenizer.mask_token_id = -1;
	assert_int_equal(electra_config_check(&good, &error), ELECTRA_OK);
	BREAK(tokenizer.pipeline, ELECTRA_TOKENIZER_KERAS, "unk_token_id");
	BREAK(tokenizer.unk_token_id, 0, "unk_token_id");
	BREAK(tokenizer.cls_token_id, 0, "cls_token_id");
	BREAK(tokenizer.sep_token_id, 0, "sep_token_id");
	BREAK(tokenizer.pad_token_id, 0, "pad_token_id");
	BREAK(tokenizer.mask_token_id, 0, "mask_token_id");
	valid_config(&good);
#undef BREAK

	bad = good;
	bad.dtype = ELECTRA_U8;
	assert_int_equal(electra_config_check(&bad, &error), ELECTRA_UNSUPPORTED);
	assert_string_equal(error.message, "preset has dtype U8");
	check_calibration(&good);
	bad = good;
	memset(bad.query_prompt, 'x', sizeof(bad.query_prompt));
	assert_int_equal(electra_config_check(&bad, &error), ELECTRA_INVALID_ARGUMENT);
	bad = good;
	bad.numerics_version++;
	assert_int_equal(electra_config_check(&bad, &error), ELECTRA_UNSUPPORTED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_eps_form),
		cmocka_unit_test(test_refused_values),
		cmocka_unit_test(test_refused_keys),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
