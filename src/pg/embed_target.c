/*
 * A column of embeddings and its sources; see embed_target.h.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "pg/embed_target.h"

/* What messages about a column need. */
typedef struct Columns
{
	TupleDesc	descriptor;
	const char *relation_name;
	const char *hint;			/* where there is no such column */
} Columns;

/* The column of this name: an error where there is none. */
static Form_pg_attribute
find_column(const Columns *columns, const char *name)
{
	for (int i = 0; i < columns->descriptor->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns->descriptor, i);

		if (!column->attisdropped && strcmp(NameStr(column->attname), name) == 0)
			return column;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of relation \"%s\" does not exist",
					name, columns->relation_name),
			 errdetail("Column names are given as they are stored: not folded to lower case, and without quotes."),
			 errhint("%s", columns->hint)));
	pg_unreachable();
}

/*
 * Can a column of this type hold an embedding?  Arrays of integers would round
 * it, texts and numeric[] would print it.
 */
static bool
holds_embeddings(Oid type)
{
	Oid			base = getBaseType(type);
	Oid			element = get_element_type(base);
	Oid			function;

	if (OidIsValid(element))
		return element == FLOAT4OID || element == FLOAT8OID;

	switch (find_coercion_pathway(base, FLOAT4ARRAYOID, COERCION_ASSIGNMENT, &function))
	{
		case COERCION_PATH_FUNC:
		case COERCION_PATH_RELABELTYPE:
			return true;
		default:
			return false;
	}
}

/* Checks and notes the target column. */
static void
add_target(ElectraEmbedTarget *result, const Columns *columns, const char *name)
{
	Form_pg_attribute column = find_column(columns, name);

	if (column->attgenerated != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_GENERATED_ALWAYS),
				 errmsg("column \"%s\" of relation \"%s\" is a generated column",
						name, columns->relation_name),
				 errdetail("A generated column is computed by its own expression and cannot be written."),
				 errhint("Keep the embedding in a plain column, or make it one with ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION.")));
	if (!holds_embeddings(column->atttypid))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of relation \"%s\" cannot hold an embedding",
						name, columns->relation_name),
				 errdetail("It is of type %s.",
						   format_type_with_typemod(column->atttypid, column->atttypmod)),
				 errhint("Use real[], double precision[], or vector or halfvec of the extension vector.")));

	result->target = column->attnum;
	result->target_type = column->atttypid;
	result->target_typmod = column->atttypmod;
	result->target_name = pstrdup(name);
}

/* The cast that turns a source into text where it is none; an error where no implicit one does. */
static void
find_source_cast(FmgrInfo *cast, const Columns *columns, Form_pg_attribute column)
{
	Oid			function = InvalidOid;
	CoercionPathType path = find_coercion_pathway(TEXTOID, getBaseType(column->atttypid),
												  COERCION_IMPLICIT, &function);

	if (path != COERCION_PATH_FUNC && path != COERCION_PATH_RELABELTYPE)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of relation \"%s\" is not a text",
						NameStr(column->attname), columns->relation_name),
				 errdetail("It is of type %s, which has no implicit cast to text.",
						   format_type_with_typemod(column->atttypid, column->atttypmod)),
				 errhint("Sources are of type text, character varying, character, name or a domain over one of these; keep anything else in such a column as well.")));

	cast->fn_oid = InvalidOid;
	if (path == COERCION_PATH_FUNC)
		fmgr_info(function, cast);
}

/* Checks and notes one source column. */
static void
add_source(ElectraEmbedTarget *result, const Columns *columns, const char *name)
{
	Form_pg_attribute column = find_column(columns, name);

	if (column->attnum == result->target)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("column \"%s\" of relation \"%s\" cannot be both target and source",
						name, columns->relation_name),
				 errdetail("The first column is the one that is written, the others are read.")));
	for (int i = 0; i < result->num_sources; i++)
	{
		if (result->sources[i] == column->attnum)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("source column \"%s\" of relation \"%s\" is named twice",
							name, columns->relation_name)));
	}

	find_source_cast(&result->source_casts[result->num_sources], columns, column);
	result->sources[result->num_sources++] = column->attnum;
}

/*
 * Prepares the cast of a real[] as an assignment would have it, so that typmods
 * and domains mean what they mean in an INSERT.
 */
