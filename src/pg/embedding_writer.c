/*
 * Writes embeddings by primary key; see embedding_writer.h.
 *
 * The rows to write are a tuplestore that the UPDATE joins as if it were a
 * table: so keys and embeddings may be of any type, also arrays, which unnest()
 * would flatten.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_operator.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rls.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "pg/embedding_writer.h"

/* What the UPDATE calls the rows to write; nothing else in its connection has a name. */
#define ROWS_NAME "electra_batch"

/*
 * The relation that this backend is writing embeddings into, and the depth of
 * triggers of the one that does so.
 */
static Oid	writing_relation = InvalidOid;
static int	writing_depth = 0;

/* How many triggers run inside each other. */
static int
trigger_depth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

bool
electra_embedding_writer_fired(Oid relation)
{
	return relation == writing_relation && trigger_depth() == writing_depth + 1;
}

/* Adds a column of the relation to the rows to write, under a name of ours. */
static void
add_column(TupleDesc descriptor, AttrNumber number, const char *name, Relation relation,
		   AttrNumber origin)
{
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), origin - 1);

	TupleDescInitEntry(descriptor, number, name, column->atttypid, column->atttypmod,
					   column->attndims);
	TupleDescInitEntryCollation(descriptor, number, column->attcollation);
}

/* Columns of the rows to write: key_1 …, source_1 …, embedding. */
static TupleDesc
make_descriptor(Relation relation, const ElectraEmbedTarget *target, const ElectraKey *key)
{
	int			num_columns = key->num_columns + target->num_sources + 1;
	TupleDesc	descriptor = CreateTemplateTupleDesc(num_columns);
	AttrNumber	number = 0;

	for (int i = 0; i < key->num_columns; i++)
		add_column(descriptor, ++number, psprintf("key_%d", i + 1), relation, key->columns[i]);
	for (int i = 0; i < target->num_sources; i++)
		add_column(descriptor, ++number, psprintf("source_%d", i + 1), relation,
				   target->sources[i]);
	add_column(descriptor, ++number, "embedding", relation, target->target);
	return descriptor;
}

ElectraEmbeddingWriter *
electra_embedding_writer_make(Relation relation, const ElectraEmbedTarget *target,
							  const ElectraKey *key)
{
	ElectraEmbeddingWriter *writer = palloc0(sizeof(ElectraEmbeddingWriter));

	writer->context = CurrentMemoryContext;
	writer->relation = relation;
	writer->target = target;
	writer->key = key;
	writer->descriptor = make_descriptor(relation, target, key);
	writer->rows.md.name = pstrdup(ROWS_NAME);
	writer->rows.md.reliddesc = InvalidOid;
	writer->rows.md.tupdesc = writer->descriptor;
	writer->rows.md.enrtype = ENR_NAMED_TUPLESTORE;
	if (SPI_register_relation(&writer->rows) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not register the rows to write");
	return writer;
}

void
electra_embedding_writer_add(ElectraEmbeddingWriter *writer, const Datum *values,
							 const bool *isnull)
{
	if (writer->rows.reldata == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(writer->context);

		writer->rows.reldata = tuplestore_begin_heap(false, false, work_mem);
		MemoryContextSwitchTo(caller);
	}
	tuplestore_putvalues(writer->rows.reldata, writer->descriptor, unconstify(Datum *, values),
						 unconstify(bool *, isnull));
	writer->num_rows++;
}

/* A column's name as SQL. */
static const char *
column_name(const ElectraEmbeddingWriter *writer, AttrNumber number)
{
	return quote_identifier(NameStr(TupleDescAttr(RelationGetDescr(writer->relation),
												  number - 1)->attname));
}

/*
 * "t.column = n.key_i", with the operator of the key's index whatever the
 * search_path.
 */
static void
append_key_condition(StringInfo sql, const ElectraEmbeddingWriter *writer, int i)
{
	AttrNumber	number = writer->key->columns[i];
	Oid			type = TupleDescAttr(RelationGetDescr(writer->relation), number - 1)->atttypid;
	Oid			operator = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "could not find the equality operator of type %u", type);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	appendStringInfo(sql, "%s t.%s OPERATOR(%s.%s) n.key_%d", i > 0 ? " AND" : "",
					 column_name(writer, number),
					 quote_identifier(get_namespace_name(form->oprnamespace)),
					 NameStr(form->oprname), i + 1);
	ReleaseSysCache(tuple);
}

