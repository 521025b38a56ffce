/*
 * Small structs of fixed size in shared memory, without preloading.
 */
#ifndef ELECTRA_SHARED_STRUCT_H
#define ELECTRA_SHARED_STRUCT_H

#include "postgres.h"

/*
 * The struct of this name and size, found or made; a new one is zero before
 * initialize sees it.  NULL where the server has no room for it: never an error.
 */
extern void *electra_shared_struct(const char *name, Size size, void (*initialize) (void *shared));

#endif							/* ELECTRA_SHARED_STRUCT_H */
