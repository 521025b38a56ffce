/*
 * Builds an image out of an archive, in one pass through it.
 *
 * Where everything goes is image_layout.c's.  Tensors of heads, and where the
 * weights came from, are read (they are in the digest) and left out.
 */
#include "image_layout.h"

#include "content_digest.h"
#include "vocabulary.h"
#include "weight_files.h"
#include "widen.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Vectors and embedding tables are copied in pieces of so many elements. */
#define COPY_ELEMENTS (64 * 1024)

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
	char	   *stored;			/* (block_size): in the archive's order */
	char	   *made;			/* (block_size): as in the image */
	float	  **kept;			/* (num_tensors): scales and biases of I8
								 * matrices to come */
	char	   *vocabulary;		/* NULL until they have been read */
	char	   *added_tokens;
} builder;

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
 * Index of the first of count elements that is not finite, count if there is
 * none.  The exponent decides; the first loop has no branch, for it sees every
 * weight.
 */
static size_t
first_not_finite32(const char *values, size_t count)
{
	uint32_t	found = 0;
	uint32_t	bits;
	size_t		i;

	for (i = 0; i < count; i++)
	{
		memcpy(&bits, values + i * sizeof(bits), sizeof(bits));
		found |= (bits & 0x7f800000) == 0x7f800000;
	}
	for (i = 0; found && i < count; i++)
	{
		memcpy(&bits, values + i * sizeof(bits), sizeof(bits));
		if ((bits & 0x7f800000) == 0x7f800000)
			break;
	}
	return found ? i : count;
}

/* The same for a format of 16 bits, of which exponent is the mask. */
static size_t
first_not_finite16(const char *values, size_t count, uint16_t exponent)
{
	unsigned	found = 0;
	uint16_t	bits;
	size_t		i;

	for (i = 0; i < count; i++)
	{
		memcpy(&bits, values + i * sizeof(bits), sizeof(bits));
		found |= (bits & exponent) == exponent;
	}
	for (i = 0; found && i < count; i++)
	{
		memcpy(&bits, values + i * sizeof(bits), sizeof(bits));
		if ((bits & exponent) == exponent)
			break;
	}
	return found ? i : count;
}

/* Index of the first element that is no weight of its dtype, count if there is none. */
static size_t
first_invalid(electra_dtype dtype, const char *values, size_t count)
{
	const char *found;

	switch (dtype)
	{
		case ELECTRA_F16:
			return first_not_finite16(values, count, 0x7c00);
		case ELECTRA_BF16:
			return first_not_finite16(values, count, 0x7f80);
		case ELECTRA_I8:
			found = memchr(values, -128, count);
			return found != NULL ? (size_t) (found - values) : count;
		default:
			return first_not_finite32(values, count);
	}
}

/* Reads the next count elements of a tensor, of which done have been read, and checks them. */
static electra_status
read_elements(builder *builder, const electra_tensor *tensor, int64_t done, size_t count,
			  void *elements)
{
	electra_status status;
	size_t		index;

	if (electra_stop(builder->poll))
		return canceled(builder->error);
	status = electra_archive_read(builder->reader, elements, count * electra_dtype_size(tensor->dtype),
								  builder->error);
	if (status != ELECTRA_OK)
		return status;
	index = first_invalid(tensor->dtype, elements, count);
	if (index == count)
		return ELECTRA_OK;
	if (tensor->dtype == ELECTRA_I8)
		status = electra_fail(builder->error, ELECTRA_CORRUPT, "tensor \"%s\" holds the value -128",
							  tensor->name);
	else
		status = electra_fail(builder->error, ELECTRA_NOT_FINITE,
							  "tensor \"%s\" holds a value that is not finite", tensor->name);
	electra_fail_detail(builder->error, "It is element %lld, counted from 0.",
						(long long) (done + (int64_t) index));
	return status;
}

/* Reads scales: finite, none below 0, and 0 in one form. */
static electra_status
read_scales(builder *builder, const electra_tensor *tensor, int64_t done, size_t count,
			float *scales)
{
	electra_status status = read_elements(builder, tensor, done, count, scales);

	for (size_t i = 0; i < count && status == ELECTRA_OK; i++)
	{
		if (!signbit(scales[i]))
			continue;
		status = electra_fail(builder->error, ELECTRA_CORRUPT, "tensor \"%s\" holds a negative scale",
							  tensor->name);
		electra_fail_detail(builder->error, "It is element %lld, counted from 0.",
							(long long) (done + (int64_t) i));
	}
	return status;
}

