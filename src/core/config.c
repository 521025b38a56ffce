/*
 * Names of a configuration's values, and the rules that it must keep.
 */
#include "config.h"

#include "canonical_json.h"

#include <math.h>
#include <string.h>

/* Limits far above any preset, low enough that no size computed from them overflows int64. */
#define MAX_VOCAB_SIZE (1 << 24)
#define MAX_LAYERS 1024
#define MAX_HEADS 4096
#define MAX_WIDTH (1 << 18)
#define MAX_POSITIONS (1 << 20)
#define MAX_SEGMENTS 256		/* segment ids are bytes */
#define MAX_WORD_CHARS (1 << 20)
#define MIN_LAYER_NORM_EPS 1e-30

static const struct
{
	const char *name;
	size_t		size;
}			dtypes[] = {
	[ELECTRA_F32] = {"F32", 4},
	[ELECTRA_F16] = {"F16", 2},
	[ELECTRA_BF16] = {"BF16", 2},
	[ELECTRA_I8] = {"I8", 1},
	[ELECTRA_U8] = {"U8", 1},
	[ELECTRA_F64] = {"F64", 8},
	[ELECTRA_I64] = {"I64", 8},
};

static const char *const activations[] = {
	[ELECTRA_GELU] = "gelu",
	[ELECTRA_GELU_TANH] = "gelu_tanh",
	[ELECTRA_GELU_FAST] = "gelu_fast",
	[ELECTRA_GELU_10] = "gelu_10",
	[ELECTRA_QUICK_GELU] = "quick_gelu",
	[ELECTRA_RELU] = "relu",
	[ELECTRA_SILU] = "silu",
	[ELECTRA_MISH] = "mish",
	[ELECTRA_TANH] = "tanh",
	[ELECTRA_SIGMOID] = "sigmoid",
	[ELECTRA_IDENTITY] = "linear",
};

static const char *const pooling_modes[ELECTRA_NUM_POOLING_MODES] = {
	"cls", "max", "mean", "mean_sqrt_len", "weighted_mean", "last_token"
};

#define NUM_DTYPES ((int) (sizeof(dtypes) / sizeof(dtypes[0])))
#define NUM_ACTIVATIONS ((int) (sizeof(activations) / sizeof(activations[0])))

size_t
electra_dtype_size(electra_dtype dtype)
{
	return dtypes[dtype].size;
}

const char *
electra_dtype_name(electra_dtype dtype)
{
	return dtypes[dtype].name;
}

bool
electra_dtype_is_weight(electra_dtype dtype)
{
	return dtype == ELECTRA_F32 || dtype == ELECTRA_F16 || dtype == ELECTRA_BF16;
}

const char *
electra_activation_name(electra_activation activation)
{
	return activations[activation];
}

bool
electra_activation_parse(const char *name, electra_activation *activation)
{
	for (int i = 0; i < NUM_ACTIVATIONS; i++)
	{
		if (strcmp(name, activations[i]) == 0)
		{
			*activation = (electra_activation) i;
			return true;
		}
	}
	return false;
}

const char *
electra_pooling_name(int index)
{
	return pooling_modes[index];
}

/* Width of the vector behind the last module. */
static int32_t
pipeline_width(const electra_config *config)
{
	return config->modules[config->num_modules - 1].out_dim;
}

int32_t
electra_config_dimensions(const electra_config *config)
{
	return config->dimensions > 0 ? config->dimensions : pipeline_width(config);
}

int64_t
electra_config_parameters(const electra_config *config)
{
	int64_t		E = config->embedding_dim;
	int64_t		H = config->hidden_dim;
	int64_t		F = config->intermediate_dim;
	int64_t		rows = (int64_t) config->vocab_size + config->max_sequence_length + config->num_segments;
	int64_t		attention = 4 * (H * H + H) + 2 * H;
	int64_t		feed_forward = H * F + F + F * H + H + 2 * H;
	int64_t		projection = E != H ? E * H + H : 0;
	int64_t		pooler = config->has_pooler ? H * H + H : 0;

	return rows * E + 2 * E + projection + pooler + config->num_layers * (attention + feed_forward);
}

/* One integer field against its limits. */
static bool
in_range(const char *field, int64_t value, int64_t min, int64_t max, electra_error *error)
{
	if (value >= min && value <= max)
		return true;
	electra_fail(error, ELECTRA_INVALID_ARGUMENT, "invalid %s: %lld", field, (long long) value);
	electra_fail_detail(error, "It must be between %lld and %lld.", (long long) min, (long long) max);
	return false;
}

