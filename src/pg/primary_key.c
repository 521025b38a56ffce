/*
 * The primary key of a table; see primary_key.h.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_index.h"
#include "utils/syscache.h"

#include "pg/primary_key.h"

/* The key columns of an index, if it is the primary key's; else NULL. */
static ElectraKey *
key_of_index(Oid index_id)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index_id));
	Form_pg_index index;
	ElectraKey *key = NULL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for index %u", index_id);
	index = (Form_pg_index) GETSTRUCT(tuple);
	if (index->indisprimary && index->indisvalid)
	{
		key = palloc(sizeof(ElectraKey));
		key->num_columns = index->indnkeyatts;
		key->columns = palloc(key->num_columns * sizeof(AttrNumber));
		memcpy(key->columns, index->indkey.values, key->num_columns * sizeof(AttrNumber));
	}
	ReleaseSysCache(tuple);
	return key;
}

/* Not RelationGetPrimaryKeyIndex(): it passes over deferrable keys up to 16. */
ElectraKey *
electra_primary_key(Relation relation, const char *detail, const char *hint)
{
	List	   *indexes = RelationGetIndexList(relation);
	ElectraKey *key = NULL;
	ListCell   *cell;

	foreach(cell, indexes)
	{
		key = key_of_index(lfirst_oid(cell));
		if (key != NULL)
			break;
	}
	list_free(indexes);

	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no primary key", RelationGetRelationName(relation)),
				 errdetail("%s", detail),
				 errhint("%s", hint)));
	return key;
}
