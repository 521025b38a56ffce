/*
 * SQL function electra_encode: the encoder's own call, from token ids to its
 * two outputs.
 *
 * All ids are checked before the first is encoded.  The sequences of a batch
 * have one length, so they are encoded in groups of about GROUP_TOKENS tokens,
 * and each row is on its way into the tuplestore before the next is made:
 * memory does not grow with the size of the batch.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "pg/embedder.h"

/* Tokens of sequences that are encoded together; matrix products are at full speed far below. */
#define GROUP_TOKENS 512

/* Elements checked between two looks for interrupts. */
#define CHECKED_ELEMENTS (1 << 20)

/* The arguments token_ids, segment_ids, padding_mask as C arrays. */
typedef struct EncodeInput
{
	ElectraEmbedder *embedder;
	int			ndim;			/* 1: (T), 2: (B, T) */
	int			dims[2];
	int			num_sequences;	/* B */
	int			length;			/* T */
	const int32 *token_ids;		/* (B, T) */
	uint8	   *segment_ids;	/* (B, T), NULL: all 0 */
	uint8	   *padding_mask;	/* (B, T), NULL: all 1 */
} EncodeInput;

/* A place in the arrays as messages name it: "7" or "[2][7]", from 1 whatever their lower bounds. */
static char *
describe_position(const EncodeInput *input, int index)
{
	if (input->ndim == 1)
		return psprintf("%d", index + 1);
	return psprintf("[%d][%d]", index / input->length + 1, index % input->length + 1);
}

/* The shape of an array as messages name it: "(12)", "(2, 12)". */
static char *
describe_shape(int ndim, const int *dims)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < ndim; i++)
		appendStringInfo(&text, "%s%d", i > 0 ? ", " : "(", dims[i]);
	appendStringInfoString(&text, ndim > 0 ? ")" : "()");
	return text.data;
}

/* An ERROR that names the first null, if there is one. */
static void
refuse_nulls(const EncodeInput *input, const ArrayType *array, const char *argument)
{
	const bits8 *bitmap = ARR_NULLBITMAP(array);
	int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	for (int i = 0; bitmap != NULL && i < count; i++)
	{
		if ((bitmap[i / 8] & (1 << (i % 8))) != 0)
			continue;
		electra_embedder_count_error(input->embedder);
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not contain nulls", argument),
				 errdetail("The element at position %s is null.",
						   describe_position(input, i))));
	}
}

/* An ERROR about one element. */
_Noreturn static void
refuse_element(const EncodeInput *input, const char *argument, int index, int32 value,
			   const char *detail)
{
	electra_embedder_count_error(input->embedder);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid element at position %s of argument \"%s\": %d",
					describe_position(input, index), argument, value),
			 errdetail_internal("%s", detail)));
	pg_unreachable();
}

/* Every element from 0 to max_value, or an ERROR with the detail. */
static void
check_elements(const EncodeInput *input, const char *argument, const int32 *values, int32 max_value,
			   const char *detail)
{
	int			count = input->num_sequences * input->length;

	for (int i = 0; i < count; i++)
	{
		if (i % CHECKED_ELEMENTS == 0)
			CHECK_FOR_INTERRUPTS();
		if (values[i] < 0 || values[i] > max_value)
			refuse_element(input, argument, i, values[i], detail);
	}
}

/* Takes the shape of argument token_ids. */
static void
read_shape(const ArrayType *array, EncodeInput *input)
{
	const ElectraPreset *preset = input->embedder->preset;
	const electra_config *config = input->embedder->config;
	int			ndim = ARR_NDIM(array);

	if (ndim < 1 || ndim > 2)
	{
		electra_embedder_count_error(input->embedder);
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 ndim < 1 ? errmsg("argument \"token_ids\" must not be empty") :
				 errmsg("argument \"token_ids\" must have one or two dimensions"),
				 errdetail("Its shape is %s; it must be (T), one sequence, or (B, T), a batch.",
						   describe_shape(ndim, ARR_DIMS(array)))));
	}
	input->ndim = ndim;
	memcpy(input->dims, ARR_DIMS(array), ndim * sizeof(int));
	input->num_sequences = ndim == 1 ? 1 : input->dims[0];
	input->length = input->dims[ndim - 1];
	if (input->length > config->max_sequence_length)
	{
		electra_embedder_count_error(input->embedder);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"token_ids\" has too many tokens for preset \"%s\"",
						preset->id.name),
				 errdetail("A sequence has %d tokens; max_sequence_length of the preset is %d.",
						   input->length, config->max_sequence_length)));
	}
}

