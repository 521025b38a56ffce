/*
 * How near an int8 preset is to the same model in float32: the gate of the
 * importer.
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
 * and mean cosine of the two vectors, cut off behind six digits.  The same on
 * every machine.  Nothing is done for a source whose config.dtype is not I8.
 *
 * ELECTRA_UNSUPPORTED, with the figures, where the lowest cosine is below
 * min_cosine; ELECTRA_NOT_FINITE; errors of archive_content_read.  The source
 * is read twice.  Memory, shared and mapped, so that no limit of private memory
 * applies: one image at a time, of 4 bytes a parameter first.
 */
extern electra_status calibrate(preset_source *source, double min_cosine, electra_error *error);

#endif							/* ELECTRA_CALIBRATION_H */
