/*
 * One or two texts as one sequence of tokens; see token_pair.h.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"

#include "pg/token_pair.h"

/* Special tokens of [CLS] A [SEP] B [SEP]. */
#define PAIR_SPECIAL_TOKENS 3

/* The first capacity tokens of a text; ids in the embedder's context. */
static electra_tokens
read_tokens(ElectraEmbedder *embedder, Datum text, int64 capacity)
{
	electra_tokens tokens = {NULL, capacity, 0, false, false};

	tokens.ids = MemoryContextAlloc(embedder->context, Max(capacity, 1) * sizeof(int32));
	electra_embedder_read(embedder, text, &tokens);
	return tokens;
}

/*
 * Which of two texts that are both over capacity has more tokens: negative,
 * zero or positive as for strcmp.  Reads no further than the shorter one's end
 * needs, doubling what it looks at.
 */
static int
compare_lengths(ElectraEmbedder *embedder, Datum a, Datum b, int64 capacity)
{
	electra_tokens a_tokens;
	electra_tokens b_tokens;

	do
	{
		capacity = capacity * 2 + 1;
		a_tokens = (electra_tokens) {NULL, capacity, 0, false, false};
		b_tokens = a_tokens;
		electra_embedder_read(embedder, a, &a_tokens);
		electra_embedder_read(embedder, b, &b_tokens);
	} while (a_tokens.truncated && b_tokens.truncated);

	if (a_tokens.truncated != b_tokens.truncated)
		return a_tokens.truncated ? 1 : -1;
	return (a_tokens.count > b_tokens.count) - (a_tokens.count < b_tokens.count);
}

/* A pair needs a second row in the table of segments, and its special tokens room. */
static void
require_pairs(ElectraEmbedder *embedder)
{
	const electra_config *config = embedder->config;

	if (config->num_segments > 1 && config->max_length >= PAIR_SPECIAL_TOKENS)
		return;
	electra_embedder_count_error(embedder);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("preset \"%s\" takes no pairs of texts", embedder->preset->id.name),
			 config->num_segments > 1 ?
			 errdetail("Its max_length is %d, and a pair has %d special tokens.",
					   config->max_length, PAIR_SPECIAL_TOKENS) :
			 errdetail("It has one segment (num_segments), and a pair needs two.")));
}

/* [CLS] A [SEP] B [SEP] */
static void
join_pair(ElectraEmbedder *embedder, Datum a, Datum b, ElectraSequence *sequence)
{
	const electra_config *config = embedder->config;
	int64		room = config->max_length - PAIR_SPECIAL_TOKENS;
	electra_tokens a_tokens = read_tokens(embedder, a, room);
	electra_tokens b_tokens = read_tokens(embedder, b, room);
	int64		a_count = a_tokens.count + (a_tokens.truncated ? 1 : 0);
	int64		b_count = b_tokens.count + (b_tokens.truncated ? 1 : 0);

	/* the rules may give an odd token to the longer text: how much longer does not matter */
	if (a_tokens.truncated && b_tokens.truncated && room % 2 == 1)
	{
		int			order = compare_lengths(embedder, a, b, room);

		a_count += order > 0;
		b_count += order < 0;
	}

	if (a_count + b_count > room)
	{
		electra_embedder_cut(embedder);
		electra_truncate(&config->tokenizer, &a_count, &b_count, true, config->max_length);
	}
	sequence->length = (int32) electra_join_tokens(&config->tokenizer, a_tokens.ids, a_count,
												   b_tokens.ids, b_count,
												   sequence->token_ids, sequence->segment_ids);
	pfree(a_tokens.ids);
	pfree(b_tokens.ids);
}

void
electra_embedder_sequence(ElectraEmbedder *embedder, Datum text, const Datum *pair,
						  ElectraSequence *sequence)
{
	Size		max_length = embedder->config->max_length;

	sequence->token_ids = MemoryContextAlloc(embedder->context, max_length * sizeof(int32));
	sequence->segment_ids = MemoryContextAllocZero(embedder->context, max_length);
	if (pair != NULL)
	{
		require_pairs(embedder);
		join_pair(embedder, text, *pair, sequence);
	}
	else
		sequence->length = (int32) electra_embedder_tokenize(embedder, text, sequence->token_ids);
}

PG_FUNCTION_INFO_V1(electra_token_pair);

/* (a, b [, preset]) -> (token_ids integer[], segment_ids integer[]) */
Datum
electra_token_pair(PG_FUNCTION_ARGS)
{
	char	   *name = electra_preset_argument(fcinfo, 2);
	ElectraEmbedder embedder;
	ElectraSequence sequence;
	TupleDesc	descriptor;
	Datum		pair;
	Datum	   *ids;
	Datum	   *segments;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	electra_embedder_begin(&embedder, name, ELECTRA_PROMPT_NONE);
	pair = PG_GETARG_DATUM(1);
	electra_embedder_sequence(&embedder, PG_GETARG_DATUM(0), &pair, &sequence);
	ids = MemoryContextAlloc(embedder.context, sequence.length * sizeof(Datum));
	segments = MemoryContextAlloc(embedder.context, sequence.length * sizeof(Datum));
	for (int i = 0; i < sequence.length; i++)
	{
		ids[i] = Int32GetDatum(sequence.token_ids[i]);
		segments[i] = Int32GetDatum(sequence.segment_ids[i]);
	}
	values[0] = PointerGetDatum(construct_array(ids, sequence.length, INT4OID, sizeof(int32), true,
												TYPALIGN_INT));
	values[1] = PointerGetDatum(construct_array(segments, sequence.length, INT4OID, sizeof(int32),
												true, TYPALIGN_INT));
	electra_embedder_end(&embedder);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
