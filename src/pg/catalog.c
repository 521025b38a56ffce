/*
 * Reading the catalogue.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"

#include "pg/catalog.h"
#include "pg/preset_name.h"
#include "pg/shipped.h"

static const char *const table_names[ELECTRA_NUM_TABLES] = {
	"preset", "preset_chunk", "default_preset"
};

/*
 * The tables' OIDs as last looked up.  They stay while oids_valid is false, so
 * that the callback recognizes invalidations that arrive before the next look.
 */
static Oid	table_oids[ELECTRA_NUM_TABLES];
static bool oids_valid = false;

static uint64 generation = 0;

/*
 * Relcache callback.  It can run while an image is in use (detoasting the next
 * text), so it only leaves marks.  A plan keeps the constant that an IMMUTABLE
 * call was folded to, and no dependency tells the plan cache: that is why a
 * change of default_preset resets it (changes of preset reach that table too,
 * see electra_catalog_changed).
 */
static void
catalog_invalidated(Datum argument, Oid relid)
{
	bool		ours = !OidIsValid(relid);

	for (int i = 0; i < ELECTRA_NUM_TABLES; i++)
	{
		if (relid == table_oids[i])
			ours = true;
	}
	if (!ours)
		return;
	generation++;
	oids_valid = false;
	if (!OidIsValid(relid) || relid == table_oids[ELECTRA_TABLE_DEFAULT])
		ResetPlanCache();
}

void
electra_catalog_init(void)
{
	CacheRegisterRelcacheCallback(catalog_invalidated, (Datum) 0);
}

uint64
electra_catalog_generation(void)
{
	return generation;
}

/* Looks the tables up again when an invalidation came since the last time. */
static void
find_tables(void)
{
	Oid			namespace_oid;
	uint64		before = generation;

	if (oids_valid)
		return;
	namespace_oid = get_namespace_oid("_electra", true);
	for (int i = 0; i < ELECTRA_NUM_TABLES; i++)
		table_oids[i] = OidIsValid(namespace_oid) ?
			get_relname_relid(table_names[i], namespace_oid) : InvalidOid;

	/* a missing table is looked for again each time */
	oids_valid = generation == before && OidIsValid(table_oids[ELECTRA_TABLE_PRESET]) &&
		OidIsValid(table_oids[ELECTRA_TABLE_CHUNK]) && OidIsValid(table_oids[ELECTRA_TABLE_DEFAULT]);
}

Oid
electra_catalog_table_oid(ElectraTable table)
{
	find_tables();
	return table_oids[table];
}

Relation
electra_catalog_open(ElectraTable table, LOCKMODE lock)
{
	Oid			oid = electra_catalog_table_oid(table);

	/* dropped in the meantime: try_table_open gives NULL then */
	return OidIsValid(oid) ? try_table_open(oid, lock) : NULL;
}

Relation
electra_catalog_require(ElectraTable table, LOCKMODE lock)
{
	Relation	relation = electra_catalog_open(table, lock);

	if (relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"_electra.%s\" is missing", table_names[table]),
				 errhint("Create the extension in this database with CREATE EXTENSION electra.")));
	return relation;
}

Oid
electra_catalog_primary_key(Relation relation)
{
	List	   *indexes = RelationGetIndexList(relation);	/* sets rd_pkindex */

	list_free(indexes);
	return relation->rd_pkindex;
}

/* A column of a row, NULL also where an older SQL version has no such column. */
static Datum
get_column(HeapTuple tuple, TupleDesc descriptor, int column, bool *isnull)
{
	if (column > descriptor->natts)
	{
		*isnull = true;
		return (Datum) 0;
	}
	return heap_getattr(tuple, column, descriptor, isnull);
}

/* A text column as a palloc'd string, "" for NULL. */
static char *
get_string(HeapTuple tuple, TupleDesc descriptor, int column)
{
	bool		isnull;
	Datum		value = get_column(tuple, descriptor, column, &isnull);

	return isnull ? pstrdup("") : TextDatumGetCString(value);
}

/*
 * The roles that a preset is granted to.  NULL, which is also what an older SQL
 * version without the column gives, means everyone.
 */
static List *
get_grants(HeapTuple tuple, TupleDesc descriptor)
{
	bool		isnull;
	Datum		value = get_column(tuple, descriptor, Anum_electra_preset_granted_to, &isnull);
	Datum	   *roles;
	bool	   *nulls;
	int			count;
	List	   *names = NIL;

	if (isnull)
		return list_make1(pstrdup(ELECTRA_PUBLIC));
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT,
					  &roles, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			names = lappend(names, TextDatumGetCString(roles[i]));
	}
	return names;
}

/* Is everyone among the roles? */
static bool
includes_public(List *roles)
{
	ListCell   *cell;

	foreach(cell, roles)
	{
		if (strcmp(lfirst(cell), ELECTRA_PUBLIC) == 0)
			return true;
	}
	return false;
}