static size_t
num_elements(const electra_tensor *tensor)
{
	return (size_t) ((tensor->end - tensor->begin) / electra_dtype_size(tensor->dtype));
}

/* Is it the tensor of the scales of an I8 tensor? */
static bool
holds_scales(const electra_tensor *tensor)
{
	const char *suffix = strrchr(tensor->name, '.');

	return suffix != NULL && strcmp(suffix, ".weight_scale") == 0;
}

/* What is done with the elements of a tensor that is not packed. */
typedef enum copying
{
	COPY_NOTHING,				/* only read */
	COPY_STORED,				/* as they are */
	COPY_WIDENED
} copying;

/* A table or vector, or what the image leaves out. */
static electra_status
copy_elements(builder *builder, const electra_tensor *tensor, copying copying)
{
	size_t		total = num_elements(tensor);
	bool		scales = holds_scales(tensor);
	electra_status status = ELECTRA_OK;

	for (size_t done = 0; done < total && status == ELECTRA_OK;)
	{
		size_t		count = total - done < COPY_ELEMENTS ? total - done : COPY_ELEMENTS;

		if (scales)
			status = read_scales(builder, tensor, (int64_t) done, count, (float *) builder->stored);
		else
			status = read_elements(builder, tensor, (int64_t) done, count, builder->stored);
		if (status == ELECTRA_OK && copying == COPY_STORED)
			status = append(builder, builder->stored, count * electra_dtype_size(tensor->dtype));
		if (status == ELECTRA_OK && copying == COPY_WIDENED)
		{
			electra_widen(tensor->dtype, builder->stored, count, (float *) builder->made);
			status = append(builder, builder->made, count * sizeof(float));
		}
		done += count;
	}
	return status;
}

/* A bias: its last panel filled up with zeros. */
static electra_status
copy_bias(builder *builder, const electra_tensor *tensor)
{
	static const float zeros[ELECTRA_PANEL_COLUMNS];
	uint64_t	padding = electra_padded_columns(tensor->shape[0]) - (uint64_t) tensor->shape[0];
	electra_status status = copy_elements(builder, tensor, COPY_WIDENED);

	if (status != ELECTRA_OK)
		return status;
	return append(builder, zeros, (size_t) padding * sizeof(float));
}

/* Scales or bias, F32, of a matrix that comes later. */
static electra_status
keep(builder *builder, const electra_tensor *tensor)
{
	size_t		count = num_elements(tensor);
	float	   *values = allocate(builder, count * sizeof(float));
	electra_status status = values != NULL ? ELECTRA_OK : ELECTRA_OUT_OF_MEMORY;

	builder->kept[tensor - builder->archive->tensors] = values;
	for (size_t done = 0; done < count && status == ELECTRA_OK; done += COPY_ELEMENTS)
	{
		size_t		piece = count - done < COPY_ELEMENTS ? count - done : COPY_ELEMENTS;

		if (holds_scales(tensor))
			status = read_scales(builder, tensor, (int64_t) done, piece, values + done);
		else
			status = read_elements(builder, tensor, (int64_t) done, piece, values + done);
	}
	return status;
}

/*
 * Where something is kept that belongs to an I8 matrix: the first length bytes
 * of its name, then suffix.  It came before it, the reader has seen to that.
 */
static float **
find_kept(builder *builder, const char *name, size_t length, const char *suffix)
{
	char		other[128];

	snprintf(other, sizeof(other), "%.*s%s", (int) length, name, suffix);
	return &builder->kept[electra_archive_tensor(builder->archive, other) - builder->archive->tensors];
}

static void
release_kept(builder *builder, float **kept)
{
	builder->memory->release(builder->memory->context, *kept);
	*kept = NULL;
}

/* The numbers of exact channels: ascending, inside the input. */
static electra_status
read_channels(builder *builder, const electra_tensor *tensor, electra_image_linear *linear)
{
	float		channels[ELECTRA_EXACT_CHANNELS];
	int			count = (int) num_elements(tensor);
	electra_status status = read_elements(builder, tensor, 0, (size_t) count, channels);

	if (status != ELECTRA_OK)
		return status;
	linear->num_exact = count;
	for (int i = 0; i < count; i++)
	{
		float		least = i > 0 ? channels[i - 1] + 1 : 0;

		/* written so that -0 fails too, which would be another form of 0 */
		if (channels[i] >= least && channels[i] < (float) linear->in_dim && !signbit(channels[i]) &&
			channels[i] == (float) (int32_t) channels[i])
		{
			linear->exact_channels[i] = (int32_t) channels[i];
			continue;
		}
		electra_fail(builder->error, ELECTRA_CORRUPT, "tensor \"%s\" holds an invalid channel", tensor->name);
		electra_fail_detail(builder->error, "Element %d, counted from 0, is %g; expected ascending numbers from 0 to %d.",
							i, (double) channels[i], (int) linear->in_dim - 1);
		return ELECTRA_CORRUPT;
	}
	return ELECTRA_OK;
}

