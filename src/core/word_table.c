/*
 * Building the table of short words: open addressing, linear probing, in the
 * order of the keys, so that it is the same on every machine.  A word that finds
 * no place within the probes is left to the automaton.
 */
#include "word_table.h"

/* Is a key short and of letters and digits? */
static bool
belongs(const electra_trie_key *key, bool without_capitals)
{
	if (key->size > ELECTRA_TABLE_KEY)
		return false;
	for (uint32_t i = 0; i < key->size; i++)
	{
		uint8_t		byte = (uint8_t) key->bytes[i];
		bool		digit = byte >= '0' && byte <= '9';
		bool		small = byte >= 'a' && byte <= 'z';
		bool		capital = byte >= 'A' && byte <= 'Z';

		if (!digit && !small && (without_capitals || !capital))
			return false;
	}
	return true;
}

/* At most two thirds full. */
uint32_t
electra_word_table_bits(uint64_t num_keys)
{
	uint32_t	bits = 4;

	if (num_keys == 0)
		return 0;
	while (bits < ELECTRA_MAX_TABLE_BITS && ((uint64_t) 1 << bits) * 2 < num_keys * 3)
		bits++;
	return bits;
}

static void
insert(electra_word_slot *slots, uint32_t bits, const electra_trie_key *key)
{
	electra_word_slot wanted = {.id = key->value};
	uint64_t	low;
	uint32_t	high;
	electra_word_slot *slot;

	memcpy(wanted.key, key->bytes, key->size);
	memcpy(&low, wanted.key, sizeof(low));
	memcpy(&high, wanted.key + sizeof(low), sizeof(high));
	slot = slots + electra_word_table_begin(low, high, bits);
	for (int probe = 0; probe < ELECTRA_TABLE_PROBES; probe++, slot++)
	{
		if (slot->id == ELECTRA_TABLE_EMPTY)
		{
			*slot = wanted;
			return;
		}
	}
}

bool
electra_word_table_build(const electra_trie_key *keys, size_t num_keys, bool without_capitals,
						 const electra_allocator *memory, electra_word_table *table)
{
	electra_word_slot *slots;
	uint64_t	num_words = 0;
	uint64_t	num_slots;

	for (size_t i = 0; i < num_keys; i++)
		num_words += belongs(&keys[i], without_capitals);
	*table = (electra_word_table) {.bits = electra_word_table_bits(num_words)};
	if (num_words == 0)
		return true;
	num_slots = electra_word_table_slots(table->bits);
	slots = memory->alloc(memory->context, num_slots * sizeof(*slots));
	if (slots == NULL)
		return false;
	for (uint64_t i = 0; i < num_slots; i++)
		slots[i] = (electra_word_slot) {.id = ELECTRA_TABLE_EMPTY};
	for (size_t i = 0; i < num_keys; i++)
	{
		if (belongs(&keys[i], without_capitals))
			insert(slots, table->bits, &keys[i]);
	}
	table->slots = slots;
	return true;
}
