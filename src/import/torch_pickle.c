/*
 * The opcodes of a restricted pickle.
 */
#include "import/torch_pickle.h"

#include <stdlib.h>
#include <string.h>

#include "core/canonical_json.h"
#include "import/torch_globals.h"
#include "import/torch_machine.h"

#define HIGHEST_PROTOCOL 5
#define MAX_GLOBAL_NAME 256

/* The opcodes that are read, with their names in pickletools. */
enum
{
	MARK = '(', STOP = '.', POP = '0', POP_MARK = '1', DUP = '2', BINBYTES = 'B', SHORT_BINBYTES = 'C',
	BINFLOAT = 'G', BININT = 'J', BININT1 = 'K', BININT2 = 'M', NONE = 'N', BINPERSID = 'Q', REDUCE = 'R',
	BINSTRING = 'T', SHORT_BINSTRING = 'U', BINUNICODE = 'X', EMPTY_LIST = ']', APPEND = 'a', BUILD = 'b',
	GLOBAL = 'c', DICT = 'd', APPENDS = 'e', BINGET = 'h', INST = 'i', LONG_BINGET = 'j', LIST = 'l',
	BINPUT = 'q', LONG_BINPUT = 'r', SETITEM = 's', TUPLE = 't', SETITEMS = 'u', EMPTY_DICT = '}',
	EMPTY_TUPLE = ')', PROTO = 0x80, TUPLE1 = 0x85, TUPLE2 = 0x86, TUPLE3 = 0x87, NEWTRUE = 0x88,
	NEWFALSE = 0x89, LONG1 = 0x8a, LONG4 = 0x8b, SHORT_BINUNICODE = 0x8c, BINUNICODE8 = 0x8d,
	BINBYTES8 = 0x8e, STACK_GLOBAL = 0x93, MEMOIZE = 0x94, FRAME = 0x95
};

static bool
fail_opcode(torch_machine *m, int opcode)
{
	char		quoted[SOURCE_QUOTE_SIZE];

	electra_fail(m->error, ELECTRA_UNSUPPORTED, "the pickle in file \"%s\" has an opcode that no checkpoint needs",
				 source_quote(m->input->name, quoted));
	electra_fail_detail(m->error, "At byte %llu: 0x%02x.", (unsigned long long) m->opcode_at, opcode);
	electra_fail_hint(m->error, "Nothing in the file has been executed.");
	return false;
}

/* A name that is not allowed: what malicious pickles live on. */
static bool
fail_global(torch_machine *m, const char *module, const char *name)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	char		quoted_module[SOURCE_QUOTE_SIZE];
	char		quoted_name[SOURCE_QUOTE_SIZE];

	electra_fail(m->error, ELECTRA_UNSUPPORTED, "the pickle in file \"%s\" names %s.%s",
				 source_quote(m->input->name, quoted), source_quote(module, quoted_module),
				 source_quote(name, quoted_name));
	electra_fail_detail(m->error, "At byte %llu; only torch's tensors and storages and "
						"collections.OrderedDict are read.", (unsigned long long) m->opcode_at);
	electra_fail_hint(m->error, "Nothing in the file has been executed. If you trust where it comes from, "
					  "convert it to safetensors with transformers' save_pretrained().");
	return false;
}

/* ---- atoms ---------------------------------------------------------------- */

/* Reads a little-endian number of width bytes. */
static bool
read_number(torch_machine *m, int width, uint64_t *number)
{
	unsigned char bytes[8];

	if (torch_input_read(m->input, bytes, (size_t) width, m->error) != ELECTRA_OK)
		return false;
	*number = 0;
	for (int i = 0; i < width; i++)
		*number |= (uint64_t) bytes[i] << 8 * i;
	return true;
}

/* An unsigned number, or the signed one of four bytes. */
static bool
push_number(torch_machine *m, int width, bool is_signed)
{
	uint64_t	number;

	return read_number(m, width, &number) &&
		machine_push_integer(m, TORCH_INT, is_signed ? (int32_t) (uint32_t) number : (int64_t) number);
}

