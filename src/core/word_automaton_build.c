/*
 * Building the automaton: the nodes of a trie are given places in a double
 * array, then failure links and pops are computed level by level (arXiv
 * 2012.15524, algorithm 2).
 */
#include "word_automaton.h"

/*
 * Places are handed out in blocks of 256, which is as far as base ^ byte
 * reaches.  Only the last blocks are searched for room, and only so many
 * places of them for one node, which bounds the work; what is left free in
 * older blocks is the price (a few percent).
 */
#define BLOCK 256u
#define WINDOW 4096u
#define NO_PLACE UINT32_MAX
#define MAX_TRIES 512

/* Bits of arrangement.taken. */
#define TAKEN_STATE 1
#define TAKEN_BASE 2

/* No failure link has been computed yet. */
#define FAIL_OPEN (UINT32_MAX - 2)

typedef struct arrangement
{
	const electra_trie *trie;
	uint32_t	root;
	uint32_t	end;
	const electra_allocator *memory;
	electra_word_state *states; /* (max_states) */
	uint32_t	max_states;
	uint32_t	num_states;		/* a multiple of BLOCK */
	uint32_t   *place;			/* (end - root) the state of a node */
	uint32_t   *pops;			/* (max_pops) */
	uint32_t	max_pops;
	uint32_t	num_pops;
	uint32_t	continuing;

	/* the last WINDOW places, each at its number modulo WINDOW */
	uint8_t		taken[WINDOW];
	uint16_t	next[WINDOW + 1];	/* ring of the free ones; WINDOW is its
									 * begin and end */
	uint16_t	previous[WINDOW + 1];
} arrangement;

static void
unlink_place(arrangement *a, uint32_t slot)
{
	a->next[a->previous[slot]] = a->next[slot];
	a->previous[a->next[slot]] = a->previous[slot];
}

/* One more block of free places; the oldest of the window goes.  false: over the bound. */
static bool
add_block(arrangement *a)
{
	uint32_t	first = a->num_states % WINDOW;

	if (a->num_states + BLOCK > a->max_states)
		return false;
	for (uint32_t slot = first; slot < first + BLOCK; slot++)
	{
		if (a->num_states >= WINDOW && !(a->taken[slot] & TAKEN_STATE))
			unlink_place(a, slot);
		a->taken[slot] = 0;
		a->previous[slot] = a->previous[WINDOW];
		a->next[slot] = WINDOW;
		a->next[a->previous[slot]] = (uint16_t) slot;
		a->previous[WINDOW] = (uint16_t) slot;
		a->states[a->num_states + slot - first] =
			(electra_word_state) {.fail = ELECTRA_FAIL_UNKNOWN};
	}
	a->num_states += BLOCK;
	return true;
}

/* The place that a slot of the window stands for. */
static uint32_t
place_of_slot(const arrangement *a, uint32_t slot)
{
	return a->num_states - 1 - ((a->num_states - 1 - slot) & (WINDOW - 1));
}

/* Is a base that gives the first child this place possible for all children? */
static bool
fits(const arrangement *a, uint32_t base, const uint8_t *bytes, uint32_t num_children)
{
	if (base == 0 || (a->taken[base % WINDOW] & TAKEN_BASE))
		return false;
	for (uint32_t i = 0; i < num_children; i++)
	{
		if (a->taken[(base ^ bytes[i]) % WINDOW] & TAKEN_STATE)
			return false;
	}
	return true;
}

/* A base for children with these bytes, or NO_PLACE: over the bound. */
static uint32_t
find_base(arrangement *a, const uint8_t *bytes, uint32_t num_children)
{
	uint32_t	slot = a->next[WINDOW];

	for (int tries = 0; slot != WINDOW && tries < MAX_TRIES; tries++)
	{
		uint32_t	base = place_of_slot(a, slot) ^ bytes[0];

		if (fits(a, base, bytes, num_children))
			return base;
		slot = a->next[slot];
	}
	if (!add_block(a))
		return NO_PLACE;
	/* bytes are not 0, so that in a new block any base has room */
	return a->num_states - BLOCK;
}

