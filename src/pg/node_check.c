/*
 * Presets here and on another node.
 *
 * electra opens no connection: postgres_fdw does, for foreign tables in the
 * session's temporary schema that are dropped again before the function
 * returns.  Everything is done with the rights of the caller, who needs USAGE
 * on the server, a user mapping and TEMPORARY on the database.
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "pg/preset_name.h"

/* Names of the foreign tables while they exist. */
#define TEMPORARY_EXTENSION "pg_temp.electra_node_check_extension"
#define TEMPORARY_NAMESPACE "pg_temp.electra_node_check_namespace"
#define TEMPORARY_PRESETS "pg_temp.electra_node_check_presets"

/* Columns of the result, in order. */
enum
{
	RESULT_PRESET,
	RESULT_PROBLEM,
	RESULT_HERE,
	RESULT_THERE,
	NUM_RESULTS
};

/* What one node says of a preset. */
typedef struct NodePreset
{
	const char *digest;			/* NULL: it has no such preset */
	bool		readable;		/* could its archive be read? */
	const char *numerics;		/* version; NULL: unknown */
	const char *newest_numerics;	/* of the node's release; NULL: unknown */
	bool		is_default;
} NodePreset;

/* Columns that query_presets gives for a node, in order; the name stands before them. */
enum
{
	NODE_DIGEST,
	NODE_READABLE,
	NODE_NUMERICS,
	NODE_NEWEST_NUMERICS,
	NODE_IS_DEFAULT,
	NUM_NODE_COLUMNS
};

/* What its presets say of a node as a whole; NULL: unknown. */
typedef struct NodeSummary
{
	const char *default_preset; /* name@digest */
	const char *default_digest;
	const char *newest_numerics;
} NodeSummary;

/* Is there a user mapping for the user itself or for PUBLIC? */
static bool
has_user_mapping(Oid server)
{
	return SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(GetUserId()),
								 ObjectIdGetDatum(server)) ||
		SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid),
							  ObjectIdGetDatum(server));
}

/*
 * Refuses what could not be read through.  A foreign-data wrapper may have any
 * name: what counts is that postgres_fdw's handler serves it.
 */
static void
check_server(const char *name)
{
	ForeignServer *server = GetForeignServerByName(name, true);
	Oid			extension = get_extension_oid("postgres_fdw", true);
	Oid			handler;

	if (server == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("server \"%s\" does not exist", name),
				 errhint("CREATE SERVER … FOREIGN DATA WRAPPER postgres_fdw makes one.")));
	handler = GetForeignDataWrapper(server->fdwid)->fdwhandler;
	if (!OidIsValid(extension) || !OidIsValid(handler) ||
		getExtensionOfObject(ProcedureRelationId, handler) != extension)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("server \"%s\" is not a postgres_fdw server", name),
				 errdetail("Its foreign-data wrapper is \"%s\".",
						   GetForeignDataWrapper(server->fdwid)->fdwname),
				 errhint("Another node is read through postgres_fdw; name a server of that wrapper.")));
	if (!has_user_mapping(server->serverid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" has no user mapping for server \"%s\"",
						GetUserNameFromId(GetUserId(), false), name),
				 errhint("CREATE USER MAPPING FOR … SERVER %s makes one.", quote_identifier(name))));
}

/* Runs a utility statement. */
static void
execute(const char *statement)
{
	int			code = SPI_execute(statement, false, 0);

	if (code != SPI_OK_UTILITY)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(code));
}

/* Runs a query; the result lives until SPI_finish(). */
static SPITupleTable *
query(const char *statement)
{
	int			code = SPI_execute(statement, false, 0);

	if (code != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(code));
	return SPI_tuptable;
}

/* A value as text; NULL for SQL's. */
static const char *
get_value(SPITupleTable *rows, uint64 row, int column)
{
	return SPI_getvalue(rows->vals[row], rows->tupdesc, column + 1);
}

