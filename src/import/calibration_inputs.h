/*
 * What every linear layer of an encoder was applied to, and the weights in int8
 * that follow from it.
 */
#ifndef ELECTRA_CALIBRATION_INPUTS_H
#define ELECTRA_CALIBRATION_INPUTS_H

#include "core/encoder.h"
#include "import/int8_rounding.h"

typedef struct calibration_inputs
{
	layer_inputs *inputs;		/* (num_layers, ELECTRA_NUM_LAYER_INPUTS) */
	int64_t    *seen;			/* the same: tokens so far */
	int			count;			/* of both */
	float	   *memory;			/* of all values, mapped */
	size_t		size;
} calibration_inputs;

/* Room for so many tokens: of each the inputs of all layers.  ELECTRA_OUT_OF_MEMORY.  Close also after a failure. */
extern electra_status calibration_inputs_open(calibration_inputs *all, const electra_config *config,
											  int64_t tokens, electra_error *error);

/* electra_observer.see, of an encoder in F32; context is the calibration_inputs. */
extern void calibration_inputs_see(void *context, int layer, electra_layer_input kind, const float *x,
								   size_t stride, size_t rows);

/*
 * Chooses exact channels and rounds weights of the source's layers; the source
 * owns what comes of it.  ELECTRA_OUT_OF_MEMORY; errors of source_tensor.read.
 */
extern electra_status calibration_inputs_round(const calibration_inputs *all, preset_source *source,
											   electra_error *error);

extern void calibration_inputs_close(calibration_inputs *all);

#endif							/* ELECTRA_CALIBRATION_INPUTS_H */
