/*
 * The command line of electra-import.
 *
 * What the server passes on (option values and the shape of a new preset) is
 * called as SQL and Keras-Hub call it in messages, for they become errors of
 * SQL functions; what only somebody at a terminal can do wrong is called as it
 * was typed.
 */
#include "import/arguments.h"

#include "import/calibration.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keras-Hub's ElectraBackbone hard-codes it. */
#define KERAS_LAYER_NORM_EPS 1e-12

/* Defaults of Keras-Hub's ElectraBackbone. */
#define DEFAULT_DROPOUT 0.1
#define DEFAULT_MAX_SEQUENCE_LENGTH 512
#define DEFAULT_NUM_SEGMENTS 2

/* What getopt_long returns for each long option. */
enum
{
	OPTION_FRAMED = 256,
	OPTION_SQL,
	OPTION_NAME,
	OPTION_INSPECT,
	OPTION_EXPORT,
	OPTION_CREATE,
	OPTION_VOCABULARY,
	OPTION_VOCABULARY_STDIN,
	OPTION_VOCAB_SIZE,
	OPTION_NUM_LAYERS,
	OPTION_NUM_HEADS,
	OPTION_HIDDEN_DIM,
	OPTION_EMBEDDING_DIM,
	OPTION_INTERMEDIATE_DIM,
	OPTION_MAX_SEQUENCE_LENGTH,
	OPTION_NUM_SEGMENTS,
	OPTION_DROPOUT,
	OPTION_DTYPE,
	OPTION_SEED,
	OPTION_NO_WEIGHTS,
	OPTION_POOLING,
	OPTION_NORMALIZE,
	OPTION_MAX_LENGTH,
	OPTION_DIMENSIONS,
	OPTION_QUERY_PROMPT,
	OPTION_DOCUMENT_PROMPT,
	OPTION_TRUNCATION,
	OPTION_MIN_COSINE,
	OPTION_END
};

/* Sets of modes and of targets. */
#define IMPORT (1u << MODE_IMPORT)
#define CREATE (1u << MODE_CREATE)
#define INSPECT (1u << MODE_INSPECT)
#define EXPORT (1u << MODE_EXPORT)
#define HELP (1u << MODE_HELP | 1u << MODE_VERSION)
#define TO_FILE (1u << TARGET_FILE)
#define TO_FRAMES (1u << TARGET_FRAMES)
#define TO_SQL (1u << TARGET_SQL)
#define ANYWHERE (TO_FILE | TO_FRAMES | TO_SQL)

/* An option, and where it has a meaning. */
typedef struct option_rule
{
	const char *name;
	int			has_value;
	int			value;			/* OPTION_… or the short option */
	unsigned	modes;
	unsigned	targets;
} option_rule;

static const option_rule rules[] = {
	{"help", no_argument, 'h', HELP, ANYWHERE},
	{"version", no_argument, 'V', HELP, ANYWHERE},
	{"output", required_argument, 'o', IMPORT | CREATE, TO_FILE},
	{"framed", no_argument, OPTION_FRAMED, IMPORT | CREATE, TO_FRAMES},
	{"sql", no_argument, OPTION_SQL, IMPORT | CREATE, TO_SQL},
	{"name", required_argument, OPTION_NAME, IMPORT | CREATE, TO_SQL},
	{"inspect", no_argument, OPTION_INSPECT, INSPECT, ANYWHERE},
	{"export", required_argument, OPTION_EXPORT, EXPORT, ANYWHERE},
	{"create", no_argument, OPTION_CREATE, CREATE, ANYWHERE},
	/* the server's sandbox would not let it be opened */
	{"vocabulary", required_argument, OPTION_VOCABULARY, CREATE, TO_FILE | TO_SQL},
	{"vocabulary-stdin", no_argument, OPTION_VOCABULARY_STDIN, CREATE, ANYWHERE},
	{"vocab-size", required_argument, OPTION_VOCAB_SIZE, CREATE, ANYWHERE},
	{"num-layers", required_argument, OPTION_NUM_LAYERS, CREATE, ANYWHERE},
	{"num-heads", required_argument, OPTION_NUM_HEADS, CREATE, ANYWHERE},
	{"hidden-dim", required_argument, OPTION_HIDDEN_DIM, CREATE, ANYWHERE},
	{"embedding-dim", required_argument, OPTION_EMBEDDING_DIM, CREATE, ANYWHERE},
	{"intermediate-dim", required_argument, OPTION_INTERMEDIATE_DIM, CREATE, ANYWHERE},
	{"max-sequence-length", required_argument, OPTION_MAX_SEQUENCE_LENGTH, CREATE, ANYWHERE},
	{"num-segments", required_argument, OPTION_NUM_SEGMENTS, CREATE, ANYWHERE},
	{"dropout", required_argument, OPTION_DROPOUT, CREATE, ANYWHERE},
	{"dtype", required_argument, OPTION_DTYPE, IMPORT | CREATE, ANYWHERE},
	{"seed", required_argument, OPTION_SEED, IMPORT | CREATE, ANYWHERE},
	{"no-weights", no_argument, OPTION_NO_WEIGHTS, IMPORT, ANYWHERE},
	{"pooling", required_argument, OPTION_POOLING, IMPORT, ANYWHERE},
	{"normalize", required_argument, OPTION_NORMALIZE, IMPORT, ANYWHERE},
	{"max-length", required_argument, OPTION_MAX_LENGTH, IMPORT, ANYWHERE},
	{"dimensions", required_argument, OPTION_DIMENSIONS, IMPORT, ANYWHERE},
	{"query-prompt", required_argument, OPTION_QUERY_PROMPT, IMPORT, ANYWHERE},
	{"document-prompt", required_argument, OPTION_DOCUMENT_PROMPT, IMPORT, ANYWHERE},
	{"truncation", required_argument, OPTION_TRUNCATION, IMPORT, ANYWHERE},
	{"min-cosine", required_argument, OPTION_MIN_COSINE, IMPORT | CREATE, ANYWHERE},
};

