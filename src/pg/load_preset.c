/*
 * electra_load_preset: a directory of the server becomes a preset.
 *
 * preset_source.c says which directory, electra-import reads it, store_preset.c
 * keeps what it sends.
 */
#include "postgres.h"

#include "common/shortest_dec.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"

#include "pg/preset.h"
#include "pg/preset_name.h"
#include "pg/preset_source.h"
#include "pg/report.h"
#include "pg/shipped.h"
#include "pg/store_preset.h"

/* Arguments of electra_load_preset, in order. */
enum
{
	ARG_SOURCE,
	ARG_NAME,
	ARG_DTYPE,
	ARG_POOLING,
	ARG_NORMALIZE,
	ARG_MAX_LENGTH,
	ARG_DIMENSIONS,
	ARG_QUERY_PROMPT,
	ARG_DOCUMENT_PROMPT,
	ARG_TRUNCATION,
	NUM_ARGS_0_1,				/* version 0.1's SQL has no more */
	ARG_LOAD_WEIGHTS = NUM_ARGS_0_1,
	ARG_SEED,
	NUM_ARGS_0_2,				/* version 0.2's and 0.3's */
	ARG_MIN_COSINE = NUM_ARGS_0_2,
	NUM_ARGS
};

/* Room for the program, its options, the directory and the final NULL. */
#define MAX_ARGV (NUM_ARGS + 4)

/* Longest value of an option: the kernel takes 128 kB in one argument. */
#define MAX_VALUE (64 * 1024)

/* What comes with electra is no source, it is there already. */
static void
refuse_shipped(const char *source)
{
	ElectraPresetId shipped;

	if (electra_shipped_find(source, &shipped))
		ereport(ERROR,
				(errcode(ERRCODE_RESERVED_NAME),
				 errmsg("preset \"%s\" comes with electra and need not be loaded", source),
				 errhint("Name it where it is used: electra_embed('some text', '%s').", source)));
}

/* The name argument, or else what the source is called. */
static char *
choose_name(FunctionCallInfo fcinfo, const char *source_name)
{
	char	   *name;

	if (PG_ARGISNULL(ARG_NAME))
	{
		if (!electra_preset_name_valid(source_name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_NAME),
					 errmsg("the last part of the source cannot be a preset name: \"%s\"", source_name),
					 errdetail("Names have 1 to %d letters, digits, dots, underscores, slashes and hyphens.",
							   ELECTRA_MAX_PRESET_NAME),
					 errhint("Give a name: electra_load_preset(source, name => 'my-preset').")));
		return pstrdup(source_name);
	}
	name = text_to_cstring(PG_GETARG_TEXT_PP(ARG_NAME));
	if (!electra_preset_name_valid(name))
		electra_preset_name_error();
	return name;
}

/* Appends "--option=value" to argv. */
static void
add_option(char **argv, int *argc, const char *option, const char *value)
{
	if (strlen(value) > MAX_VALUE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("option \"%s\" is too long", option),
				 errdetail("It has %zu bytes, at most %d are allowed.", strlen(value), MAX_VALUE)));
	argv[(*argc)++] = psprintf("--%s=%s", option, value);
	Assert(*argc < MAX_ARGV);
}

/* A text argument that may be NULL, as an option in UTF-8. */
static void
add_text(FunctionCallInfo fcinfo, int argument, char **argv, int *argc, const char *option)
{
	text	   *value;
	Size		size;

	if (PG_ARGISNULL(argument))
		return;
	value = PG_GETARG_TEXT_PP(argument);
	add_option(argv, argc, option,
			   electra_text_to_utf8(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), &size));
}

