/*
 * Dropping presets and forgetting their names.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"

#include "pg/catalog.h"
#include "pg/preset_name.h"

/* Is the archive still that of a live name? */
static bool
is_in_use(const uint8 *digest)
{
	ListCell   *cell;

	foreach(cell, electra_catalog_list())
	{
		const ElectraPresetRow *row = lfirst(cell);

		if (!row->dropped && memcmp(row->id.digest, digest, ELECTRA_DIGEST_SIZE) == 0)
			return true;
	}
	return false;
}

PG_FUNCTION_INFO_V1(electra_drop_preset);

/* Removes a preset; a tombstone keeps its name bound to its digest, and its grants. */
Datum
electra_drop_preset(PG_FUNCTION_ARGS)
{
	char	   *name = electra_get_text_argument(fcinfo, 0, "name");
	char		default_name[ELECTRA_MAX_PRESET_NAME + 1];
	ElectraPresetRow row;

	PreventCommandIfReadOnly("electra_drop_preset()");
	PreventCommandIfParallelMode("electra_drop_preset()");
	electra_catalog_lock_row(name, "dropped", &row);
	if (row.dropped)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("preset \"%s\" was dropped already", name),
				 errhint("electra_forget_preset('%s') frees its name for other content.", name)));
	if (electra_catalog_default(default_name) && strcmp(default_name, name) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot drop preset \"%s\" because it is the default preset", name),
				 errhint("Make another preset the default first: electra_set_default_preset('%s').",
						 electra_shipped_default_name)));

	row.dropped = true;
	electra_catalog_update(&row);
	electra_catalog_lock_digest(row.id.digest);
	if (!is_in_use(row.id.digest))
		electra_catalog_delete_chunks(row.id.digest);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(electra_forget_preset);

/* Removes a dropped preset's tombstone, so that its name can be bound to other content. */
Datum
electra_forget_preset(PG_FUNCTION_ARGS)
{
	char	   *name = electra_get_text_argument(fcinfo, 0, "name");
	ElectraPresetRow row;

	PreventCommandIfReadOnly("electra_forget_preset()");
	PreventCommandIfParallelMode("electra_forget_preset()");
	electra_catalog_lock_row(name, "dropped", &row);
	if (!row.dropped)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("preset \"%s\" is not dropped", name),
				 errhint("Drop it first: electra_drop_preset('%s').", name)));
	electra_catalog_delete(&row);
	PG_RETURN_VOID();
}
