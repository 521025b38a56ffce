/*
 * config.json: what BertConfig and ElectraConfig of transformers read.
 */
#include "import/export_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/hf_config.h"
#include "import/tensor_names.h"

/* Heads with a free number of labels. */
static const char *const labelled[] = {"classifier.weight", "classifier.out_proj.weight"};

bool
export_is_bert(const electra_archive *archive)
{
	const char *model_type = electra_archive_metadata(archive, "source.model_type");
	const char *architecture = electra_archive_metadata(archive, "source.architecture");

	return archive->config.embedding_dim == archive->config.hidden_dim &&
		((model_type != NULL && strcmp(model_type, "bert") == 0) ||
		 (architecture != NULL && strcmp(architecture, "BertBackbone") == 0));
}

bool
export_is_encoder(const char *name)
{
	tensor_name mapped;

	tensor_name_map(name, "", &mapped);
	return mapped.encoder;
}

bool
export_has_head(const electra_archive *archive)
{
	for (int i = 0; i < archive->num_tensors; i++)
	{
		const electra_tensor *tensor = &archive->tensors[i];

		if (tensor->dtype != ELECTRA_U8 && !export_is_encoder(tensor->name) &&
			strncmp(tensor->name, "modules.", 8) != 0)
			return true;
	}
	return false;
}

/* The class of transformers that the source names; without one only an encoder's is certain. */
static int
set_architecture(json_t *json, const exporter *exporter)
{
	bool		foreign = electra_archive_metadata(exporter->archive, "source.model_type") == NULL;
	const char *name = foreign ? NULL : electra_archive_metadata(exporter->archive, "source.architecture");

	if (name == NULL && export_has_head(exporter->archive))
		return 0;
	if (name == NULL)
		name = exporter->bert ? "BertModel" : "ElectraModel";
	return json_object_set_new(json, "architectures", json_pack("[s]", name));
}

/* The number of labels of a head; 0 where there is none. */
static int64_t
count_labels(const electra_archive *archive)
{
	for (size_t i = 0; i < sizeof(labelled) / sizeof(labelled[0]); i++)
	{
		const electra_tensor *tensor = electra_archive_tensor(archive, labelled[i]);

		if (tensor != NULL)
			return tensor->shape[0];
	}
	return 0;
}

/* Archives keep no names of labels: transformers' own, which tell only how many there are. */
static electra_status
set_labels(json_t *json, const exporter *exporter, electra_error *error)
{
	int64_t		count = count_labels(exporter->archive);
	json_t	   *names = json_object();
	json_t	   *ids = json_object();
	bool		failed = names == NULL || ids == NULL;

	if (count > EXPORT_MAX_LABELS)
	{
		json_decref(names);
		json_decref(ids);
		return electra_fail(error, ELECTRA_UNSUPPORTED, "a classifier of %lld labels cannot be exported",
							(long long) count);
	}
	for (int64_t i = 0; i < count && !failed; i++)
	{
		char		id[24];
		char		name[40];

		snprintf(id, sizeof(id), "%lld", (long long) i);
		snprintf(name, sizeof(name), "LABEL_%lld", (long long) i);
		failed = json_object_set_new(names, id, json_string(name)) != 0 ||
			json_object_set_new(ids, name, json_integer(i)) != 0;
	}
	if (count > 0 && !failed)
		failed = json_object_set(json, "id2label", names) != 0 || json_object_set(json, "label2id", ids) != 0;
	json_decref(names);
	json_decref(ids);
	return failed ? electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory") : ELECTRA_OK;
}

/*
 * The shape.  torch_dtype is float32 whatever the file holds: half precision
 * is how weights are stored, the server computes with all bits of a float.
 */
static json_t *
pack_shape(const electra_config *config)
{
	int			pad = (int) config->tokenizer.pad_token_id;
	json_t	   *json = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:f, s:f, s:f, s:s, s:s}",
								 "vocab_size", (int) config->vocab_size,
								 "hidden_size", (int) config->hidden_dim,
								 "num_hidden_layers", (int) config->num_layers,
								 "num_attention_heads", (int) config->num_heads,
								 "intermediate_size", (int) config->intermediate_dim,
								 "max_position_embeddings", (int) config->max_sequence_length,
								 "type_vocab_size", (int) config->num_segments,
								 "hidden_act", hf_activation_name(config->activation),
								 "layer_norm_eps", config->layer_norm_eps,
								 "hidden_dropout_prob", config->dropout,
								 "attention_probs_dropout_prob", config->dropout,
								 "position_embedding_type", "absolute",
								 "torch_dtype", "float32");

	if (json != NULL)
		json_object_set_new(json, "pad_token_id", pad < 0 ? json_null() : json_integer(pad));
	return json;
}

/* jansson's own 17 digits are exact but unreadable; 15 are enough for what people write. */
static size_t
real_precision(const electra_config *config)
{
	const double values[] = {config->layer_norm_eps, config->dropout};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
	{
		char		text[32];

		snprintf(text, sizeof(text), "%.15g", values[i]);
		if (strtod(text, NULL) != values[i])
			return JSON_REAL_PRECISION(17);
	}
	return JSON_REAL_PRECISION(15);
}

electra_status
export_write_config(exporter *exporter, electra_error *error)
{
	const electra_config *config = &exporter->archive->config;
	json_t	   *json = pack_shape(config);

	if (json == NULL ||
		json_object_set_new(json, "model_type", json_string(exporter->bert ? "bert" : "electra")) != 0 ||
		(!exporter->bert &&
		 json_object_set_new(json, "embedding_size", json_integer(config->embedding_dim)) != 0) ||
		set_architecture(json, exporter) != 0)
	{
		json_decref(json);
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	}
	if (set_labels(json, exporter, error) != ELECTRA_OK)
	{
		json_decref(json);
		return error->status;
	}
	if (count_labels(exporter->archive) > 0)
		export_remark(exporter, "the names of the classifier's labels are not in the archive; "
					  "they are LABEL_0, LABEL_1 and so on");
	if (config->has_pooler && !exporter->bert)
		export_remark(exporter, "transformers' ElectraModel has no pooler: it says that pooler.dense.* are not used; "
					  "electra-import reads them");
	return export_output_json(&exporter->output, "config.json", json,
							  JSON_INDENT(2) | real_precision(config), error);
}
