/*
 * The header of an archive that is about to be written, and with it the list
 * of its tensors.
 */
#ifndef ELECTRA_ARCHIVE_HEADER_H
#define ELECTRA_ARCHIVE_HEADER_H

#include "import/preset_source.h"
#include "import/weight_hashes.h"

/* What the bytes of an archive's tensor come from. */
typedef enum archive_part
{
	PART_TEXT,					/* a text: the tokenizer's, or hashes */
	PART_NARROWED,				/* a tensor of the source in F32, F16 or BF16 */
	PART_QUANTIZED,				/* one in I8 */
	PART_SCALES,				/* the scales of that one */
	PART_CHANNELS,				/* its exact channels … */
	PART_EXACT					/* … and their weights */
} archive_part;

/* A tensor of the archive. */
typedef struct archive_entry
{
	char		name[sizeof(((electra_tensor_spec *) 0)->name) + sizeof(ELECTRA_CHANNELS_SUFFIX)];
	archive_part part;
	electra_dtype dtype;
	int			rank;
	int64_t		shape[ELECTRA_MAX_RANK];
	uint64_t	size;			/* bytes */
	const source_tensor *tensor;	/* NULL for a text */
	const char *text;
} archive_entry;

typedef struct archive_header
{
	char	   *text;			/* the first bytes of the archive; owned */
	size_t		size;
	archive_entry *entries;		/* in the archive's order; owned */
	int			num_entries;
	uint64_t	archive_size;
} archive_header;

/*
 * Makes the header of a source with all its stored_dtype, and a tensor for the
 * hashes (NULL: none) of its files, and reads it once
 * with the core's strict reader: nothing is written that a server would refuse.
 * ELECTRA_INVALID_SOURCE, ELECTRA_UNSUPPORTED, ELECTRA_OUT_OF_MEMORY.  Free it
 * also after a failure.
 */
extern electra_status archive_header_make(archive_header *header, const preset_source *source,
										  const weight_hashes *hashes, electra_error *error);

extern void archive_header_free(archive_header *header);

#endif							/* ELECTRA_ARCHIVE_HEADER_H */
