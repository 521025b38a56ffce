/*
 * Stack, marks and memo of the restricted pickle machine.
 */
#include "import/torch_machine.h"

#include <stdlib.h>
#include <string.h>

/* What is wrong, with the place; false, so that it can be returned. */
bool
machine_fail(torch_machine *m, const char *why)
{
	char		quoted[SOURCE_QUOTE_SIZE];

	if (why == torch_out_of_memory)
	{
		electra_fail(m->error, ELECTRA_OUT_OF_MEMORY, "out of memory");
		return false;
	}
	electra_fail(m->error, ELECTRA_INVALID_SOURCE, "the pickle in file \"%s\" is not that of a checkpoint",
				 source_quote(m->input->name, quoted));
	electra_fail_detail(m->error, "At byte %llu: %s.", (unsigned long long) m->opcode_at, why);
	electra_fail_hint(m->error, "Nothing in the file has been executed. If it is what torch.save() wrote, "
					  "convert it to safetensors with transformers' save_pretrained().");
	return false;
}

/* ---- stack ---------------------------------------------------------------- */

/* value may be NULL: then *why holds. */
bool
machine_push(torch_machine *m, torch_value *value, const char *why)
{
	if (value == NULL)
		return machine_fail(m, why);
	if (m->depth == TORCH_MAX_STACK)
		return machine_fail(m, "the stack is too deep");
	m->stack[m->depth++] = value;
	return true;
}

bool
machine_push_kind(torch_machine *m, torch_kind kind)
{
	const char *why = NULL;
	torch_value *value = torch_value_make(m->values, kind, &why);

	return machine_push(m, value, why);
}

bool
machine_push_integer(torch_machine *m, torch_kind kind, int64_t integer)
{
	const char *why = NULL;
	torch_value *value = torch_value_make(m->values, kind, &why);

	if (value != NULL)
		value->integer = integer;
	return machine_push(m, value, why);
}

/* Values above the last mark. */
int
machine_above_mark(const torch_machine *m)
{
	return m->depth - (m->num_marks > 0 ? m->marks[m->num_marks - 1] : 0);
}

/* Are there count values, none of them below a mark? */
bool
machine_need(torch_machine *m, int count)
{
	return machine_above_mark(m) >= count || machine_fail(m, "the stack is empty");
}

bool
machine_put_mark(torch_machine *m)
{
	if (m->num_marks == TORCH_MAX_MARKS)
		return machine_fail(m, "it is nested too deeply");
	m->marks[m->num_marks++] = m->depth;
	return true;
}

/* Takes off a mark and what is above it: *items stay valid until the next push. */
bool
machine_take_marked(torch_machine *m, torch_value ***items, int *count)
{
	*items = m->stack;
	*count = 0;
	if (m->num_marks == 0)
		return machine_fail(m, "there is no mark");
	*count = machine_above_mark(m);
	m->depth -= *count;
	*items = &m->stack[m->depth];
	m->num_marks--;
	return true;
}

/* ---- containers ----------------------------------------------------------- */

/* Pushes a new container that holds items, which may lie on top of the stack. */
static bool
push_container(torch_machine *m, torch_kind kind, torch_value *const *items, int count)
{
	const char *why = NULL;
	torch_value *value = torch_value_make(m->values, kind, &why);

	if (value != NULL && !torch_value_append(m->values, value, items, count, &why))
		value = NULL;
	return machine_push(m, value, why);
}

bool
machine_push_tuple(torch_machine *m, int count)
{
	if (!machine_need(m, count))
		return false;
	m->depth -= count;
	return push_container(m, TORCH_TUPLE, &m->stack[m->depth], count);
}

bool
machine_push_marked(torch_machine *m, torch_kind kind)
{
	torch_value **items;
	int			count;

	if (!machine_take_marked(m, &items, &count))
		return false;
	if (kind == TORCH_DICT && count % 2 != 0)
		return machine_fail(m, "a dictionary has a key without value");
	return push_container(m, kind, items, count);
}

/* Adds items, which are off the stack already, to the container on top of it. */
static bool
extend(torch_machine *m, torch_kind kind, torch_value *const *items, int count)
{
	const char *why = NULL;
	torch_value *container;

	if (!machine_need(m, 1))
		return false;
	container = m->stack[m->depth - 1];
	if (container->kind != kind)
		return machine_fail(m, kind == TORCH_LIST ? "items are added to what is no list" :
					"keys are added to what is no dictionary");
	if (kind == TORCH_DICT && count % 2 != 0)
		return machine_fail(m, "a dictionary has a key without value");
	return torch_value_append(m->values, container, items, count, &why) || machine_fail(m, why);
}

bool
machine_extend_by(torch_machine *m, torch_kind kind, int count)
{
	if (!machine_need(m, count + 1))
		return false;
	m->depth -= count;
	return extend(m, kind, &m->stack[m->depth], count);
}

bool
machine_extend_marked(torch_machine *m, torch_kind kind)
{
	torch_value **items;
	int			count;

	return machine_take_marked(m, &items, &count) && extend(m, kind, items, count);
}

/* ---- memo ----------------------------------------------------------------- */

/* Remembers the top of the stack under a number. */
bool
machine_memo_put(torch_machine *m, uint64_t index)
{
	if (!machine_need(m, 1))
		return false;
	if (index >= TORCH_MAX_VALUES)
		return machine_fail(m, "the memo is too large");
	if (index >= m->memo_size)
	{
		uint32_t	size = m->memo_size == 0 ? 256 : m->memo_size;
		torch_value **grown;

		while (size <= index)
			size *= 2;
		grown = realloc(m->memo, size * sizeof(*grown));
		if (grown == NULL)
			return machine_fail(m, torch_out_of_memory);
		memset(grown + m->memo_size, 0, (size - m->memo_size) * sizeof(*grown));
		m->memo = grown;
		m->memo_size = size;
	}
	m->memo[index] = m->stack[m->depth - 1];
	return true;
}