/* Makes a foreign table of some columns of one of the node's tables. */
static void
create_foreign_table(const char *temporary, const char *columns, const char *server,
					 const char *schema, const char *table)
{
	StringInfoData statement;

	initStringInfo(&statement);
	appendStringInfo(&statement,
					 "CREATE FOREIGN TABLE %s (%s) SERVER %s OPTIONS (schema_name %s, table_name %s)",
					 temporary, columns, quote_identifier(server), quote_literal_cstr(schema),
					 quote_literal_cstr(table));
	execute(statement.data);
	pfree(statement.data);
}

/*
 * The schema that the node has the extension's objects in, which whoever
 * installed it chose, and the version of its SQL.
 */
static void
find_extension(const char *server, const char **schema, const char **version)
{
	SPITupleTable *rows;

	create_foreign_table(TEMPORARY_EXTENSION,
						 "extname pg_catalog.name, extnamespace pg_catalog.oid, extversion pg_catalog.text",
						 server, "pg_catalog", "pg_extension");
	create_foreign_table(TEMPORARY_NAMESPACE, "oid pg_catalog.oid, nspname pg_catalog.name",
						 server, "pg_catalog", "pg_namespace");
	rows = query("SELECT n.nspname, e.extversion"
				 " FROM " TEMPORARY_EXTENSION " e JOIN " TEMPORARY_NAMESPACE " n"
				 " ON n.oid OPERATOR(pg_catalog.=) e.extnamespace"
				 " WHERE e.extname OPERATOR(pg_catalog.=) 'electra'");
	if (rows->numvals != 1)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"electra\" is not installed on server \"%s\"", server),
				 errhint("Run CREATE EXTENSION electra in the database that the server's options name.")));
	*schema = get_value(rows, 0, 0);
	*version = get_value(rows, 0, 1);
	execute("DROP FOREIGN TABLE " TEMPORARY_EXTENSION ", " TEMPORARY_NAMESPACE);
}

/* Does view electra_presets of this version tell the numerics? */
static bool
tells_numerics(const char *version)
{
	return strcmp(version, "0.1.0") != 0 && strcmp(version, "0.2.0") != 0;
}

/* The presets of both nodes, side by side, in the order of their names. */
static SPITupleTable *
query_presets(const char *server, const char *schema, const char *version)
{
	const char *columns = "name pg_catalog.text, digest pg_catalog.text,"
		" dimensions pg_catalog.int4, is_default pg_catalog.bool";
	const char *numerics = "NULL::pg_catalog.int4, NULL::pg_catalog.int4";
	StringInfoData statement;
	SPITupleTable *rows;

	if (tells_numerics(version))
	{
		columns = "name pg_catalog.text, digest pg_catalog.text,"
			" dimensions pg_catalog.int4, is_default pg_catalog.bool,"
			" numerics_version pg_catalog.int4, current_numerics_version pg_catalog.int4";
		numerics = "t.numerics_version, t.current_numerics_version";
	}
	create_foreign_table(TEMPORARY_PRESETS, columns, server, schema, "electra_presets");

	initStringInfo(&statement);
	appendStringInfo(&statement,
					 "SELECT coalesce(h.name, t.name) COLLATE pg_catalog.\"C\","
					 " h.digest, h.dimensions IS NOT NULL, h.numerics_version,"
					 " _electra.current_numerics(), h.is_default,"
					 " t.digest, t.dimensions IS NOT NULL, %s, t.is_default"
					 " FROM _electra.list_presets() h"
					 " FULL JOIN " TEMPORARY_PRESETS " t ON t.name OPERATOR(pg_catalog.=) h.name"
					 " ORDER BY 1 USING OPERATOR(pg_catalog.<)",
					 numerics);
	rows = query(statement.data);
	pfree(statement.data);
	execute("DROP FOREIGN TABLE " TEMPORARY_PRESETS);
	return rows;
}

/* One node's side of a row of query_presets. */
static NodePreset
get_preset(SPITupleTable *rows, uint64 row, int first_column)
{
	NodePreset	preset;
	const char *is_default = get_value(rows, row, first_column + NODE_IS_DEFAULT);

	preset.digest = get_value(rows, row, first_column + NODE_DIGEST);
	preset.readable = strcmp(get_value(rows, row, first_column + NODE_READABLE), "t") == 0;
	preset.numerics = get_value(rows, row, first_column + NODE_NUMERICS);
	preset.newest_numerics = get_value(rows, row, first_column + NODE_NEWEST_NUMERICS);
	preset.is_default = is_default != NULL && strcmp(is_default, "t") == 0;
	return preset;
}

