/*
 * Rows of an image's embedding tables as floats.
 */
#include "table.h"

#include "widen.h"

/* q * scale, a group at a time. */
static void
dequantize(const int8_t *row /* (dim) */ , const float *scales /* (ceil(dim/64)) */ , size_t dim,
		   float *values /* (dim) */ )
{
	for (size_t first = 0; first < dim; first += ELECTRA_INT8_GROUP)
	{
		size_t		end = first + ELECTRA_INT8_GROUP < dim ? first + ELECTRA_INT8_GROUP : dim;
		float		scale = scales[first / ELECTRA_INT8_GROUP];

		for (size_t k = first; k < end; k++)
			values[k] = (float) row[k] * scale;
	}
}

void
electra_table_row(const electra_model *model, const electra_image_table *table, size_t row,
				  float *values)
{
	const char *image = (const char *) model->header;
	const void *stored = image + electra_table_row_offset(table, row);
	size_t		dim = (size_t) table->dim;

	if (table->dtype == ELECTRA_I8)
		dequantize(stored, (const float *) (image + table->scales) + row * electra_int8_groups(table->dim),
				   dim, values);
	else
		electra_widen((electra_dtype) table->dtype, stored, dim, values);
}