static void
take_state(arrangement *a, uint32_t place, uint8_t label)
{
	a->taken[place % WINDOW] |= TAKEN_STATE;
	unlink_place(a, place % WINDOW);
	a->states[place] = (electra_word_state) {.unit = label, .fail = FAIL_OPEN};
}

/* Gives every node a place.  false: over the bounds. */
static bool
arrange(arrangement *a)
{
	if (!add_block(a))
		return false;
	take_state(a, ELECTRA_WORD_START, 0);
	a->place[0] = ELECTRA_WORD_START;
	for (uint32_t node = a->root; node < a->end; node++)
	{
		const electra_trie_node *parent = &a->trie->nodes[node];
		const uint8_t *bytes = a->trie->bytes + parent->first_child;
		uint32_t	base;

		if (parent->num_children == 0)
			continue;
		base = find_base(a, bytes, parent->num_children);
		if (base == NO_PLACE)
			return false;
		a->taken[base % WINDOW] |= TAKEN_BASE;
		a->states[a->place[node - a->root]].unit |= base << 8;
		for (uint32_t i = 0; i < parent->num_children; i++)
		{
			uint32_t	place = base ^ bytes[i];

			a->place[parent->first_child + i - a->root] = place;
			take_state(a, place, bytes[i]);
		}
	}
	return true;
}

/* The pops of a state as a list. */
static const uint32_t *
list_of(const arrangement *a, const electra_word_state *state, uint32_t *count)
{
	if (!(state->pops & ELECTRA_POPS_LIST))
	{
		*count = 1;
		return &state->pops;
	}
	*count = a->pops[state->pops & ~ELECTRA_POPS_LIST];
	return a->pops + (state->pops & ~ELECTRA_POPS_LIST) + 1;
}

/* Appends the pops of a state to the list that begins at a place.  false: no room. */
static bool
append_pops(arrangement *a, uint32_t list, const electra_word_state *state)
{
	uint32_t	count;
	const uint32_t *ids = list_of(a, state, &count);

	if (count > a->max_pops - a->num_pops)
		return false;
	memcpy(a->pops + a->num_pops, ids, count * sizeof(*ids));
	a->num_pops += count;
	a->pops[list] += count;
	return true;
}

/*
 * Failure link and pops of a state whose string is no token: those of its
 * parent, and on from there until a state has a child by its byte.
 */
static void
follow_failures(arrangement *a, const electra_word_state *parent, electra_word_state *state)
{
	electra_automaton automaton = {.states = a->states, .num_states = a->num_states};
	uint8_t		byte = (uint8_t) state->unit;
	uint32_t	from = parent->fail;
	uint32_t	child = ELECTRA_MAX_STATES;
	uint32_t	list = a->num_pops;

	state->fail = from;
	state->pops = parent->pops;
	if (from >= a->num_states)
		return;
	child = electra_automaton_child(&automaton, from, byte);
	if (child != ELECTRA_MAX_STATES)
	{
		state->fail = child;
		return;
	}

	state->fail = ELECTRA_FAIL_NOT_KEPT;
	if (list == a->max_pops)
		return;
	a->pops[a->num_pops++] = 0;
	if (append_pops(a, list, parent))
	{
		while (from < a->num_states &&
			   (child = electra_automaton_child(&automaton, from, byte)) == ELECTRA_MAX_STATES &&
			   a->states[from].fail < a->num_states)
		{
			if (!append_pops(a, list, &a->states[from]))
				break;
			from = a->states[from].fail;
		}
		if (child != ELECTRA_MAX_STATES)
		{
			state->fail = child;
			state->pops = ELECTRA_POPS_LIST | list;
			return;
		}
		if (a->states[from].fail == ELECTRA_FAIL_UNKNOWN)
			state->fail = ELECTRA_FAIL_UNKNOWN;
	}
	a->num_pops = list;
}

/*
 * Failure links and pops of the children of nodes begin … *end - 1; the
 * children's range comes back.
 */