/* Notes what a preset says of its node. */
static void
note_preset(NodeSummary *node, const char *name, const NodePreset *preset)
{
	if (preset->digest != NULL && preset->is_default)
	{
		node->default_preset = psprintf("%s@%s", name, preset->digest);
		node->default_digest = preset->digest;
	}
	if (preset->newest_numerics != NULL)
		node->newest_numerics = preset->newest_numerics;
}

/* Adds a difference to the result; NULL becomes SQL's. */
static void
put_difference(ReturnSetInfo *result, const char *preset, const char *problem,
			   const char *here, const char *there)
{
	const char *texts[NUM_RESULTS] = {preset, problem, here, there};
	Datum		values[NUM_RESULTS];
	bool		nulls[NUM_RESULTS];

	for (int i = 0; i < NUM_RESULTS; i++)
	{
		nulls[i] = texts[i] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Do both know it, and is it not the same? */
static bool
differ(const char *here, const char *there)
{
	return here != NULL && there != NULL && strcmp(here, there) != 0;
}

/* Puts what differs between the two sides of a preset. */
static void
compare_presets(ReturnSetInfo *result, const char *name,
				const NodePreset *here, const NodePreset *there)
{
	if (there->digest == NULL)
		put_difference(result, name, "missing there", here->digest, NULL);
	else if (here->digest == NULL)
		put_difference(result, name, "missing here", NULL, there->digest);
	else if (strcmp(here->digest, there->digest) != 0)
		put_difference(result, name, "other digest", here->digest, there->digest);
	else if (here->readable && !there->readable)
		put_difference(result, name, "archive unreadable there", here->digest, there->digest);
	else if (there->readable && !here->readable)
		put_difference(result, name, "archive unreadable here", here->digest, there->digest);
	if (differ(here->numerics, there->numerics))
		put_difference(result, name, "other numerics", here->numerics, there->numerics);
}

/* Puts what differs between the nodes as a whole. */
static void
compare_nodes(ReturnSetInfo *result, const NodeSummary *here, const NodeSummary *there)
{
	if (here->default_digest == NULL || there->default_digest == NULL ?
		here->default_digest != there->default_digest :
		strcmp(here->default_digest, there->default_digest) != 0)
		put_difference(result, NULL, "other default preset", here->default_preset, there->default_preset);
	if (differ(here->newest_numerics, there->newest_numerics))
		put_difference(result, NULL, "other newest numerics", here->newest_numerics, there->newest_numerics);
}

PG_FUNCTION_INFO_V1(electra_node_check);

/* Differences between the presets of this database and those behind a server. */
Datum
electra_node_check(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	NodeSummary here_node = {0};
	NodeSummary there_node = {0};
	const char *server;
	const char *schema;
	const char *version;
	SPITupleTable *rows;

	electra_require_argument(fcinfo, 0, "server");
	server = NameStr(*PG_GETARG_NAME(0));
	PreventCommandIfReadOnly("electra_node_check()");
	PreventCommandIfParallelMode("electra_node_check()");
	check_server(server);
	InitMaterializedSRF(fcinfo, 0);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	find_extension(server, &schema, &version);
	rows = query_presets(server, schema, version);
	for (uint64 i = 0; i < rows->numvals; i++)
	{
		const char *name = get_value(rows, i, 0);
		NodePreset	here = get_preset(rows, i, 1);
		NodePreset	there = get_preset(rows, i, 1 + NUM_NODE_COLUMNS);

		CHECK_FOR_INTERRUPTS();
		note_preset(&here_node, name, &here);
		note_preset(&there_node, name, &there);
		compare_presets(result, name, &here, &there);
	}
	compare_nodes(result, &here_node, &there_node);
	SPI_finish();
	return (Datum) 0;
}
