/*
 * Writing the catalogue, and the triggers that tell other backends of changes
 * made by others: direct DML, COPY of a restore, logical apply.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "pg/catalog.h"
#include "pg/restore_order.h"

struct ElectraChunkWriter
{
	Relation	relation;
	CatalogIndexState indexes;
	MemoryContext context;		/* reset for each chunk */
	uint8		digest[ELECTRA_DIGEST_SIZE];
	int32		chunk_no;
};

/* A digest as a palloc'd bytea. */
static Datum
digest_datum(const uint8 *digest)
{
	bytea	   *value = palloc(VARHDRSZ + ELECTRA_DIGEST_SIZE);

	SET_VARSIZE(value, VARHDRSZ + ELECTRA_DIGEST_SIZE);
	memcpy(VARDATA(value), digest, ELECTRA_DIGEST_SIZE);
	return PointerGetDatum(value);
}

/*
 * Tells all backends, here and on standbys, at commit.  What a name is bound
 * to may be folded into plans, so taking a binding away counts as a change of
 * the default preset, whose invalidation resets plan caches.
 */
static void
catalog_changed(ElectraTable table, bool binding_lost)
{
	Oid			oid = electra_catalog_table_oid(table);
	Oid			default_oid = electra_catalog_table_oid(ELECTRA_TABLE_DEFAULT);

	if (OidIsValid(oid))
		CacheInvalidateRelcacheByRelid(oid);
	if (binding_lost && OidIsValid(default_oid))
		CacheInvalidateRelcacheByRelid(default_oid);
}

/* The columns of a row of preset that every SQL version has; the others are left NULL. */
static void
fill_preset(const ElectraPresetRow *row, Datum *values, bool *nulls)
{
	values[Anum_electra_preset_name - 1] = CStringGetTextDatum(row->id.name);
	values[Anum_electra_preset_digest - 1] = digest_datum(row->id.digest);
	values[Anum_electra_preset_dropped - 1] = BoolGetDatum(row->dropped);
	values[Anum_electra_preset_source - 1] = CStringGetTextDatum(row->source);
	values[Anum_electra_preset_loaded_by - 1] = CStringGetTextDatum(row->loaded_by);
	values[Anum_electra_preset_loaded_at - 1] = TimestampTzGetDatum(row->loaded_at);
	for (int column = Anum_electra_preset_name; column <= Anum_electra_preset_loaded_at; column++)
		nulls[column - 1] = false;
}

void
electra_catalog_insert(const ElectraPresetRow *row)
{
	Relation	relation = electra_catalog_require(ELECTRA_TABLE_PRESET, RowExclusiveLock);
	TupleDesc	descriptor = RelationGetDescr(relation);
	int			natts = Max(descriptor->natts, Natts_electra_preset);
	Datum	   *values = palloc0(natts * sizeof(Datum));
	bool	   *nulls = palloc(natts * sizeof(bool));

	memset(nulls, true, natts * sizeof(bool));
	fill_preset(row, values, nulls);
	CatalogTupleInsert(relation, heap_form_tuple(descriptor, values, nulls));
	table_close(relation, NoLock);
	catalog_changed(ELECTRA_TABLE_PRESET, false);
	CommandCounterIncrement();
}

/*
 * Replaces columns of the row at row->tid.  What the caller does not replace
 * stays as it is: grants, and columns of a newer SQL version.
 */
static void
modify_preset(Relation relation, const ElectraPresetRow *row, Datum *values, bool *nulls,
			  bool *replaces)
{
	Oid			index = electra_catalog_primary_key(relation);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_electra_preset_name, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(row->id.name));
	scan = systable_beginscan(relation, index, OidIsValid(index), NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple) || !ItemPointerEquals(&tuple->t_self, (ItemPointer) &row->tid))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("preset \"%s\" was changed by another session", row->id.name)));
	tuple = heap_modify_tuple(tuple, RelationGetDescr(relation), values, nulls, replaces);
	CatalogTupleUpdate(relation, &tuple->t_self, tuple);
	systable_endscan(scan);
	catalog_changed(ELECTRA_TABLE_PRESET, true);
	CommandCounterIncrement();
}

