/*
 * The command line of electra-import.
 */
#include "import/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keras-Hub's ElectraBackbone hard-codes it. */
#define KERAS_LAYER_NORM_EPS 1e-12

const char arguments_help[] =
"electra-import reads a model directory and writes a preset archive for the\n"
"PostgreSQL extension electra.\n"
"\n"
"Usage:\n"
"  electra-import [OPTION]... DIR -o FILE     import a directory\n"
"  electra-import --inspect FILE              check an archive and describe it\n"
"  electra-import --create SHAPE --vocabulary FILE --seed N -o FILE\n"
"                                             make a preset with random weights\n"
"  electra-import --framed [OPTION]... DIR    what electra_load_preset() runs\n"
"\n"
"DIR holds a model of Hugging Face (config.json, *.safetensors, tokenizer.json or\n"
"vocab.txt) of type electra or bert, or of sentence-transformers (modules.json).\n"
"\n"
"Options of an import; all of them become part of the preset's digest:\n"
"  --pooling MODE[,MODE...]   cls, max, mean, mean_sqrt_len, weighted_mean,\n"
"                             last_token; several are concatenated in this order\n"
"  --normalize yes|no         vectors of length 1 (default: as the model says)\n"
"  --max-length N             tokens of a text, [CLS] and [SEP] included\n"
"  --dimensions N             keep the first N components, then normalize if the\n"
"                             model does\n"
"  --query-prompt TEXT        put in front of queries; \"\" for none\n"
"  --document-prompt TEXT     put in front of documents; \"\" for none\n"
"  --truncation truncate|error\n"
"                             what becomes of texts longer than --max-length\n"
"  --dtype float32            how weights are stored\n"
"\n"
"Shape of a random preset:\n"
"  --num-layers N --num-heads N --hidden-dim N --embedding-dim N\n"
"  --intermediate-dim N --max-sequence-length N [--num-segments N (default 2)]\n"
"  --vocabulary FILE          one token a line, with [PAD] [UNK] [CLS] [SEP] [MASK]\n"
"  --seed N                   the same seed gives the same weights everywhere\n"
"\n"
"Other options:\n"
"  -o, --output FILE          the archive; it appears when it is complete\n"
"  -h, --help                 show this help\n"
"  -V, --version              show the version\n"
"\n"
"Exit status: 0 success, 1 failure, 2 wrong command line.\n"
"\n"
"Example:\n"
"  electra-import ~/models/all-MiniLM-L6-v2 -o minilm.safetensors\n";

/* What getopt_long returns for each long option. */
enum
{
	OPTION_INSPECT = 256,
	OPTION_CREATE,
	OPTION_FRAMED,
	OPTION_VOCABULARY,
	OPTION_NUM_LAYERS,
	OPTION_NUM_HEADS,
	OPTION_HIDDEN_DIM,
	OPTION_EMBEDDING_DIM,
	OPTION_INTERMEDIATE_DIM,
	OPTION_MAX_SEQUENCE_LENGTH,
	OPTION_NUM_SEGMENTS,
	OPTION_SEED,
	OPTION_DTYPE,
	OPTION_POOLING,
	OPTION_NORMALIZE,
	OPTION_MAX_LENGTH,
	OPTION_DIMENSIONS,
	OPTION_QUERY_PROMPT,
	OPTION_DOCUMENT_PROMPT,
	OPTION_TRUNCATION,
	OPTION_END
};

