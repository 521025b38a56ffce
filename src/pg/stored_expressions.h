/*
 * Stored values that were computed with the default preset.
 */
#ifndef ELECTRA_STORED_EXPRESSIONS_H
#define ELECTRA_STORED_EXPRESSIONS_H

#include "postgres.h"

#include "nodes/pg_list.h"

/*
 * Objects whose stored content depends on a function of the extension that
 * takes no preset: generated columns, indexes, constraints, partition keys,
 * extended statistics, materialized views; found through views, SQL-standard
 * function bodies and operators; and triggers of the extension with an empty
 * preset.  A List of ObjectAddress *, in no order.
 * What pg_depend does not hold (string-bodied functions, plain columns) is not
 * found.
 */
extern List *electra_stored_expressions(void);

#endif							/* ELECTRA_STORED_EXPRESSIONS_H */
