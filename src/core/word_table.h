/*
 * The words of a vocabulary that are letters and digits of ASCII and short, by
 * their bytes: nearly every word of an English text is one of them, and found
 * here at the cost of one cache line where the automaton would take one a byte.
 */
#ifndef ELECTRA_WORD_TABLE_H
#define ELECTRA_WORD_TABLE_H

#include "trie.h"

#define ELECTRA_TABLE_KEY 12	/* bytes of the longest word */
#define ELECTRA_TABLE_PROBES 16 /* slots that are looked at for a word at most */
#define ELECTRA_TABLE_EMPTY (-1)

typedef struct electra_word_slot
{
	uint8_t		key[ELECTRA_TABLE_KEY]; /* filled up with zeros */
	int32_t		id;				/* or ELECTRA_TABLE_EMPTY */
} electra_word_slot;

/* A built table, or a view of one in an image. */
typedef struct electra_word_table
{
	const electra_word_slot *slots; /* (1 << bits) and ELECTRA_TABLE_PROBES more */
	uint32_t	bits;			/* 0: no table */
} electra_word_table;

#define ELECTRA_MAX_TABLE_BITS 22

/* Slots of a table of so many bits. */
static inline uint64_t
electra_word_table_slots(uint32_t bits)
{
	return bits == 0 ? 0 : ((uint64_t) 1 << bits) + ELECTRA_TABLE_PROBES;
}

/*
 * Builds a table of those of these keys that are short and of letters and
 * digits; without_capitals leaves out those that have capitals.  slots are
 * allocated from memory and owned by the caller; NULL with no bits where no key
 * is such.  false: no memory.
 */
extern bool electra_word_table_build(const electra_trie_key *keys, size_t num_keys, bool without_capitals,
									 const electra_allocator *memory, electra_word_table *table);

/* Bits of a table for so many keys. */
extern uint32_t electra_word_table_bits(uint64_t num_keys);

/* Where the search for a key begins. */
static inline uint32_t
electra_word_table_begin(uint64_t low /* bytes 0 … 7 */ , uint32_t high /* bytes 8 … 11 */ , uint32_t bits)
{
	/* odd multipliers: the golden ratio, and a prime of xxHash */
	uint64_t	mixed = (low ^ (uint64_t) high * 0xc2b2ae3d27d4eb4fu) * 0x9e3779b97f4a7c15u;

	mixed ^= mixed >> 32;
	return (uint32_t) (mixed * 0x9e3779b97f4a7c15u >> (64 - bits));
}

/* The token that is this word, or ELECTRA_TABLE_EMPTY. */
static inline int32_t
electra_word_table_find(const electra_word_table *table, uint64_t low, uint32_t high)
{
	const electra_word_slot *slot = table->slots + electra_word_table_begin(low, high, table->bits);

	for (int probe = 0; probe < ELECTRA_TABLE_PROBES; probe++, slot++)
	{
		uint64_t	slot_low;
		uint32_t	slot_high;

		memcpy(&slot_low, slot->key, sizeof(slot_low));
		memcpy(&slot_high, slot->key + sizeof(slot_low), sizeof(slot_high));
		if (slot_low == low && slot_high == high)
			return slot->id;
		if (slot->id == ELECTRA_TABLE_EMPTY)
			break;
	}
	return ELECTRA_TABLE_EMPTY;
}

#endif							/* ELECTRA_WORD_TABLE_H */