/* A string field: terminated inside its array, valid UTF-8. */
static bool
is_string(const char *field, const char *value, size_t capacity, electra_error *error)
{
	const char *end = memchr(value, '\0', capacity);

	if (end != NULL && electra_json_utf8_valid(value, (size_t) (end - value)))
		return true;
	electra_fail(error, ELECTRA_INVALID_ARGUMENT, "invalid %s", field);
	electra_fail_detail(error, "It must be valid UTF-8 of at most %d bytes.", (int) capacity - 1);
	return false;
}

static bool
check_versions(const electra_config *config, electra_error *error)
{
	if (config->numerics_version == ELECTRA_NUMERICS_VERSION &&
		config->unicode_version == ELECTRA_UNICODE_VERSION)
		return true;
	electra_fail(error, ELECTRA_UNSUPPORTED,
				 "preset needs numerics version %d with Unicode tables version %d",
				 (int) config->numerics_version, (int) config->unicode_version);
	electra_fail_detail(error, "This version of electra computes numerics version %d with Unicode tables version %d.",
						ELECTRA_NUMERICS_VERSION, ELECTRA_UNICODE_VERSION);
	electra_fail_hint(error, "Install the version of electra that made the preset, or a newer one.");
	return false;
}

/* The formats that kernels take; others belong to later versions. */
static bool
check_dtype(electra_dtype dtype, electra_error *error)
{
	if (electra_dtype_is_weight(dtype) || dtype == ELECTRA_I8)
		return true;
	electra_fail(error, ELECTRA_UNSUPPORTED, "preset has dtype %s", electra_dtype_name(dtype));
	electra_fail_detail(error, "This version of electra computes presets of dtype F32, F16, BF16 and I8.");
	electra_fail_hint(error, "Install a newer version of electra, or load the preset with another dtype.");
	return false;
}

/* What calibration has found; nothing where there was none.  Written so that NaN fails. */
static bool
check_calibration(const electra_config *config, electra_error *error)
{
	bool		quantized = config->dtype == ELECTRA_I8;

	if (!in_range("calibration_texts", config->calibration_texts, quantized ? 1 : 0,
				  quantized ? INT32_MAX : 0, error))
		return false;
	if (quantized ? config->lowest_cosine >= -1 && config->lowest_cosine <= config->mean_cosine &&
		config->mean_cosine <= 1 :
		config->lowest_cosine == 0 && config->mean_cosine == 0)
		return true;
	electra_fail(error, ELECTRA_INVALID_ARGUMENT, "invalid cosines of calibration: %g and %g",
				 config->lowest_cosine, config->mean_cosine);
	electra_fail_detail(error, "They must be between -1 and 1, the lowest not above the mean, and 0 unless dtype is I8.");
	return false;
}

static bool
check_encoder(const electra_config *config, electra_error *error)
{
	if (!in_range("vocab_size", config->vocab_size, 1, MAX_VOCAB_SIZE, error) ||
		!in_range("num_layers", config->num_layers, 0, MAX_LAYERS, error) ||
		!in_range("num_heads", config->num_heads, 1, MAX_HEADS, error) ||
		!in_range("hidden_dim", config->hidden_dim, 1, MAX_WIDTH, error) ||
		!in_range("embedding_dim", config->embedding_dim, 1, MAX_WIDTH, error) ||
		!in_range("intermediate_dim", config->intermediate_dim, 1, MAX_WIDTH, error) ||
		!in_range("max_sequence_length", config->max_sequence_length, 2, MAX_POSITIONS, error) ||
		!in_range("num_segments", config->num_segments, 1, MAX_SEGMENTS, error) ||
		!in_range("activation", (int64_t) config->activation, 0, NUM_ACTIVATIONS - 1, error) ||
		!in_range("dtype", (int64_t) config->dtype, 0, NUM_DTYPES - 1, error) ||
		!check_dtype(config->dtype, error) ||
		!check_calibration(config, error))
		return false;
	if (config->hidden_dim % config->num_heads != 0)
	{
		electra_fail(error, ELECTRA_INVALID_ARGUMENT, "num_heads does not divide hidden_dim");
		electra_fail_detail(error, "hidden_dim is %d, num_heads is %d.",
							(int) config->hidden_dim, (int) config->num_heads);
		return false;
	}
	/* written so that NaN fails, and -0, which would be another form of 0 */
	if (!(config->dropout >= 0 && config->dropout < 1) || signbit(config->dropout))
	{
		electra_fail(error, ELECTRA_INVALID_ARGUMENT, "invalid dropout: %g", config->dropout);
		electra_fail_detail(error, "It must be at least 0 and less than 1.");
		return false;
	}
	if (!(config->layer_norm_eps >= MIN_LAYER_NORM_EPS && config->layer_norm_eps <= 1))
	{
		electra_fail(error, ELECTRA_INVALID_ARGUMENT, "invalid layer_norm_eps: %g", config->layer_norm_eps);
		electra_fail_detail(error, "It must be between %g and 1.", MIN_LAYER_NORM_EPS);
		return false;
	}
	return true;
}

