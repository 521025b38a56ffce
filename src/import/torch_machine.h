/*
 * Stack, marks and memo of the restricted pickle machine (torch_pickle.c), all
 * of them bounded.
 *
 * Functions that can fail return false and have set *error.
 */
#ifndef ELECTRA_TORCH_MACHINE_H
#define ELECTRA_TORCH_MACHINE_H

#include "import/torch_input.h"
#include "import/torch_value.h"

#define TORCH_MAX_STACK (1 << 16)
#define TORCH_MAX_MARKS 256		/* a state_dict nests six */

typedef struct torch_machine
{
	torch_input *input;
	torch_values *values;
	electra_error *error;
	uint64_t	opcode_at;		/* position of the opcode in the file */

	torch_value *stack[TORCH_MAX_STACK];
	int			depth;
	int			marks[TORCH_MAX_MARKS];	/* depths */
	int			num_marks;
	torch_value **memo;			/* released with free() */
	uint32_t	memo_size;
	uint32_t	memo_next;		/* of MEMOIZE */
} torch_machine;

/* Fails with what is wrong (torch_out_of_memory as such) at the current opcode. */
extern bool machine_fail(torch_machine *m, const char *why);

/* Pushes a value; NULL fails with why. */
extern bool machine_push(torch_machine *m, torch_value *value, const char *why);
extern bool machine_push_kind(torch_machine *m, torch_kind kind);
extern bool machine_push_integer(torch_machine *m, torch_kind kind, int64_t integer);

/* Values above the last mark, which are all that an opcode may take. */
extern int	machine_above_mark(const torch_machine *m);
extern bool machine_need(torch_machine *m, int count);

extern bool machine_put_mark(torch_machine *m);

/* Takes off a mark and what is above it: *items stay valid until the next push. */
extern bool machine_take_marked(torch_machine *m, torch_value ***items, int *count);

/* Pushes a tuple of the count topmost values, or a container of the marked ones. */
extern bool machine_push_tuple(torch_machine *m, int count);
extern bool machine_push_marked(torch_machine *m, torch_kind kind);

/* Adds the count topmost values, or the marked ones, to the list or dictionary below them. */
extern bool machine_extend_by(torch_machine *m, torch_kind kind, int count);
extern bool machine_extend_marked(torch_machine *m, torch_kind kind);

/* Remembers the top of the stack under a number. */
extern bool machine_memo_put(torch_machine *m, uint64_t index);

#endif							/* ELECTRA_TORCH_MACHINE_H */
