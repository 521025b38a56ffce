/*
 * What the row trigger and the batch trigger have in common; see trigger_call.h.
 */
#include "postgres.h"

#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"

#include "pg/trigger_call.h"

/* Arguments of the triggers. */
#define TARGET_ARGUMENT 0
#define PRESET_ARGUMENT 1
#define FIRST_SOURCE_ARGUMENT 2

void
electra_trigger_error_context(void *argument)
{
	const TriggerData *data = argument;

	errcontext("trigger \"%s\" of relation \"%s\"", data->tg_trigger->tgname,
			   RelationGetRelationName(data->tg_relation));
}

/* A CREATE TRIGGER that would have been right: with the arguments given, if there are enough. */
static char *
right_definition(const TriggerData *data, const ElectraTriggerForm *form)
{
	const Trigger *trigger = data->tg_trigger;
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "CREATE TRIGGER %s %s ON %s %s EXECUTE FUNCTION %s(",
					 quote_identifier(trigger->tgname), form->events,
					 quote_identifier(RelationGetRelationName(data->tg_relation)), form->how,
					 form->function);
	if (trigger->tgnargs <= FIRST_SOURCE_ARGUMENT)
		appendStringInfoString(&text, "'embedding', 'preset', 'body'");
	else
	{
		for (int i = 0; i < trigger->tgnargs; i++)
			appendStringInfo(&text, "%s%s", i > 0 ? ", " : "",
							 quote_literal_cstr(trigger->tgargs[i]));
	}
	appendStringInfoChar(&text, ')');
	return text.data;
}

void
electra_trigger_refuse(const TriggerData *data, const ElectraTriggerForm *form, const char *rule,
					   const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg_internal("%s %s", form->function, rule),
			 errdetail_internal("%s", detail),
			 errhint("%s", right_definition(data, form))));
	pg_unreachable();
}

ElectraEmbedTarget *
electra_trigger_target(const TriggerData *data, const ElectraTriggerForm *form)
{
	char	  **arguments = data->tg_trigger->tgargs;
	int			count = data->tg_trigger->tgnargs;
	List	   *sources = NIL;

	if (count <= FIRST_SOURCE_ARGUMENT)
		electra_trigger_refuse(data, form, "needs at least three arguments",
							   psprintf("It has %d; they are the target column, a preset (empty for the default preset) and one or more source columns.",
										count));
	for (int i = FIRST_SOURCE_ARGUMENT; i < count; i++)
		sources = lappend(sources, arguments[i]);
	return electra_embed_target_make(RelationGetDescr(data->tg_relation),
									 RelationGetRelationName(data->tg_relation),
									 arguments[TARGET_ARGUMENT], arguments[PRESET_ARGUMENT], sources,
									 "A trigger whose column was renamed must be dropped and created again with the new name.");
}

bool
electra_trigger_same_column(TupleDesc descriptor, TupleTableSlot *old_row, TupleTableSlot *new_row,
							AttrNumber number)
{
	Form_pg_attribute column = TupleDescAttr(descriptor, number - 1);
	bool		old_null;
	bool		new_null;
	Datum		old_value = slot_getattr(old_row, number, &old_null);
	Datum		new_value = slot_getattr(new_row, number, &new_null);

	if (old_null || new_null)
		return old_null && new_null;
	return datumIsEqual(old_value, new_value, column->attbyval, column->attlen) ||
		datum_image_eq(old_value, new_value, column->attbyval, column->attlen);
}