void
electra_catalog_update(const ElectraPresetRow *row)
{
	Relation	relation = electra_catalog_require(ELECTRA_TABLE_PRESET, RowExclusiveLock);
	int			natts = Max(RelationGetDescr(relation)->natts, Natts_electra_preset);
	Datum	   *values = palloc0(natts * sizeof(Datum));
	bool	   *nulls = palloc(natts * sizeof(bool));
	bool	   *replaces = palloc(natts * sizeof(bool));

	memset(nulls, true, natts * sizeof(bool));
	fill_preset(row, values, nulls);
	for (int i = 0; i < natts; i++)
		replaces[i] = !nulls[i];
	modify_preset(relation, row, values, nulls, replaces);
	table_close(relation, NoLock);
}

/* Role names as text[], NULL (0) where they are just "public". */
static Datum
grants_datum(List *roles)
{
	Datum	   *names = palloc(Max(list_length(roles), 1) * sizeof(Datum));

	if (list_length(roles) == 1 && strcmp(linitial(roles), ELECTRA_PUBLIC) == 0)
		return (Datum) 0;
	for (int i = 0; i < list_length(roles); i++)
		names[i] = CStringGetTextDatum(list_nth(roles, i));
	return PointerGetDatum(construct_array(names, list_length(roles), TEXTOID, -1, false,
										   TYPALIGN_INT));
}

void
electra_catalog_set_grants(const ElectraPresetRow *row)
{
	Relation	relation = electra_catalog_require(ELECTRA_TABLE_PRESET, RowExclusiveLock);
	int			natts = RelationGetDescr(relation)->natts;
	Datum	   *values = palloc0(Max(natts, Natts_electra_preset) * sizeof(Datum));
	bool	   *nulls = palloc0(Max(natts, Natts_electra_preset) * sizeof(bool));
	bool	   *replaces = palloc0(Max(natts, Natts_electra_preset) * sizeof(bool));

	if (natts < Anum_electra_preset_granted_to)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"granted_to\" of table \"_electra.preset\" is missing"),
				 errhint("Run ALTER EXTENSION electra UPDATE.")));
	values[Anum_electra_preset_granted_to - 1] = grants_datum(row->granted_to);
	nulls[Anum_electra_preset_granted_to - 1] = values[Anum_electra_preset_granted_to - 1] == (Datum) 0;
	replaces[Anum_electra_preset_granted_to - 1] = true;
	modify_preset(relation, row, values, nulls, replaces);
	table_close(relation, NoLock);
}

void
electra_catalog_delete(const ElectraPresetRow *row)
{
	Relation	relation = electra_catalog_require(ELECTRA_TABLE_PRESET, RowExclusiveLock);
	ItemPointerData tid = row->tid;

	CatalogTupleDelete(relation, &tid);
	table_close(relation, NoLock);
	catalog_changed(ELECTRA_TABLE_PRESET, true);
	CommandCounterIncrement();
}

void
electra_catalog_delete_chunks(const uint8 *digest)
{
	Relation	relation = electra_catalog_require(ELECTRA_TABLE_CHUNK, RowExclusiveLock);
	Oid			index = electra_catalog_primary_key(relation);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_electra_chunk_digest, BTEqualStrategyNumber, F_BYTEAEQ,
				digest_datum(digest));
	scan = systable_beginscan(relation, index, OidIsValid(index), NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		CHECK_FOR_INTERRUPTS();
		CatalogTupleDelete(relation, &tuple->t_self);
	}
	systable_endscan(scan);
	table_close(relation, NoLock);
	catalog_changed(ELECTRA_TABLE_CHUNK, false);
	CommandCounterIncrement();
}

/* Removes whatever rows default_preset has. */
static void
delete_default(Relation relation)
{
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		CatalogTupleDelete(relation, &tuple->t_self);
	systable_endscan(scan);
}

void
electra_catalog_set_default(const char *name)
{
	Relation	relation = electra_catalog_require(ELECTRA_TABLE_DEFAULT, ShareRowExclusiveLock);
	TupleDesc	descriptor = RelationGetDescr(relation);
	int			natts = Max(descriptor->natts, Natts_electra_default);
	Datum	   *values = palloc0(natts * sizeof(Datum));
	bool	   *nulls = palloc(natts * sizeof(bool));

	memset(nulls, true, natts * sizeof(bool));
	memset(nulls, false, Natts_electra_default * sizeof(bool));
	values[Anum_electra_default_only_row - 1] = BoolGetDatum(true);
	values[Anum_electra_default_name - 1] = CStringGetTextDatum(name);
	delete_default(relation);
	CommandCounterIncrement();
	CatalogTupleInsert(relation, heap_form_tuple(descriptor, values, nulls));
	table_close(relation, NoLock);
	catalog_changed(ELECTRA_TABLE_DEFAULT, true);
	CommandCounterIncrement();
}