static void
prepare_cast(ElectraEmbedTarget *result)
{
	CaseTestExpr *embedding = makeNode(CaseTestExpr);
	Node	   *expression;

	if (result->target_type == FLOAT4ARRAYOID)
		return;

	embedding->typeId = FLOAT4ARRAYOID;
	embedding->typeMod = -1;
	embedding->collation = InvalidOid;
	expression = coerce_to_target_type(NULL, (Node *) embedding, FLOAT4ARRAYOID,
									   result->target_type, result->target_typmod,
									   COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	Assert(expression != NULL); /* holds_embeddings() */
	result->cast = ExecInitExpr(expression_planner((Expr *) expression), NULL);
	result->cast_context = CreateStandaloneExprContext();
}

ElectraEmbedTarget *
electra_embed_target_make(TupleDesc descriptor, const char *relation_name, const char *target,
						  const char *preset, List *sources, const char *hint)
{
	ElectraEmbedTarget *result = palloc0(sizeof(ElectraEmbedTarget));
	Columns		columns = {descriptor, relation_name, hint};
	ListCell   *cell;

	add_target(result, &columns, target);
	if (sources == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of relation \"%s\" has no source column",
						target, relation_name),
				 errhint("Name the columns whose text is to be embedded.")));
	result->sources = palloc(list_length(sources) * sizeof(AttrNumber));
	result->source_casts = palloc0(list_length(sources) * sizeof(FmgrInfo));
	foreach(cell, sources)
		add_source(result, &columns, lfirst(cell));

	if (preset[0] != '\0')
		result->preset = pstrdup(preset);
	prepare_cast(result);
	return result;
}

/* One source of a row as text. */
static Datum
source_text(const ElectraEmbedTarget *target, int source, const Datum *values)
{
	FmgrInfo   *cast = &target->source_casts[source];
	Datum		value = values[target->sources[source] - 1];

	return OidIsValid(cast->fn_oid) ? FunctionCall1(cast, value) : value;
}

/* Joins the texts of a row, which has count ones that are not NULL. */
static Datum
join_texts(const ElectraEmbedTarget *target, const Datum *texts /* (count) */ , int count)
{
	const Size	gap = strlen(ELECTRA_SOURCE_SEPARATOR);
	Size		size = VARHDRSZ + (count - 1) * gap;
	text	   *joined;
	char	   *end;

	for (int i = 0; i < count; i++)
		size += toast_raw_datum_size(texts[i]) - VARHDRSZ;
	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("sources of column \"%s\" are too long together", target->target_name),
				 errdetail("They have %zu bytes; a text can have %zu.",
						   size - VARHDRSZ, (Size) MaxAllocSize - VARHDRSZ)));

	joined = palloc(size);
	SET_VARSIZE(joined, size);
	end = VARDATA(joined);
	for (int i = 0; i < count; i++)
	{
		struct varlena *part = PG_DETOAST_DATUM_PACKED(texts[i]);

		if (i > 0)
		{
			memcpy(end, ELECTRA_SOURCE_SEPARATOR, gap);
			end += gap;
		}
		memcpy(end, VARDATA_ANY(part), VARSIZE_ANY_EXHDR(part));
		end += VARSIZE_ANY_EXHDR(part);
		if ((Pointer) part != DatumGetPointer(texts[i]))
			pfree(part);
	}
	Assert(end == (char *) joined + size);
	return PointerGetDatum(joined);
}

Datum
electra_embed_target_text(const ElectraEmbedTarget *target, const Datum *values,
						  const bool *isnull)
{
	Datum	   *texts = palloc(target->num_sources * sizeof(Datum));
	int			count = 0;
	Datum		result = (Datum) 0;

	for (int i = 0; i < target->num_sources; i++)
	{
		if (!isnull[target->sources[i] - 1])
			texts[count++] = source_text(target, i, values);
	}
	if (count == 1)
		result = texts[0];
	else if (count > 1)
		result = join_texts(target, texts, count);
	pfree(texts);
	return result;
}

Datum
electra_embed_target_convert(ElectraEmbedTarget *target, Datum embedding)
{
	ExprContext *context = target->cast_context;
	Datum		value;
	bool		isnull;

	if (target->cast == NULL)
		return embedding;

	ResetExprContext(context);
	context->caseValue_datum = embedding;
	context->caseValue_isNull = false;
	value = ExecEvalExprSwitchContext(target->cast, context, &isnull);
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("cast of an embedding to the type of column \"%s\" gave null",
						target->target_name)));
	return datumCopy(value, get_typbyval(target->target_type), get_typlen(target->target_type));
}

void
electra_embed_target_append_same(StringInfo sql, const char *left, const char *right)
{
	appendStringInfo(sql,
					 "(%s::pg_catalog.text COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) %s::pg_catalog.text"
					 " OR %s IS NULL AND %s IS NULL)",
					 left, right, left, right);
}