/* Only its being a number matters. */
static bool
push_float(torch_machine *m)
{
	uint64_t	ignored;

	return read_number(m, 8, &ignored) && machine_push_kind(m, TORCH_FLOAT);
}

/* A text or a run of bytes whose size stands in width bytes; text must be UTF-8 without NUL. */
static bool
push_text(torch_machine *m, int width, torch_kind kind)
{
	const char *why = NULL;
	torch_value *value;
	uint64_t	size;

	if (!read_number(m, width, &size))
		return false;
	if (size > m->input->end - m->input->position)
		return machine_fail(m, "a text is longer than the file");
	value = torch_value_make_text(m->values, kind, (size_t) size, &why);
	if (value == NULL)
		return machine_fail(m, why);
	if (torch_input_read(m->input, value->text, value->size, m->error) != ELECTRA_OK)
		return false;
	if (kind == TORCH_TEXT &&
		(strlen(value->text) != value->size || !electra_json_utf8_valid(value->text, value->size)))
		return machine_fail(m, "a text is not UTF-8, or holds a NUL");
	return machine_push(m, value, why);
}

/* An integer of any size: two's complement, little-endian. */
static bool
push_long(torch_machine *m, int width)
{
	const char *why = NULL;
	torch_value *value;
	uint64_t	size;
	uint64_t	integer = 0;

	if (!read_number(m, width, &size))
		return false;
	if (size > 255)
		return machine_fail(m, "an integer is too large");
	value = torch_value_make_text(m->values, TORCH_LONG, (size_t) size, &why);
	if (value == NULL)
		return machine_fail(m, why);
	if (torch_input_read(m->input, value->text, value->size, m->error) != ELECTRA_OK)
		return false;
	if (size > 8)
		return machine_push(m, value, why);
	for (int i = 0; i < 8; i++)
	{
		bool		negative = size > 0 && (value->text[size - 1] & 0x80) != 0;
		unsigned char byte = negative ? 0xff : 0;

		if ((uint64_t) i < size)
			byte = (unsigned char) value->text[i];
		integer |= (uint64_t) byte << 8 * i;
	}
	return machine_push_integer(m, TORCH_INT, (int64_t) integer);
}

static bool
memo_put_read(torch_machine *m, int width)
{
	uint64_t	index;

	return read_number(m, width, &index) && machine_memo_put(m, index);
}

static bool
memo_get(torch_machine *m, int width)
{
	uint64_t	index;

	if (!read_number(m, width, &index))
		return false;
	if (index >= m->memo_size || m->memo[index] == NULL)
		return machine_fail(m, "the memo has no such number");
	return machine_push(m, m->memo[index], NULL);
}

/* ---- names and calls ------------------------------------------------------ */

static bool
push_global(torch_machine *m, const char *module, const char *name)
{
	const char *why = NULL;
	const torch_global *global = torch_global_find(module, name);
	torch_value *value;

	if (global == NULL)
		return fail_global(m, module, name);
	value = torch_value_make(m->values, TORCH_GLOBAL, &why);
	if (value != NULL)
		value->global = global;
	return machine_push(m, value, why);
}

/* One of the two lines of GLOBAL. */
static bool
read_line(torch_machine *m, char line[MAX_GLOBAL_NAME])
{
	for (int i = 0; i < MAX_GLOBAL_NAME; i++)
	{
		if (torch_input_read(m->input, &line[i], 1, m->error) != ELECTRA_OK)
			return false;
		if (line[i] == '\n')
		{
			line[i] = '\0';
			return true;
		}
		if (line[i] < 0x20 || line[i] > 0x7e)
			return machine_fail(m, "a name is not plain ASCII");
	}
	return machine_fail(m, "a name is too long");
}

static bool
global(torch_machine *m)
{
	char		module[MAX_GLOBAL_NAME];
	char		name[MAX_GLOBAL_NAME];

	return read_line(m, module) && read_line(m, name) && push_global(m, module, name);
}

