/*
 * The statement trigger electra_embed_batch_trigger(target, preset or '', source, ...).
 *
 * After a statement it embeds the rows that need it, many at once, and writes
 * them back by primary key.  These are all rows of an INSERT, so that no row
 * comes in with a vector of another text, and those of an UPDATE whose sources
 * or key changed, or whose target is NULL.
 *
 * Both transition tables of an UPDATE have its rows in the same order, so they
 * are read side by side: nothing is sorted or hashed, no SQL runs, and memory
 * does not grow with the statement.  Where they get out of step (a row that
 * was to move to another partition, and a trigger there kept it out), keys
 * differ, and a row whose key differs is embedded: more work, no other result.
 *
 * The UPDATE that writes the embeddings fires the trigger again.  There, only
 * changed sources count; there are none, unless somebody else's code runs
 * inside that very UPDATE, so the call ends after comparing rows.  A target
 * that is still NULL does not count: it belongs to another batch trigger of
 * the table, which the same statement of the user fires.
 */
#include "postgres.h"

#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "pg/embed_target.h"
#include "pg/embed_texts.h"
#include "pg/embedder.h"
#include "pg/embedding_writer.h"
#include "pg/trigger_call.h"

/*
 * Rows written by one UPDATE: enough that planning and starting it does not
 * matter beside embedding them, and few enough for memory: their vectors, and
 * BATCH_BYTES of keys and texts (of one row where it alone has more).
 */
#define BATCH_ROWS 512
#define BATCH_BYTES (1024 * 1024)

/* A transition table that is being read. */
typedef struct RowReader
{
	Tuplestorestate *rows;
	int			pointer;		/* our position among those of others */
	TupleTableSlot *slot;		/* the current row, of the relation's row type */
} RowReader;

typedef struct BatchTrigger
{
	const TriggerData *data;
	TupleDesc	descriptor;		/* of the relation */
	ElectraEmbedTarget *target;
	ElectraKey *key;
	ElectraEmbeddingWriter *writer; /* NULL: nothing has been written yet */
	MemoryContext context;		/* of all this */
	MemoryContext row_context;	/* of comparing a row */
	MemoryContext batch_context;	/* of the rows that wait */
	int			num_rows;		/* that wait */
	int			num_texts;		/* of them, those that are not NULL */
	int			width;			/* key columns, sources, embedding */
	Datum	   *values;			/* (BATCH_ROWS, width) */
	bool	   *nulls;			/* (BATCH_ROWS, width) */
	Datum	   *texts;			/* (BATCH_ROWS) */
	Datum	   *row_values;		/* (natts): sources of one row */
	bool	   *row_nulls;		/* (natts) */
} BatchTrigger;

/* How the trigger is to be created for this event. */
static ElectraTriggerForm
trigger_form(const TriggerData *data)
{
	const Trigger *trigger = data->tg_trigger;
	bool		update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
	ElectraTriggerForm form = {.function = "electra_embed_batch_trigger"};

	form.events = update ? "AFTER UPDATE" : "AFTER INSERT";
	form.how = psprintf("REFERENCING %sNEW TABLE AS %s FOR EACH STATEMENT",
						update ? "OLD TABLE AS old_rows " : "",
						trigger->tgnewtable == NULL ? "new_rows" : quote_identifier(trigger->tgnewtable));
	return form;
}

/* Refuses a trigger that was created in a way in which it cannot work. */
static void
check_definition(const TriggerData *data, const ElectraTriggerForm *form)
{
	if (TRIGGER_FIRED_FOR_ROW(data->tg_event))
		electra_trigger_refuse(data, form, "must be fired for each statement",
					   "The trigger was created FOR EACH ROW.");
	if (!TRIGGER_FIRED_AFTER(data->tg_event))
		electra_trigger_refuse(data, form, "must be fired after the statement",
					   "The trigger was created BEFORE the event.");
	if (!TRIGGER_FIRED_BY_INSERT(data->tg_event) && !TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		electra_trigger_refuse(data, form, "must be fired by INSERT or UPDATE",
					   "The trigger was created for DELETE or TRUNCATE, which leave nothing to embed.");
	if (data->tg_newtable == NULL)
		electra_trigger_refuse(data, form, "needs the transition table of new rows",
					   "The trigger was created without REFERENCING NEW TABLE.");
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event) && data->tg_oldtable == NULL)
		electra_trigger_refuse(data, form, "needs the transition table of old rows",
					   "The trigger was created for UPDATE without REFERENCING OLD TABLE, which tells what has changed.");
}