/* Fills row from a tuple of preset; false for one that nothing of ours can have written. */
static bool
read_preset(HeapTuple tuple, TupleDesc descriptor, ElectraPresetRow *row)
{
	bool		isnull;
	char	   *name = get_string(tuple, descriptor, Anum_electra_preset_name);
	Datum		value;
	bytea	   *digest;

	memset(row, 0, sizeof(*row));
	if (strlen(name) > ELECTRA_MAX_PRESET_NAME)
		return false;
	strlcpy(row->id.name, name, sizeof(row->id.name));
	value = get_column(tuple, descriptor, Anum_electra_preset_digest, &isnull);
	if (isnull)
		return false;
	digest = DatumGetByteaPP(value);
	if (VARSIZE_ANY_EXHDR(digest) != ELECTRA_DIGEST_SIZE)
		return false;
	memcpy(row->id.digest, VARDATA_ANY(digest), ELECTRA_DIGEST_SIZE);

	value = get_column(tuple, descriptor, Anum_electra_preset_dropped, &isnull);
	row->dropped = !isnull && DatumGetBool(value);
	row->source = get_string(tuple, descriptor, Anum_electra_preset_source);
	row->loaded_by = get_string(tuple, descriptor, Anum_electra_preset_loaded_by);
	value = get_column(tuple, descriptor, Anum_electra_preset_loaded_at, &isnull);
	row->loaded_at = isnull ? 0 : DatumGetTimestampTz(value);
	row->granted_to = get_grants(tuple, descriptor);
	row->id.restricted = !includes_public(row->granted_to);
	row->tid = tuple->t_self;
	return true;
}

bool
electra_catalog_find(const char *name, ElectraPresetRow *row)
{
	Relation	relation = electra_catalog_open(ELECTRA_TABLE_PRESET, AccessShareLock);
	Oid			index;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	if (relation == NULL)
		return false;
	index = electra_catalog_primary_key(relation);
	ScanKeyInit(&key, Anum_electra_preset_name, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(name));
	scan = systable_beginscan(relation, index, OidIsValid(index), NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		found = read_preset(tuple, RelationGetDescr(relation), row);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return found;
}

void
electra_catalog_lock_row(const char *name, const char *change, ElectraPresetRow *row)
{
	ElectraPresetId shipped;

	if (!electra_preset_name_valid(name))
		electra_preset_name_error();
	electra_catalog_lock_name(name);
	if (electra_catalog_find(name, row))
		return;
	if (electra_shipped_find(name, &shipped))
		ereport(ERROR,
				(errcode(ERRCODE_RESERVED_NAME),
				 errmsg("preset \"%s\" comes with electra and cannot be %s", name, change),
				 errdetail("It is part of the installation and the same in every database.")));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("preset \"%s\" does not exist", name),
			 errhint("View electra_presets lists the presets of this database.")));
}

/* Ascending by name, as bytes. */
static int
compare_rows(const ListCell *a, const ListCell *b)
{
	const ElectraPresetRow *first = lfirst(a);
	const ElectraPresetRow *second = lfirst(b);

	return strcmp(first->id.name, second->id.name);
}

List *
electra_catalog_list(void)
{
	Relation	relation = electra_catalog_open(ELECTRA_TABLE_PRESET, AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *rows = NIL;

	if (relation == NULL)
		return NIL;
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		ElectraPresetRow *row = palloc(sizeof(ElectraPresetRow));

		if (read_preset(tuple, RelationGetDescr(relation), row))
			rows = lappend(rows, row);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	list_sort(rows, compare_rows);
	return rows;
}

bool
electra_catalog_default(char name[ELECTRA_MAX_PRESET_NAME + 1])
{
	Relation	relation = electra_catalog_open(ELECTRA_TABLE_DEFAULT, AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	if (relation == NULL)
		return false;
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		char	   *value = get_string(tuple, RelationGetDescr(relation), Anum_electra_default_name);

		strlcpy(name, value, ELECTRA_MAX_PRESET_NAME + 1);
		pfree(value);
		found = true;
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return found;
}

bool
electra_catalog_has_chunks(const uint8 *digest, int64 *bytes)
{
	Relation	relation = electra_catalog_open(ELECTRA_TABLE_CHUNK, AccessShareLock);
	Oid			index;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;
	int64		sum = 0;
	bytea	   *digest_value = palloc(VARHDRSZ + ELECTRA_DIGEST_SIZE);

	if (bytes != NULL)
		*bytes = 0;
	if (relation == NULL)
		return false;
	SET_VARSIZE(digest_value, VARHDRSZ + ELECTRA_DIGEST_SIZE);
	memcpy(VARDATA(digest_value), digest, ELECTRA_DIGEST_SIZE);
	index = electra_catalog_primary_key(relation);
	ScanKeyInit(&key, Anum_electra_chunk_digest, BTEqualStrategyNumber, F_BYTEAEQ,
				PointerGetDatum(digest_value));
	scan = systable_beginscan(relation, index, OidIsValid(index), NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		data;

		found = true;
		if (bytes == NULL)
			break;
		data = get_column(tuple, RelationGetDescr(relation), Anum_electra_chunk_data, &isnull);
		if (!isnull)
			sum += toast_raw_datum_size(data) - VARHDRSZ;
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	pfree(digest_value);
	if (bytes != NULL)
		*bytes = sum;
	return found;
}

/*
 * Object locks on the catalogue table itself, with a hash in the place of an
 * object's OID: two names with one hash only wait for each other.
 */
static void
lock_key(ElectraTable table, const void *key, int size, uint16 kind)
{
	LOCKTAG		tag;
	Relation	relation = electra_catalog_require(table, AccessShareLock);

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, RelationGetRelid(relation),
					   hash_bytes(key, size), kind);
	table_close(relation, AccessShareLock);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
	AcceptInvalidationMessages();
}

void
electra_catalog_lock_name(const char *name)
{
	lock_key(ELECTRA_TABLE_PRESET, name, strlen(name), 1);
}

void
electra_catalog_lock_digest(const uint8 *digest)
{
	lock_key(ELECTRA_TABLE_CHUNK, digest, ELECTRA_DIGEST_SIZE, 2);
}