/* INST calls what it names: no checkpoint has it, but the name is worth telling. */
static bool
refuse_instance(torch_machine *m)
{
	char		module[MAX_GLOBAL_NAME];
	char		name[MAX_GLOBAL_NAME];

	return read_line(m, module) && read_line(m, name) && fail_global(m, module, name);
}

static bool
stack_global(torch_machine *m)
{
	const torch_value *module;
	const torch_value *name;

	if (!machine_need(m, 2))
		return false;
	m->depth -= 2;
	module = m->stack[m->depth];
	name = m->stack[m->depth + 1];
	if (module->kind != TORCH_TEXT || name->kind != TORCH_TEXT)
		return machine_fail(m, "a name is not a text");
	return push_global(m, module->text, name->text);
}

static bool
reduce(torch_machine *m)
{
	const char *why = NULL;
	const torch_value *function;
	torch_value *arguments;
	torch_value *result;

	if (!machine_need(m, 2))
		return false;
	m->depth -= 2;
	function = m->stack[m->depth];
	arguments = m->stack[m->depth + 1];
	if (function->kind != TORCH_GLOBAL || arguments->kind != TORCH_TUPLE)
		return machine_fail(m, "what is called is no function with its arguments");
	result = torch_global_call(m->values, function->global, arguments, &why);
	return machine_push(m, result, why);
}

/* The attributes of an object: a state_dict has _metadata, which says nothing about its tensors. */
static bool
build(torch_machine *m)
{
	if (!machine_need(m, 2))
		return false;
	m->depth--;
	if (m->stack[m->depth - 1]->kind != TORCH_DICT || m->stack[m->depth]->kind != TORCH_DICT)
		return machine_fail(m, "attributes are set of what is no dictionary");
	return true;
}

static bool
persistent(torch_machine *m)
{
	const char *why = NULL;
	torch_value *storage;

	if (!machine_need(m, 1))
		return false;
	m->depth--;
	if (m->stack[m->depth]->kind != TORCH_TUPLE)
		return machine_fail(m, "a persistent id is not that of a storage");
	storage = torch_persistent_storage(m->values, m->stack[m->depth], &why);
	return machine_push(m, storage, why);
}

static bool
check_protocol(torch_machine *m)
{
	uint64_t	protocol;

	if (!read_number(m, 1, &protocol))
		return false;
	return protocol <= HIGHEST_PROTOCOL || machine_fail(m, "its protocol is unknown");
}

/* Frames say only how much the reader may read ahead. */
static bool
check_frame(torch_machine *m)
{
	uint64_t	size;

	if (!read_number(m, 8, &size))
		return false;
	return size <= m->input->end - m->input->position || machine_fail(m, "a frame is longer than the file");
}

/* ---- opcodes -------------------------------------------------------------- */

/* Takes off the top of the stack. */
static bool
pop(torch_machine *m)
{
	/* as in Python, directly above a mark it takes the mark */
	if (machine_above_mark(m) == 0 && m->num_marks > 0)
		m->num_marks--;
	else if (machine_need(m, 1))
		m->depth--;
	else
		return false;
	return true;
}

static bool
pop_marked(torch_machine *m)
{
	torch_value **items;
	int			count;

	return machine_take_marked(m, &items, &count);
}

static bool
duplicate(torch_machine *m)
{
	return machine_need(m, 1) && machine_push(m, m->stack[m->depth - 1], NULL);
}

