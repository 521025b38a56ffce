/*
 * Builds an image out of an archive, in one pass through it.
 *
 * Where everything goes follows from the archive's header alone, but for the
 * vocabulary, which therefore lies last: first the layers' table, then each
 * tensor that encoder, pooler or a module needs, in the archive's order.
 * Tensors of heads, and where the weights came from, are read (they are in the
 * digest) and left out.
 */
#include "image.h"

#include "content_digest.h"
#include "vocabulary.h"
#include "weight_files.h"
#include "widen.h"

#include <stdio.h>
#include <string.h>

/* Vectors and embedding tables are copied in pieces of so many floats. */
#define COPY_FLOATS (64 * 1024)

/* What becomes of a tensor in the image. */
typedef enum section_kind
{
	SECTION_NONE,				/* left out */
	SECTION_FLOATS,				/* as it is */
	SECTION_BIAS,				/* padded to whole panels */
	SECTION_PANELS,				/* packed */
	SECTION_VOCABULARY,			/* kept for the vocabulary's section */
	SECTION_ADDED_TOKENS,
	SECTION_WEIGHT_FILES		/* checked and left out */
} section_kind;

typedef struct section
{
	section_kind kind;
	uint64_t   *offset;			/* where its place in the image is noted */
} section;

typedef struct builder
{
	electra_archive_reader *reader;
	const electra_archive *archive;
	const electra_sink *sink;
	const electra_allocator *memory;
	const electra_poll *poll;
	electra_error *error;
	electra_image_header *header;
	electra_image_layer *layers;	/* (num_layers) */
	uint64_t	position;		/* next byte of the image to be written */
	electra_content_digest content; /* of what has been written */
	float	   *rows;			/* (block_floats): in the archive's order */
	float	   *panel;			/* (block_floats): as in the image; before that,
								 * what is to be widened */
	size_t		block_floats;
	char	   *vocabulary;		/* NULL until they have been read */
	char	   *added_tokens;
} builder;

static uint64_t
align_up(uint64_t offset)
{
	return (offset + ELECTRA_IMAGE_ALIGNMENT - 1) / ELECTRA_IMAGE_ALIGNMENT * ELECTRA_IMAGE_ALIGNMENT;
}

/* Columns of a matrix with its last panel filled up. */
static uint64_t
padded_columns(int64_t columns)
{
	uint64_t	panels = ((uint64_t) columns + ELECTRA_PANEL_COLUMNS - 1) / ELECTRA_PANEL_COLUMNS;

	return panels * ELECTRA_PANEL_COLUMNS;
}

/* The two parts of a linear layer. */
static section
linear_section(electra_image_linear *linear, const char *part)
{
	if (strcmp(part, "weight") == 0)
		return (section) {SECTION_PANELS, &linear->panels};
	return (section) {SECTION_BIAS, &linear->bias};
}

static section
norm_section(electra_image_layer_norm *norm, const char *part)
{
	if (strcmp(part, "weight") == 0)
		return (section) {SECTION_FLOATS, &norm->weight};
	return (section) {SECTION_FLOATS, &norm->bias};
}

/* If name begins with prefix, sets *rest to what follows. */
static bool
after_prefix(const char *name, const char *prefix, const char **rest)
{
	size_t		length = strlen(prefix);

	if (strncmp(name, prefix, length) != 0)
		return false;
	*rest = name + length;
	return true;
}

/* A tensor behind "encoder.layer.N." */
static section
layer_section(electra_image_layer *layer, const char *name)
{
	const char *part;

	if (after_prefix(name, "attention.self.query.", &part))
		return linear_section(&layer->query, part);
	if (after_prefix(name, "attention.self.key.", &part))
		return linear_section(&layer->key, part);
	if (after_prefix(name, "attention.self.value.", &part))
		return linear_section(&layer->value, part);
	if (after_prefix(name, "attention.output.dense.", &part))
		return linear_section(&layer->attention_output, part);
	if (after_prefix(name, "attention.output.LayerNorm.", &part))
		return norm_section(&layer->attention_norm, part);
	if (after_prefix(name, "intermediate.dense.", &part))
		return linear_section(&layer->intermediate, part);
	if (after_prefix(name, "output.dense.", &part))
		return linear_section(&layer->output, part);
	if (after_prefix(name, "output.LayerNorm.", &part))
		return norm_section(&layer->output_norm, part);
	return (section) {SECTION_NONE, NULL};
}

/* The number that a name goes on with, and what follows its dot; the reader has checked the form. */
static int
leading_number(const char *digits, const char **rest)
{
	int			number = 0;

	for (; *digits != '.'; digits++)
		number = number * 10 + (*digits - '0');
	*rest = digits + 1;
	return number;
}