#define NUM_RULES (sizeof(rules) / sizeof(rules[0]))

/* The parser's state. */
typedef struct parser
{
	arguments  *arguments;
	electra_error *error;
	bool		seen[OPTION_END];	/* by value of the option */
} parser;

/* Somebody at a terminal wrote what cannot be. */
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
	const option_rule *rule = rules;

	while (rule->value != value)
		rule++;
	return rule->name;
}

/* The same as the arguments of SQL functions and of Keras-Hub are called: "num_layers". */
static const char *
argument_name(int value, char name[32])
{
	snprintf(name, 32, "%s", option_name(value));
	for (char *p = name; *p != '\0'; p++)
	{
		if (*p == '-')
			*p = '_';
	}
	return name;
}

static electra_status
bad_value(parser *parser, int option, const char *value, const char *expected)
{
	char		name[32];

	electra_fail(parser->error, ELECTRA_INVALID_ARGUMENT, "invalid value for \"%s\": \"%s\"",
				 argument_name(option, name), value);
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

/* Any 64 bits, written as an unsigned number or as a bigint of SQL. */
static electra_status
parse_seed(parser *parser, const char *value)
{
	bool		negative = value[0] == '-';
	const char *digits = value + (negative ? 1 : 0);
	char	   *end;
	uint64_t	seed;

	errno = 0;
	seed = strtoull(digits, &end, 10);
	if (digits[strspn(digits, "0123456789")] != '\0' || end == digits || errno != 0 ||
		(negative && seed > (uint64_t) 1 << 63))
		return bad_value(parser, OPTION_SEED, value,
						 "a whole number from -9223372036854775808 to 18446744073709551615");
	if (negative)
		seed = 0 - seed;
	parser->arguments->options.seed = parser->arguments->create.seed = seed;
	return ELECTRA_OK;
}

/*
 * A number that is not negative, with a point, whatever the locale; *number is
 * -1 for anything else.
 */
static electra_status
parse_fraction(parser *parser, const char *value, double *number)
{
	locale_t	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t) 0);
	locale_t	before;
	char	   *end;

	if (c_locale == (locale_t) 0)
		return electra_fail(parser->error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	before = uselocale(c_locale);
	*number = strtod(value, &end);
	uselocale(before);
	freelocale(c_locale);
	/* neither "nan" nor what only C takes for a number */
	if (value[strspn(value, "0123456789.eE+-")] != '\0' || end == value || *end != '\0' || value[0] == '-')
		*number = -1;
	return ELECTRA_OK;
}

/* -0 would be another digest. */
static electra_status
parse_dropout(parser *parser, const char *value)
{
	double	   *dropout = &parser->arguments->create.shape.dropout;

	if (parse_fraction(parser, value, dropout) != ELECTRA_OK)
		return parser->error->status;
	if (!(*dropout >= 0 && *dropout < 1))
		return bad_value(parser, OPTION_DROPOUT, value, "a number that is at least 0 and less than 1");
	return ELECTRA_OK;
}

