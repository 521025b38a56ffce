/*
 * config.json: the shape of the encoder.
 */
#include "import/hf_config.h"

#include <string.h>

/* ACT2FN of transformers' activations.py, as far as we compute it. */
static const struct
{
	const char *name;
	electra_activation activation;
}			activations[] = {
	{"gelu", ELECTRA_GELU},
	{"gelu_python", ELECTRA_GELU},
	{"gelu_new", ELECTRA_GELU_TANH},
	{"gelu_pytorch_tanh", ELECTRA_GELU_TANH},
	{"gelu_python_tanh", ELECTRA_GELU_TANH},
	{"gelu_accurate", ELECTRA_GELU_TANH},
	{"gelu_fast", ELECTRA_GELU_FAST},
	{"gelu_10", ELECTRA_GELU_10},
	{"quick_gelu", ELECTRA_QUICK_GELU},
	{"relu", ELECTRA_RELU},
	{"silu", ELECTRA_SILU},
	{"swish", ELECTRA_SILU},
	{"mish", ELECTRA_MISH},
	{"tanh", ELECTRA_TANH},
	{"sigmoid", ELECTRA_SIGMOID},
	{"linear", ELECTRA_IDENTITY},
};

bool
hf_activation_parse(const char *name, electra_activation *activation)
{
	for (size_t i = 0; i < sizeof(activations) / sizeof(activations[0]); i++)
	{
		if (strcmp(activations[i].name, name) == 0)
		{
			*activation = activations[i].activation;
			return true;
		}
	}
	return false;
}

const char *
hf_activation_name(electra_activation activation)
{
	size_t		i = 0;

	while (activations[i].activation != activation)
		i++;
	return activations[i].name;
}

/* What BertConfig and ElectraConfig say where a key is missing. */
static void
set_defaults(bool electra, electra_config *config)
{
	config->vocab_size = 30522;
	config->hidden_dim = electra ? 256 : 768;
	config->num_layers = 12;
	config->num_heads = electra ? 4 : 12;
	config->intermediate_dim = electra ? 1024 : 3072;
	config->max_sequence_length = 512;
	config->num_segments = 2;
	config->layer_norm_eps = 1e-12;
	config->dropout = 0.1;
	config->activation = ELECTRA_GELU;
}

/* hidden_act; a name that is not one of ACT2FN is as wrong as one we lack. */
static electra_status
read_activation(const hf_directory *hf, electra_error *error)
{
	const char *name = "gelu";
	char		quoted[SOURCE_QUOTE_SIZE];

	if (json_get_string(hf->config, "config.json", "hidden_act", &name, error) != ELECTRA_OK)
		return error->status;
	if (hf_activation_parse(name, &hf->source->config.activation))
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_UNSUPPORTED, "\"hidden_act\" in file \"config.json\" is not supported");
	electra_fail_detail(error, "It is \"%s\"; expected gelu, gelu_new, gelu_fast, gelu_python, gelu_10, "
						"quick_gelu, relu, silu, swish, mish, tanh, sigmoid or linear.",
						source_quote(name, quoted));
	return error->status;
}

electra_status
hf_config_read(hf_directory *hf, electra_error *error)
{
	electra_config *config = &hf->source->config;
	bool		electra = strcmp(json_string_value(json_member(hf->config, "model_type")), "electra") == 0;
	const json_t *json = hf->config;
	const char *file = "config.json";

	set_defaults(electra, config);
	hf->prefix = electra ? "electra." : "bert.";

	/* the limits of electra_config_check, but with the names of this file */
	if (json_get_int32(json, file, "vocab_size", 1, 1 << 24, &config->vocab_size, error) != ELECTRA_OK ||
		json_get_int32(json, file, "hidden_size", 1, 1 << 18, &config->hidden_dim, error) != ELECTRA_OK ||
		json_get_int32(json, file, "num_hidden_layers", 0, 1024, &config->num_layers, error) != ELECTRA_OK ||
		json_get_int32(json, file, "num_attention_heads", 1, 4096, &config->num_heads, error) != ELECTRA_OK ||
		json_get_int32(json, file, "intermediate_size", 1, 1 << 18, &config->intermediate_dim,
					   error) != ELECTRA_OK ||
		json_get_int32(json, file, "max_position_embeddings", 2, 1 << 20, &config->max_sequence_length,
					   error) != ELECTRA_OK ||
		json_get_int32(json, file, "type_vocab_size", 1, 256, &config->num_segments, error) != ELECTRA_OK ||
		json_get_double(json, file, "layer_norm_eps", &config->layer_norm_eps, error) != ELECTRA_OK ||
		json_get_double(json, file, "hidden_dropout_prob", &config->dropout, error) != ELECTRA_OK ||
		read_activation(hf, error) != ELECTRA_OK)
		return error->status;

	/* BertConfig has no embedding_size: whatever stands there is ignored */
	config->embedding_dim = electra ? 128 : config->hidden_dim;
	if (electra && json_get_int32(json, file, "embedding_size", 1, 1 << 18, &config->embedding_dim,
								  error) != ELECTRA_OK)
		return error->status;

	if (!(config->layer_norm_eps >= 1e-30 && config->layer_norm_eps <= 1.0))
		return json_fail_value(file, "layer_norm_eps", "between 1e-30 and 1",
							   json_object_get(json, "layer_norm_eps"), error);
	if (!(config->dropout >= 0 && config->dropout < 1))
		return json_fail_value(file, "hidden_dropout_prob", "at least 0 and less than 1",
							   json_object_get(json, "hidden_dropout_prob"), error);
	if (config->hidden_dim % config->num_heads != 0)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE,
					 "\"num_attention_heads\" does not divide \"hidden_size\" in file \"config.json\"");
		electra_fail_detail(error, "hidden_size is %d, num_attention_heads is %d.",
							(int) config->hidden_dim, (int) config->num_heads);
		return error->status;
	}
	return ELECTRA_OK;
}