/* A virtual generated column is not in the transition tables. */
static void
refuse_virtual_sources(const ElectraEmbedTarget *target, const TriggerData *data)
{
	for (int i = 0; i < target->num_sources; i++)
	{
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(data->tg_relation),
												 target->sources[i] - 1);

		if (column->attgenerated != '\0' && column->attgenerated != ATTRIBUTE_GENERATED_STORED)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					 errmsg("source column \"%s\" of relation \"%s\" is a virtual generated column",
							NameStr(column->attname), RelationGetRelationName(data->tg_relation)),
					 errdetail("Its value is not stored, and so is not among the rows that a statement trigger sees."),
					 errhint("Name the columns that it is generated from, or make it STORED.")));
	}
}

/* The state of one call, in a context of its own. */
static BatchTrigger *
begin_trigger(const TriggerData *data, const ElectraTriggerForm *form)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "electra trigger",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	BatchTrigger *trigger = palloc0(sizeof(BatchTrigger));

	trigger->data = data;
	trigger->context = context;
	trigger->descriptor = RelationGetDescr(data->tg_relation);
	trigger->target = electra_trigger_target(data, form);
	refuse_virtual_sources(trigger->target, data);
	trigger->key = electra_primary_key(data->tg_relation,
									   "Embeddings are written back to their rows by primary key.",
									   "Add one with ALTER TABLE ... ADD PRIMARY KEY, or use the row trigger electra_embed_trigger, which needs none.");
	trigger->row_context = AllocSetContextCreate(context, "electra row", ALLOCSET_DEFAULT_SIZES);
	trigger->batch_context = AllocSetContextCreate(context, "electra rows",
												   ALLOCSET_DEFAULT_SIZES);
	trigger->width = trigger->key->num_columns + trigger->target->num_sources + 1;
	trigger->values = palloc((Size) BATCH_ROWS * trigger->width * sizeof(Datum));
	trigger->nulls = palloc((Size) BATCH_ROWS * trigger->width * sizeof(bool));
	trigger->texts = palloc(BATCH_ROWS * sizeof(Datum));
	trigger->row_values = palloc0(trigger->descriptor->natts * sizeof(Datum));
	trigger->row_nulls = palloc0(trigger->descriptor->natts * sizeof(bool));
	MemoryContextSwitchTo(caller);
	return trigger;
}

/* Begins to read a transition table; other triggers read it, too, so at a position of our own. */
static RowReader
begin_rows(Tuplestorestate *rows, TupleDesc descriptor)
{
	RowReader	reader;

	reader.rows = rows;
	reader.pointer = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);
	tuplestore_select_read_pointer(rows, reader.pointer);
	tuplestore_rescan(rows);
	reader.slot = MakeSingleTupleTableSlot(descriptor, &TTSOpsMinimalTuple);
	return reader;
}

/*
 * The next row into the slot; false, and an empty slot, behind the last one.  A
 * row that was on disk is in CurrentMemoryContext until the next call.
 */
static bool
next_row(RowReader *reader)
{
	tuplestore_select_read_pointer(reader->rows, reader->pointer);
	if (!tuplestore_gettupleslot(reader->rows, true, false, reader->slot))
		return false;
	slot_getallattrs(reader->slot);
	return true;
}

