/*
 * The table that electra_backfill fills; see backfill_table.h.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "optimizer/plancat.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "pg/backfill_table.h"
#include "pg/primary_key.h"

/* What cannot be filled row by row is refused with the way around it. */
static void
check_kind(Relation relation)
{
	const char *hint;

	switch (relation->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
			return;
		case RELKIND_FOREIGN_TABLE:
			hint = "Call electra_backfill on the server where the rows live.";
			break;
		case RELKIND_VIEW:
			hint = "Name the table below the view.";
			break;
		default:
			hint = "Name a table, or a partitioned table.";
			break;
	}
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("electra_backfill cannot fill \"%s\"", RelationGetRelationName(relation)),
			 errdetail_relkind_not_supported(relation->rd_rel->relkind),
			 errhint("%s", hint)));
}

/* Early, so that no row is embedded for nothing; all other rights are asked by the queries. */
static void
check_rights(Relation relation, AttrNumber target)
{
	Oid			oid = RelationGetRelid(relation);

	if (pg_class_aclcheck(oid, GetUserId(), ACL_UPDATE) != ACLCHECK_OK &&
		pg_attribute_aclcheck(oid, target, GetUserId(), ACL_UPDATE) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(relation->rd_rel->relkind),
					   RelationGetRelationName(relation));
}

/* Writes down what the queries say about the columns of the primary key. */
static void
describe_key(ElectraBackfillTable *table, Relation relation)
{
	ElectraKey *key = electra_primary_key(relation,
										  "electra_backfill goes through a table in the order of its primary key.",
										  "Add one with ALTER TABLE ... ADD PRIMARY KEY.");
	int			count = key->num_columns;

	table->num_keys = count;
	table->key_names = palloc(count * sizeof(char *));
	table->key_types = palloc(count * sizeof(Oid));
	table->key_lengths = palloc(count * sizeof(int16));
	table->key_by_value = palloc(count * sizeof(bool));
	for (int i = 0; i < count; i++)
	{
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), key->columns[i] - 1);

		table->key_names[i] = pstrdup(quote_identifier(NameStr(column->attname)));
		table->key_types[i] = column->atttypid;
		table->key_lengths[i] = column->attlen;
		table->key_by_value[i] = column->attbyval;
	}
}

/* Names with commas between them. */
static char *
join_names(char **names, int count)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < count; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", names[i]);
	return list.data;
}

/* Writes down what the queries say about target and sources. */
static void
describe_columns(ElectraBackfillTable *table, TupleDesc descriptor)
{
	const ElectraEmbedTarget *target = table->target;
	StringInfoData condition;

	table->target_quoted =
		pstrdup(quote_identifier(NameStr(TupleDescAttr(descriptor, target->target - 1)->attname)));
	table->source_names = palloc(target->num_sources * sizeof(char *));
	table->source_types = palloc(target->num_sources * sizeof(Oid));
	initStringInfo(&condition);
	appendStringInfo(&condition, "%s IS NULL AND (", table->target_quoted);
	for (int i = 0; i < target->num_sources; i++)
	{
		Form_pg_attribute column = TupleDescAttr(descriptor, target->sources[i] - 1);

		table->source_names[i] = pstrdup(quote_identifier(NameStr(column->attname)));
		table->source_types[i] = column->atttypid;
		appendStringInfo(&condition, "%s%s IS NOT NULL", i > 0 ? " OR " : "", table->source_names[i]);
	}
	appendStringInfoChar(&condition, ')');
	table->condition = condition.data;
	table->source_list = join_names(table->source_names, target->num_sources);
	table->key_list = join_names(table->key_names, table->num_keys);
}

/*
 * A table's children by inheritance have primary keys of their own, which may
 * repeat those of the table: they are filled by calls of their own.
 */
static void
note_children(const ElectraBackfillTable *table, Relation relation)
{
	if (relation->rd_rel->relkind == RELKIND_RELATION && has_subclass(table->oid))
		ereport(NOTICE,
				(errmsg("electra_backfill: tables that inherit from \"%s\" are not filled", table->name),
				 errhint("Call electra_backfill for each of them.")));
}