/* An integer argument that may be NULL; 0 and less are refused here, for they mean "none" there. */
static void
add_positive(FunctionCallInfo fcinfo, int argument, char **argv, int *argc,
			 const char *option, const char *name)
{
	int32		value;

	if (PG_ARGISNULL(argument))
		return;
	value = PG_GETARG_INT32(argument);
	if (value < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be positive, not %d", name, value)));
	add_option(argv, argc, option, psprintf("%d", value));
}

/* load_weights and seed: random weights instead of the source's. */
static void
add_weights(FunctionCallInfo fcinfo, char **argv, int *argc)
{
	if (PG_NARGS() == NUM_ARGS_0_1)
		return;
	electra_require_argument(fcinfo, ARG_LOAD_WEIGHTS, "load_weights");
	electra_require_argument(fcinfo, ARG_SEED, "seed");
	if (!PG_GETARG_BOOL(ARG_LOAD_WEIGHTS))
	{
		argv[(*argc)++] = "--no-weights";
		add_option(argv, argc, "seed", psprintf(INT64_FORMAT, PG_GETARG_INT64(ARG_SEED)));
	}
	else if (PG_GETARG_INT64(ARG_SEED) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"seed\" has no meaning for weights that are loaded"),
				 errhint("Random weights of the same shape need load_weights => false as well.")));
}

/* min_cosine: what int8 must keep to.  It has no meaning for another dtype. */
static void
add_min_cosine(FunctionCallInfo fcinfo, char **argv, int *argc)
{
	float4		value;
	char		text[FLOAT_SHORTEST_DECIMAL_LEN];

	if (PG_NARGS() <= NUM_ARGS_0_2)
		return;
	electra_require_argument(fcinfo, ARG_MIN_COSINE, "min_cosine");
	value = PG_GETARG_FLOAT4(ARG_MIN_COSINE);
	if (!(value >= 0 && value <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"min_cosine\" must be from 0 to 1, not %g", value)));
	/* -0 would be no number there; the shortest text is the number that was written */
	float_to_shortest_decimal_buf(value + 0.0f, text);
	add_option(argv, argc, "min-cosine", text);
}

/* The command line of electra-import. */
static void
make_command(FunctionCallInfo fcinfo, char *directory, char **argv)
{
	int			argc = 1;		/* argv[0] belongs to electra_importer_run */

	electra_require_argument(fcinfo, ARG_DTYPE, "dtype");
	electra_require_argument(fcinfo, ARG_TRUNCATION, "truncation");
	argv[argc++] = "--framed";
	add_text(fcinfo, ARG_DTYPE, argv, &argc, "dtype");
	add_text(fcinfo, ARG_POOLING, argv, &argc, "pooling");
	if (!PG_ARGISNULL(ARG_NORMALIZE))
		add_option(argv, &argc, "normalize", PG_GETARG_BOOL(ARG_NORMALIZE) ? "yes" : "no");
	add_positive(fcinfo, ARG_MAX_LENGTH, argv, &argc, "max-length", "max_length");
	add_positive(fcinfo, ARG_DIMENSIONS, argv, &argc, "dimensions", "dimensions");
	add_text(fcinfo, ARG_QUERY_PROMPT, argv, &argc, "query-prompt");
	add_text(fcinfo, ARG_DOCUMENT_PROMPT, argv, &argc, "document-prompt");
	add_text(fcinfo, ARG_TRUNCATION, argv, &argc, "truncation");
	add_weights(fcinfo, argv, &argc);
	add_min_cosine(fcinfo, argv, &argc);
	argv[argc++] = directory;
	argv[argc] = NULL;
	Assert(argc < MAX_ARGV);
}

PG_FUNCTION_INFO_V1(electra_load_preset);

/* electra_load_preset(source, name, dtype, …) -> name */
Datum
electra_load_preset(PG_FUNCTION_ARGS)
{
	char	   *argv[MAX_ARGV];
	char	   *source;
	char	   *directory;
	char	   *source_name;
	char	   *name;
	ElectraPresetStore *store;

	PreventCommandIfReadOnly("electra_load_preset()");
	PreventCommandIfParallelMode("electra_load_preset()");

	source = electra_get_text_argument(fcinfo, ARG_SOURCE, "source");
	refuse_shipped(source);
	directory = electra_preset_source_resolve(source, &source_name);
	name = choose_name(fcinfo, source_name);
	make_command(fcinfo, directory, argv);
	store = electra_store_begin(name, "loading");
	electra_store_import(store, argv, NULL, 0);
	electra_store_finish(store, NULL, is_absolute_path(source) ? directory : source);
	PG_RETURN_TEXT_P(cstring_to_text(name));
}