/* One of the other two arguments as bytes: the shape of token_ids, values up to max_value. */
static uint8 *
read_bytes(const EncodeInput *input, const ArrayType *array, const char *argument, int32 max_value,
		   const char *detail)
{
	Size		count = (Size) input->num_sequences * input->length;
	const int32 *values;
	uint8	   *bytes;

	if (ARR_NDIM(array) != input->ndim ||
		memcmp(ARR_DIMS(array), input->dims, input->ndim * sizeof(int)) != 0)
	{
		electra_embedder_count_error(input->embedder);
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("argument \"%s\" must have the shape of argument \"token_ids\"", argument),
				 errdetail("Its shape is %s, that of \"token_ids\" is %s.",
						   describe_shape(ARR_NDIM(array), ARR_DIMS(array)),
						   describe_shape(input->ndim, input->dims))));
	}
	refuse_nulls(input, array, argument);
	values = (const int32 *) ARR_DATA_PTR(array);
	check_elements(input, argument, values, max_value, detail);
	bytes = palloc(count);
	for (Size i = 0; i < count; i++)
		bytes[i] = (uint8) values[i];
	return bytes;
}

/* A sequence of padding only has nothing that its tokens could attend to. */
static void
check_padding(const EncodeInput *input)
{
	for (int b = 0; b < input->num_sequences; b++)
	{
		const uint8 *mask = input->padding_mask + (Size) b * input->length;

		if (memchr(mask, 1, input->length) != NULL)
			continue;
		electra_embedder_count_error(input->embedder);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 input->ndim == 1 ? errmsg("argument \"padding_mask\" is 0 everywhere") :
				 errmsg("argument \"padding_mask\" is 0 everywhere in sequence %d", b + 1),
				 errdetail("A sequence needs at least one token that is not padding.")));
	}
}

/* The first three arguments, checked. */
static void
read_input(FunctionCallInfo fcinfo, ElectraEmbedder *embedder, EncodeInput *input)
{
	const electra_config *config = embedder->config;
	const char *name = embedder->preset->id.name;
	ArrayType  *token_ids = PG_GETARG_ARRAYTYPE_P(0);

	memset(input, 0, sizeof(EncodeInput));
	input->embedder = embedder;
	read_shape(token_ids, input);
	refuse_nulls(input, token_ids, "token_ids");
	input->token_ids = (const int32 *) ARR_DATA_PTR(token_ids);
	check_elements(input, "token_ids", input->token_ids, config->vocab_size - 1,
				   psprintf("Preset \"%s\" has token ids 0 to %d.", name, config->vocab_size - 1));
	if (!PG_ARGISNULL(1))
		input->segment_ids =
			read_bytes(input, PG_GETARG_ARRAYTYPE_P(1), "segment_ids", config->num_segments - 1,
					   psprintf("Preset \"%s\" has segments 0 to %d.", name,
								config->num_segments - 1));
	if (!PG_ARGISNULL(2))
	{
		input->padding_mask =
			read_bytes(input, PG_GETARG_ARRAYTYPE_P(2), "padding_mask", 1,
					   "It must be 1 for a token, 0 for padding.");
		check_padding(input);
	}
}

/* A row of the result is one tuple, which is limited to 1 GB. */
static void
check_result_size(const EncodeInput *input)
{
	int			hidden_dim = input->embedder->config->hidden_dim;

	if ((Size) input->length + 2 <= MaxAllocSize / (sizeof(float4) * hidden_dim))
		return;
	electra_embedder_count_error(input->embedder);
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("sequence_output is too large for an array"),
			 errdetail("Its shape is (%d, %d), and a row holds less than 1 GB.", input->length,
					   hidden_dim)));
}