static const struct option long_options[] = {
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{"output", required_argument, NULL, 'o'},
	{"inspect", no_argument, NULL, OPTION_INSPECT},
	{"create", no_argument, NULL, OPTION_CREATE},
	{"framed", no_argument, NULL, OPTION_FRAMED},
	{"vocabulary", required_argument, NULL, OPTION_VOCABULARY},
	{"num-layers", required_argument, NULL, OPTION_NUM_LAYERS},
	{"num-heads", required_argument, NULL, OPTION_NUM_HEADS},
	{"hidden-dim", required_argument, NULL, OPTION_HIDDEN_DIM},
	{"embedding-dim", required_argument, NULL, OPTION_EMBEDDING_DIM},
	{"intermediate-dim", required_argument, NULL, OPTION_INTERMEDIATE_DIM},
	{"max-sequence-length", required_argument, NULL, OPTION_MAX_SEQUENCE_LENGTH},
	{"num-segments", required_argument, NULL, OPTION_NUM_SEGMENTS},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"dtype", required_argument, NULL, OPTION_DTYPE},
	{"pooling", required_argument, NULL, OPTION_POOLING},
	{"normalize", required_argument, NULL, OPTION_NORMALIZE},
	{"max-length", required_argument, NULL, OPTION_MAX_LENGTH},
	{"dimensions", required_argument, NULL, OPTION_DIMENSIONS},
	{"query-prompt", required_argument, NULL, OPTION_QUERY_PROMPT},
	{"document-prompt", required_argument, NULL, OPTION_DOCUMENT_PROMPT},
	{"truncation", required_argument, NULL, OPTION_TRUNCATION},
	{NULL, 0, NULL, 0}
};

/* The parser's state. */
typedef struct parser
{
	arguments  *arguments;
	electra_error *error;
	bool		seen[OPTION_END];	/* by value of the option */
} parser;

static electra_status
usage_error(electra_error *error, const char *format, const char *what)
{
	electra_fail(error, ELECTRA_INVALID_ARGUMENT, format, what);
	electra_fail_hint(error, "Try \"electra-import --help\".");
	return ELECTRA_INVALID_ARGUMENT;
}

/* Name of an option by its value. */
static const char *
option_name(int value)
{
	const struct option *option = long_options;

	while (option->val != value)
		option++;
	return option->name;
}

static electra_status
bad_value(parser *parser, int option, const char *value, const char *expected)
{
	/* without "--": electra_load_preset() shows it, too */
	electra_fail(parser->error, ELECTRA_INVALID_ARGUMENT, "invalid value for \"%s\": \"%s\"",
				 option_name(option), value);
	electra_fail_detail(parser->error, "Expected %s.", expected);
	return ELECTRA_INVALID_ARGUMENT;
}

/* A positive number. */
static electra_status
parse_number(parser *parser, int option, const char *value, int32_t *number)
{
	char	   *end;
	long		parsed;

	errno = 0;
	parsed = strtol(value, &end, 10);
	if (value[strspn(value, "0123456789")] != '\0' || end == value || errno != 0 ||
		parsed < 1 || parsed > INT32_MAX)
		return bad_value(parser, option, value, "a positive whole number");
	*number = (int32_t) parsed;
	return ELECTRA_OK;
}

static electra_status
parse_seed(parser *parser, const char *value)
{
	char	   *end;

	errno = 0;
	parser->arguments->seed = strtoull(value, &end, 10);
	if (value[strspn(value, "0123456789")] != '\0' || end == value || errno != 0)
		return bad_value(parser, OPTION_SEED, value, "a whole number from 0 to 18446744073709551615");
	return ELECTRA_OK;
}

/* "cls,mean" */
static electra_status
parse_pooling(parser *parser, const char *value)
{
	int32_t    *modes = &parser->arguments->options.pooling_modes;
	const char *rest = value;

	*modes = 0;
	for (;;)
	{
		size_t		length = strcspn(rest, ",");
		int			i;

		for (i = 0; i < ELECTRA_NUM_POOLING_MODES; i++)
		{
			const char *name = electra_pooling_name(i);

			if (strlen(name) == length && strncmp(rest, name, length) == 0)
				break;
		}
		if (i == ELECTRA_NUM_POOLING_MODES || (*modes >> i & 1))
			return bad_value(parser, OPTION_POOLING, value,
							 "one or more of cls, max, mean, mean_sqrt_len, weighted_mean, last_token, "
							 "each once, separated by commas");
		*modes |= 1 << i;
		if (rest[length] == '\0')
			return ELECTRA_OK;
		rest += length + 1;
	}
}

