/*
 * Who may use a preset; see preset_access.h.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "pg/catalog.h"
#include "pg/preset_access.h"

/* The grants of one restricted preset, as this backend knows them. */
typedef struct GrantEntry
{
	char		name[ELECTRA_MAX_PRESET_NAME + 1];
	List	   *roles;			/* names, char * */
} GrantEntry;

static MemoryContext grant_context = NULL;
static List *grants = NIL;		/* GrantEntry *, in grant_context */

/* The generation of the catalogue that grants are from. */
static uint64 grant_generation = 0;

/* The entry of a name, or NULL; forgets all of them when the catalogue has changed. */
static const GrantEntry *
find_entry(const char *name)
{
	ListCell   *cell;

	if (grant_context == NULL)
		grant_context = AllocSetContextCreate(TopMemoryContext, "electra grants",
											  ALLOCSET_SMALL_SIZES);
	if (grant_generation != electra_catalog_generation())
	{
		grants = NIL;
		MemoryContextReset(grant_context);
		grant_generation = electra_catalog_generation();
	}
	foreach(cell, grants)
	{
		const GrantEntry *entry = lfirst(cell);

		if (strcmp(entry->name, name) == 0)
			return entry;
	}
	return NULL;
}

/* Remembers the roles of a name. */
static void
add_entry(const char *name, List *roles)
{
	MemoryContext caller = MemoryContextSwitchTo(grant_context);
	GrantEntry *entry = palloc0(sizeof(GrantEntry));
	ListCell   *cell;

	strlcpy(entry->name, name, sizeof(entry->name));
	foreach(cell, roles)
		entry->roles = lappend(entry->roles, pstrdup(lfirst(cell)));
	grants = lappend(grants, entry);
	MemoryContextSwitchTo(caller);
}

/*
 * Names of the roles that a restricted preset is granted to: from the cache,
 * else from the catalogue.  A row that has gone meanwhile grants nothing.
 */
static List *
find_roles(const char *name)
{
	const GrantEntry *entry = find_entry(name);
	uint64		generation = grant_generation;
	ElectraPresetRow row;

	if (entry != NULL)
		return entry->roles;
	if (!electra_catalog_find(name, &row))
		return NIL;
	if (find_entry(name) == NULL && grant_generation == generation)
		add_entry(name, row.granted_to);
	return row.granted_to;
}

bool
electra_preset_access_allowed(const ElectraPresetId *id)
{
	ListCell   *cell;

	if (id->shipped || !id->restricted || superuser())
		return true;
	foreach(cell, find_roles(id->name))
	{
		const char *role = lfirst(cell);
		Oid			oid;

		if (strcmp(role, ELECTRA_PUBLIC) == 0)
			return true;
		oid = get_role_oid(role, true);
		if (OidIsValid(oid) && has_privs_of_role(GetUserId(), oid))
			return true;
	}
	return false;
}

void
electra_preset_access_check(const ElectraPresetId *id)
{
	const char *user;

	if (electra_preset_access_allowed(id))
		return;
	user = GetUserNameFromId(GetUserId(), true);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for preset \"%s\"", id->name),
			 user == NULL ? 0 :
			 errhint("An administrator can grant it: SELECT electra_grant_preset('%s', %s);",
					 id->name, quote_literal_cstr(user))));
}