/* The weights of exact channels (N, E), 32 rows at a time. */
static electra_status
pack_exact(builder *builder, const electra_tensor *tensor)
{
	int64_t		N = tensor->shape[0];
	int64_t		E = tensor->shape[1];

	for (int64_t first = 0; first < N; first += ELECTRA_PANEL_COLUMNS)
	{
		int			rows = N - first < ELECTRA_PANEL_COLUMNS ? (int) (N - first) : ELECTRA_PANEL_COLUMNS;
		size_t		size = (size_t) E * ELECTRA_PANEL_COLUMNS * sizeof(float);
		electra_status status = read_elements(builder, tensor, first * E, (size_t) (rows * E),
											  builder->stored);

		if (status != ELECTRA_OK)
			return status;
		memset(builder->made, 0, size);
		for (int row = 0; row < rows; row++)
			electra_pack_row((float *) builder->made, row, (float *) builder->stored + row * E, E);
		status = append(builder, builder->made, size);
		if (status != ELECTRA_OK)
			return status;
	}
	return ELECTRA_OK;
}

/* Rows first … first + rows - 1 of a matrix (N, K), as the columns of builder->made. */
static void
pack_panel(builder *builder, const electra_tensor *tensor, int64_t first, int rows,
		   const float *scales /* (N, ceil(K/64)), of I8 */ )
{
	int64_t		K = tensor->shape[1];
	size_t		row_size = (size_t) K * electra_dtype_size(tensor->dtype);

	if (rows < ELECTRA_PANEL_COLUMNS || tensor->dtype == ELECTRA_I8)
		memset(builder->made, 0, electra_panel_size(tensor->dtype, K));
	for (int row = 0; row < rows; row++)
	{
		const void *stored = builder->stored + (size_t) row * row_size;

		if (tensor->dtype == ELECTRA_I8)
			electra_pack_int8_row((electra_int8_group *) builder->made, row, stored,
								  scales + (size_t) (first + row) * electra_int8_groups(K), K);
		else if (tensor->dtype == ELECTRA_F32)
			electra_pack_row((float *) builder->made, row, stored, K);
		else
			electra_pack_row16((uint16_t *) builder->made, row, stored, K);
	}
}

/*
 * Inputs of this matrix have shift added: takes what that makes of the panel's
 * columns off their bias, and the corrections out.
 */
static void
take_off_shift(builder *builder, int64_t K, int rows, float shift, float *bias /* (rows) */ )
{
	electra_int8_group *groups = (electra_int8_group *) builder->made;

	for (int row = 0; row < rows; row++)
	{
		double		sum = 0;

		for (size_t g = 0; g < electra_int8_groups(K); g++)
		{
			sum += (double) groups[g].scales[row] * (double) (groups[g].corrections[row] / -128);
			groups[g].corrections[row] = 0;
		}
		bias[row] = (float) ((double) bias[row] - (double) shift * sum);
	}
}

/* What has been read of an I8 matrix must leave out the exact channels: nothing has two forms. */
static electra_status
check_exact_weights(builder *builder, const electra_tensor *tensor, int64_t first, int rows,
					const electra_image_linear *linear)
{
	for (int row = 0; row < rows; row++)
	{
		for (int e = 0; e < linear->num_exact; e++)
		{
			int64_t		element = row * tensor->shape[1] + linear->exact_channels[e];

			if (builder->stored[element] == 0)
				continue;
			electra_fail(builder->error, ELECTRA_CORRUPT,
						 "tensor \"%s\" holds a weight of an exact channel", tensor->name);
			electra_fail_detail(builder->error, "Element %lld, counted from 0, must be 0.",
								(long long) (first * tensor->shape[1] + element));
			return ELECTRA_CORRUPT;
		}
	}
	return ELECTRA_OK;
}

