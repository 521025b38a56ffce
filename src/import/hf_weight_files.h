/*
 * The weight files of a Hugging Face directory: which there are, in which
 * format, whole or in shards.
 *
 * As in transformers: model.safetensors, its shards, pytorch_model.bin, its
 * shards; the first that exists is taken.
 */
#ifndef ELECTRA_HF_WEIGHT_FILES_H
#define ELECTRA_HF_WEIGHT_FILES_H

#include "import/hf_directory.h"
#include "import/safetensors.h"
#include "import/tensor_collection.h"
#include "import/torch_file.h"

typedef enum hf_weight_format
{
	HF_SAFETENSORS = 0,
	HF_TORCH
} hf_weight_format;

#define HF_NUM_WEIGHT_FORMATS 2

/* One open file. */
typedef struct hf_weight_file
{
	hf_weight_format format;
	int			num_tensors;
	safetensors_file safetensors;	/* of HF_SAFETENSORS */
	torch_file	torch;			/* of HF_TORCH */
} hf_weight_file;

/* All of a directory: preset_source.reader. */
typedef struct hf_weight_files
{
	int			num_files;
	hf_weight_file *files;
} hf_weight_files;

/* Room for all files that a directory can have.  Close also after a failure of what follows. */
extern electra_status hf_weight_files_init(hf_weight_files *weights, electra_error *error);

/*
 * Opens the transformer's files and checks shards against their index.
 * ELECTRA_NOT_FOUND where there are none, ELECTRA_UNSUPPORTED where there are
 * only TensorFlow's, Flax's or ONNX's, and what the formats' readers return.
 */
extern electra_status hf_weight_files_open(const hf_directory *hf, hf_weight_files *weights,
										   electra_error *error);

/* The same for the one file of a module in its folder ("2_Dense/"). */
extern electra_status hf_weight_files_open_module(const hf_directory *hf, const char *folder,
												  hf_weight_files *weights, electra_error *error);

/* Name of tensor number index of a file. */
extern const char *hf_weight_file_tensor_name(const hf_weight_file *file, int index);

/* What a tensor of a file is, and how it is read. */
extern foreign_tensor hf_weight_file_tensor(const hf_weight_file *file, int index);

extern void hf_weight_files_close(hf_weight_files *weights);

#endif							/* ELECTRA_HF_WEIGHT_FILES_H */
