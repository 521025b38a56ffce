/*
 * The pass over all rows that electra_search makes.
 */
#ifndef ELECTRA_SEARCH_SCAN_H
#define ELECTRA_SEARCH_SCAN_H

#include "pg/search_target.h"
#include "pg/top_k.h"

typedef struct ElectraSearchQuery
{
	const float *vector;		/* (dimensions) */
	int			dimensions;
	const char *preset;			/* that made it, for messages */
} ElectraSearchQuery;

/*
 * Offers each row that the active snapshot sees, and whose vector is not NULL,
 * to top with its cosine.
 *
 * An ERROR, which names the row by its key, for a vector of another size, of
 * several dimensions, with a NULL, or not finite.
 */
extern void electra_search_scan(const ElectraSearchTarget *target,
								const ElectraSearchQuery *query, ElectraTopK *top);

#endif							/* ELECTRA_SEARCH_SCAN_H */
