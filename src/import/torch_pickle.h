/*
 * A restricted reader of Python's pickle: it knows the opcodes that a
 * state_dict needs and the few names of torch_globals.h, refuses every other
 * one by name, and executes nothing.
 *
 * Stack, memo, nesting, texts and number of values are bounded, so is the time:
 * at most TORCH_MAX_PICKLE opcodes.
 *
 * Source: CPython, Lib/pickle.py and Lib/pickletools.py, protocols 2 to 5.
 */
#ifndef ELECTRA_TORCH_PICKLE_H
#define ELECTRA_TORCH_PICKLE_H

#include "import/torch_input.h"
#include "import/torch_value.h"

#define TORCH_MAX_PICKLE (64 << 20) /* bytes */

/*
 * Reads one pickle from where input stands until behind its end.  *root and
 * all that it holds belong to values, also after an error.  What holds itself
 * is refused.  ELECTRA_INVALID_SOURCE (malformed, too large, truncated),
 * ELECTRA_UNSUPPORTED (names something else, an opcode that no state_dict
 * needs), ELECTRA_OUT_OF_MEMORY, ELECTRA_IO_ERROR.
 */
extern electra_status torch_pickle_read(torch_input *input, torch_values *values, torch_value **root,
										electra_error *error);

#endif							/* ELECTRA_TORCH_PICKLE_H */
