/*
 * An archive in words.
 */
#ifndef ELECTRA_INSPECT_H
#define ELECTRA_INSPECT_H

#include "core/status.h"

#include <stdio.h>

/*
 * Reads the whole archive as a server would (header, weights, vocabulary,
 * digest) and describes it.  What the header says is printed before the rest
 * is read.
 */
extern electra_status inspect(const char *path, FILE *out, electra_error *error);

#endif							/* ELECTRA_INSPECT_H */
