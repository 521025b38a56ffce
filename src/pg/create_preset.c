/*
 * electra_create_preset: the constructor of Keras-Hub's ElectraBackbone.  The
 * weights are random, from a seed; electra-import makes them, so that the same
 * arguments give the same archive as "electra-import --create" does.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "pg/preset_name.h"
#include "pg/report.h"
#include "pg/store_preset.h"

/* Arguments of electra_create_preset, in order. */
enum
{
	ARG_NAME,
	ARG_VOCABULARY,
	ARG_VOCAB_SIZE,
	ARG_NUM_LAYERS,
	ARG_NUM_HEADS,
	ARG_HIDDEN_DIM,
	ARG_EMBEDDING_DIM,
	ARG_INTERMEDIATE_DIM,
	ARG_DROPOUT,
	ARG_MAX_SEQUENCE_LENGTH,
	ARG_NUM_SEGMENTS,
	ARG_DTYPE,
	ARG_SEED,
	ARG_VOCABULARY_SIZE,
	NUM_ARGS
};

/* Room for the program, its options and the final NULL. */
#define MAX_ARGV (NUM_ARGS + 4)

/* What electra-import calls the arguments that are whole numbers. */
static const struct
{
	int			argument;
	const char *name;
	const char *option;
	bool		required;
}			numbers[] = {
	{ARG_VOCAB_SIZE, "vocab_size", "vocab-size", false},
	{ARG_NUM_LAYERS, "num_layers", "num-layers", true},
	{ARG_NUM_HEADS, "num_heads", "num-heads", true},
	{ARG_HIDDEN_DIM, "hidden_dim", "hidden-dim", true},
	{ARG_EMBEDDING_DIM, "embedding_dim", "embedding-dim", false},
	{ARG_INTERMEDIATE_DIM, "intermediate_dim", "intermediate-dim", true},
	{ARG_MAX_SEQUENCE_LENGTH, "max_sequence_length", "max-sequence-length", true},
	{ARG_NUM_SEGMENTS, "num_segments", "num-segments", true},
};

/* Tokens that every tokenizer needs. */
static const char *const special_tokens[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

/* Appends a quoted name to a list. */
static void
append_quoted(StringInfo list, const char *name)
{
	appendStringInfo(list, "%s\"%s\"", list->len > 0 ? ", " : "", name);
}

/* Arguments without a default: all that are missing at once. */
static void
check_given(FunctionCallInfo fcinfo)
{
	StringInfoData missing;
	int			count = 0;

	initStringInfo(&missing);
	for (int i = 0; i < lengthof(numbers); i++)
	{
		if (numbers[i].required && PG_ARGISNULL(numbers[i].argument))
		{
			append_quoted(&missing, numbers[i].name);
			count++;
		}
	}
	if (!PG_ARGISNULL(ARG_VOCABULARY_SIZE))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("electra_create_preset has no argument \"vocabulary_size\""),
				 errhint("use vocab_size")));
	if (PG_ARGISNULL(ARG_VOCABULARY) && PG_ARGISNULL(ARG_VOCAB_SIZE))
	{
		appendStringInfo(&missing, "%s\"vocabulary\" or \"vocab_size\"", missing.len > 0 ? ", " : "");
		count++;
	}
	if (count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg_plural("argument %s of electra_create_preset must be given",
							   "arguments %s of electra_create_preset must be given",
							   count, missing.data),
				 errhint("For example electra_create_preset('mine', vocab_size => 1000, num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64).")));
	electra_require_argument(fcinfo, ARG_DROPOUT, "dropout");
	electra_require_argument(fcinfo, ARG_DTYPE, "dtype");
	electra_require_argument(fcinfo, ARG_SEED, "seed");
}

/* What can be wrong with the numbers, cheaply; limits of size are the importer's. */
static void
check_numbers(FunctionCallInfo fcinfo)
{
	double		dropout = PG_GETARG_FLOAT8(ARG_DROPOUT);
	int32		hidden_dim;
	int32		num_heads;

	for (int i = 0; i < lengthof(numbers); i++)
	{
		if (!PG_ARGISNULL(numbers[i].argument) && PG_GETARG_INT32(numbers[i].argument) < 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" must be positive, not %d", numbers[i].name,
							PG_GETARG_INT32(numbers[i].argument))));
	}
	hidden_dim = PG_GETARG_INT32(ARG_HIDDEN_DIM);
	num_heads = PG_GETARG_INT32(ARG_NUM_HEADS);
	if (hidden_dim % num_heads != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("num_heads does not divide hidden_dim"),
				 errdetail("hidden_dim is %d, num_heads is %d; each head has hidden_dim / num_heads dimensions.",
						   hidden_dim, num_heads)));
	if (!(dropout >= 0 && dropout < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"dropout\" must be at least 0 and less than 1, not %g", dropout)));
}

/* The dtypes that random weights can be stored in; "source" has no meaning here. */
static char *
get_dtype(FunctionCallInfo fcinfo)
{
	char	   *dtype = text_to_cstring(PG_GETARG_TEXT_PP(ARG_DTYPE));

	if (strcmp(dtype, "float32") != 0 && strcmp(dtype, "float16") != 0 && strcmp(dtype, "bfloat16") != 0 &&
		strcmp(dtype, "int8") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dtype \"%s\" is not possible for a preset with random weights", dtype),
				 errdetail("Expected float32, float16, bfloat16 or int8.")));
	return dtype;
}

