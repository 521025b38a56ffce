/*
 * The quantization of an int8 preset by texts, and how near it is to the same
 * model in float32: the gate of the importer.
 */
#ifndef ELECTRA_CALIBRATION_H
#define ELECTRA_CALIBRATION_H

#include "import/preset_source.h"

#define CALIBRATION_MIN_COSINE 0.999

/* Our own texts of many kinds, NULL behind the last one (calibration_texts.c). */
extern const char *const calibration_texts[];

/*
 * Embeds the calibration texts (fixed random token ids, where there is no
 * vocabulary) with an opened source twice, with all weights in F32 and as they
 * are to be stored, and notes in its config how many there were and the lowest
 * and mean cosine of the two vectors, cut off behind six digits.  In between it
 * chooses exact channels and rounds the weights of the layers by what they were
 * applied to (int8_rounding.h).  The same on every machine.  Nothing is done for
 * a source whose config.dtype is not I8.
 *
 * ELECTRA_UNSUPPORTED, with the figures, where the lowest cosine is below
 * min_cosine (the message calls the source name); ELECTRA_NOT_FINITE; errors
 * of archive_content_read.  The source is read three times.  Memory, shared and mapped, so that no limit of private
 * memory applies: one image at a time, of 4 bytes a parameter first, beside it
 * 4 bytes for each channel of each layer's inputs and token (MiniLM: 69 MB),
 * then a byte a parameter until the source is closed.
 */
extern electra_status calibrate(preset_source *source, const char *name, double min_cosine,
								 electra_error *error);

#endif							/* ELECTRA_CALIBRATION_H */
