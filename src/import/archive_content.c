/*
 * The bytes of an archive that is about to be written: the header, then each
 * tensor in its stored dtype, a piece at a time.
 */
#include "import/archive_content.h"

#include "core/image.h"
#include "core/quantize.h"
#include "import/narrow.h"

#include <stdlib.h>
#include <string.h>

/* Values of a piece: 1 MB, and never less than a row of the widest matrix. */
#define PIECE_VALUES (256 * 1024)

/* Weights that are not finite would make every vector useless. */
static electra_status
check_finite(const archive_entry *entry, int64_t first, const float *values, int64_t count, electra_error *error)
{
	for (int64_t i = 0; i < count; i++)
	{
		uint32_t	bits;

		memcpy(&bits, &values[i], sizeof(bits));
		if ((bits & 0x7f800000) == 0x7f800000)
		{
			electra_fail(error, ELECTRA_NOT_FINITE, "tensor \"%s\" holds a value that is not finite", entry->name);
			electra_fail_detail(error, "It is element %lld, counted from 0.", (long long) (first + i));
			return ELECTRA_NOT_FINITE;
		}
	}
	return ELECTRA_OK;
}

/* A value that the stored dtype cannot hold; only the user can choose another. */
static electra_status
fail_range(const archive_entry *entry, int64_t index, float value, electra_error *error)
{
	bool		half = entry->dtype == ELECTRA_F16;

	electra_fail(error, ELECTRA_NOT_FINITE, "tensor \"%s\" holds a value out of the range of %s",
				 entry->name, half ? "float16" : "bfloat16");
	electra_fail_detail(error, "It is element %lld, counted from 0: %g; the largest that can be stored is %s.",
						(long long) index, (double) value, half ? "65504" : "3.38953e+38");
	electra_fail_hint(error, half ? "Choose dtype bfloat16 or float32." : "Choose dtype float32.");
	return ELECTRA_NOT_FINITE;
}

/* Brings values to the dtype in which they are stored. */
static electra_status
narrow(const archive_entry *entry, int64_t first, const float *values, int64_t count, char *stored,
	   electra_error *error)
{
	size_t		done = narrow_floats(entry->dtype, values, (size_t) count, stored);

	return done == (size_t) count ? ELECTRA_OK :
		fail_range(entry, first + (int64_t) done, values[done], error);
}

/* Reads count values from number first on. */
static electra_status
read_values(archive_content *content, const archive_entry *entry, int64_t first, int64_t count,
			electra_error *error)
{
	electra_status status = entry->tensor->read(entry->tensor, first, count, content->values, error);

	return status != ELECTRA_OK ? status : check_finite(entry, first, content->values, count, error);
}

/* A piece of a tensor that stays floating-point. */
static electra_status
make_narrowed(archive_content *content, const archive_entry *entry, electra_error *error)
{
	size_t		element_size = electra_dtype_size(entry->dtype);
	int64_t		first = (int64_t) (content->position / element_size);
	int64_t		rest = (int64_t) ((entry->size - content->position) / element_size);
	int64_t		count = rest < PIECE_VALUES ? rest : PIECE_VALUES;
	electra_status status = read_values(content, entry, first, count, error);

	if (status != ELECTRA_OK)
		return status;
	content->piece = content->stored;
	content->piece_size = (size_t) count * element_size;
	return narrow(entry, first, content->values, count, content->stored, error);
}

/* One row of a quantized tensor: its values, or its scales. */
static void
quantize_row(float *values /* (K) */ , int64_t K, bool scales, char *stored)
{
	for (int64_t k = 0; k < K; k += ELECTRA_INT8_GROUP)
	{
		size_t		count = K - k < ELECTRA_INT8_GROUP ? (size_t) (K - k) : ELECTRA_INT8_GROUP;
		int8_t		q[ELECTRA_INT8_GROUP];
		float		scale = electra_quantize_group(values + k, count, q);

		if (scales)
			memcpy(stored + k / ELECTRA_INT8_GROUP * (int64_t) sizeof(float), &scale, sizeof(scale));
		else
			memcpy(stored + k, q, count);
	}
}

/*
 * Some rows of a tensor that is stored in I8, or what belongs to them: each is
 * made where it stands in the archive.  Weights of exact channels are none of
 * the others' business.
 */
