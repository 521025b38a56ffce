/*
 * SQL function electra_search: the rows of a table that are nearest to a query,
 * by exact cosine, without pgvector.
 */
#include "postgres.h"

#include "access/relation.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "pg/embedder.h"
#include "pg/preset_name.h"
#include "pg/search_scan.h"
#include "pg/warnings.h"

/* Largest k: what a query by hand would sort in memory, too. */
#define MAX_ROWS 10000

/* The query's vector, as electra_embed_query gives it. */
static void
embed_query(Datum text, const char *preset, ElectraSearchQuery *query)
{
	ElectraEmbedder embedder;
	float	   *vector;

	electra_embedder_begin(&embedder, preset, ELECTRA_PROMPT_QUERY);
	electra_note_missing_query_prompt(embedder.preset);
	vector = palloc(embedder.dimensions * sizeof(float));
	electra_embedder_embed(&embedder, text, vector);
	query->vector = vector;
	query->dimensions = embedder.dimensions;
	query->preset = pstrdup(embedder.preset->id.name);
	electra_embedder_end(&embedder);
}

/* Rows of the result, the best first. */
static void
put_rows(ReturnSetInfo *result, const ElectraSearchTarget *target, ElectraTopK *top, int count)
{
	typedef struct Found
	{
		float4		score;
		const Datum *key;
		const bool *nulls;
	} Found;
	Found	   *found = palloc(count * sizeof(Found));
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "electra key",
												  ALLOCSET_DEFAULT_SIZES);
	int			first = count;

	while (electra_top_k_remove_worst(top, &found[first - 1].score, &found[first - 1].key,
									  &found[first - 1].nulls))
		first--;
	for (int i = first; i < count; i++)
	{
		MemoryContext caller = MemoryContextSwitchTo(scratch);
		Datum		values[2];
		bool		nulls[2] = {false, false};

		values[0] = electra_search_key(target, found[i].key, found[i].nulls);
		values[1] = Float4GetDatum(found[i].score);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(scratch);
	}
}

PG_FUNCTION_INFO_V1(electra_search);

/*
 * (relation regclass, target text, query text, k integer [, preset]) -> rows
 * (key, score), the best first; none for a NULL query.
 */
Datum
electra_search(PG_FUNCTION_ARGS)
{
	char	   *preset = electra_preset_argument(fcinfo, 4);
	ElectraSearchTarget *target;
	ElectraSearchQuery query;
	ElectraTopK *top;
	int			k;

	electra_require_argument(fcinfo, 0, "relation");
	electra_require_argument(fcinfo, 1, "target");
	electra_require_argument(fcinfo, 3, "k");
	k = PG_GETARG_INT32(3);
	if (k < 1 || k > MAX_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"k\" is %d", k),
				 errdetail("It must be between 1 and %d.", MAX_ROWS)));

	InitMaterializedSRF(fcinfo, 0);
	target = electra_search_target_open(PG_GETARG_OID(0), text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (!PG_ARGISNULL(2))
	{
		embed_query(PG_GETARG_DATUM(2), preset, &query);
		top = electra_top_k_make(k, target->key);
		electra_search_scan(target, &query, top);
		put_rows((ReturnSetInfo *) fcinfo->resultinfo, target, top, k);
	}
	relation_close(target->relation, NoLock);
	PG_RETURN_NULL();
}
