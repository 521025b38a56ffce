/*
 * Planner support of the functions that embed: what a call costs, how many
 * rows electra_embed_batch returns.  Never an error: what is not known leaves
 * the declared values in force.
 *
 * The weighing.  Honest relations first: a call's cost follows the floating
 * point operations of its preset for as many tokens as its text will have.
 * But cost also decides about JIT compilation (jit_above_cost = 100,000), which
 * takes 20 ms and more and cannot speed up a call of ours.  A query over 50
 * rows must stay below, also when the table has never been analyzed: the
 * planner then takes a small table for about 1,360 rows.  So the cost of a text
 * approaches, but never reaches, MAX_COST = 64 (1,360 * 64 < 100,000):
 *
 *		cost = MAX_COST * x / (MAX_COST + x),	x = FLOPs / 10^7
 *
 * A unit is about 0.1 ms of one core with AVX-512 in float32.  Products in int8
 * take half of that or less, and count half; float16 and bfloat16 are widened
 * and take as long as float32.  For a text of 32 tokens that gives 33 for MiniLM
 * (7 ms a text) and 23 in int8, 57 for ELECTRA base (52 in int8), 62 for large:
 * ordered by time, hundreds of times any other function, and with the default
 * parallel_setup_cost of 1,000 still enough to make workers worth their start
 * from some 50 or 100 rows on.  What surrounds the encoder, 5 us for the
 * tokenizer and 5 for the call, is a thousandth of all this, and does not count.
 *
 * Tokens follow the average width of the text (text_width.c), up to the
 * preset's max_length, where texts are cut; a text of unknown width has
 * ASSUMED_TOKENS.  The cap leaves order, not proportion: MiniLM costs 13 at 8
 * tokens, 33 at 32, 58 at 256, though its work grows by 35; large models hardly
 * feel it.  What this decides is from how many rows on workers are started, and
 * which of two plans calls the function less often.
 *
 * A text that is the same for all rows, out of a parameter, is embedded once:
 * the memo (memo.h) has it afterwards, if it is no longer than the memo takes.
 * So it costs its encoder run at startup and a look into the memo for each row.
 * The two texts of electra_similarity are one call and stay below MAX_COST
 * together; those of electra_embed_batch add up.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "nodes/supportnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "pg/memo.h"
#include "pg/preset.h"
#include "pg/text_width.h"

#define MAX_COST 64.0
#define FLOPS_PER_UNIT 1e7

/* How much faster products in int8 are than in float32, at least. */
#define INT8_SPEED 2.0

/* A row's look into the memo: half a microsecond, about what five tuples cost. */
#define MEMO_COST 0.05

/* Tokens of a text that nobody has seen yet. */
#define ASSUMED_TOKENS 32

/* Bytes of text to a token, the space after a word included; [CLS] and [SEP]. */
#define BYTES_PER_TOKEN 4.0
#define SPECIAL_TOKENS 2

/* Texts of an array that nobody has seen yet; ROWS of electra_embed_batch. */
#define ASSUMED_TEXTS 100

/* What a call of one of our functions looks like to the planner. */
typedef struct PlannedCall
{
	char	   *preset;			/* name; NULL: the default preset */
	List	   *texts;			/* Node *: arguments, one array for a batch */
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

	call->texts = list_copy_head(function->args, num_texts_args);

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

/* Tokens of a text of this width, or of an unknown one, after it has been cut. */
static double
expected_tokens(const electra_config *config, const ElectraTextWidth *width, double num_texts)
{
	double		tokens = ASSUMED_TOKENS;

	if (width->known && num_texts > 0)
		tokens = SPECIAL_TOKENS + width->bytes / num_texts / BYTES_PER_TOKEN;
	return Min(tokens, config->max_length);
}

/* The encoder's work for one text, in units of the cost. */
static double
encoder_units(const electra_config *config, double tokens)
{
	double		hidden = config->hidden_dim;
	double		weights = config->num_layers * (4 * hidden * hidden +
												2 * hidden * config->intermediate_dim);
	double		attention = config->num_layers * 2 * hidden * tokens;

	if (config->embedding_dim != config->hidden_dim)
		weights += hidden * config->embedding_dim;
	if (config->dtype == ELECTRA_I8)
		weights /= INT8_SPEED;
	return 2 * tokens * (weights + attention) / FLOPS_PER_UNIT;
}

/* What the planner is told: approaches MAX_COST. */
static Cost
weigh(double units)
{
	return MAX_COST * units / (MAX_COST + units);
}

/* An array's texts are embedded anew for each row. */
static void
weigh_batch(const PlannedCall *call, const electra_config *config, SupportRequestCost *request)
{
	ElectraTextWidth width = electra_text_width(request->root, linitial(call->texts));
	double		tokens = expected_tokens(config, &width, call->num_texts);

	request->startup = 0;
	request->per_tuple = call->num_texts * weigh(encoder_units(config, tokens));
}

/* Texts that vary are embedded for each row, others once. */
static void
weigh_texts(const PlannedCall *call, const electra_config *config, SupportRequestCost *request)
{
	double		once = 0;
	double		each_row = 0;
	ListCell   *cell;

	foreach(cell, call->texts)
	{
		ElectraTextWidth width = electra_text_width(request->root, lfirst(cell));
		double		units = encoder_units(config, expected_tokens(config, &width, 1));

		if (width.varies || width.bytes > ELECTRA_MEMO_TEXT_SIZE)
			each_row += units;
		else
			once += units;
	}
	request->startup = weigh(once);
	request->per_tuple = weigh(each_row) + (once > 0 ? MEMO_COST : 0);
}

/* Fills in the cost of a call; false where the preset is not known. */
static bool
estimate_cost(SupportRequestCost *request)
{
	PlannedCall call;
	ElectraPresetId id;
	electra_config config;

	if (!examine_call(request->node, &call) ||
		!electra_preset_try_resolve(call.preset, &id) ||
		!electra_preset_try_config(&id, &config))
		return false;

	if (call.batch)
		weigh_batch(&call, &config, request);
	else
		weigh_texts(&call, &config, request);
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