/* Are all these columns the same in both rows? */
static bool
same_columns(const BatchTrigger *trigger, TupleTableSlot *old_row, TupleTableSlot *new_row,
			 int count, const AttrNumber *numbers)
{
	for (int i = 0; i < count; i++)
	{
		if (!electra_trigger_same_column(trigger->descriptor, old_row, new_row, numbers[i]))
			return false;
	}
	return true;
}

/* Does an updated row need an embedding?  old_row is empty where there is none. */
static bool
row_needs_embedding(const BatchTrigger *trigger, TupleTableSlot *old_row,
					TupleTableSlot *new_row, bool own_update)
{
	const ElectraEmbedTarget *target = trigger->target;
	const ElectraKey *key = trigger->key;

	if (!own_update && new_row->tts_isnull[target->target - 1])
		return true;
	return TTS_EMPTY(old_row) ||
		!same_columns(trigger, old_row, new_row, key->num_columns, key->columns) ||
		!same_columns(trigger, old_row, new_row, target->num_sources, target->sources);
}

/* A copy of one column of a row in CurrentMemoryContext. */
static Datum
copy_column(const BatchTrigger *trigger, const TupleTableSlot *row, AttrNumber number)
{
	Form_pg_attribute column = TupleDescAttr(trigger->descriptor, number - 1);

	if (row->tts_isnull[number - 1])
		return (Datum) 0;
	return datumCopy(row->tts_values[number - 1], column->attbyval, column->attlen);
}

/* Puts a row among those that wait, unless it has no text and no embedding already. */
static void
add_row(BatchTrigger *trigger, const TupleTableSlot *row)
{
	const ElectraEmbedTarget *target = trigger->target;
	MemoryContext caller = MemoryContextSwitchTo(trigger->batch_context);
	Datum	   *values = trigger->values + (Size) trigger->num_rows * trigger->width;
	bool	   *nulls = trigger->nulls + (Size) trigger->num_rows * trigger->width;
	int			column = 0;
	Datum		text;

	for (int i = 0; i < trigger->key->num_columns; i++, column++)
	{
		nulls[column] = row->tts_isnull[trigger->key->columns[i] - 1];
		values[column] = copy_column(trigger, row, trigger->key->columns[i]);
	}
	for (int i = 0; i < target->num_sources; i++, column++)
	{
		int			source = target->sources[i] - 1;

		nulls[column] = trigger->row_nulls[source] = row->tts_isnull[source];
		values[column] = trigger->row_values[source] = copy_column(trigger, row, source + 1);
	}

	text = electra_embed_target_text(target, trigger->row_values, trigger->row_nulls);
	nulls[column] = DatumGetPointer(text) == NULL;
	if (!nulls[column])
		trigger->texts[trigger->num_texts++] = text;
	if (!nulls[column] || !row->tts_isnull[target->target - 1])
		trigger->num_rows++;
	MemoryContextSwitchTo(caller);
}

/* The vectors of the texts that wait, in the context of the batch. */
static float *
embed_batch(BatchTrigger *trigger, int *dimensions)
{
	ElectraEmbedder embedder;
	float	   *vectors;

	electra_embedder_begin(&embedder, trigger->target->preset, ELECTRA_PROMPT_NONE);
	vectors = MemoryContextAllocHuge(trigger->batch_context,
									 (Size) trigger->num_texts * embedder.dimensions *
									 sizeof(float));
	electra_embed_texts(&embedder, trigger->num_texts, trigger->texts, vectors);
	*dimensions = embedder.dimensions;
	electra_embedder_end(&embedder);
	return vectors;
}

/* The writer of this call, begun when there is something to write. */
static ElectraEmbeddingWriter *
get_writer(BatchTrigger *trigger)
{
	if (trigger->writer == NULL)
	{
		MemoryContext caller;

		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "could not connect to SPI");
		caller = MemoryContextSwitchTo(trigger->context);
		trigger->writer = electra_embedding_writer_make(trigger->data->tg_relation,
														trigger->target, trigger->key);
		MemoryContextSwitchTo(caller);
	}
	return trigger->writer;
}