/* What becomes of a tensor, and where in header or layers its place is noted. */
static section
find_section(electra_image_header *header, electra_image_layer *layers, const char *name)
{
	const char *part;

	if (after_prefix(name, "encoder.layer.", &part))
	{
		int			layer = leading_number(part, &part);

		return layer_section(&layers[layer], part);
	}
	if (after_prefix(name, "modules.", &part))
	{
		int			module = leading_number(part, &part);

		return linear_section(&header->modules[module], part + strlen("linear."));
	}
	if (after_prefix(name, "embeddings_project.", &part))
		return linear_section(&header->projection, part);
	if (after_prefix(name, "pooler.dense.", &part))
		return linear_section(&header->pooler, part);
	if (after_prefix(name, "embeddings.LayerNorm.", &part))
		return norm_section(&header->embedding_norm, part);
	if (strcmp(name, "embeddings.word_embeddings.weight") == 0)
		return (section) {SECTION_FLOATS, &header->word_embeddings};
	if (strcmp(name, "embeddings.position_embeddings.weight") == 0)
		return (section) {SECTION_FLOATS, &header->position_embeddings};
	if (strcmp(name, "embeddings.token_type_embeddings.weight") == 0)
		return (section) {SECTION_FLOATS, &header->segment_embeddings};
	if (strcmp(name, "tokenizer.vocabulary") == 0)
		return (section) {SECTION_VOCABULARY, NULL};
	if (strcmp(name, "tokenizer.added_tokens") == 0)
		return (section) {SECTION_ADDED_TOKENS, NULL};
	if (strcmp(name, ELECTRA_WEIGHT_FILES) == 0)
		return (section) {SECTION_WEIGHT_FILES, NULL};
	return (section) {SECTION_NONE, NULL};
}

/* Bytes of a tensor's section in the image. */
static uint64_t
section_size(section_kind kind, const electra_tensor *tensor)
{
	uint64_t	rows = (uint64_t) tensor->shape[0];
	uint64_t	columns = tensor->rank == 2 ? (uint64_t) tensor->shape[1] : 1;

	switch (kind)
	{
		case SECTION_FLOATS:
			return rows * columns * sizeof(float);
		case SECTION_BIAS:
		case SECTION_PANELS:
			return padded_columns(tensor->shape[0]) * columns * sizeof(float);
		case SECTION_NONE:
		case SECTION_VOCABULARY:
		case SECTION_ADDED_TOKENS:
		case SECTION_WEIGHT_FILES:
			break;
	}
	return 0;
}

static void
set_dimensions(electra_image_linear *linear, int32_t in_dim, int32_t out_dim)
{
	linear->in_dim = in_dim;
	linear->out_dim = out_dim;
}

/*
 * Places every section but the vocabulary's and fills in the header's and the
 * layers' offsets; returns the first byte behind them.
 */
static uint64_t
lay_out(const electra_archive *archive, electra_image_header *header, electra_image_layer *layers)
{
	const electra_config *config = &archive->config;
	int32_t		H = config->hidden_dim;
	uint64_t	end;

	header->layers = align_up(sizeof(*header));
	end = header->layers + (uint64_t) config->num_layers * sizeof(electra_image_layer);
	if (config->embedding_dim != H)
		set_dimensions(&header->projection, config->embedding_dim, H);
	if (config->has_pooler)
		set_dimensions(&header->pooler, H, H);
	for (int i = 0; i < config->num_layers; i++)
	{
		set_dimensions(&layers[i].query, H, H);
		set_dimensions(&layers[i].key, H, H);
		set_dimensions(&layers[i].value, H, H);
		set_dimensions(&layers[i].attention_output, H, H);
		set_dimensions(&layers[i].intermediate, H, config->intermediate_dim);
		set_dimensions(&layers[i].output, config->intermediate_dim, H);
	}
	for (int i = 0; i < config->num_modules; i++)
	{
		if (config->modules[i].kind == ELECTRA_MODULE_DENSE)
			set_dimensions(&header->modules[i], config->modules[i].in_dim, config->modules[i].out_dim);
	}
	for (int i = 0; i < archive->num_tensors; i++)
	{
		const electra_tensor *tensor = &archive->tensors[i];
		section		section = find_section(header, layers, tensor->name);

		if (section.offset != NULL)
		{
			*section.offset = align_up(end);
			end = *section.offset + section_size(section.kind, tensor);
		}
	}
	return end;
}

