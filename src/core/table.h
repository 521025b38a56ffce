/*
 * Rows of an image's embedding tables, whatever dtype they are stored in.
 */
#ifndef ELECTRA_TABLE_H
#define ELECTRA_TABLE_H

#include "image.h"

/*
 * Writes one row of a table as floats.  F32, F16 and BF16 widen exactly; in I8
 * a value is (float) q * scale, rounded once.  The caller has entered fpenv.h's
 * environment and checked that row is below table->num_rows.
 */
extern void electra_table_row(const electra_model *model, const electra_image_table *table,
							  size_t row, float *values /* (table->dim) */ );

/* Offset of a row of a table in its image. */
static inline uint64_t
electra_table_row_offset(const electra_image_table *table, size_t row)
{
	return table->rows + (uint64_t) row * (uint64_t) table->dim *
		electra_dtype_size((electra_dtype) table->dtype);
}

#endif							/* ELECTRA_TABLE_H */
