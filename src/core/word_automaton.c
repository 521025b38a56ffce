/*
 * Running the automaton of a vocabulary.  word_automaton_build.c makes it.
 */
#include "word_automaton.h"

/* Appends the pops of a state; false where there are too many, or a damaged image has none. */
static bool
take_pops(electra_match *match, const electra_automaton *automaton, uint32_t pops)
{
	uint32_t	place = pops & ~ELECTRA_POPS_LIST;
	uint32_t	count;

	if (!(pops & ELECTRA_POPS_LIST))
	{
		if (match->num_pieces == ELECTRA_MAX_PIECES)
			return false;
		match->pieces[match->num_pieces++] = (int32_t) pops;
		return true;
	}
	if (place >= automaton->num_pops)
		return false;
	count = automaton->pops[place];
	if (count == 0 || count > automaton->num_pops - place - 1 ||
		count > (uint32_t) (ELECTRA_MAX_PIECES - match->num_pieces))
		return false;
	memcpy(match->pieces + match->num_pieces, automaton->pops + place + 1, count * sizeof(int32_t));
	match->num_pieces += (int32_t) count;
	return true;
}

bool
electra_match_fail(electra_match *match, const electra_automaton *automaton)
{
	const electra_word_state *state = &automaton->states[match->state];

	if (state->fail == ELECTRA_FAIL_UNKNOWN)
	{
		match->result = ELECTRA_MATCH_UNKNOWN;
		return false;
	}
	/* each failure takes a piece, so that a circle in a damaged image ends */
	if (state->fail >= automaton->num_states || !take_pops(match, automaton, state->pops))
	{
		match->result = ELECTRA_MATCH_CAREFUL;
		return false;
	}
	match->state = state->fail;
	return true;
}

electra_match_result
electra_match_end(electra_match *match, const electra_automaton *automaton)
{
	while (match->result == ELECTRA_MATCH_PIECES && match->state != automaton->continuing)
	{
		if (!electra_match_fail(match, automaton))
			break;
	}
	return match->result;
}
