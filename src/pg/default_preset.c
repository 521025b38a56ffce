/*
 * The default preset of a database: what functions without a preset use.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_trigger.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/builtins.h"

#include "pg/catalog.h"
#include "pg/preset_name.h"
#include "pg/shipped.h"
#include "pg/stored_expressions.h"

/* How many objects a message lists. */
#define MAX_LISTED 10

PG_FUNCTION_INFO_V1(electra_default_preset);

/* Name of the default preset. */
Datum
electra_default_preset(PG_FUNCTION_ARGS)
{
	char		name[ELECTRA_MAX_PRESET_NAME + 1];

	electra_preset_default_name(name);
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

/* Descriptions of objects, a line each, the first of them only. */
static char *
describe(List *objects)
{
	StringInfoData text;
	int			count = list_length(objects);

	initStringInfo(&text);
	for (int i = 0; i < count && i < MAX_LISTED; i++)
	{
		ObjectAddress *object = list_nth(objects, i);
		char	   *description = getObjectDescription(object, true);

		if (text.len > 0)
			appendStringInfoChar(&text, '\n');
		appendStringInfo(&text, object->classId == TriggerRelationId ?
						 "%s computes with the default preset" :
						 "%s was computed with the default preset",
						 description != NULL ? description : "an object just dropped");
	}
	if (count > MAX_LISTED)
		appendStringInfo(&text, "\nand %d more objects", count - MAX_LISTED);
	return text.data;
}

/* Refuses, or with force warns of, stored values that would no longer fit. */
static void
check_stored_expressions(const char *old_name, bool force)
{
	List	   *objects = electra_stored_expressions();

	if (objects == NIL)
		return;
	if (!force)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot change the default preset because stored values depend on it"),
				 errdetail_internal("%s", describe(objects)),
				 errhint("Name the preset in these expressions and triggers, as in electra_embed(body, '%s'); or use force => true and compute the stored values again.",
						 old_name)));
	ereport(WARNING,
			(errmsg("stored values still follow the former default preset \"%s\"", old_name),
			 errdetail_internal("%s", describe(objects)),
			 errhint("Compute them again (rewrite the columns, REINDEX, REFRESH). Vectors in plain columns, and calls inside functions whose body is a string, cannot be found and are not listed.")));
}

PG_FUNCTION_INFO_V1(electra_set_default_preset);

/* Makes a preset the default of this database. */
Datum
electra_set_default_preset(PG_FUNCTION_ARGS)
{
	char	   *name = electra_get_text_argument(fcinfo, 0, "name");
	char		old_name[ELECTRA_MAX_PRESET_NAME + 1];
	ElectraPresetId old_id;
	ElectraPresetId new_id;
	Relation	relation;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "force")));
	PreventCommandIfReadOnly("electra_set_default_preset()");
	PreventCommandIfParallelMode("electra_set_default_preset()");

	/* the name, so that nobody drops it meanwhile; the table, so that only one session changes it */
	if (!electra_preset_name_valid(name))
		electra_preset_name_error();
	electra_catalog_lock_name(name);
	relation = electra_catalog_require(ELECTRA_TABLE_DEFAULT, ShareRowExclusiveLock);
	electra_preset_resolve(name, &new_id);
	electra_preset_default_name(old_name);
	if (!electra_preset_try_resolve(old_name, &old_id) ||
		memcmp(old_id.digest, new_id.digest, ELECTRA_DIGEST_SIZE) != 0)
		check_stored_expressions(old_name, PG_GETARG_BOOL(1));
	if (strcmp(old_name, name) != 0)
		electra_catalog_set_default(name);
	table_close(relation, NoLock);
	PG_RETURN_VOID();
}