ElectraBackfillTable *
electra_backfill_table(Oid oid, List *sources, const char *target, const char *preset)
{
	ElectraBackfillTable *table = palloc0(sizeof(ElectraBackfillTable));
	Relation	relation = try_relation_open(oid, AccessShareLock);
	char	   *quoted;

	if (relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", oid)));
	check_kind(relation);

	table->oid = oid;
	table->name = pstrdup(RelationGetRelationName(relation));
	quoted = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)), table->name);
	table->from = relation->rd_rel->relkind == RELKIND_RELATION ? psprintf("ONLY %s", quoted) : quoted;
	table->num_columns = RelationGetNumberOfAttributes(relation);
	table->target = electra_embed_target_make(RelationGetDescr(relation), table->name, target,
											  preset, sources,
											  "The arguments are the relation, its source column or columns, and its target column.");
	check_rights(relation, table->target->target);
	describe_key(table, relation);
	describe_columns(table, RelationGetDescr(relation));
	note_children(table, relation);
	relation_close(relation, NoLock);
	return table;
}

/*
 * The name of a comparison operator of the key's types for queries, with its
 * schema where they all share one: the search path may lack it.  A row
 * comparison has one operator for all columns.
 */
static char *
comparison_operator(const ElectraBackfillTable *table, const char *name, int first, int count)
{
	Oid			schema = InvalidOid;

	for (int i = first; i < first + count; i++)
	{
		TypeCacheEntry *type = lookup_type_cache(table->key_types[i], TYPECACHE_GT_OPR);
		HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(type->gt_opr));
		Oid			found;

		if (!HeapTupleIsValid(tuple))
			return pstrdup(name);
		found = ((Form_pg_operator) GETSTRUCT(tuple))->oprnamespace;
		ReleaseSysCache(tuple);
		if (i > first && found != schema)
			return pstrdup(name);
		schema = found;
	}
	return psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(schema)), name);
}

/* Appends " AND (a, b) > ($3, $4)"; first: the number of the first parameter. */
static void
append_limit(StringInfo query, const ElectraBackfillTable *table, const char *comparison, int first)
{
	appendStringInfo(query, " AND (%s) %s (", table->key_list,
					 comparison_operator(table, comparison, 0, table->num_keys));
	for (int i = 0; i < table->num_keys; i++)
		appendStringInfo(query, "%s$%d", i > 0 ? ", " : "", first + i);
	appendStringInfoChar(query, ')');
}

/* A plan that outlives transactions. */
static SPIPlanPtr
save_plan(const char *query, int num_types, Oid *types)
{
	SPIPlanPtr	plan = SPI_prepare(query, num_types, types);

	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	return plan;
}

/* Types of the parameters of scan and count; (2 * num_keys + 1). */
static Oid *
limit_types(const ElectraBackfillTable *table)
{
	int			k = table->num_keys;
	Oid		   *types = palloc((2 * k + 1) * sizeof(Oid));

	memcpy(types, table->key_types, k * sizeof(Oid));
	memcpy(types + k, table->key_types, k * sizeof(Oid));
	types[2 * k] = INT8OID;
	return types;
}

/*
 * FOR NO KEY UPDATE is the lock that the UPDATE needs; FOR UPDATE would also
 * make inserts into tables that refer to this one wait.
 */
SPIPlanPtr
electra_backfill_scan_plan(const ElectraBackfillTable *table, bool after, bool until)
{
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfo(&query, "SELECT %s, %s FROM %s WHERE %s", table->key_list, table->source_list,
					 table->from, table->condition);
	if (after)
		append_limit(&query, table, ">", 1);
	if (until)
		append_limit(&query, table, "<=", 1 + table->num_keys);
	appendStringInfo(&query, " ORDER BY %s LIMIT $%d FOR NO KEY UPDATE SKIP LOCKED",
					 table->key_list, 2 * table->num_keys + 1);
	return save_plan(query.data, 2 * table->num_keys + 1, limit_types(table));
}

SPIPlanPtr
electra_backfill_count_plan(const ElectraBackfillTable *table, bool after, bool until)
{
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfo(&query, "SELECT pg_catalog.count(*) FROM %s WHERE %s", table->from, table->condition);
	if (after)
		append_limit(&query, table, ">", 1);
	if (until)
		append_limit(&query, table, "<=", 1 + table->num_keys);
	return save_plan(query.data, 2 * table->num_keys, limit_types(table));
}