static electra_status
make_quantized(archive_content *content, const archive_entry *entry, electra_error *error)
{
	const source_tensor *tensor = entry->tensor;
	const int64_t K = tensor->spec.shape[1];
	size_t		row_size = (size_t) entry->shape[1] * electra_dtype_size(entry->dtype);
	int64_t		first = (int64_t) (content->position / row_size);
	int64_t		most = PIECE_VALUES / K;
	int64_t		count = entry->shape[0] - first < most ? entry->shape[0] - first : most;
	electra_status status = read_values(content, entry, first * K, count * K, error);

	if (status != ELECTRA_OK)
		return status;
	content->piece = content->stored;
	content->piece_size = (size_t) count * row_size;
	for (int64_t row = 0; row < count; row++)
	{
		float	   *values = content->values + row * K;
		char	   *stored = content->stored + (size_t) row * row_size;

		for (int e = 0; e < tensor->num_exact; e++)
		{
			float	   *value = &values[tensor->exact_channels[e]];

			if (entry->part == PART_EXACT)
				memcpy(stored + (size_t) e * sizeof(float), value, sizeof(float));
			else
				*value = 0;
		}
		if (entry->part != PART_EXACT)
			quantize_row(values, K, entry->part == PART_SCALES, stored);
	}
	return ELECTRA_OK;
}

/* Whatever has not been hashed while the output was waited for. */
static electra_status
finish_hashes(weight_hashes *hashes, electra_error *error)
{
	electra_status status = ELECTRA_OK;

	while (status == ELECTRA_OK && !weight_hashes_done(hashes))
		status = weight_hashes_step(hashes, error);
	return status;
}

/* The numbers of exact channels. */
static void
make_channels(archive_content *content, const archive_entry *entry)
{
	for (int e = 0; e < entry->tensor->num_exact; e++)
	{
		float		channel = (float) entry->tensor->exact_channels[e];

		memcpy(content->stored + (size_t) e * sizeof(float), &channel, sizeof(channel));
	}
	content->piece = content->stored;
	content->piece_size = (size_t) entry->size;
}

/* Values that calibration has rounded: all that are left. */
static void
give_rounded(archive_content *content, const archive_entry *entry)
{
	content->piece = (const char *) entry->tensor->rounded + content->position;
	content->piece_size = (size_t) (entry->size - content->position);
}

/* The next piece of the current entry. */
static electra_status
make_piece(archive_content *content, const archive_entry *entry, electra_error *error)
{
	electra_status status = ELECTRA_OK;

	switch (entry->part)
	{
		case PART_TEXT:
			if (content->hashes != NULL && entry->text == content->hashes->text)
				status = finish_hashes(content->hashes, error);
			content->piece = entry->text;
			content->piece_size = (size_t) entry->size;
			break;
		case PART_NARROWED:
			status = make_narrowed(content, entry, error);
			break;
		case PART_CHANNELS:
			make_channels(content, entry);
			break;
		case PART_QUANTIZED:
			if (entry->tensor->rounded != NULL)
			{
				give_rounded(content, entry);
				break;
			}
			/* FALLTHROUGH */
		case PART_SCALES:
		case PART_EXACT:
			status = make_quantized(content, entry, error);
			break;
	}
	content->position += content->piece_size;
	return status;
}

/* Goes on to what has bytes left and makes a piece of it. */
static electra_status
next_piece(archive_content *content, electra_error *error)
{
	while (content->entry < 0 || content->position == content->header.entries[content->entry].size)
	{
		content->entry++;
		content->position = 0;
	}
	return make_piece(content, &content->header.entries[content->entry], error);
}

electra_status
archive_content_read(void *context, void *destination, size_t size, electra_error *error)
{
	archive_content *content = context;
	char	   *to = destination;

	while (size > 0)
	{
		size_t		part;

		if (content->piece_size == 0)
		{
			electra_status status = next_piece(content, error);

			if (status != ELECTRA_OK)
				return status;
		}
		part = content->piece_size < size ? content->piece_size : size;
		memcpy(to, content->piece, part);
		content->piece += part;
		content->piece_size -= part;
		to += part;
		size -= part;
	}
	return ELECTRA_OK;
}

electra_status
archive_content_open(archive_content *content, const preset_source *source, weight_hashes *hashes,
					 electra_error *error)
{
	electra_status status;

	memset(content, 0, sizeof(*content));
	content->hashes = hashes;
	status = archive_header_make(&content->header, source, hashes, error);
	if (status != ELECTRA_OK)
		return status;
	content->values = malloc(PIECE_VALUES * sizeof(float));
	content->stored = malloc(PIECE_VALUES * sizeof(float));
	if (content->values == NULL || content->stored == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	content->entry = -1;
	content->piece = content->header.text;
	content->piece_size = content->header.size;
	return ELECTRA_OK;
}

void
archive_content_close(archive_content *content)
{
	archive_header_free(&content->header);
	free(content->values);
	free(content->stored);
	memset(content, 0, sizeof(*content));
}