uint64_t
electra_image_max_size(const electra_archive *archive)
{
	const electra_tensor *vocabulary = electra_archive_tensor(archive, "tokenizer.vocabulary");
	const electra_tensor *added = electra_archive_tensor(archive, "tokenizer.added_tokens");
	uint64_t	size = align_up(sizeof(electra_image_header)) +
		(uint64_t) archive->config.num_layers * sizeof(electra_image_layer);

	/* as if every tensor were packed */
	for (int i = 0; i < archive->num_tensors; i++)
		size = align_up(size) + section_size(SECTION_PANELS, &archive->tensors[i]);
	return align_up(size) + electra_vocabulary_max_size(vocabulary->end - vocabulary->begin,
														added != NULL ? added->end - added->begin : 0,
														archive->config.vocab_size);
}

static electra_status
canceled(electra_error *error)
{
	return electra_fail(error, ELECTRA_CANCELED, "canceled");
}

static void *
allocate(builder *builder, size_t size)
{
	void	   *pointer = builder->memory->alloc(builder->memory->context, size > 0 ? size : 1);

	if (pointer == NULL)
	{
		electra_fail(builder->error, ELECTRA_OUT_OF_MEMORY, "out of memory");
		electra_fail_detail(builder->error, "Failed to get %zu bytes for building a preset's image.", size);
	}
	return pointer;
}

/* Appends to the content of the image. */
static electra_status
append(builder *builder, const void *data, size_t size)
{
	electra_status status = builder->sink->write(builder->sink->context, builder->position,
												 data, size, builder->error);

	electra_content_digest_update(&builder->content, data, size);
	builder->position += size;
	return status;
}

/* Zeros up to the beginning of a section. */
static electra_status
append_padding(builder *builder, uint64_t offset)
{
	static const char zeros[ELECTRA_IMAGE_ALIGNMENT];

	return append(builder, zeros, (size_t) (offset - builder->position));
}

/*
 * Index of the first value that is not finite, count if there is none.  The
 * exponent decides; the loop has no branch, for it sees every weight.
 */
static size_t
first_not_finite(const float *values, size_t count)
{
	uint32_t	found = 0;
	size_t		i;

	for (i = 0; i < count; i++)
	{
		uint32_t	bits;

		memcpy(&bits, &values[i], sizeof(bits));
		found |= (bits & 0x7f800000) == 0x7f800000;
	}
	if (!found)
		return count;
	for (i = 0; i < count; i++)
	{
		uint32_t	bits;

		memcpy(&bits, &values[i], sizeof(bits));
		if ((bits & 0x7f800000) == 0x7f800000)
			break;
	}
	return i;
}

/* Reads the next count elements of a tensor, of which done have been read, and widens them. */
static electra_status
read_floats(builder *builder, const electra_tensor *tensor, int64_t done, size_t count)
{
	bool		narrow = tensor->dtype != ELECTRA_F32;
	float	   *stored = narrow ? builder->panel : builder->rows;
	electra_status status;
	size_t		index;

	if (electra_stop(builder->poll))
		return canceled(builder->error);
	status = electra_archive_read(builder->reader, stored, count * electra_dtype_size(tensor->dtype),
								  builder->error);
	if (status != ELECTRA_OK)
		return status;
	if (narrow)
		electra_widen(tensor->dtype, stored, count, builder->rows);
	index = first_not_finite(builder->rows, count);
	if (index == count)
		return ELECTRA_OK;
	electra_fail(builder->error, ELECTRA_NOT_FINITE, "tensor \"%s\" holds a value that is not finite",
				 tensor->name);
	electra_fail_detail(builder->error, "It is element %lld, counted from 0.",
						(long long) (done + (int64_t) index));
	return ELECTRA_NOT_FINITE;
}

/* A table or vector: copied, or only read. */
static electra_status
copy_floats(builder *builder, const electra_tensor *tensor, bool keep)
{
	int64_t		total = (int64_t) ((tensor->end - tensor->begin) / electra_dtype_size(tensor->dtype));
	electra_status status = ELECTRA_OK;

	for (int64_t done = 0; done < total && status == ELECTRA_OK;)
	{
		int64_t		rest = total - done;
		size_t		count = rest < COPY_FLOATS ? (size_t) rest : COPY_FLOATS;

		status = read_floats(builder, tensor, done, count);
		if (status == ELECTRA_OK && keep)
			status = append(builder, builder->rows, count * sizeof(float));
		done += (int64_t) count;
	}
	return status;
}

