/*
 * Granting and revoking the use of a preset; see preset_access.h.
 *
 * A preset that nobody has touched is granted to "public".  Entries are
 * independent: revoking from "public" leaves the roles that have entries of
 * their own, as GRANT and REVOKE do with tables.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "pg/catalog.h"
#include "pg/preset_name.h"

/* What a call is about. */
typedef struct GrantCall
{
	char	   *name;
	char	   *role;
	ElectraPresetRow row;		/* of name, locked */
} GrantCall;

/* Reads the arguments of both functions, and refuses what neither can do. */
static void
begin_call(FunctionCallInfo fcinfo, const char *function, GrantCall *call)
{
	call->name = electra_get_text_argument(fcinfo, 0, "name");
	call->role = electra_get_text_argument(fcinfo, 1, "role");
	PreventCommandIfReadOnly(function);
	PreventCommandIfParallelMode(function);
	electra_catalog_lock_row(call->name, "restricted", &call->row);
	if (call->row.dropped)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("preset \"%s\" was dropped", call->name),
				 errdetail("Its grants are kept for when it is loaded again.")));
}

/* Is the role among those that have an entry? */
static bool
has_entry(const GrantCall *call, const char *role)
{
	ListCell   *cell;

	foreach(cell, call->row.granted_to)
	{
		if (strcmp(lfirst(cell), role) == 0)
			return true;
	}
	return false;
}

PG_FUNCTION_INFO_V1(electra_grant_preset);

/* (name, role): lets a role, or everyone ("public"), use a preset. */
Datum
electra_grant_preset(PG_FUNCTION_ARGS)
{
	GrantCall	call;
	bool		is_public;

	begin_call(fcinfo, "electra_grant_preset()", &call);
	is_public = strcmp(call.role, ELECTRA_PUBLIC) == 0;
	if (!is_public)
		(void) get_role_oid(call.role, false);	/* raises that it does not exist */

	if (has_entry(&call, call.role))
	{
		if (is_public)
			ereport(NOTICE,
					(errmsg("everyone may use preset \"%s\" already", call.name)));
		else
			ereport(NOTICE,
					(errmsg("role \"%s\" may use preset \"%s\" already", call.role, call.name)));
		PG_RETURN_VOID();
	}
	if (has_entry(&call, ELECTRA_PUBLIC))
		ereport(NOTICE,
				(errmsg("everyone may use preset \"%s\" already", call.name),
				 errdetail("The grant to role \"%s\" takes effect when the preset is revoked from public.",
						   call.role),
				 errhint("SELECT electra_revoke_preset('%s', '%s');", call.name, ELECTRA_PUBLIC)));

	call.row.granted_to = lappend(call.row.granted_to, call.role);
	electra_catalog_set_grants(&call.row);
	PG_RETURN_VOID();
}

/* Raises why there is nothing to revoke. */
static void
nothing_to_revoke(const GrantCall *call)
{
	if (strcmp(call->role, ELECTRA_PUBLIC) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("preset \"%s\" is not granted to public", call->name)));
	(void) get_role_oid(call->role, false); /* raises that it does not exist */
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("preset \"%s\" is not granted to role \"%s\"", call->name, call->role),
			 has_entry(call, ELECTRA_PUBLIC) ?
			 errdetail("Everyone may use it.") : 0,
			 has_entry(call, ELECTRA_PUBLIC) ?
			 errhint("Grant it to the roles that shall keep it, then revoke it from public.") :
			 errhint("View electra_preset_grants lists who has it; members of a granted role have it, too.")));
}

PG_FUNCTION_INFO_V1(electra_revoke_preset);

/*
 * (name, role): takes the use of a preset from a role, or from everyone.  The
 * role may be one that is dropped or renamed: its entry must go away somehow.
 */
Datum
electra_revoke_preset(PG_FUNCTION_ARGS)
{
	GrantCall	call;
	List	   *remaining = NIL;
	ListCell   *cell;

	begin_call(fcinfo, "electra_revoke_preset()", &call);
	if (!has_entry(&call, call.role))
		nothing_to_revoke(&call);
	foreach(cell, call.row.granted_to)
	{
		if (strcmp(lfirst(cell), call.role) != 0)
			remaining = lappend(remaining, lfirst(cell));
	}
	call.row.granted_to = remaining;
	electra_catalog_set_grants(&call.row);
	if (has_entry(&call, ELECTRA_PUBLIC))
		ereport(NOTICE,
				(errmsg("everyone may still use preset \"%s\"", call.name),
				 errhint("SELECT electra_revoke_preset('%s', '%s');", call.name, ELECTRA_PUBLIC)));
	PG_RETURN_VOID();
}
