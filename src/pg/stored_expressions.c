/*
 * The walk through pg_depend from the functions without a preset argument to
 * everything that stores what they computed, and from the trigger functions to
 * the triggers that name no preset.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "commands/extension.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "pg/stored_expressions.h"

/* The walk's state: objects whose dependents are still to be seen, and what was found. */
typedef struct Walk
{
	List	   *objects;		/* ObjectAddress *; visited in order, grows */
	List	   *trigger_functions;	/* OIDs: ours, whose triggers store embeddings */
	List	   *stored;			/* ObjectAddress * */
} Walk;

/* Appends an address unless it is there. */
static List *
add_address(List *list, Oid class_id, Oid object_id, int32 sub_id)
{
	ListCell   *cell;
	ObjectAddress *address;

	foreach(cell, list)
	{
		address = lfirst(cell);
		if (address->classId == class_id && address->objectId == object_id &&
			address->objectSubId == sub_id)
			return list;
	}
	address = palloc(sizeof(ObjectAddress));
	ObjectAddressSubSet(*address, class_id, object_id, sub_id);
	return lappend(list, address);
}

/* Has the function an argument "preset"? */
static bool
takes_preset(HeapTuple procedure)
{
	Oid		   *types;
	char	  **names;
	char	   *modes;
	int			count = get_func_arg_info(procedure, &types, &names, &modes);

	for (int i = 0; names != NULL && i < count; i++)
	{
		if (strcmp(names[i], "preset") == 0)
			return true;
	}
	return false;
}

/* Names of the extension's functions that take a preset (with_preset), or OIDs of those that do not. */
static List *
list_functions(Oid extension, bool with_preset)
{
	Relation	relation = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *functions = NIL;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ExtensionRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	scan = systable_beginscan(relation, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);
		HeapTuple	procedure;

		if (depend->classid != ProcedureRelationId || depend->deptype != DEPENDENCY_EXTENSION)
			continue;
		procedure = SearchSysCache1(PROCOID, ObjectIdGetDatum(depend->objid));
		if (!HeapTupleIsValid(procedure))
			continue;
		if (takes_preset(procedure) == with_preset)
			functions = with_preset ?
				lappend(functions, pstrdup(NameStr(((Form_pg_proc) GETSTRUCT(procedure))->proname))) :
				lappend_oid(functions, depend->objid);
		ReleaseSysCache(procedure);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return functions;
}

/* Does a trigger function of ours have this name?  A preset is among its arguments. */
static bool
is_trigger_function(const char *name)
{
	return strcmp(name, "electra_embed_trigger") == 0 ||
		strcmp(name, "electra_embed_batch_trigger") == 0;
}

/*
 * Where the walk begins: functions without a preset argument that have an
 * overload with one.  That is what "uses the default preset" means.  And the
 * trigger functions, some of whose triggers do.
 */
static void
add_default_functions(Walk *walk)
{
	Oid			extension = get_extension_oid("electra", true);
	List	   *names;
	ListCell   *cell;

	if (!OidIsValid(extension))
		return;
	names = list_functions(extension, true);
	foreach(cell, list_functions(extension, false))
	{
		char	   *name = get_func_name(lfirst_oid(cell));
		ListCell   *overload;

		if (name == NULL)
			continue;
		if (is_trigger_function(name))
		{
			walk->objects = add_address(walk->objects, ProcedureRelationId, lfirst_oid(cell), 0);
			walk->trigger_functions = lappend_oid(walk->trigger_functions, lfirst_oid(cell));
		}
		foreach(overload, names)
		{
			if (strcmp(name, lfirst(overload)) == 0)
				walk->objects = add_address(walk->objects, ProcedureRelationId, lfirst_oid(cell), 0);
		}
	}
}