/* A real[][] of this shape, not yet filled in, in CurrentMemoryContext. */
static ArrayType *
real_matrix(int rows, int columns)
{
	Size		size = ARR_OVERHEAD_NONULLS(2) + (Size) rows * columns * sizeof(float4);
	ArrayType  *array = (ArrayType *) palloc0(size);

	SET_VARSIZE(array, size);
	array->ndim = 2;
	array->elemtype = FLOAT4OID;
	ARR_DIMS(array)[0] = rows;
	ARR_DIMS(array)[1] = columns;
	ARR_LBOUND(array)[0] = 1;
	ARR_LBOUND(array)[1] = 1;
	return array;
}

/* Encodes everything, a row for each sequence. */
static void
encode(const EncodeInput *input, ReturnSetInfo *result)
{
	ElectraEmbedder *embedder = input->embedder;
	int			hidden_dim = embedder->config->hidden_dim;
	int			group = Min(Max(GROUP_TOKENS / input->length, 1), input->num_sequences);
	Size		sequence_size = (Size) input->length * hidden_dim;
	int32	   *offsets = palloc((group + 1) * sizeof(int32));
	float	   *pooled = palloc((Size) group * hidden_dim * sizeof(float));
	ArrayType  *sequence_array = real_matrix(input->length, hidden_dim);
	ArrayType  *pooled_array = electra_real_array(hidden_dim);
	Datum		values[2] = {PointerGetDatum(sequence_array), PointerGetDatum(pooled_array)};
	bool		nulls[2] = {false, !embedder->config->has_pooler};

	for (int i = 0; i <= group; i++)
		offsets[i] = i * input->length;
	for (int first = 0; first < input->num_sequences; first += group)
	{
		Size		first_token = (Size) first * input->length;
		electra_batch batch = {
			.num_sequences = Min(group, input->num_sequences - first),
			.offsets = offsets,
			.token_ids = input->token_ids + first_token,
			.segment_ids = input->segment_ids == NULL ? NULL : input->segment_ids + first_token,
			.padding_mask = input->padding_mask == NULL ? NULL : input->padding_mask + first_token
		};
		const float *output = electra_embedder_run(embedder, &batch, NULL);

		if (embedder->config->has_pooler)
			electra_embedder_pooled(embedder, &batch, output, pooled);
		for (int i = 0; i < batch.num_sequences; i++)
		{
			memcpy(ARR_DATA_PTR(sequence_array), output + i * sequence_size,
				   sequence_size * sizeof(float));
			memcpy(ARR_DATA_PTR(pooled_array), pooled + (Size) i * hidden_dim,
				   hidden_dim * sizeof(float));
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
		CHECK_FOR_INTERRUPTS();
	}
}

PG_FUNCTION_INFO_V1(electra_encode_sql);

/*
 * (token_ids, segment_ids, padding_mask [, preset]) -> rows (sequence_output
 * (T, hidden_dim), pooled_output (hidden_dim)), one for each sequence, in
 * order; none where token_ids is NULL.  Padded positions have outputs, too, as
 * in Keras-Hub; without a pooler pooled_output is NULL.
 */
Datum
electra_encode_sql(PG_FUNCTION_ARGS)
{
	char	   *name = electra_preset_argument(fcinfo, 3);
	ElectraEmbedder embedder;
	EncodeInput input;
	MemoryContext caller;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();

	electra_embedder_begin(&embedder, name, ELECTRA_PROMPT_NONE);
	caller = MemoryContextSwitchTo(embedder.context);
	read_input(fcinfo, &embedder, &input);
	check_result_size(&input);
	encode(&input, (ReturnSetInfo *) fcinfo->resultinfo);
	MemoryContextSwitchTo(caller);
	electra_embedder_end(&embedder);
	PG_RETURN_NULL();
}
