/*
 * Planner support of the functions that embed: what a call costs, how many
 * rows electra_embed_batch returns.  Never an error: what is not known leaves
 * the declared values in force.
 *
 * The weighing.  Honest relations first: a call's cost follows the floating
 * point operations of its preset for a text of 32 tokens.  But cost also
 * decides about JIT compilation (jit_above_cost = 100,000), which takes 20 ms
 * and more and cannot speed up a call of ours.  A query over 50 rows must stay
 * below, also when the table has never been analyzed: the planner then takes
 * a small table for about 1,360 rows.  So the cost of a text approaches, but
 * never reaches, MAX_COST = 64 (1,360 * 64 < 100,000):
 *
 *		cost = MAX_COST * x / (MAX_COST + x),	x = FLOPs / 10^7
 *
 * That gives 34 for MiniLM (7 ms a text), 57 for ELECTRA base, 62 for large:
 * ordered by size, a thousand times any other function, and with the default
 * parallel_setup_cost of 1,000 still enough to make workers worth their start
 * from about 50 rows on.  The two texts of electra_similarity are one call and
 * stay below MAX_COST together; those of electra_embed_batch add up.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "nodes/supportnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "pg/preset.h"

#define MAX_COST 64.0
#define FLOPS_PER_UNIT 1e7

/* Tokens of a text that nobody has seen yet. */
#define ASSUMED_TOKENS 32

/* Texts of an array that nobody has seen yet; ROWS of electra_embed_batch. */
#define ASSUMED_TEXTS 100

/* What a call of one of our functions looks like to the planner. */
typedef struct PlannedCall
{
	char	   *preset;			/* name; NULL: the default preset */
	bool		batch;			/* electra_embed_batch */
	double		num_texts;
} PlannedCall;

/* Number of elements of an array expression; false where it is not known. */
static bool
array_size(Node *node, double *size)
{
	node = strip_implicit_coercions(node);

	if (IsA(node, Const))
	{
		Const	   *constant = (Const *) node;

		if (constant->constisnull)
			*size = 0;
		else
		{
			ArrayType  *array = DatumGetArrayTypeP(constant->constvalue);

			*size = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
		}
		return true;
	}
	if (IsA(node, ArrayExpr) && !((ArrayExpr *) node)->multidims)
	{
		*size = list_length(((ArrayExpr *) node)->elements);
		return true;
	}
	return false;
}

/*
 * Looks at a call: which preset, how many texts.  The overloads are told apart
 * by their types: an array of texts is electra_embed_batch's, a real result
 * electra_similarity's.  False where the preset is not known at planning.
 */
static bool
examine_call(Node *node, PlannedCall *call)
{
	FuncExpr   *function;
	int			num_texts_args = 1;
	Node	   *first;

	if (node == NULL || !IsA(node, FuncExpr))
		return false;

	function = (FuncExpr *) node;
	if (function->args == NIL)
		return false;
	first = (Node *) linitial(function->args);

	call->num_texts = 1;
	call->batch = exprType(first) == TEXTARRAYOID;
	if (call->batch)
	{
		if (!array_size(first, &call->num_texts))
			call->num_texts = ASSUMED_TEXTS;
	}
	else if (function->funcresulttype == FLOAT4OID)
	{
		num_texts_args = 2;
		call->num_texts = 2;
	}

	call->preset = NULL;
	if (list_length(function->args) > num_texts_args)
	{
		Node	   *preset = (Node *) list_nth(function->args, num_texts_args);

		if (!IsA(preset, Const) || ((Const *) preset)->constisnull ||
			((Const *) preset)->consttype != TEXTOID)
			return false;
		call->preset = TextDatumGetCString(((Const *) preset)->constvalue);
	}
	return true;
}

/* Floating point operations of the encoder for one text. */
static double
encoder_flops(const electra_config *config)
{
	double		tokens = Min(config->max_length, ASSUMED_TOKENS);
	double		hidden = config->hidden_dim;
	double		weights = config->num_layers * (4 * hidden * hidden +
												2 * hidden * config->intermediate_dim);
	double		attention = config->num_layers * 2 * hidden * tokens;

	if (config->embedding_dim != config->hidden_dim)
		weights += hidden * config->embedding_dim;
	return 2 * tokens * (weights + attention);
}

/* Fills in the cost of a call; false where the preset is not known. */
static bool
estimate_cost(SupportRequestCost *request)
{
	PlannedCall call;
	ElectraPresetId id;
	electra_config config;
	double		units;

	if (!examine_call(request->node, &call) ||
		!electra_preset_try_resolve(call.preset, &id) ||
		!electra_preset_try_config(&id, &config))
		return false;

	units = encoder_flops(&config) / FLOPS_PER_UNIT;
	if (!call.batch)
		units *= call.num_texts;
	request->startup = 0;
	request->per_tuple = MAX_COST * units / (MAX_COST + units);
	if (call.batch)
		request->per_tuple *= call.num_texts;
	return true;
}

PG_FUNCTION_INFO_V1(electra_embed_support);

Datum
electra_embed_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestCost) && estimate_cost((SupportRequestCost *) request))
		PG_RETURN_POINTER(request);

	if (IsA(request, SupportRequestRows))
	{
		SupportRequestRows *rows = (SupportRequestRows *) request;
		FuncExpr   *function = (FuncExpr *) rows->node;
		double		num_texts;

		if (rows->node != NULL && IsA(rows->node, FuncExpr) && function->args != NIL &&
			exprType((Node *) linitial(function->args)) == TEXTARRAYOID &&
			array_size((Node *) linitial(function->args), &num_texts))
		{
			rows->rows = num_texts;
			PG_RETURN_POINTER(request);
		}
	}

	PG_RETURN_POINTER(NULL);
}
