/*
 * Dumps that are restored in an order that presets do not survive.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "storage/bufmgr.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg/restore_order.h"
#include "pg/stored_expressions.h"

/*
 * What pg_dump writes begins with an empty search_path, whether pg_restore or
 * psql runs it.
 */
bool
electra_session_restores(void)
{
	return namespace_search_path == NULL || namespace_search_path[0] == '\0' ||
		(application_name != NULL && strcmp(application_name, "pg_restore") == 0);
}

/* Is it a table with rows, or one that had some? */
static bool
has_blocks(Oid relation_id)
{
	char		kind = get_rel_relkind(relation_id);
	Relation	relation;
	bool		result;

	if (kind != RELKIND_RELATION && kind != RELKIND_MATVIEW)
		return false;
	relation = try_relation_open(relation_id, AccessShareLock);
	if (relation == NULL)
		return false;
	result = RelationGetNumberOfBlocks(relation) > 0;
	relation_close(relation, AccessShareLock);
	return result;
}

/*
 * Preset-less expressions do not fail when the default is not there yet: they
 * are computed with the one shipped with electra.  Logical apply brings a
 * changed default to tables that it has filled, and is no restore.
 */
void
electra_check_restored_default(const char *old_name, const char *name)
{
	ListCell   *cell;

	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA || !electra_session_restores() ||
		strcmp(old_name, name) == 0)
		return;
	foreach(cell, electra_stored_expressions())
	{
		const ObjectAddress *object = lfirst(cell);

		if (object->classId != RelationRelationId || !has_blocks(object->objectId))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot restore the default preset \"%s\" after rows that were computed with \"%s\"",
						name, old_name),
				 errdetail_internal("%s", getObjectDescription(object, false)),
				 errhint(ELECTRA_RESTORE_HINT)));
	}
}
