/*
 * What becomes of an archive's tensors in its image, and where they lie there.
 *
 * Each tensor that encoder, pooler or a module needs lies in the archive's
 * order.  Behind them is the layers' table, which may hold what is only known
 * when they have been read, and last the vocabulary, whose size follows from no
 * header.
 */
#ifndef ELECTRA_IMAGE_LAYOUT_H
#define ELECTRA_IMAGE_LAYOUT_H

#include "image.h"

/* What becomes of a tensor. */
typedef enum electra_section_kind
{
	ELECTRA_SECTION_NONE,		/* left out */
	ELECTRA_SECTION_FLOATS,		/* a vector: widened */
	ELECTRA_SECTION_BIAS,		/* widened and padded to whole panels */
	ELECTRA_SECTION_TABLE,		/* as it is */
	ELECTRA_SECTION_PANELS,		/* packed as it is */
	ELECTRA_SECTION_SCALES,		/* kept until its matrix is packed */
	ELECTRA_SECTION_LATE_BIAS,	/* the same; it lies behind the matrix */
	ELECTRA_SECTION_CHANNELS,	/* noted in the linear layer */
	ELECTRA_SECTION_EXACT,		/* packed */
	ELECTRA_SECTION_TABLE_SCALES,	/* as they are */
	ELECTRA_SECTION_VOCABULARY, /* kept for the vocabulary's section */
	ELECTRA_SECTION_ADDED_TOKENS,
	ELECTRA_SECTION_WEIGHT_FILES	/* checked and left out */
} electra_section_kind;

typedef struct electra_section
{
	electra_section_kind kind;
	uint64_t   *offset;			/* where its place in the image is noted; NULL:
								 * it has none of its own */
	int32_t    *dtype;			/* where its dtype is noted, or NULL */
	electra_image_linear *linear;	/* whose part it is, or NULL */
} electra_section;

/* Finds what becomes of a tensor and where in header or layers it is noted. */
extern electra_section electra_section_find(electra_image_header *header,
											electra_image_layer *layers /* (num_layers) */ ,
											const char *name);

/*
 * Places every section but the vocabulary's: fills in dimensions, dtypes,
 * shifts and offsets of a zeroed header and its layers, but for the numbers of
 * exact channels, which are data.  header->config is the archive's.
 */
extern void electra_image_lay_out(const electra_archive *archive, electra_image_header *header,
								  electra_image_layer *layers /* (num_layers) */ );

static inline uint64_t
electra_image_align(uint64_t offset)
{
	return (offset + ELECTRA_IMAGE_ALIGNMENT - 1) / ELECTRA_IMAGE_ALIGNMENT * ELECTRA_IMAGE_ALIGNMENT;
}

/* Columns of a matrix with its last panel filled up. */
static inline uint64_t
electra_padded_columns(int64_t columns)
{
	uint64_t	panels = ((uint64_t) columns + ELECTRA_PANEL_COLUMNS - 1) / ELECTRA_PANEL_COLUMNS;

	return panels * ELECTRA_PANEL_COLUMNS;
}

#endif							/* ELECTRA_IMAGE_LAYOUT_H */
