/*
 * What electra_search reads; see search_target.h.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "pg/search_target.h"

/* Any relation can be ordered by hand. */
#define HINT_BY_HAND "\"ORDER BY electra_cosine(column, electra_embed_query(...)) DESC LIMIT k\" reads whatever a query can."

/* Opens what rows can be scanned in; an ERROR for anything else. */
static Relation
open_relation(Oid oid)
{
	Relation	relation = try_relation_open(oid, AccessShareLock);

	if (relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", oid)));

	switch (relation->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_MATVIEW:
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" is neither a table nor a materialized view",
							RelationGetRelationName(relation)),
					 errdetail_relkind_not_supported(relation->rd_rel->relkind),
					 errhint(HINT_BY_HAND)));
	}

	if (RELATION_IS_OTHER_TEMP(relation))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot access temporary tables of other sessions")));
	if (!RelationIsScannable(relation))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("materialized view \"%s\" has not been populated",
						RelationGetRelationName(relation)),
				 errhint("Use the REFRESH MATERIALIZED VIEW command.")));
	return relation;
}

/* The column of vectors; an ERROR where it cannot be one. */
static AttrNumber
find_target(Relation relation, const char *name)
{
	AttrNumber	column = get_attnum(RelationGetRelid(relation), name);
	Oid			type;
	char	   *type_name;

	if (column <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", name,
						RelationGetRelationName(relation))));

	type = getBaseType(TupleDescAttr(RelationGetDescr(relation), column - 1)->atttypid);
	if (type == FLOAT4ARRAYOID)
		return column;

	/* whatever schema pgvector is in */
	type_name = get_typtype(type) == TYPTYPE_BASE ? format_type_extended(type, -1, 0) : "";
	if (strrchr(type_name, '.') != NULL)
		type_name = strrchr(type_name, '.') + 1;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of relation \"%s\" is not of type real[]", name,
					RelationGetRelationName(relation)),
			 errdetail("It is of type %s.", format_type_be(type)),
			 strcmp(type_name, "vector") == 0 || strcmp(type_name, "halfvec") == 0 ?
			 errhint("Search it with pgvector: \"ORDER BY %s <=> electra_embed_query(...)::%s LIMIT k\", with an index if there is one.",
					 quote_identifier(name), type_name) :
			 errhint("Only real[] columns are searched: store vectors as electra_embed returns them.")));
	pg_unreachable();
}

/* May this index tell the rows of a relation apart?  The primary key, if it can have one. */
static bool
is_key(Relation relation, HeapTuple index_tuple)
{
	Form_pg_index index = (Form_pg_index) GETSTRUCT(index_tuple);

	if (relation->rd_rel->relkind != RELKIND_MATVIEW)
		return index->indisprimary;

	for (int i = 0; i < index->indnkeyatts; i++)
		if (index->indkey.values[i] <= 0)
			return false;
	return index->indisunique && index->indisvalid &&
		heap_attisnull(index_tuple, Anum_pg_index_indpred, NULL);
}

/* Fills in key and key_columns. */
static void
find_key(ElectraSearchTarget *target)
{
	Relation	relation = target->relation;
	List	   *indexes = RelationGetIndexList(relation);
	ListCell   *cell;

	foreach(cell, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
		Form_pg_index index;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for index %u", lfirst_oid(cell));
		index = (Form_pg_index) GETSTRUCT(tuple);
		if (!is_key(relation, tuple))
		{
			ReleaseSysCache(tuple);
			continue;
		}

		target->key = CreateTemplateTupleDesc(index->indnkeyatts);
		target->key_columns = palloc(index->indnkeyatts * sizeof(AttrNumber));
		for (int i = 0; i < index->indnkeyatts; i++)
		{
			target->key_columns[i] = index->indkey.values[i];
			TupleDescCopyEntry(target->key, i + 1, RelationGetDescr(relation),
							   target->key_columns[i]);
		}
		target->key = BlessTupleDesc(target->key);
		ReleaseSysCache(tuple);
		return;
	}

	if (relation->rd_rel->relkind == RELKIND_MATVIEW)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("materialized view \"%s\" has no unique index", RelationGetRelationName(relation)),
				 errdetail("electra_search returns keys of rows, and looks for a unique index on plain columns."),
				 errhint("Create one with CREATE UNIQUE INDEX; REFRESH ... CONCURRENTLY needs it, too.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" has no primary key", RelationGetRelationName(relation)),
			 errdetail("electra_search returns primary keys of rows."),
			 errhint("Add one with ALTER TABLE ... ADD PRIMARY KEY.")));
}

static void
check_column_privilege(Relation relation, AttrNumber column)
{
	if (pg_attribute_aclcheck(RelationGetRelid(relation), column, GetUserId(),
							  ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(relation->rd_rel->relkind),
					   RelationGetRelationName(relation));
}

/* As for a query: SELECT on the table, or on every column that is read. */
static void
check_privileges(const ElectraSearchTarget *target)
{
	if (pg_class_aclcheck(RelationGetRelid(target->relation), GetUserId(),
						  ACL_SELECT) == ACLCHECK_OK)
		return;
	check_column_privilege(target->relation, target->target);
	for (int i = 0; i < target->key->natts; i++)
		check_column_privilege(target->relation, target->key_columns[i]);
}

/* Fills in tables; true where one of them has no storage here. */
static bool
find_tables(ElectraSearchTarget *target)
{
	List	   *all = find_all_inheritors(RelationGetRelid(target->relation), AccessShareLock, NULL);
	bool		foreign = false;
	ListCell   *cell;

	foreach(cell, all)
	{
		char		kind = get_rel_relkind(lfirst_oid(cell));

		if (kind == RELKIND_FOREIGN_TABLE)
			foreign = true;
		else if (kind != RELKIND_PARTITIONED_TABLE)
			target->tables = lappend_oid(target->tables, lfirst_oid(cell));
	}
	list_free(all);
	return foreign;
}

/* PostgreSQL 18's generated columns that are computed when they are read. */
static bool
is_virtual(Relation relation, AttrNumber column)
{
#ifdef ATTRIBUTE_GENERATED_VIRTUAL
	return TupleDescAttr(RelationGetDescr(relation), column - 1)->attgenerated ==
		ATTRIBUTE_GENERATED_VIRTUAL;
#else
	return false;
#endif
}

ElectraSearchTarget *
electra_search_target_open(Oid relation, const char *name)
{
	ElectraSearchTarget *target = palloc0(sizeof(ElectraSearchTarget));
	bool		secured;

	target->relation = open_relation(relation);
	target->target = find_target(target->relation, name);
	find_key(target);
	check_privileges(target);
	secured = check_enable_rls(relation, InvalidOid, false) == RLS_ENABLED;
	target->by_query = find_tables(target) || secured ||
		is_virtual(target->relation, target->target);
	return target;
}

Datum
electra_search_key(const ElectraSearchTarget *target, const Datum *values, const bool *nulls)
{
	HeapTuple	tuple = heap_form_tuple(target->key, (Datum *) values, (bool *) nulls);
	Datum		json = DirectFunctionCall1(row_to_json, HeapTupleGetDatum(tuple));

	return DirectFunctionCall1(jsonb_in, CStringGetDatum(TextDatumGetCString(json)));
}