/* "the source is what it was". */
static void
append_source_condition(StringInfo sql, const ElectraEmbeddingWriter *writer, int i)
{
	char	   *now = psprintf("t.%s", column_name(writer, writer->target->sources[i]));
	char	   *before = psprintf("n.source_%d", i + 1);

	appendStringInfoString(sql, " AND ");
	electra_embed_target_append_same(sql, now, before);
	pfree(now);
	pfree(before);
}

/*
 * Plans the prepared UPDATE as a look-up of each key in its index.  Left alone,
 * the planner reads the whole of a table that it takes to be small, again for
 * each batch, and a statement that has just filled a table has no statistics.
 */
static void
plan_update(ElectraEmbeddingWriter *writer)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	ReleaseCachedPlan(SPI_plan_get_cached_plan(writer->update), NULL);
	AtEOXact_GUC(true, level);
}

/* Prepares the UPDATE; the planner takes the first rows to be as many as the others. */
static void
prepare_update(ElectraEmbeddingWriter *writer)
{
	Relation	relation = writer->relation;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE %s AS t SET %s = n.embedding FROM " ROWS_NAME " AS n WHERE",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
												RelationGetRelationName(relation)),
					 column_name(writer, writer->target->target));
	for (int i = 0; i < writer->key->num_columns; i++)
		append_key_condition(&sql, writer, i);
	for (int i = 0; i < writer->target->num_sources; i++)
		append_source_condition(&sql, writer, i);

	writer->rows.md.enrtuples = (double) writer->num_rows;
	writer->update = SPI_prepare(sql.data, 0, NULL);
	if (writer->update == NULL)
		elog(ERROR, "could not prepare the UPDATE: %s", SPI_result_code_string(SPI_result));
	plan_update(writer);
	pfree(sql.data);
}

/* Runs the UPDATE and the triggers that it fires. */
static void
run_update(ElectraEmbeddingWriter *writer)
{
	Oid			outer_relation = writing_relation;
	int			outer_depth = writing_depth;

	PG_TRY();
	{
		int			result;

		writing_relation = RelationGetRelid(writer->relation);
		writing_depth = trigger_depth();
		result = SPI_execute_plan(writer->update, NULL, NULL, false, 0);
		if (result < 0)
			elog(ERROR, "could not run the UPDATE: %s", SPI_result_code_string(result));
	}
	PG_FINALLY();
	{
		writing_relation = outer_relation;
		writing_depth = outer_depth;
	}
	PG_END_TRY();
}

void
electra_embedding_writer_write(ElectraEmbeddingWriter *writer)
{
	Oid			relation = RelationGetRelid(writer->relation);

	if (writer->num_rows == 0)
		return;
	if (writer->update == NULL)
		prepare_update(writer);
	run_update(writer);

	if ((int64) SPI_processed < writer->num_rows &&
		check_enable_rls(relation, InvalidOid, true) == RLS_ENABLED)
		ereport(WARNING,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only %lld of %lld embeddings were written to relation \"%s\"",
						(long long) SPI_processed, (long long) writer->num_rows,
						RelationGetRelationName(writer->relation)),
				 errdetail("Row-level security applies to role \"%s\", and its policies for SELECT and UPDATE may hide the other rows.",
						   GetUserNameFromId(GetUserId(), false)),
				 errhint("Let the policies show the role what it writes, or use the row trigger electra_embed_trigger, which writes each row once.")));

	tuplestore_end(writer->rows.reldata);
	writer->rows.reldata = NULL;
	writer->num_rows = 0;
}