/* A matrix (N, K), 32 rows at a time; each row is a column of a panel. */
static electra_status
pack_rows(builder *builder, const electra_tensor *tensor, const electra_image_linear *linear,
		  const float *scales /* of I8 */ , float *bias /* NULL: stays */ )
{
	int64_t		N = tensor->shape[0];
	int64_t		K = tensor->shape[1];

	for (int64_t first = 0; first < N; first += ELECTRA_PANEL_COLUMNS)
	{
		int			rows = N - first < ELECTRA_PANEL_COLUMNS ? (int) (N - first) : ELECTRA_PANEL_COLUMNS;
		electra_status status = read_elements(builder, tensor, first * K, (size_t) (rows * K),
											  builder->stored);

		if (status == ELECTRA_OK)
			status = check_exact_weights(builder, tensor, first, rows, linear);
		if (status != ELECTRA_OK)
			return status;
		pack_panel(builder, tensor, first, rows, scales);
		if (bias != NULL)
			take_off_shift(builder, K, rows, linear->shift, bias + first);
		status = append(builder, builder->made, electra_panel_size(tensor->dtype, K));
		if (status != ELECTRA_OK)
			return status;
	}
	return ELECTRA_OK;
}

/* A bias behind its matrix, the last panel filled up with zeros. */
static electra_status
append_bias(builder *builder, const electra_image_linear *linear, const float *bias)
{
	static const float zeros[ELECTRA_PANEL_COLUMNS];
	uint64_t	padding = electra_padded_columns(linear->out_dim) - (uint64_t) linear->out_dim;
	electra_status status = append_padding(builder, linear->bias);

	if (status == ELECTRA_OK)
		status = append(builder, bias, (size_t) linear->out_dim * sizeof(float));
	if (status == ELECTRA_OK)
		status = append(builder, zeros, (size_t) padding * sizeof(float));
	return status;
}

/* A matrix, with what belongs to it in I8. */
static electra_status
pack_matrix(builder *builder, const electra_tensor *tensor, const electra_image_linear *linear)
{
	float	  **scales;
	float	  **bias = NULL;
	electra_status status;

	if (tensor->dtype != ELECTRA_I8)
		return pack_rows(builder, tensor, linear, NULL, NULL);
	scales = find_kept(builder, tensor->name, strlen(tensor->name), ELECTRA_SCALE_SUFFIX);
	if (linear->shift > 0)
		bias = find_kept(builder, tensor->name, strlen(tensor->name) - strlen("weight"), "bias");
	status = pack_rows(builder, tensor, linear, *scales, bias != NULL ? *bias : NULL);
	release_kept(builder, scales);
	if (bias != NULL)
	{
		if (status == ELECTRA_OK)
			status = append_bias(builder, linear, *bias);
		release_kept(builder, bias);
	}
	return status;
}

/* Query, key and value have one input, which is quantized once. */
static electra_status
check_channels(builder *builder)
{
	for (int i = 0; i < builder->archive->config.num_layers; i++)
	{
		const electra_image_layer *layer = &builder->layers[i];
		const size_t size = sizeof(layer->query.exact_channels);

		if (memcmp(layer->query.exact_channels, layer->key.exact_channels, size) != 0 ||
			memcmp(layer->query.exact_channels, layer->value.exact_channels, size) != 0)
		{
			electra_fail(builder->error, ELECTRA_CORRUPT,
						 "preset archive is invalid: query, key and value of layer %d have different exact channels", i);
			return ELECTRA_CORRUPT;
		}
	}
	return ELECTRA_OK;
}

