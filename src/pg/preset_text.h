/*
 * A configuration's values in the words of the SQL functions.
 */
#ifndef ELECTRA_PRESET_TEXT_H
#define ELECTRA_PRESET_TEXT_H

#include "postgres.h"

#include "core/config.h"

/* "float32", "float16", … as in electra_load_preset's argument dtype. */
extern const char *electra_dtype_text(electra_dtype dtype);

/* "mean", or "cls,mean" for a concatenation, as in electra_load_preset's argument pooling; palloc'd. */
extern char *electra_pooling_text(const electra_config *config);

#endif							/* ELECTRA_PRESET_TEXT_H */