/* A bias: its last panel filled up with zeros. */
static electra_status
copy_bias(builder *builder, const electra_tensor *tensor)
{
	static const float zeros[ELECTRA_PANEL_COLUMNS];
	uint64_t	padding = padded_columns(tensor->shape[0]) - (uint64_t) tensor->shape[0];
	electra_status status = copy_floats(builder, tensor, true);

	if (status != ELECTRA_OK)
		return status;
	return append(builder, zeros, (size_t) padding * sizeof(float));
}

/* A matrix (N, K), 32 rows at a time; each row is a column of a panel. */
static electra_status
pack_matrix(builder *builder, const electra_tensor *tensor)
{
	int64_t		N = tensor->shape[0];
	int64_t		K = tensor->shape[1];
	size_t		panel_floats = (size_t) K * ELECTRA_PANEL_COLUMNS;

	for (int64_t first = 0; first < N; first += ELECTRA_PANEL_COLUMNS)
	{
		int			rows = N - first < ELECTRA_PANEL_COLUMNS ? (int) (N - first) : ELECTRA_PANEL_COLUMNS;
		electra_status status = read_floats(builder, tensor, first * K, (size_t) (rows * K));

		if (status != ELECTRA_OK)
			return status;
		if (rows < ELECTRA_PANEL_COLUMNS)
			memset(builder->panel, 0, panel_floats * sizeof(float));
		for (int row = 0; row < rows; row++)
			electra_pack_row(builder->panel, row, builder->rows + row * K, K);
		status = append(builder, builder->panel, panel_floats * sizeof(float));
		if (status != ELECTRA_OK)
			return status;
	}
	return ELECTRA_OK;
}

/* Reads a whole U8 tensor. */
static electra_status
read_text(builder *builder, const electra_tensor *tensor, char **text)
{
	size_t		size = (size_t) (tensor->end - tensor->begin);

	*text = allocate(builder, size);
	if (*text == NULL)
		return ELECTRA_OUT_OF_MEMORY;
	return electra_archive_read(builder->reader, *text, size, builder->error);
}

/* Only the form can be checked: a server does not have the files. */
static electra_status
check_weight_files(builder *builder, const electra_tensor *tensor)
{
	char	   *text;
	electra_status status = read_text(builder, tensor, &text);

	if (status == ELECTRA_OK)
		status = electra_weight_files_check(text, (size_t) (tensor->end - tensor->begin), builder->error);
	builder->memory->release(builder->memory->context, text);
	return status;
}

static electra_status
build_tensor(builder *builder, const electra_tensor *tensor)
{
	section		section = find_section(builder->header, builder->layers, tensor->name);
	electra_status status = ELECTRA_OK;

	if (section.offset != NULL)
		status = append_padding(builder, *section.offset);
	if (status != ELECTRA_OK)
		return status;
	switch (section.kind)
	{
		case SECTION_NONE:
			return copy_floats(builder, tensor, false);
		case SECTION_FLOATS:
			return copy_floats(builder, tensor, true);
		case SECTION_BIAS:
			return copy_bias(builder, tensor);
		case SECTION_PANELS:
			return pack_matrix(builder, tensor);
		case SECTION_VOCABULARY:
			return read_text(builder, tensor, &builder->vocabulary);
		case SECTION_ADDED_TOKENS:
			return read_text(builder, tensor, &builder->added_tokens);
		case SECTION_WEIGHT_FILES:
			return check_weight_files(builder, tensor);
	}
	return ELECTRA_OK;
}

/* Makes and writes the last section. */
static electra_status
build_vocabulary(builder *builder)
{
	const electra_tensor *vocabulary = electra_archive_tensor(builder->archive, "tokenizer.vocabulary");
	const electra_tensor *added = electra_archive_tensor(builder->archive, "tokenizer.added_tokens");
	void	   *data = NULL;
	size_t		size = 0;
	electra_status status;

	status = electra_vocabulary_build(&builder->archive->config.tokenizer,
									  builder->archive->config.vocab_size,
									  builder->vocabulary, (size_t) (vocabulary->end - vocabulary->begin),
									  builder->added_tokens,
									  added != NULL ? (size_t) (added->end - added->begin) : 0,
									  builder->memory, &data, &size, builder->error);
	if (status != ELECTRA_OK)
		return status;
	builder->header->vocabulary = align_up(builder->position);
	builder->header->vocabulary_size = size;
	status = append_padding(builder, builder->header->vocabulary);
	if (status == ELECTRA_OK)
		status = append(builder, data, size);
	builder->memory->release(builder->memory->context, data);
	return status;
}