/* The relation that a rule belongs to; InvalidOid when it is gone. */
static Oid
rule_relation(Oid rule)
{
	Relation	relation = table_open(RewriteRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			result = InvalidOid;

	ScanKeyInit(&key, Anum_pg_rewrite_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(rule));
	scan = systable_beginscan(relation, RewriteOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		result = ((Form_pg_rewrite) GETSTRUCT(tuple))->ev_class;
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

/* A rule: of a view, whose users are looked at next; of a materialized view, which stores. */
static void
visit_rule(Walk *walk, Oid rule)
{
	Oid			relation = rule_relation(rule);
	char		kind = OidIsValid(relation) ? get_rel_relkind(relation) : '\0';

	if (kind == RELKIND_MATVIEW)
		walk->stored = add_address(walk->stored, RelationRelationId, relation, 0);
	if (kind == RELKIND_MATVIEW || kind == RELKIND_VIEW)
		walk->objects = add_address(walk->objects, RelationRelationId, relation, 0);
}

/* The expression of a column: stored only if the column is generated. */
static void
visit_column_expression(Walk *walk, Oid attrdef)
{
	ObjectAddress column = GetAttrDefaultColumnAddress(attrdef);
	HeapTuple	tuple;

	if (!OidIsValid(column.objectId))
		return;
	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(column.objectId),
							Int16GetDatum(column.objectSubId));
	if (!HeapTupleIsValid(tuple))
		return;
	if (((Form_pg_attribute) GETSTRUCT(tuple))->attgenerated == ATTRIBUTE_GENERATED_STORED)
		walk->stored = add_address(walk->stored, column.classId, column.objectId, column.objectSubId);
	ReleaseSysCache(tuple);
}

/* Is the second argument of a trigger, its preset, empty? */
static bool
has_empty_preset(HeapTuple trigger, TupleDesc descriptor)
{
	bool		isnull;
	Datum		value = heap_getattr(trigger, Anum_pg_trigger_tgargs, descriptor, &isnull);
	bytea	   *arguments;
	const char *preset;

	/* with fewer arguments it only raises errors */
	if (isnull || ((Form_pg_trigger) GETSTRUCT(trigger))->tgnargs < 2)
		return false;
	arguments = DatumGetByteaPP(value);
	preset = VARDATA_ANY(arguments);
	preset += strlen(preset) + 1;	/* each argument ends with a zero byte */
	return *preset == '\0';
}

/* A trigger: one of ours without a preset; on a partition it is that of the parent again. */
static void
visit_trigger(Walk *walk, Oid trigger)
{
	Relation	relation = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(trigger));
	scan = systable_beginscan(relation, TriggerOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		if (list_member_oid(walk->trigger_functions, form->tgfoid) &&
			!OidIsValid(form->tgparentid) &&
			has_empty_preset(tuple, RelationGetDescr(relation)))
			walk->stored = add_address(walk->stored, TriggerRelationId, trigger, 0);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

/* Something depends on an object of the walk. */
static void
visit_dependent(Walk *walk, Form_pg_depend depend)
{
	switch (depend->classid)
	{
		case ProcedureRelationId:
		case OperatorRelationId:
			walk->objects = add_address(walk->objects, depend->classid, depend->objid, 0);
			break;
		case RewriteRelationId:
			visit_rule(walk, depend->objid);
			break;
		case AttrDefaultRelationId:
			visit_column_expression(walk, depend->objid);
			break;
		case TriggerRelationId:
			visit_trigger(walk, depend->objid);
			break;
		case ConstraintRelationId:
		case StatisticExtRelationId:
			walk->stored = add_address(walk->stored, depend->classid, depend->objid, 0);
			break;
		case RelationRelationId:
			switch (get_rel_relkind(depend->objid))
			{
				case RELKIND_INDEX:
				case RELKIND_PARTITIONED_INDEX:
				case RELKIND_PARTITIONED_TABLE:
					walk->stored = add_address(walk->stored, depend->classid, depend->objid, 0);
					break;
			}
			break;
		default:
			/* policies, types, casts … store nothing */
			break;
	}
}

/* Visits everything that depends on an object. */
static void
visit_dependents(Walk *walk, const ObjectAddress *object)
{
	Relation	relation = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->classId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->objectId));
	scan = systable_beginscan(relation, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		/* the columns and indexes of a view itself, and its row type, say nothing */
		if (object->classId == RelationRelationId && depend->classid == RelationRelationId)
			continue;
		visit_dependent(walk, depend);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

List *
electra_stored_expressions(void)
{
	Walk		walk = {NIL, NIL, NIL};

	add_default_functions(&walk);
	for (int i = 0; i < list_length(walk.objects); i++)
		visit_dependents(&walk, list_nth(walk.objects, i));
	return walk.stored;
}