static bool
execute(torch_machine *m, int opcode)
{
	switch (opcode)
	{
		case PROTO:
			return check_protocol(m);
		case FRAME:
			return check_frame(m);
		case MARK:
			return machine_put_mark(m);
		case POP:
			return pop(m);
		case POP_MARK:
			return pop_marked(m);
		case DUP:
			return duplicate(m);

		case NONE:
			return machine_push_kind(m, TORCH_NONE);
		case NEWTRUE:
		case NEWFALSE:
			return machine_push_integer(m, TORCH_BOOL, opcode == NEWTRUE);
		case BININT:
			return push_number(m, 4, true);
		case BININT1:
			return push_number(m, 1, false);
		case BININT2:
			return push_number(m, 2, false);
		case LONG1:
			return push_long(m, 1);
		case LONG4:
			return push_long(m, 4);
		case BINFLOAT:
			return push_float(m);
		case SHORT_BINUNICODE:
		case SHORT_BINSTRING:	/* what Python 2 wrote for names */
			return push_text(m, 1, TORCH_TEXT);
		case BINUNICODE:
		case BINSTRING:
			return push_text(m, 4, TORCH_TEXT);
		case BINUNICODE8:
			return push_text(m, 8, TORCH_TEXT);
		case SHORT_BINBYTES:
			return push_text(m, 1, TORCH_BYTES);
		case BINBYTES:
			return push_text(m, 4, TORCH_BYTES);
		case BINBYTES8:
			return push_text(m, 8, TORCH_BYTES);

		case EMPTY_TUPLE:
			return machine_push_kind(m, TORCH_TUPLE);
		case TUPLE1:
		case TUPLE2:
		case TUPLE3:
			return machine_push_tuple(m, opcode - TUPLE1 + 1);
		case TUPLE:
			return machine_push_marked(m, TORCH_TUPLE);
		case EMPTY_LIST:
			return machine_push_kind(m, TORCH_LIST);
		case LIST:
			return machine_push_marked(m, TORCH_LIST);
		case APPEND:
			return machine_extend_by(m, TORCH_LIST, 1);
		case APPENDS:
			return machine_extend_marked(m, TORCH_LIST);
		case EMPTY_DICT:
			return machine_push_kind(m, TORCH_DICT);
		case DICT:
			return machine_push_marked(m, TORCH_DICT);
		case SETITEM:
			return machine_extend_by(m, TORCH_DICT, 2);
		case SETITEMS:
			return machine_extend_marked(m, TORCH_DICT);

		case BINPUT:
			return memo_put_read(m, 1);
		case LONG_BINPUT:
			return memo_put_read(m, 4);
		case MEMOIZE:
			return machine_memo_put(m, m->memo_next++);
		case BINGET:
			return memo_get(m, 1);
		case LONG_BINGET:
			return memo_get(m, 4);

		case GLOBAL:
			return global(m);
		case STACK_GLOBAL:
			return stack_global(m);
		case INST:
			return refuse_instance(m);
		case REDUCE:
			return reduce(m);
		case BUILD:
			return build(m);
		case BINPERSID:
			return persistent(m);
	}
	return fail_opcode(m, opcode);
}

/* Until STOP; then exactly one value is left. */
static bool
run(torch_machine *m)
{
	uint64_t	begin = m->input->position;

	for (;;)
	{
		unsigned char opcode;

		m->opcode_at = m->input->position;
		if (m->opcode_at - begin >= TORCH_MAX_PICKLE)
			return machine_fail(m, "it is too large");
		if (torch_input_read(m->input, &opcode, 1, m->error) != ELECTRA_OK)
			return false;
		if (opcode == STOP)
			break;
		if (!execute(m, opcode))
			return false;
	}
	return (m->depth == 1 && m->num_marks == 0) || machine_fail(m, "it does not end with one value");
}

electra_status
torch_pickle_read(torch_input *input, torch_values *values, torch_value **root, electra_error *error)
{
	torch_machine *m = malloc(sizeof(*m));
	bool		out_of_memory;

	if (m == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	m->input = input;
	m->values = values;
	m->error = error;
	m->depth = 0;
	m->num_marks = 0;
	m->memo = NULL;
	m->memo_size = 0;
	m->memo_next = 0;
	error->status = ELECTRA_OK;
	if (run(m))
	{
		*root = m->stack[0];
		if (torch_value_is_cyclic(*root, &out_of_memory))
			machine_fail(m, "a value holds itself");
		else if (out_of_memory)
			machine_fail(m, torch_out_of_memory);
	}
	free(m->memo);
	free(m);
	return error->status;
}
