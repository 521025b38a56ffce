/*
 * What the planner knows of the length of a text that it has not seen.
 */
#ifndef ELECTRA_TEXT_WIDTH_H
#define ELECTRA_TEXT_WIDTH_H

#include "postgres.h"

#include "nodes/pathnodes.h"

typedef struct ElectraTextWidth
{
	bool		known;			/* else bytes is 0 */
	bool		varies;			/* from row to row; else one value for a query */
	double		bytes;			/* on average, in the database encoding */
} ElectraTextWidth;

/*
 * Width of an expression of type text, or text[]: its elements together.  An
 * expression is taken to be as long as its constants and columns together.
 * root may be NULL: then columns are unknown.  Raises no error.
 */
extern ElectraTextWidth electra_text_width(PlannerInfo *root, Node *node);

#endif							/* ELECTRA_TEXT_WIDTH_H */