SPIPlanPtr
electra_backfill_update_plan(const ElectraBackfillTable *table)
{
	int			num_keys = table->num_keys;
	int			num_sources = table->target->num_sources;
	int			num_types = num_keys + num_sources + 1;
	Oid		   *types = palloc(num_types * sizeof(Oid));
	StringInfoData query;

	memcpy(types, table->key_types, num_keys * sizeof(Oid));
	memcpy(types + num_keys, table->source_types, num_sources * sizeof(Oid));
	types[num_types - 1] = table->target->target_type;
	initStringInfo(&query);
	appendStringInfo(&query, "UPDATE %s SET %s = $%d WHERE ", table->from, table->target_quoted, num_types);
	for (int i = 0; i < num_keys; i++)
		appendStringInfo(&query, "%s%s %s $%d", i > 0 ? " AND " : "", table->key_names[i],
						 comparison_operator(table, "=", i, 1), i + 1);
	for (int i = 0; i < num_sources; i++)
	{
		char	   *parameter = psprintf("$%d", num_keys + i + 1);

		appendStringInfo(&query, " AND ");
		electra_embed_target_append_same(&query, table->source_names[i], parameter);
		pfree(parameter);
	}
	return save_plan(query.data, num_types, types);
}

/* The part of a table's rows whose target is NULL; a column without statistics is taken for a new one. */
static double
null_fraction(Oid relation, AttrNumber column, bool inherited)
{
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relation),
										Int16GetDatum(column), BoolGetDatum(inherited));
	double		fraction = 1.0;

	if (HeapTupleIsValid(tuple))
	{
		fraction = ((Form_pg_statistic) GETSTRUCT(tuple))->stanullfrac;
		ReleaseSysCache(tuple);
	}
	return fraction;
}

/* Each partition counts by itself: few are analyzed together with their parent. */
double
electra_backfill_estimate(const ElectraBackfillTable *table, BlockNumber *pages)
{
	List	   *parts = list_make1_oid(table->oid);
	char	   *target = get_attname(table->oid, table->target->target, false);
	double		rows = 0;
	ListCell   *cell;

	if (get_rel_relkind(table->oid) == RELKIND_PARTITIONED_TABLE)
		parts = find_all_inheritors(table->oid, AccessShareLock, NULL);
	*pages = 0;
	foreach(cell, parts)
	{
		Relation	part = try_relation_open(lfirst_oid(cell), AccessShareLock);
		BlockNumber part_pages;
		double		part_rows;
		double		all_visible;

		if (part == NULL)
			continue;
		if (part->rd_rel->relkind == RELKIND_RELATION)
		{
			estimate_rel_size(part, NULL, &part_pages, &part_rows, &all_visible);
			*pages += part_pages;
			rows += part_rows * null_fraction(lfirst_oid(cell), get_attnum(lfirst_oid(cell), target), false);
		}
		relation_close(part, NoLock);
	}
	return rows;
}

void
electra_backfill_place_init(ElectraBackfillPlace *place)
{
	place->context = AllocSetContextCreate(CurrentMemoryContext, "electra backfill place",
										   ALLOCSET_SMALL_SIZES);
	place->values = NULL;
}

/*
 * Values are detoasted: by the time they are used, others may have removed
 * what lies in the TOAST table.
 */
void
electra_backfill_place_set(const ElectraBackfillTable *table, ElectraBackfillPlace *place,
						   const Datum *values)
{
	MemoryContext caller;

	if (values == place->values)
		return;
	MemoryContextReset(place->context);
	place->values = NULL;
	if (values == NULL)
		return;

	caller = MemoryContextSwitchTo(place->context);
	place->values = palloc(table->num_keys * sizeof(Datum));
	for (int i = 0; i < table->num_keys; i++)
		place->values[i] = table->key_lengths[i] == -1 ?
			PointerGetDatum(PG_DETOAST_DATUM_COPY(values[i])) :
			datumCopy(values[i], table->key_by_value[i], table->key_lengths[i]);
	MemoryContextSwitchTo(caller);
}

void
electra_backfill_key(const ElectraBackfillTable *table, const SPITupleTable *rows, uint64 row,
					 Datum *values)
{
	for (int i = 0; i < table->num_keys; i++)
	{
		bool		isnull;

		values[i] = SPI_getbinval(rows->vals[row], rows->tupdesc, i + 1, &isnull);
	}
}