/* The archive's digest, and whether it is the one that the caller knows. */
static electra_status
check_digest(builder *builder, const uint8_t *expected_digest)
{
	uint8_t    *digest = builder->header->digest;
	char		expected[ELECTRA_DIGEST_HEX_SIZE];
	char		found[ELECTRA_DIGEST_HEX_SIZE];
	electra_status status = electra_archive_digest(builder->reader, digest, builder->error);

	if (status != ELECTRA_OK || expected_digest == NULL ||
		memcmp(digest, expected_digest, ELECTRA_DIGEST_SIZE) == 0)
		return status;
	electra_digest_to_hex(expected_digest, expected);
	electra_digest_to_hex(digest, found);
	electra_fail(builder->error, ELECTRA_CORRUPT, "preset archive has a wrong digest");
	electra_fail_detail(builder->error, "Expected %s, found %s.", expected, found);
	return ELECTRA_CORRUPT;
}

/* The header, complete but for the digests, goes to the beginning of the image. */
static electra_status
write_header(builder *builder)
{
	electra_image_header *header = builder->header;
	electra_sha256 sha;

	snprintf(header->magic, sizeof(header->magic), "electra image\n");
	header->version = ELECTRA_IMAGE_VERSION;
	header->header_size = sizeof(*header);
	header->size = builder->position;
	electra_content_digest_final(&builder->content, header->content_digest);
	electra_sha256_init(&sha);
	electra_sha256_update(&sha, header, sizeof(*header));
	electra_sha256_final(&sha, header->header_digest);
	return builder->sink->write(builder->sink->context, 0, header, sizeof(*header), builder->error);
}

/* Everything once memory is there. */
static electra_status
build(builder *builder, const uint8_t *expected_digest)
{
	const electra_archive *archive = builder->archive;
	electra_status status;

	/* not a byte between members may depend on the machine */
	memset(builder->header, 0, sizeof(*builder->header));
	memset(builder->layers, 0, (size_t) archive->config.num_layers * sizeof(electra_image_layer));
	memcpy(&builder->header->config, &archive->config, sizeof(archive->config));
	lay_out(archive, builder->header, builder->layers);

	electra_content_digest_init(&builder->content);
	builder->position = sizeof(*builder->header);
	status = append_padding(builder, builder->header->layers);
	if (status == ELECTRA_OK)
		status = append(builder, builder->layers,
						(size_t) archive->config.num_layers * sizeof(electra_image_layer));
	for (int i = 0; i < archive->num_tensors && status == ELECTRA_OK; i++)
		status = build_tensor(builder, &archive->tensors[i]);
	if (status == ELECTRA_OK)
		status = check_digest(builder, expected_digest);
	if (status == ELECTRA_OK)
		status = build_vocabulary(builder);
	if (status == ELECTRA_OK)
		status = write_header(builder);
	return status;
}

/* Floats of the widest panel, and never less than a piece of copying. */
static size_t
widest_block(const electra_config *config)
{
	int32_t		K = config->hidden_dim;
	size_t		floats;

	if (config->embedding_dim > K)
		K = config->embedding_dim;
	if (config->intermediate_dim > K)
		K = config->intermediate_dim;
	for (int i = 0; i < config->num_modules; i++)
	{
		if (config->modules[i].in_dim > K)
			K = config->modules[i].in_dim;
	}
	floats = (size_t) K * ELECTRA_PANEL_COLUMNS;
	return floats > COPY_FLOATS ? floats : COPY_FLOATS;
}

electra_status
electra_image_build(electra_archive_reader *reader, const uint8_t *expected_digest,
					const electra_sink *sink, uint64_t *size, const electra_allocator *memory,
					const electra_poll *poll, electra_error *error)
{
	const electra_archive *archive = reader->archive;
	builder		builder = {
		.reader = reader, .archive = archive, .sink = sink,
		.memory = memory, .poll = poll, .error = error
	};
	electra_status status;

	builder.block_floats = widest_block(&archive->config);
	builder.header = allocate(&builder, sizeof(electra_image_header));
	builder.layers = allocate(&builder, (size_t) archive->config.num_layers * sizeof(electra_image_layer));
	builder.rows = allocate(&builder, builder.block_floats * sizeof(float));
	builder.panel = allocate(&builder, builder.block_floats * sizeof(float));
	if (builder.header != NULL && builder.layers != NULL && builder.rows != NULL && builder.panel != NULL)
		status = build(&builder, expected_digest);
	else
		status = ELECTRA_OUT_OF_MEMORY;
	*size = builder.position;
	memory->release(memory->context, builder.added_tokens);
	memory->release(memory->context, builder.vocabulary);
	memory->release(memory->context, builder.panel);
	memory->release(memory->context, builder.rows);
	memory->release(memory->context, builder.layers);
	memory->release(memory->context, builder.header);
	return status;
}