static electra_status
parse_min_cosine(parser *parser, const char *value)
{
	double	   *min_cosine = &parser->arguments->options.min_cosine;

	if (parse_fraction(parser, value, min_cosine) != ELECTRA_OK)
		return parser->error->status;
	if (!(*min_cosine >= 0 && *min_cosine <= 1))
		return bad_value(parser, OPTION_MIN_COSINE, value, "a number from 0 to 1");
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

static electra_status
parse_dtype(parser *parser, const char *value)
{
	import_options *options = &parser->arguments->options;

	options->keep_dtype = strcmp(value, "source") == 0;
	if (options->keep_dtype || strcmp(value, "float32") == 0)
		options->dtype = ELECTRA_F32;
	else if (strcmp(value, "float16") == 0)
		options->dtype = ELECTRA_F16;
	else if (strcmp(value, "bfloat16") == 0)
		options->dtype = ELECTRA_BF16;
	else if (strcmp(value, "int8") == 0)
		options->dtype = ELECTRA_I8;
	else
		return bad_value(parser, OPTION_DTYPE, value, "float32, float16, bfloat16, int8 or source");
	return ELECTRA_OK;
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
		case OPTION_VOCAB_SIZE:
			return &shape->vocab_size;
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
		case OPTION_SEED:
			return parse_seed(parser, value);
		case OPTION_MIN_COSINE:
			return parse_min_cosine(parser, value);
		case OPTION_NO_WEIGHTS:
			options->load_weights = false;
			break;
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

/* One of the options that say what is to be done; there is one at most. */
static electra_status
set_mode(parser *parser, int option, const char *value)
{
	arguments  *arguments = parser->arguments;

	if (arguments->mode != MODE_IMPORT)
		return usage_error(parser->error, "--%s does not go with what is before it", option_name(option));
	switch (option)
	{
		case 'h':
			arguments->mode = MODE_HELP;
			break;
		case 'V':
			arguments->mode = MODE_VERSION;
			break;
		case OPTION_INSPECT:
			arguments->mode = MODE_INSPECT;
			break;
		case OPTION_EXPORT:
			arguments->mode = MODE_EXPORT;
			arguments->output = value;
			break;
		case OPTION_CREATE:
			arguments->mode = MODE_CREATE;
			break;
	}
	return ELECTRA_OK;
}

/* --framed or --sql; one at most. */
static electra_status
set_target(parser *parser, import_target target)
{
	if (parser->arguments->target != TARGET_FILE)
		return usage_error(parser->error, "%s", "--framed and --sql exclude each other");
	parser->arguments->target = target;
	return ELECTRA_OK;
}

/* One of the two places that a vocabulary comes from. */
static electra_status
set_vocabulary(parser *parser, vocabulary_origin origin, const char *file)
{
	random_preset *create = &parser->arguments->create;

	if (create->origin != VOCABULARY_NONE)
		return usage_error(parser->error, "%s", "--vocabulary and --vocabulary-stdin exclude each other");
	create->origin = origin;
	create->vocabulary_file = file;
	return ELECTRA_OK;
}

static electra_status
set_option(parser *parser, int option, const char *value)
{
	arguments  *arguments = parser->arguments;
	int32_t    *member = shape_member(&arguments->create.shape, option);

	if (member != NULL)
		return parse_number(parser, option, value, member);
	switch (option)
	{
		case 'h':
		case 'V':
		case OPTION_INSPECT:
		case OPTION_EXPORT:
		case OPTION_CREATE:
			return set_mode(parser, option, value);
		case OPTION_FRAMED:
			return set_target(parser, TARGET_FRAMES);
		case OPTION_SQL:
			return set_target(parser, TARGET_SQL);
		case 'o':
			arguments->output = value;
			return ELECTRA_OK;
		case OPTION_NAME:
			arguments->name = value;
			return ELECTRA_OK;
		case OPTION_VOCABULARY:
			return set_vocabulary(parser, VOCABULARY_FILE, value);
		case OPTION_VOCABULARY_STDIN:
			return set_vocabulary(parser, VOCABULARY_STDIN, NULL);
		case OPTION_DROPOUT:
			return parse_dropout(parser, value);
		default:
			return set_load_option(parser, option, value);
	}
}

/* An argument of Keras-Hub's constructor that must be given. */
static electra_status
missing(parser *parser, int option)
{
	char		name[32];

	electra_fail(parser->error, ELECTRA_INVALID_ARGUMENT, "%s is missing", argument_name(option, name));
	if (option == OPTION_VOCAB_SIZE)
		electra_fail_detail(parser->error, "Without a vocabulary the number of token ids must be given.");
	if (parser->arguments->target != TARGET_FRAMES)
		electra_fail_hint(parser->error, "Give --%s; try \"electra-import --help\".", option_name(option));
	return ELECTRA_INVALID_ARGUMENT;
}

/* What Keras-Hub's constructor demands, and what it defaults. */
static electra_status
check_create(parser *parser)
{
	static const int required[] = {
		OPTION_NUM_LAYERS, OPTION_NUM_HEADS, OPTION_HIDDEN_DIM, OPTION_INTERMEDIATE_DIM
	};
	random_preset *create = &parser->arguments->create;

	if (create->origin == VOCABULARY_NONE && !parser->seen[OPTION_VOCAB_SIZE])
		return missing(parser, OPTION_VOCAB_SIZE);
	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
	{
		if (!parser->seen[required[i]])
			return missing(parser, required[i]);
	}
	if (!parser->seen[OPTION_EMBEDDING_DIM])
		create->shape.embedding_dim = create->shape.hidden_dim;
	if (parser->arguments->options.keep_dtype)
		return bad_value(parser, OPTION_DTYPE, "source", "float32, float16, bfloat16 or int8");
	/* random weights stand for nothing that could be lost */
	if (!parser->seen[OPTION_MIN_COSINE])
		parser->arguments->options.min_cosine = 0;
	if (parser->arguments->target == TARGET_SQL && !parser->seen[OPTION_NAME])
		return usage_error(parser->error, "option --%s is missing", "name");
	return ELECTRA_OK;
}

static electra_status
check_seed(parser *parser)
{
	if (!parser->seen[OPTION_SEED] || !parser->arguments->options.load_weights)
		return ELECTRA_OK;
	electra_fail(parser->error, ELECTRA_INVALID_ARGUMENT, "seed has no meaning here");
	electra_fail_detail(parser->error, "The preset's own weights are loaded; a seed is for random ones.");
	electra_fail_hint(parser->error, "Leave the seed out, or ask for random weights with load_weights => false "
					  "(electra-import: --no-weights).");
	return ELECTRA_INVALID_ARGUMENT;
}

/* Directory or archive: one, and none where a preset is created. */
static electra_status
check_operands(parser *parser, int num_operands)
{
	import_mode mode = parser->arguments->mode;

	if (mode == MODE_CREATE)
		return num_operands == 0 ? ELECTRA_OK :
			usage_error(parser->error, "unexpected argument \"%s\"", parser->arguments->input);
	if (num_operands == 1)
		return ELECTRA_OK;
	if (num_operands > 1)
		return usage_error(parser->error, "%s", "too many arguments");
	return usage_error(parser->error, "%s is missing", mode == MODE_IMPORT ? "the directory" : "the archive");
}

/* What was given against what mode and target take. */
static electra_status
check_arguments(parser *parser, int num_operands)
{
	const arguments *arguments = parser->arguments;
	electra_status status = ELECTRA_OK;

	if (arguments->mode == MODE_HELP || arguments->mode == MODE_VERSION)
		return ELECTRA_OK;
	for (size_t i = 0; i < NUM_RULES; i++)
	{
		if (parser->seen[rules[i].value] &&
			((rules[i].modes >> arguments->mode & 1) == 0 || (rules[i].targets >> arguments->target & 1) == 0))
			return usage_error(parser->error, "option --%s has no meaning here", rules[i].name);
	}
	if (arguments->mode == MODE_CREATE)
		status = check_create(parser);
	else if (arguments->mode == MODE_IMPORT)
		status = check_seed(parser);
	if (status == ELECTRA_OK)
		status = check_operands(parser, num_operands);
	if (status == ELECTRA_OK && (arguments->mode == MODE_IMPORT || arguments->mode == MODE_CREATE) &&
		arguments->target == TARGET_FILE && arguments->output == NULL)
		status = usage_error(parser->error, "option --%s is missing", "output");
	return status;
}

bool
arguments_framed(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], "--framed") == 0;
}