/* Embeds and writes the rows that wait. */
static void
flush_batch(BatchTrigger *trigger)
{
	ElectraEmbedTarget *target = trigger->target;
	int			dimensions = 0;
	const float *vector = NULL;
	ArrayType  *array = NULL;
	ElectraEmbeddingWriter *writer;
	MemoryContext caller;

	if (trigger->num_rows == 0)
		return;

	/* all embedding before any SQL: the preset is ours only so long */
	if (trigger->num_texts > 0)
		vector = embed_batch(trigger, &dimensions);
	writer = get_writer(trigger);

	caller = MemoryContextSwitchTo(trigger->batch_context);
	if (trigger->num_texts > 0)
		array = electra_real_array(dimensions);
	MemoryContextSwitchTo(trigger->row_context);
	for (int i = 0; i < trigger->num_rows; i++)
	{
		Datum	   *values = trigger->values + (Size) i * trigger->width;
		bool	   *nulls = trigger->nulls + (Size) i * trigger->width;
		int			column = trigger->width - 1;

		if (!nulls[column])
		{
			memcpy(ARR_DATA_PTR(array), vector, dimensions * sizeof(float));
			vector += dimensions;
			values[column] = electra_embed_target_convert(target, PointerGetDatum(array));
		}
		else if (get_typtype(target->target_type) == TYPTYPE_DOMAIN)
			domain_check((Datum) 0, true, target->target_type, NULL, NULL);
		electra_embedding_writer_add(writer, values, nulls);
		MemoryContextReset(trigger->row_context);
	}
	MemoryContextSwitchTo(caller);

	electra_embedding_writer_write(writer);
	MemoryContextReset(trigger->batch_context);
	trigger->num_rows = 0;
	trigger->num_texts = 0;
}

/* Embeds what a statement has changed. */
static void
embed_changed_rows(BatchTrigger *trigger)
{
	const TriggerData *data = trigger->data;
	bool		update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
	bool		own_update = electra_embedding_writer_fired(RelationGetRelid(data->tg_relation));
	RowReader	new_rows = begin_rows(data->tg_newtable, trigger->descriptor);
	RowReader	old_rows = {0};

	if (update)
		old_rows = begin_rows(data->tg_oldtable, trigger->descriptor);
	while (next_row(&new_rows))
	{
		bool		needed = true;

		CHECK_FOR_INTERRUPTS();
		if (update)
		{
			MemoryContext caller;

			next_row(&old_rows);
			caller = MemoryContextSwitchTo(trigger->row_context);
			needed = row_needs_embedding(trigger, old_rows.slot, new_rows.slot, own_update);
			MemoryContextSwitchTo(caller);
			MemoryContextReset(trigger->row_context);
		}
		if (!needed)
			continue;

		add_row(trigger, new_rows.slot);
		if (trigger->num_rows == BATCH_ROWS ||
			MemoryContextMemAllocated(trigger->batch_context, false) > BATCH_BYTES)
			flush_batch(trigger);
	}
	flush_batch(trigger);

	ExecDropSingleTupleTableSlot(new_rows.slot);
	if (update)
		ExecDropSingleTupleTableSlot(old_rows.slot);
}

PG_FUNCTION_INFO_V1(electra_embed_batch_trigger);

/*
 * AFTER INSERT or AFTER UPDATE FOR EACH STATEMENT, with transition tables:
 * (target column, preset or '', source column, ...)
 */
Datum
electra_embed_batch_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	ErrorContextCallback context = {0};
	ElectraTriggerForm form;
	BatchTrigger *trigger;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("electra_embed_batch_trigger was not called by the trigger manager")));

	context.previous = error_context_stack;
	context.callback = electra_trigger_error_context;
	context.arg = data;
	error_context_stack = &context;

	form = trigger_form(data);
	check_definition(data, &form);
	trigger = begin_trigger(data, &form);
	embed_changed_rows(trigger);
	if (trigger->writer != NULL)
		SPI_finish();
	MemoryContextDelete(trigger->context);

	error_context_stack = context.previous;
	return PointerGetDatum(NULL);
}