/* Appends a token with the NUL that ends it, and notes which special one it is. */
static void
append_token(StringInfo tokens, const text *token, int position, bool *specials)
{
	Size		size;
	char	   *utf8 = electra_text_to_utf8(VARDATA_ANY(token), VARSIZE_ANY_EXHDR(token), &size);

	if (size == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("element %d of argument \"vocabulary\" is empty", position)));
	for (int i = 0; i < lengthof(special_tokens); i++)
		specials[i] |= strcmp(utf8, special_tokens[i]) == 0;
	appendBinaryStringInfo(tokens, utf8, size + 1);
	pfree(utf8);
}

/* Without these tokens no text can be tokenized. */
static void
check_specials(const bool *specials)
{
	StringInfoData missing;

	initStringInfo(&missing);
	for (int i = 0; i < lengthof(special_tokens); i++)
	{
		if (!specials[i])
			append_quoted(&missing, special_tokens[i]);
	}
	if (missing.len > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"vocabulary\" lacks %s", missing.data),
				 errdetail("A vocabulary must hold [PAD], [UNK], [CLS], [SEP] and [MASK].")));
}

/* The vocabulary as electra-import reads it: UTF-8, a NUL behind each token. */
static void
get_vocabulary(FunctionCallInfo fcinfo, StringInfo tokens)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(ARG_VOCABULARY);
	bool		specials[lengthof(special_tokens)] = {false};
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("argument \"vocabulary\" must have one dimension, not %d", ARR_NDIM(array))));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	initStringInfo(tokens);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("element %d of argument \"vocabulary\" is null", i + 1)));
		append_token(tokens, DatumGetTextPP(elements[i]), i + 1, specials);
	}
	check_specials(specials);
	if (!PG_ARGISNULL(ARG_VOCAB_SIZE) && PG_GETARG_INT32(ARG_VOCAB_SIZE) < count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("vocab_size is smaller than the vocabulary"),
				 errdetail("vocab_size is %d, the vocabulary has %d tokens.",
						   PG_GETARG_INT32(ARG_VOCAB_SIZE), count),
				 errhint("Leave vocab_size out, and it is that of the vocabulary.")));
}

/* The command line of electra-import. */
static void
make_command(FunctionCallInfo fcinfo, char **argv)
{
	int			argc = 1;		/* argv[0] belongs to electra_importer_run */
	char		dropout[DOUBLE_SHORTEST_DECIMAL_LEN];

	argv[argc++] = "--framed";
	argv[argc++] = "--create";
	for (int i = 0; i < lengthof(numbers); i++)
	{
		/* embedding_dim's default is hidden_dim */
		int			argument = numbers[i].argument == ARG_EMBEDDING_DIM && PG_ARGISNULL(ARG_EMBEDDING_DIM) ?
			ARG_HIDDEN_DIM : numbers[i].argument;

		if (!PG_ARGISNULL(argument))
			argv[argc++] = psprintf("--%s=%d", numbers[i].option, PG_GETARG_INT32(argument));
	}

	/* the shortest text that reads as the same number, whatever extra_float_digits says */
	double_to_shortest_decimal_buf(PG_GETARG_FLOAT8(ARG_DROPOUT), dropout);
	argv[argc++] = psprintf("--dropout=%s", dropout);
	argv[argc++] = psprintf("--dtype=%s", get_dtype(fcinfo));
	argv[argc++] = psprintf("--seed=" INT64_FORMAT, PG_GETARG_INT64(ARG_SEED));
	if (!PG_ARGISNULL(ARG_VOCABULARY))
		argv[argc++] = "--vocabulary-stdin";
	argv[argc] = NULL;
	Assert(argc < MAX_ARGV);
}

PG_FUNCTION_INFO_V1(electra_create_preset);

/* electra_create_preset(name, vocabulary, vocab_size, …) -> name */
Datum
electra_create_preset(PG_FUNCTION_ARGS)
{
	char	   *argv[MAX_ARGV];
	char	   *name;
	StringInfoData vocabulary = {0};
	ElectraPresetStore *store;

	PreventCommandIfReadOnly("electra_create_preset()");
	PreventCommandIfParallelMode("electra_create_preset()");

	name = electra_get_text_argument(fcinfo, ARG_NAME, "name");
	if (!electra_preset_name_valid(name))
		electra_preset_name_error();
	check_given(fcinfo);
	check_numbers(fcinfo);
	if (!PG_ARGISNULL(ARG_VOCABULARY))
		get_vocabulary(fcinfo, &vocabulary);
	make_command(fcinfo, argv);

	store = electra_store_begin(name, "creating");
	electra_store_import(store, argv, vocabulary.data, vocabulary.len);
	electra_store_finish(store, NULL, psprintf("electra_create_preset(), seed " INT64_FORMAT,
											   PG_GETARG_INT64(ARG_SEED)));
	PG_RETURN_TEXT_P(cstring_to_text(name));
}
