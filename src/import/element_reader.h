/*
 * The elements of tensors that lie in a file as they are.
 */
#ifndef ELECTRA_ELEMENT_READER_H
#define ELECTRA_ELEMENT_READER_H

#include "import/source_directory.h"

/*
 * Reads count little-endian elements of F32, F16, BF16 or F64 that lie one
 * behind the other from position on, as floats (core/widen.h).  Memory: a
 * buffer on the stack.  name stands in the error.
 */
extern electra_status element_read(int fd, const char *name, electra_dtype dtype, uint64_t position,
								   int64_t count, float *values, electra_error *error);

#endif							/* ELECTRA_ELEMENT_READER_H */
