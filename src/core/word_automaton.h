/*
 * WordPiece's greedy longest match as an automaton that never goes back
 * (LinMaxMatch: Song et al., "Fast WordPiece Tokenization", arXiv 2012.15524):
 * the trie of the vocabulary in a double array; where no child follows, a
 * state's failure link leads on and its pops are the tokens that the greedy
 * match takes on the way.  A byte costs one transition, and there are no more
 * failures than transitions.
 */
#ifndef ELECTRA_WORD_AUTOMATON_H
#define ELECTRA_WORD_AUTOMATON_H

#include "trie.h"

/*
 * A state as it lies in an image.  The child of a state by a byte other than 0
 * is state base ^ byte if that one's label is the byte; no two states that
 * have children share a base, so that no other state's child is met there.
 */
typedef struct electra_word_state
{
	uint32_t	unit;			/* base << 8 | label */
	uint32_t	fail;			/* a state, or one of the next two */
	uint32_t	pops;			/* a token id; or a list: ELECTRA_POPS_LIST | its
								 * place in the pops, its length stands first */
} electra_word_state;

#define ELECTRA_FAIL_UNKNOWN UINT32_MAX /* the word is unknown */
#define ELECTRA_FAIL_NOT_KEPT (UINT32_MAX - 1)	/* the pops had no room */

#define ELECTRA_POPS_LIST 0x80000000u
#define ELECTRA_WORD_START 0	/* the state before a word */
#define ELECTRA_MAX_STATES (1u << 24)

/* A built automaton, or a view of one in an image. */
typedef struct electra_automaton
{
	const electra_word_state *states;	/* (num_states); none: there is no
										 * automaton for this vocabulary */
	const uint32_t *pops;		/* (num_pops) */
	uint32_t	num_states;
	uint32_t	num_pops;
	uint32_t	continuing;		/* the state behind the continuing prefix: all
								 * of a word is matched */
} electra_automaton;

/* Bounds of what electra_automaton_build makes of a trie. */
static inline uint64_t
electra_automaton_max_states(uint64_t num_nodes)
{
	return num_nodes + num_nodes / 4 + 4096;
}

static inline uint64_t
electra_automaton_max_pops(uint64_t num_nodes)
{
	return num_nodes + 1024;
}

/*
 * Builds the automaton of the trie whose nodes are root … end - 1 in breadth
 * first order, its values token ids.  continuing is the node behind the
 * continuing prefix.  states and pops are allocated from memory and owned by
 * the caller (electra_automaton_free).  Without tokens that continue a word, or
 * over the bounds, there is no automaton: no states.  false: no memory.
 */
extern bool electra_automaton_build(const electra_trie *trie, uint32_t root, uint32_t end,
									uint32_t continuing, const electra_allocator *memory,
									electra_automaton *automaton);

extern void electra_automaton_free(electra_automaton *automaton, const electra_allocator *memory);

/* A word's pieces: no more than these, or the careful way is taken. */
#define ELECTRA_MAX_PIECES 256

typedef enum electra_match_result
{
	ELECTRA_MATCH_PIECES,		/* pieces are the word's tokens */
	ELECTRA_MATCH_UNKNOWN,		/* no tokens make the word */
	ELECTRA_MATCH_CAREFUL		/* not for the automaton: it begins with the
								 * continuing prefix, or needs what is not
								 * kept */
} electra_match_result;

/* A word on its way through the automaton, byte by byte. */
typedef struct electra_match
{
	uint32_t	state;
	int32_t		num_pieces;
	electra_match_result result;	/* ELECTRA_MATCH_PIECES: so far */
	int32_t		pieces[ELECTRA_MAX_PIECES];
} electra_match;

static inline void
electra_match_begin(electra_match *match)
{
	match->state = ELECTRA_WORD_START;
	match->num_pieces = 0;
	match->result = ELECTRA_MATCH_PIECES;
}

/* The child of a state by a byte other than 0, or ELECTRA_MAX_STATES. */
static inline uint32_t
electra_automaton_child(const electra_automaton *automaton, uint32_t state, uint8_t byte)
{
	uint32_t	child = automaton->states[state].unit >> 8 ^ byte;

	if (child >= automaton->num_states || (uint8_t) automaton->states[child].unit != byte)
		return ELECTRA_MAX_STATES;
	return child;
}

/*
 * No child follows: takes the pops and the failure link.  false: the result is
 * certain.
 */
extern bool electra_match_fail(electra_match *match, const electra_automaton *automaton);

/* Takes the next byte of the word, not 0. */
static inline void
electra_match_push(electra_match *match, const electra_automaton *automaton, uint8_t byte)
{
	uint32_t	child;

	if (match->result != ELECTRA_MATCH_PIECES)
		return;
	while ((child = electra_automaton_child(automaton, match->state, byte)) == ELECTRA_MAX_STATES)
	{
		if (!electra_match_fail(match, automaton))
			return;
	}
	match->state = child;
	if (child == automaton->continuing && match->num_pieces == 0)
		match->result = ELECTRA_MATCH_CAREFUL;
}

/* The word, which is not empty, is over: what it came to. */
extern electra_match_result electra_match_end(electra_match *match, const electra_automaton *automaton);

#endif							/* ELECTRA_WORD_AUTOMATON_H */
