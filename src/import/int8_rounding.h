/*
 * The whole numbers that weights in int8 become: rounded so that their errors
 * cancel in what the layer makes of the calibration texts.
 */
#ifndef ELECTRA_INT8_ROUNDING_H
#define ELECTRA_INT8_ROUNDING_H

#include "import/preset_source.h"

/* What a linear layer was applied to. */
typedef struct layer_inputs
{
	int64_t		dim;			/* K */
	int64_t		tokens;			/* T */
	float	   *values;			/* (K, T): a row for each channel */
} layer_inputs;

/*
 * Chooses the exact channels of a tensor that has some: those with the largest
 * magnitudes, ascending; of equal ones the first.
 */
extern void choose_exact_channels(const layer_inputs *inputs, source_tensor *tensor);

/*
 * Rounds a matrix (N, K), with the scales that electra_quantize_group gives its
 * groups and 0 for exact channels, one channel after the other.  Each takes
 * over as much as it can of the errors that those before it have made:
 *
 *   q(k) = nearest ((w(k) + r x(k) / (x(k)² + d)) / scale),  -127 … 127
 *   r := r + (w(k) - q(k) scale) x(k)
 *
 * where x(k) is the vector of a channel's values, r what the row's sums lack,
 * and d the mean of all x(k)², which keeps to w(k) where the texts tell little.
 * Source: Lybrand and Saab, "A greedy algorithm for quantizing neural
 * networks", 2021.  The same bits on every machine: the sums over tokens and
 * earlier channels are the core's products of matrices.
 *
 * ELECTRA_OUT_OF_MEMORY; errors of tensor->read.  Memory: 8 bytes for each
 * element, and 256 for each of N, K and the larger of K and T.
 */
extern electra_status round_weights(const layer_inputs *inputs, const source_tensor *tensor,
									int8_t *rounded /* (N, K) */ , electra_error *error);

#endif							/* ELECTRA_INT8_ROUNDING_H */