/* The layers' table, complete now. */
static electra_status
build_layers(builder *builder)
{
	electra_status status = check_channels(builder);

	if (status == ELECTRA_OK)
		status = append_padding(builder, builder->header->layers);
	if (status == ELECTRA_OK)
		status = append(builder, builder->layers,
						(size_t) builder->archive->config.num_layers * sizeof(electra_image_layer));
	return status;
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
	electra_section section = electra_section_find(builder->header, builder->layers, tensor->name);
	electra_status status = ELECTRA_OK;

	if (section.offset != NULL)
		status = append_padding(builder, *section.offset);
	if (status != ELECTRA_OK)
		return status;
	switch (section.kind)
	{
		case ELECTRA_SECTION_NONE:
			return copy_elements(builder, tensor, COPY_NOTHING);
		case ELECTRA_SECTION_FLOATS:
			return copy_elements(builder, tensor, COPY_WIDENED);
		case ELECTRA_SECTION_BIAS:
			return copy_bias(builder, tensor);
		case ELECTRA_SECTION_TABLE:
		case ELECTRA_SECTION_TABLE_SCALES:
			return copy_elements(builder, tensor, COPY_STORED);
		case ELECTRA_SECTION_PANELS:
			return pack_matrix(builder, tensor, section.linear);
		case ELECTRA_SECTION_SCALES:
		case ELECTRA_SECTION_LATE_BIAS:
			return keep(builder, tensor);
		case ELECTRA_SECTION_CHANNELS:
			return read_channels(builder, tensor, section.linear);
		case ELECTRA_SECTION_EXACT:
			return pack_exact(builder, tensor);
		case ELECTRA_SECTION_VOCABULARY:
			return read_text(builder, tensor, &builder->vocabulary);
		case ELECTRA_SECTION_ADDED_TOKENS:
			return read_text(builder, tensor, &builder->added_tokens);
		case ELECTRA_SECTION_WEIGHT_FILES:
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
	builder->header->vocabulary = electra_image_align(builder->position);
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
	electra_status status = ELECTRA_OK;

	/* not a byte between members may depend on the machine */
	memset(builder->header, 0, sizeof(*builder->header));
	memset(builder->layers, 0, (size_t) archive->config.num_layers * sizeof(electra_image_layer));
	memcpy(&builder->header->config, &archive->config, sizeof(archive->config));
	electra_image_lay_out(archive, builder->header, builder->layers);

	electra_content_digest_init(&builder->content);
	builder->position = sizeof(*builder->header);
	for (int i = 0; i < archive->num_tensors && status == ELECTRA_OK; i++)
		status = build_tensor(builder, &archive->tensors[i]);
	if (status == ELECTRA_OK)
		status = build_layers(builder);
	if (status == ELECTRA_OK)
		status = check_digest(builder, expected_digest);
	if (status == ELECTRA_OK)
		status = build_vocabulary(builder);
	if (status == ELECTRA_OK)
		status = write_header(builder);
	return status;
}

/* Bytes of the widest panel, and never less than a piece of copying. */
static size_t
block_size(const electra_archive *archive)
{
	size_t		size = COPY_ELEMENTS * sizeof(float);

	for (int i = 0; i < archive->num_tensors; i++)
	{
		const electra_tensor *tensor = &archive->tensors[i];
		size_t		panel = tensor->rank == 2 ? electra_panel_size(tensor->dtype, tensor->shape[1]) : 0;

		if (panel > size)
			size = panel;
	}
	return size;
}

static bool
get_memory(builder *builder)
{
	const electra_archive *archive = builder->archive;
	size_t		kept = (size_t) archive->num_tensors * sizeof(float *);
	size_t		block = block_size(archive);

	builder->header = allocate(builder, sizeof(electra_image_header));
	builder->layers = allocate(builder, (size_t) archive->config.num_layers * sizeof(electra_image_layer));
	builder->stored = allocate(builder, block);
	builder->made = allocate(builder, block);
	builder->kept = allocate(builder, kept);
	if (builder->kept != NULL)
		memset(builder->kept, 0, kept);
	return builder->header != NULL && builder->layers != NULL && builder->stored != NULL &&
		builder->made != NULL && builder->kept != NULL;
}

static void
release_memory(builder *builder)
{
	const electra_allocator *memory = builder->memory;

	for (int i = 0; builder->kept != NULL && i < builder->archive->num_tensors; i++)
		memory->release(memory->context, builder->kept[i]);
	memory->release(memory->context, builder->added_tokens);
	memory->release(memory->context, builder->vocabulary);
	memory->release(memory->context, builder->kept);
	memory->release(memory->context, builder->made);
	memory->release(memory->context, builder->stored);
	memory->release(memory->context, builder->layers);
	memory->release(memory->context, builder->header);
}

electra_status
electra_image_build(electra_archive_reader *reader, const uint8_t *expected_digest,
					const electra_sink *sink, uint64_t *size, const electra_allocator *memory,
					const electra_poll *poll, electra_error *error)
{
	builder		builder = {
		.reader = reader, .archive = reader->archive, .sink = sink,
		.memory = memory, .poll = poll, .error = error
	};
	electra_status status;

	if (get_memory(&builder))
		status = build(&builder, expected_digest);
	else
		status = ELECTRA_OUT_OF_MEMORY;
	*size = builder.position;
	release_memory(&builder);
	return status;
}