ElectraChunkWriter *
electra_chunk_writer_begin(const uint8 *digest)
{
	ElectraChunkWriter *writer = palloc0(sizeof(ElectraChunkWriter));

	writer->relation = electra_catalog_require(ELECTRA_TABLE_CHUNK, RowExclusiveLock);
	writer->indexes = CatalogOpenIndexes(writer->relation);
	writer->context = AllocSetContextCreate(CurrentMemoryContext, "electra chunk",
											ALLOCSET_DEFAULT_SIZES);
	memcpy(writer->digest, digest, ELECTRA_DIGEST_SIZE);
	return writer;
}

void
electra_chunk_writer_put(ElectraChunkWriter *writer, const void *data, Size size)
{
	MemoryContext caller = MemoryContextSwitchTo(writer->context);
	TupleDesc	descriptor = RelationGetDescr(writer->relation);
	int			natts = Max(descriptor->natts, Natts_electra_chunk);
	Datum	   *values = palloc0(natts * sizeof(Datum));
	bool	   *nulls = palloc(natts * sizeof(bool));
	bytea	   *chunk = palloc(VARHDRSZ + size);

	CHECK_FOR_INTERRUPTS();
	SET_VARSIZE(chunk, VARHDRSZ + size);
	memcpy(VARDATA(chunk), data, size);
	memset(nulls, true, natts * sizeof(bool));
	memset(nulls, false, Natts_electra_chunk * sizeof(bool));
	values[Anum_electra_chunk_digest - 1] = digest_datum(writer->digest);
	values[Anum_electra_chunk_no - 1] = Int32GetDatum(writer->chunk_no++);
	values[Anum_electra_chunk_data - 1] = PointerGetDatum(chunk);
	CatalogTupleInsertWithInfo(writer->relation, heap_form_tuple(descriptor, values, nulls),
							   writer->indexes);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(writer->context);
}

void
electra_chunk_writer_end(ElectraChunkWriter *writer)
{
	CatalogCloseIndexes(writer->indexes);
	table_close(writer->relation, NoLock);
	MemoryContextDelete(writer->context);
	pfree(writer);
	catalog_changed(ELECTRA_TABLE_CHUNK, false);
	CommandCounterIncrement();
}

PG_FUNCTION_INFO_V1(electra_catalog_changed);

/* Trigger on each table of the catalogue: invalidates what backends know of it. */
Datum
electra_catalog_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	ElectraTable table = ELECTRA_TABLE_PRESET;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called as a trigger", "_electra.catalog_changed")));
	for (int i = 0; i < ELECTRA_NUM_TABLES; i++)
	{
		if (RelationGetRelid(trigger->tg_relation) == electra_catalog_table_oid(i))
			table = i;
	}
	catalog_changed(table, table == ELECTRA_TABLE_DEFAULT ||
					(table == ELECTRA_TABLE_PRESET && !TRIGGER_FIRED_BY_INSERT(trigger->tg_event)));
	return PointerGetDatum(NULL);
}

PG_FUNCTION_INFO_V1(electra_default_preset_replace);

/*
 * BEFORE INSERT trigger on default_preset: the new row takes the place of the
 * old one, unless a restore comes too late with it.
 */
Datum
electra_default_preset_replace(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Datum		name;
	bool		isnull;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be a trigger before each row of an INSERT",
						"_electra.default_preset_replace")));
	name = heap_getattr(trigger->tg_trigtuple, Anum_electra_default_name,
						RelationGetDescr(trigger->tg_relation), &isnull);
	if (!isnull)
	{
		char		old_name[ELECTRA_MAX_PRESET_NAME + 1];

		electra_preset_default_name(old_name);
		electra_check_restored_default(old_name, TextDatumGetCString(name));
	}
	delete_default(trigger->tg_relation);
	return PointerGetDatum(trigger->tg_trigtuple);
}
