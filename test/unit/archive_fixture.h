/*
 * Small archives in memory, for tests of reader, image and writer.
 */
#ifndef ELECTRA_ARCHIVE_FIXTURE_H
#define ELECTRA_ARCHIVE_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import/archive_writer.h"

/* Bytes in memory that are written to and read from. */
typedef struct byte_buffer
{
	char	   *bytes;
	size_t		size;
	size_t		position;		/* of reading */
} byte_buffer;

static inline electra_status
buffer_append(void *context, const void *data, size_t size, electra_error *error)
{
	byte_buffer *buffer = context;

	(void) error;
	buffer->bytes = realloc(buffer->bytes, buffer->size + size + 1);
	if (buffer->bytes == NULL)
		abort();
	memcpy(buffer->bytes + buffer->size, data, size);
	buffer->size += size;
	buffer->bytes[buffer->size] = '\0';
	return ELECTRA_OK;
}

static inline electra_status
buffer_read(void *context, void *destination, size_t size, electra_error *error)
{
	byte_buffer *buffer = context;

	if (size > buffer->size - buffer->position)
		return electra_fail(error, ELECTRA_IO_ERROR, "end of the buffer");
	memcpy(destination, buffer->bytes + buffer->position, size);
	buffer->position += size;
	return ELECTRA_OK;
}

static inline electra_stream
buffer_stream(byte_buffer *buffer)
{
	buffer->position = 0;
	return (electra_stream) {buffer_read, buffer};
}

/* A temporary file with this content; its path in malloc'd memory. */
static inline char *
temporary_file(const char *content, size_t size)
{
	char	   *path = strdup("electra-test-XXXXXX");
	int			fd = mkstemp(path);

	if (fd < 0 || write(fd, content, size) != (ssize_t) size)
		abort();
	close(fd);
	return path;
}

/*
 * A shape whose sizes are all different and no multiples of a panel; without
 * projection when embedding_dim is 40.
 */
static inline void
fixture_shape(electra_config *shape, int32_t embedding_dim)
{
	memset(shape, 0, sizeof(*shape));
	shape->num_layers = 2;
	shape->num_heads = 4;
	shape->hidden_dim = 40;
	shape->embedding_dim = embedding_dim;
	shape->intermediate_dim = 70;
	shape->max_sequence_length = 24;
	shape->num_segments = 2;
	shape->activation = ELECTRA_GELU;
	shape->layer_norm_eps = 1e-12;
	shape->dropout = 0.1;
	shape->has_pooler = true;
}

static const char fixture_vocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhello\n##ing\nworld\n";

static inline void
fixture_source(preset_source *source, int32_t embedding_dim, uint64_t seed)
{
	char	   *path = temporary_file(fixture_vocabulary, strlen(fixture_vocabulary));
	random_preset request = {.origin = VOCABULARY_FILE, .vocabulary_file = path, .seed = seed};
	electra_error error;

	fixture_shape(&request.shape, embedding_dim);
	if (random_preset_open(&request, source, &error) != ELECTRA_OK)
	{
		fprintf(stderr, "%s\n", error.message);
		abort();
	}
	unlink(path);
	free(path);
}

/* One more tensor, named as in an archive. */
static inline void
fixture_add_tensor(preset_source *source, const char *name)
{
	source_tensor *tensor;

	source->tensors = realloc(source->tensors, (size_t) (source->num_tensors + 1) * sizeof(source_tensor));
	tensor = &source->tensors[source->num_tensors++];
	*tensor = source->tensors[0];
	if (!electra_tensor_spec_find(&source->config, name, &tensor->spec))
		abort();
}

/* Gives the fixture a Dense module behind the pooling, with or without bias. */
static inline void
fixture_add_dense(preset_source *source, int32_t out_dim, bool bias)
{
	electra_config *config = &source->config;
	electra_module *module = &config->modules[config->num_modules++];
	static const char *const names[] = {"modules.1.linear.weight", "modules.1.linear.bias"};

	module->kind = ELECTRA_MODULE_DENSE;
	module->activation = ELECTRA_TANH;
	module->in_dim = config->hidden_dim;
	module->out_dim = out_dim;
	module->has_bias = bias;
	for (int i = 0; i < (bias ? 2 : 1); i++)
		fixture_add_tensor(source, names[i]);
}

static inline void
fixture_remove_pooler(preset_source *source)
{
	int			kept = 0;

	for (int i = 0; i < source->num_tensors; i++)
	{
		if (strncmp(source->tensors[i].spec.name, "pooler.", 7) != 0)
			source->tensors[kept++] = source->tensors[i];
	}
	source->num_tensors = kept;
	source->config.has_pooler = false;
}

/* Token ids only. */
static inline void
fixture_remove_vocabulary(preset_source *source)
{
	electra_tokenizer_config *tokenizer = &source->config.tokenizer;

	free(source->added_tokens);
	source->added_tokens = NULL;
	source->added_tokens_size = 0;
	source->vocabulary_size = 0;
	tokenizer->pipeline = ELECTRA_TOKENIZER_NONE;
	tokenizer->unk_token_id = tokenizer->cls_token_id = tokenizer->sep_token_id = -1;
	tokenizer->pad_token_id = tokenizer->mask_token_id = -1;
}

/* Stores matrices in one dtype and vectors in another. */
static inline void
fixture_store(preset_source *source, electra_dtype matrices, electra_dtype vectors)
{
	for (int i = 0; i < source->num_tensors; i++)
		source->tensors[i].stored_dtype = source->tensors[i].spec.rank == 2 ? matrices : vectors;
	source->config.dtype = matrices;
}

/* Stores everything as an int8 preset does, with made-up results of a calibration. */
static inline void
fixture_quantize(preset_source *source)
{
	for (int i = 0; i < source->num_tensors; i++)
	{
		source_tensor *tensor = &source->tensors[i];

		tensor->stored_dtype = tensor->spec.quantized ? ELECTRA_I8 : ELECTRA_F32;
		tensor->num_exact = tensor->spec.num_exact;
		for (int e = 0; e < tensor->num_exact; e++)
			tensor->exact_channels[e] = (int32_t) tensor->spec.shape[1] - 1 - 7 * (tensor->num_exact - 1 - e);
	}
	source->config.dtype = ELECTRA_I8;
	source->config.calibration_texts = 64;
	source->config.lowest_cosine = 0.9990625;
	source->config.mean_cosine = 0.9995;
}

/* The archive of a source; the digest may be NULL. */
static inline void
write_archive(const preset_source *source, byte_buffer *archive, uint8_t *digest)
{
	const archive_output output = {buffer_append, NULL, NULL, archive};
	electra_error error;

	if (archive_write(source, &output, digest, NULL, &error) != ELECTRA_OK)
	{
		fprintf(stderr, "%s\n%s\n", error.message, error.detail);
		abort();
	}
}

/* source_tensor.read for the tensor's values as the archive must hold them. */
static inline float *
tensor_values(const preset_source *source, const char *name, int64_t *count)
{
	for (int i = 0; i < source->num_tensors; i++)
	{
		const source_tensor *tensor = &source->tensors[i];

		if (strcmp(tensor->spec.name, name) == 0)
		{
			float	   *values;
			electra_error error;

			*count = tensor->spec.shape[0] * (tensor->spec.rank == 2 ? tensor->spec.shape[1] : 1);
			values = malloc((size_t) *count * sizeof(float));
			if (values == NULL || tensor->read(tensor, 0, *count, values, &error) != ELECTRA_OK)
				abort();
			return values;
		}
	}
	abort();
}

#endif							/* ELECTRA_ARCHIVE_FIXTURE_H */
