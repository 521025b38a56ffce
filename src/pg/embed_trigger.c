/*
 * The row trigger electra_embed_trigger(target, preset or '', source, ...).
 *
 * It computes on every INSERT, so that no row comes in with a vector of another
 * text, and on an UPDATE that changed a source or left the target NULL.  An
 * UPDATE that writes only the target is believed: so electra_backfill and a
 * change of presets do their own computing, and setting the target to NULL has
 * it computed again.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "pg/embed_target.h"
#include "pg/embedder.h"
#include "pg/trigger_call.h"

static const ElectraTriggerForm form = {
	.function = "electra_embed_trigger",
	.events = "BEFORE INSERT OR UPDATE",
	.how = "FOR EACH ROW"
};

/* What a trigger remembers between the rows of a statement. */
typedef struct TriggerState
{
	MemoryContext context;		/* of all this */
	Oid			trigger;
	TupleDesc	descriptor;		/* of the relation; it keeps its address while
								 * the relation is open and unchanged */
	ElectraEmbedTarget *target;
} TriggerState;

/* Refuses a trigger that was created in a way in which it cannot work. */
static void
check_definition(const TriggerData *data)
{
	if (!TRIGGER_FIRED_FOR_ROW(data->tg_event))
		electra_trigger_refuse(data, &form, "must be fired for each row",
					   "The trigger was created FOR EACH STATEMENT.");
	if (!TRIGGER_FIRED_BEFORE(data->tg_event))
		electra_trigger_refuse(data, &form, "must be fired before the row is written",
					   "The trigger was created AFTER or INSTEAD OF the event.");
	if (!TRIGGER_FIRED_BY_INSERT(data->tg_event) && !TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		electra_trigger_refuse(data, &form, "must be fired by INSERT or UPDATE",
					   "The trigger was created for DELETE, which writes no embedding.");
}

/* A generated source has no value yet when the trigger fires. */
static void
refuse_generated_sources(const ElectraEmbedTarget *target, const TriggerData *data)
{
	for (int i = 0; i < target->num_sources; i++)
	{
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(data->tg_relation),
												 target->sources[i] - 1);

		if (column->attgenerated != '\0')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					 errmsg("source column \"%s\" of relation \"%s\" is a generated column",
							NameStr(column->attname), RelationGetRelationName(data->tg_relation)),
					 errdetail("Generated columns are computed after the BEFORE triggers of the row."),
					 errhint("Name the columns that it is generated from.")));
	}
}

/* Finds the columns that the trigger's arguments name. */
static TriggerState *
make_state(TriggerData *data, MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "electra trigger",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	TriggerState *state = palloc0(sizeof(TriggerState));

	state->context = context;
	state->trigger = data->tg_trigger->tgoid;
	state->descriptor = RelationGetDescr(data->tg_relation);
	state->target = electra_trigger_target(data, &form);
	refuse_generated_sources(state->target, data);
	MemoryContextSwitchTo(caller);
	return state;
}

/* The trigger's state, made when it first fires in a statement or its relation has changed. */
static TriggerState *
get_state(FunctionCallInfo fcinfo, TriggerData *data)
{
	FmgrInfo   *function = fcinfo->flinfo;
	TriggerState *state = function->fn_extra;

	if (state != NULL && state->trigger == data->tg_trigger->tgoid &&
		state->descriptor == RelationGetDescr(data->tg_relation))
		return state;

	function->fn_extra = NULL;
	if (state != NULL)
		MemoryContextDelete(state->context);
	state = make_state(data, function->fn_mcxt);
	function->fn_extra = state;
	return state;
}

/* Does a source of the new row differ from that of the old one? */
static bool
sources_changed(const TriggerState *state, TupleTableSlot *old_row, TupleTableSlot *new_row)
{
	for (int i = 0; i < state->target->num_sources; i++)
	{
		if (!electra_trigger_same_column(state->descriptor, old_row, new_row,
										 state->target->sources[i]))
			return true;
	}
	return false;
}

/* The embedding of a row as the target column's type; returns false where it is NULL. */
static bool
embed_row(ElectraEmbedTarget *target, TupleTableSlot *row, Datum *value)
{
	ElectraEmbedder embedder;
	ArrayType  *array;
	Datum		text;

	slot_getallattrs(row);
	text = electra_embed_target_text(target, row->tts_values, row->tts_isnull);
	if (DatumGetPointer(text) == NULL)
	{
		/* the domain of a column may forbid what the column does not */
		*value = (Datum) 0;
		if (get_typtype(target->target_type) == TYPTYPE_DOMAIN)
			domain_check((Datum) 0, true, target->target_type, NULL, NULL);
		return false;
	}

	electra_embedder_begin(&embedder, target->preset, ELECTRA_PROMPT_NONE);
	array = electra_real_array(embedder.dimensions);
	electra_embedder_embed(&embedder, text, (float *) ARR_DATA_PTR(array));
	electra_embedder_end(&embedder);
	*value = electra_embed_target_convert(target, PointerGetDatum(array));
	return true;
}

/* The row with its embedding, where there was something to compute; else as it came. */
static HeapTuple
keep_row(TriggerState *state, TriggerData *data)
{
	bool		update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
	TupleTableSlot *new_row = update ? data->tg_newslot : data->tg_trigslot;
	HeapTuple	tuple = update ? data->tg_newtuple : data->tg_trigtuple;
	int			column = state->target->target;
	bool		was_null;
	bool		is_null;
	Datum		value;

	slot_getattr(new_row, column, &was_null);
	if (update && !was_null && !sources_changed(state, data->tg_trigslot, new_row))
		return tuple;

	is_null = !embed_row(state->target, new_row, &value);
	if (is_null && was_null)
		return tuple;
	return heap_modify_tuple_by_cols(tuple, state->descriptor, 1, &column, &value, &is_null);
}

PG_FUNCTION_INFO_V1(electra_embed_trigger);

/* BEFORE INSERT OR UPDATE FOR EACH ROW: (target column, preset or '', source column, ...) */
Datum
electra_embed_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	ErrorContextCallback context = {0};
	HeapTuple	result;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("electra_embed_trigger was not called by the trigger manager")));

	context.previous = error_context_stack;
	context.callback = electra_trigger_error_context;
	context.arg = data;
	error_context_stack = &context;
	check_definition(data);
	result = keep_row(get_state(fcinfo, data), data);
	error_context_stack = context.previous;

	return PointerGetDatum(result);
}