/* Names that will have a meaning are told from those that never will. */
static electra_status
parse_dtype(parser *parser, const char *value)
{
	static const char *const later[] = {"float16", "bfloat16", "int8", "source"};

	parser->arguments->options.dtype = ELECTRA_F32;
	if (strcmp(value, "float32") == 0)
		return ELECTRA_OK;
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
	{
		if (strcmp(value, later[i]) == 0)
		{
			electra_fail(parser->error, ELECTRA_UNSUPPORTED, "dtype \"%s\" is not supported", value);
			electra_fail_hint(parser->error, "Use float32.");
			return ELECTRA_UNSUPPORTED;
		}
	}
	return bad_value(parser, OPTION_DTYPE, value, "float32");
}

/* One of two words; *index tells which. */
static electra_status
parse_choice(parser *parser, int option, const char *value, const char *zero, const char *one, int *index)
{
	if (strcmp(value, zero) == 0)
		*index = 0;
	else if (strcmp(value, one) == 0)
		*index = 1;
	else
	{
		char		expected[64];

		snprintf(expected, sizeof(expected), "%s or %s", zero, one);
		return bad_value(parser, option, value, expected);
	}
	return ELECTRA_OK;
}

/* The member of the shape that an option sets, NULL for another option. */
static int32_t *
shape_member(electra_config *shape, int option)
{
	switch (option)
	{
		case OPTION_NUM_LAYERS:
			return &shape->num_layers;
		case OPTION_NUM_HEADS:
			return &shape->num_heads;
		case OPTION_HIDDEN_DIM:
			return &shape->hidden_dim;
		case OPTION_EMBEDDING_DIM:
			return &shape->embedding_dim;
		case OPTION_INTERMEDIATE_DIM:
			return &shape->intermediate_dim;
		case OPTION_MAX_SEQUENCE_LENGTH:
			return &shape->max_sequence_length;
		case OPTION_NUM_SEGMENTS:
			return &shape->num_segments;
		default:
			return NULL;
	}
}

/* One of the load options. */
static electra_status
set_load_option(parser *parser, int option, const char *value)
{
	import_options *options = &parser->arguments->options;
	int			index = 0;
	electra_status status = ELECTRA_OK;

	switch (option)
	{
		case OPTION_DTYPE:
			return parse_dtype(parser, value);
		case OPTION_POOLING:
			return parse_pooling(parser, value);
		case OPTION_NORMALIZE:
			return parse_choice(parser, option, value, "no", "yes", &options->normalize);
		case OPTION_MAX_LENGTH:
			return parse_number(parser, option, value, &options->max_length);
		case OPTION_DIMENSIONS:
			return parse_number(parser, option, value, &options->dimensions);
		case OPTION_QUERY_PROMPT:
			options->query_prompt = value;
			break;
		case OPTION_DOCUMENT_PROMPT:
			options->document_prompt = value;
			break;
		case OPTION_TRUNCATION:
			status = parse_choice(parser, option, value, "truncate", "error", &index);
			options->truncation = index == 0 ? ELECTRA_TRUNCATE : ELECTRA_TRUNCATION_ERROR;
			break;
	}
	return status;
}

static electra_status
set_option(parser *parser, int option, const char *value)
{
	arguments  *arguments = parser->arguments;
	int32_t    *member = shape_member(&arguments->shape, option);

	if (member != NULL)
		return parse_number(parser, option, value, member);
	switch (option)
	{
		case 'h':
		case 'V':
		case OPTION_INSPECT:
		case OPTION_CREATE:
		case OPTION_FRAMED:
			if (arguments->mode != MODE_IMPORT)
				return usage_error(parser->error, "--%s does not go with what is before it", option_name(option));
			arguments->mode = option == 'h' ? MODE_HELP : option == 'V' ? MODE_VERSION :
				option == OPTION_INSPECT ? MODE_INSPECT : option == OPTION_CREATE ? MODE_CREATE : MODE_FRAMED;
			return ELECTRA_OK;
		case 'o':
			arguments->output = value;
			return ELECTRA_OK;
		case OPTION_VOCABULARY:
			arguments->vocabulary = value;
			return ELECTRA_OK;
		case OPTION_SEED:
			return parse_seed(parser, value);
		default:
			return set_load_option(parser, option, value);
	}
}