static void
link_children(arrangement *a, uint32_t *begin, uint32_t *end)
{
	uint32_t	first = 0;
	uint32_t	count = 0;

	for (uint32_t node = *begin; node < *end; node++)
	{
		const electra_trie_node *parent = &a->trie->nodes[node];

		if (parent->num_children > 0 && count == 0)
			first = parent->first_child;
		count += parent->num_children;
		for (uint32_t i = 0; i < parent->num_children; i++)
		{
			uint32_t	child = parent->first_child + i;
			electra_word_state *state = &a->states[a->place[child - a->root]];

			if (state->fail != FAIL_OPEN)
				continue;
			if (a->trie->nodes[child].value != ELECTRA_TRIE_NO_VALUE)
			{
				state->fail = a->continuing;
				state->pops = (uint32_t) a->trie->nodes[child].value;
			}
			else
				follow_failures(a, &a->states[a->place[node - a->root]], state);
		}
	}
	*begin = first;
	*end = first + count;
}

/*
 * Links all states, by the length of what they stand for in a word: what
 * continues a word is further down in the trie by the prefix, and is linked
 * before what begins one.
 */
static void
link_states(arrangement *a, uint32_t continuing)
{
	uint32_t	begin = a->root;
	uint32_t	end = a->root + 1;
	uint32_t	continuing_begin = continuing;
	uint32_t	continuing_end = continuing + 1;

	a->continuing = a->place[continuing - a->root];
	a->states[ELECTRA_WORD_START].fail = ELECTRA_FAIL_UNKNOWN;
	a->states[a->continuing].fail = ELECTRA_FAIL_UNKNOWN;
	while (begin < end || continuing_begin < continuing_end)
	{
		link_children(a, &continuing_begin, &continuing_end);
		link_children(a, &begin, &end);
	}
}

static bool
allocate(arrangement *a)
{
	uint32_t	num_nodes = a->end - a->root;
	const electra_allocator *memory = a->memory;

	a->max_states = (uint32_t) electra_automaton_max_states(num_nodes);
	if (a->max_states > ELECTRA_MAX_STATES)
		a->max_states = ELECTRA_MAX_STATES;
	a->max_pops = (uint32_t) electra_automaton_max_pops(num_nodes);
	a->states = memory->alloc(memory->context, a->max_states * sizeof(*a->states));
	a->pops = memory->alloc(memory->context, a->max_pops * sizeof(*a->pops));
	a->place = memory->alloc(memory->context, num_nodes * sizeof(*a->place));
	return a->states != NULL && a->pops != NULL && a->place != NULL;
}

bool
electra_automaton_build(const electra_trie *trie, uint32_t root, uint32_t end, uint32_t continuing,
						const electra_allocator *memory, electra_automaton *automaton)
{
	arrangement *a;
	bool		enough;
	bool		arranged = false;

	*automaton = (electra_automaton) {0};
	if (root == ELECTRA_TRIE_NONE || continuing == ELECTRA_TRIE_NONE || end - root > ELECTRA_MAX_STATES)
		return true;
	a = memory->alloc(memory->context, sizeof(*a));
	if (a == NULL)
		return false;
	*a = (arrangement) {.trie = trie, .root = root, .end = end, .memory = memory};
	a->next[WINDOW] = a->previous[WINDOW] = WINDOW;
	enough = allocate(a);
	if (enough)
		arranged = arrange(a);
	memory->release(memory->context, arranged ? NULL : a->states);
	if (arranged)
	{
		link_states(a, continuing);
		*automaton = (electra_automaton) {
			.states = a->states,
			.pops = a->pops,
			.num_states = a->num_states,
			.num_pops = a->num_pops,
			.continuing = a->continuing
		};
	}
	else
		memory->release(memory->context, a->pops);
	memory->release(memory->context, a->place);
	memory->release(memory->context, a);
	return enough;
}

void
electra_automaton_free(electra_automaton *automaton, const electra_allocator *memory)
{
	memory->release(memory->context, (void *) automaton->states);
	memory->release(memory->context, (void *) automaton->pops);
	*automaton = (electra_automaton) {0};
}