static void
set_defaults(arguments *arguments)
{
	electra_config *shape = &arguments->create.shape;

	memset(arguments, 0, sizeof(*arguments));
	arguments->options.load_weights = true;
	arguments->options.normalize = -1;
	arguments->options.min_cosine = CALIBRATION_MIN_COSINE;
	shape->max_sequence_length = DEFAULT_MAX_SEQUENCE_LENGTH;
	shape->num_segments = DEFAULT_NUM_SEGMENTS;
	shape->dropout = DEFAULT_DROPOUT;
	shape->activation = ELECTRA_GELU_TANH;
	shape->layer_norm_eps = KERAS_LAYER_NORM_EPS;
}

electra_status
arguments_parse(int argc, char **argv, arguments *arguments, electra_error *error)
{
	struct option long_options[NUM_RULES + 1] = {{0}};
	parser		parser = {.arguments = arguments, .error = error};
	bool		framed = arguments_framed(argc, argv);	/* getopt_long will move things */
	int			option;

	for (size_t i = 0; i < NUM_RULES; i++)
		long_options[i] = (struct option) {rules[i].name, rules[i].has_value, NULL, rules[i].value};
	set_defaults(arguments);
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
	if (arguments->target == TARGET_FRAMES && !framed)
		return usage_error(error, "--%s must be the first argument", "framed");
	if (optind < argc)
		arguments->input = argv[optind];
	return check_arguments(&parser, argc - optind);
}
