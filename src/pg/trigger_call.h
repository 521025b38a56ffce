/*
 * A call of one of the two triggers that keep a column of embeddings: what the
 * row trigger and the batch trigger have in common.  Both are created with the
 * arguments (target column, preset or '', source column, ...).
 */
#ifndef ELECTRA_TRIGGER_CALL_H
#define ELECTRA_TRIGGER_CALL_H

#include "postgres.h"

#include "commands/trigger.h"

#include "pg/embed_target.h"

/* How a trigger is to be created, for messages: the function, and the words before and behind ON. */
typedef struct ElectraTriggerForm
{
	const char *function;
	const char *events;			/* "BEFORE INSERT OR UPDATE" */
	const char *how;			/* "FOR EACH ROW" */
} ElectraTriggerForm;

/* Error context: whose work failed.  argument: the TriggerData. */
extern void electra_trigger_error_context(void *argument);

/*
 * Raises the error of a trigger that was created for something else: rule says
 * what the function must be, detail what it is, and a hint how to create it.
 */
_Noreturn extern void electra_trigger_refuse(const TriggerData *data, const ElectraTriggerForm *form,
											 const char *rule, const char *detail);

/*
 * The columns that the trigger's arguments name, in CurrentMemoryContext.
 * Errors: too few arguments, and those of electra_embed_target_make.
 */
extern ElectraEmbedTarget *electra_trigger_target(const TriggerData *data,
												  const ElectraTriggerForm *form);

/*
 * Is a column the same in both rows, byte by byte?  Both have all their values
 * at hand, or at least this one.  What an UPDATE did not touch is the same TOAST
 * pointer, too, and is not fetched.
 */
extern bool electra_trigger_same_column(TupleDesc descriptor, TupleTableSlot *old_row,
										TupleTableSlot *new_row, AttrNumber number);

#endif							/* ELECTRA_TRIGGER_CALL_H */