/* Is the option one that this mode knows? */
static bool
option_allowed(import_mode mode, int option)
{
	switch (mode)
	{
		case MODE_IMPORT:
			return option == 'o' || option >= OPTION_DTYPE;
		case MODE_FRAMED:
			return option == OPTION_FRAMED || option >= OPTION_DTYPE;
		case MODE_CREATE:
			return option == 'o' || option == OPTION_CREATE ||
				(option >= OPTION_VOCABULARY && option <= OPTION_SEED);
		case MODE_INSPECT:
			return option == OPTION_INSPECT;
		case MODE_HELP:
		case MODE_VERSION:
			return true;
	}
	return false;
}

/* Must the option be given in this mode? */
static bool
option_required(import_mode mode, int option)
{
	if (mode == MODE_IMPORT)
		return option == 'o';
	return mode == MODE_CREATE && option_allowed(mode, option) && option != OPTION_NUM_SEGMENTS;
}

/* What was given against what the mode takes. */
static electra_status
check_mode(parser *parser, int num_operands)
{
	arguments  *arguments = parser->arguments;

	if (arguments->mode == MODE_HELP || arguments->mode == MODE_VERSION)
		return ELECTRA_OK;
	for (const struct option *option = long_options; option->name != NULL; option++)
	{
		if (parser->seen[option->val] && !option_allowed(arguments->mode, option->val))
			return usage_error(parser->error, "option --%s has no meaning here", option->name);
		if (!parser->seen[option->val] && option_required(arguments->mode, option->val))
			return usage_error(parser->error, "option --%s is missing", option->name);
	}
	if (arguments->mode == MODE_CREATE)
		return num_operands == 0 ? ELECTRA_OK :
			usage_error(parser->error, "unexpected argument \"%s\"", arguments->input);
	if (num_operands == 1)
		return ELECTRA_OK;
	if (num_operands > 1)
		return usage_error(parser->error, "%s", "too many arguments");
	return usage_error(parser->error, "%s is missing",
					   arguments->mode == MODE_INSPECT ? "the archive" : "the directory");
}

bool
arguments_framed(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], "--framed") == 0;
}

electra_status
arguments_parse(int argc, char **argv, arguments *arguments, electra_error *error)
{
	parser		parser = {.arguments = arguments, .error = error};
	bool		framed = arguments_framed(argc, argv);	/* getopt_long will move things */
	int			option;

	memset(arguments, 0, sizeof(*arguments));
	arguments->options.normalize = -1;
	arguments->shape.num_segments = 2;
	arguments->shape.activation = ELECTRA_GELU_TANH;
	arguments->shape.layer_norm_eps = KERAS_LAYER_NORM_EPS;
	opterr = 0;
	optind = 0;					/* also forgets what an earlier call has left */
	while ((option = getopt_long(argc, argv, ":hVo:", long_options, NULL)) != -1)
	{
		electra_status status;

		if (option == '?')
			return usage_error(error, "unknown option \"%s\"", argv[optind - 1]);
		if (option == ':')
			return usage_error(error, "option \"%s\" needs a value", argv[optind - 1]);
		if (parser.seen[option])
			return usage_error(error, "option --%s is given twice", option_name(option));
		parser.seen[option] = true;
		status = set_option(&parser, option, optarg);
		if (status != ELECTRA_OK)
			return status;
	}
	if (arguments->mode == MODE_FRAMED && !framed)
		return usage_error(error, "--%s must be the first argument", "framed");
	if (optind < argc)
		arguments->input = argv[optind];
	return check_mode(&parser, argc - optind);
}