/* Without a vocabulary no id has a meaning. */
static bool
check_tokenizer(const electra_config *config, electra_error *error)
{
	const electra_tokenizer_config *tokenizer = &config->tokenizer;
	bool		none = tokenizer->pipeline == ELECTRA_TOKENIZER_NONE;
	int32_t		first = none ? -1 : 0;
	int32_t		last = none ? -1 : config->vocab_size - 1;

	return in_range("tokenizer pipeline", (int64_t) tokenizer->pipeline, 0, ELECTRA_TOKENIZER_NONE, error) &&
		in_range("max_word_chars", tokenizer->max_word_chars, 1, MAX_WORD_CHARS, error) &&
		is_string("continuing_prefix", tokenizer->continuing_prefix,
				  sizeof(tokenizer->continuing_prefix), error) &&
		in_range("unk_token_id", tokenizer->unk_token_id, first, last, error) &&
		in_range("cls_token_id", tokenizer->cls_token_id, first, last, error) &&
		in_range("sep_token_id", tokenizer->sep_token_id, first, last, error) &&
		in_range("pad_token_id", tokenizer->pad_token_id, -1, last, error) &&
		in_range("mask_token_id", tokenizer->mask_token_id, -1, last, error);
}

/* Pooling first and only there, each module takes what the one before it gives. */
static bool
check_modules(const electra_config *config, electra_error *error)
{
	int32_t		width = config->hidden_dim;

	if (!in_range("number of modules", config->num_modules, 1, ELECTRA_MAX_MODULES, error) ||
		!in_range("pooling_modes", config->pooling_modes, 1, (1 << ELECTRA_NUM_POOLING_MODES) - 1, error))
		return false;
	for (int i = 0; i < config->num_modules; i++)
	{
		const electra_module *module = &config->modules[i];
		int32_t		expected_out = width;

		if (!in_range("module kind", (int64_t) module->kind, 0, ELECTRA_MODULE_NORMALIZE, error))
			return false;
		if ((module->kind == ELECTRA_MODULE_POOLING) != (i == 0))
		{
			electra_fail(error, ELECTRA_INVALID_ARGUMENT, "module %d is misplaced", i);
			electra_fail_detail(error, "The first module, and only that, must be the pooling.");
			return false;
		}
		if (module->kind == ELECTRA_MODULE_POOLING)
		{
			expected_out = 0;
			for (int mode = 0; mode < ELECTRA_NUM_POOLING_MODES; mode++)
				expected_out += (config->pooling_modes >> mode & 1) * width;
		}
		else if (module->kind == ELECTRA_MODULE_DENSE)
		{
			if (!in_range("activation of a Dense module", (int64_t) module->activation,
						  0, NUM_ACTIVATIONS - 1, error) ||
				!in_range("out_dim of a Dense module", module->out_dim, 1, MAX_WIDTH, error))
				return false;
			expected_out = module->out_dim;
		}
		if (module->in_dim != width || module->out_dim != expected_out)
		{
			electra_fail(error, ELECTRA_INVALID_ARGUMENT, "dimensions of module %d do not chain", i);
			electra_fail_detail(error, "Expected %d to %d, found %d to %d.", (int) width,
								(int) expected_out, (int) module->in_dim, (int) module->out_dim);
			return false;
		}
		width = expected_out;
	}
	return true;
}

/* A prompt; none is always the empty string, so that equal presets have equal bytes. */
static bool
check_prompt(const char *field, bool present, const char *prompt, electra_error *error)
{
	if (!is_string(field, prompt, ELECTRA_MAX_PROMPT + 1, error))
		return false;
	if (present || prompt[0] == '\0')
		return true;
	electra_fail(error, ELECTRA_INVALID_ARGUMENT, "%s has a text but is marked as absent", field);
	return false;
}

electra_status
electra_config_check(const electra_config *config, electra_error *error)
{
	if (check_versions(config, error) &&
		check_encoder(config, error) &&
		check_tokenizer(config, error) &&
		check_modules(config, error) &&
		in_range("dimensions", config->dimensions, 0, pipeline_width(config), error) &&
		in_range("max_length", config->max_length, 2, config->max_sequence_length, error) &&
		in_range("truncation", (int64_t) config->truncation, 0, ELECTRA_TRUNCATION_ERROR, error) &&
		check_prompt("query_prompt", config->has_query_prompt, config->query_prompt, error) &&
		check_prompt("document_prompt", config->has_document_prompt, config->document_prompt, error))
		return ELECTRA_OK;
	return error->status;
}
