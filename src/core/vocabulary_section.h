/*
 * How a vocabulary lies in an image, for the files that read it.
 *
 * Everything is relative to the section's first byte.  The header is checked
 * before use (electra_vocabulary_check); what the header leads to is read from
 * a mapped file, so each accessor stays inside whatever it says.
 */
#ifndef ELECTRA_VOCABULARY_SECTION_H
#define ELECTRA_VOCABULARY_SECTION_H

#include "char_map.h"
#include "image.h"
#include "trie.h"
#include "vocabulary.h"
#include "word_automaton.h"
#include "word_table.h"

#define ELECTRA_VOCABULARY_MAGIC 0x42435645 /* "EVCB" */
#define ELECTRA_VOCABULARY_VERSION 3

/* Bit of electra_added_token.flags beside those of vocabulary.h: decode leaves it out. */
#define ELECTRA_ADDED_SKIPPED (1 << 16)

/* An added token; ascending by id. */
typedef struct electra_added_token
{
	int32_t		id;
	uint32_t	flags;
	uint32_t	pattern;		/* what it is found by, and decoded to: offset in
								 * the text area */
	uint32_t	pattern_size;	/* bytes; 0 for a token that normalizes to
								 * nothing */
} electra_added_token;

typedef struct electra_vocabulary_header
{
	uint32_t	magic;
	uint32_t	version;
	uint64_t	size;			/* of the whole section */
	uint32_t	num_tokens;
	uint32_t	num_nodes;
	uint32_t	num_added;
	uint32_t	text_size;
	uint32_t	num_states;		/* 0: no automaton */
	uint32_t	num_pops;
	uint32_t	table_bits;		/* 0: no table of short words */
	uint32_t	num_char_blocks;	/* 0: no map of code points */
	uint32_t	num_char_bytes;

	/* offsets */
	uint32_t	nodes;			/* electra_trie_node[num_nodes] */
	uint32_t	node_bytes;		/* uint8_t[num_nodes] */
	uint32_t	tokens;			/* uint32_t[num_tokens + 1]: token i is
								 * text[tokens[i] … tokens[i + 1] - 1] */
	uint32_t	added;			/* electra_added_token[num_added] */
	uint32_t	text;			/* char[text_size] */
	uint32_t	states;			/* electra_word_state[num_states] */
	uint32_t	pops;			/* uint32_t[num_pops] */
	uint32_t	table;			/* electra_word_slot[electra_word_table_slots(
								 * table_bits)] */
	uint32_t	char_index;		/* uint16_t[ELECTRA_NUM_CHAR_BLOCKS], or
								 * nothing without a map */
	uint32_t	char_entries;	/* uint32_t[num_char_blocks *
								 * ELECTRA_UNICODE_BLOCK] */
	uint32_t	char_bytes;		/* uint8_t[num_char_bytes] */

	/* nodes where walks begin; ELECTRA_TRIE_NONE where there is nothing */
	uint32_t	word_root;		/* values: token ids */
	uint32_t	continuing_root;	/* behind the continuing prefix */
	uint32_t	raw_root;		/* values: indexes of added tokens that match
								 * the text as it is */
	uint32_t	normalized_root;	/* of those that match normalized text */
	uint32_t	continuing_state;	/* the automaton's, behind the continuing
									 * prefix */
	uint32_t	raw_flags;		/* flags of the tokens below raw_root, or'ed */
	uint32_t	longest_normalized; /* code points of the longest pattern below
									 * normalized_root */

	uint32_t	raw_first_bytes[8]; /* bit set of the bytes that patterns below
									 * raw_root begin with */
	uint32_t	raw_second_bytes[8];	/* of those that stand behind the first;
										 * all, where a pattern has one byte */
	uint32_t	word_children[256]; /* of word_root */
	uint32_t	continuing_children[256];
	electra_byte_map byte_map;
} electra_vocabulary_header;

static inline const electra_vocabulary_header *
electra_model_vocabulary(const electra_model *model)
{
	return (const electra_vocabulary_header *) ((const char *) model->header + model->header->vocabulary);
}

static inline electra_trie
electra_vocabulary_trie(const electra_vocabulary_header *header)
{
	const char *section = (const char *) header;

	return (electra_trie) {
		.nodes = (const electra_trie_node *) (section + header->nodes),
		.bytes = (const uint8_t *) (section + header->node_bytes),
		.num_nodes = header->num_nodes
	};
}

static inline electra_automaton
electra_vocabulary_automaton(const electra_vocabulary_header *header)
{
	const char *section = (const char *) header;

	return (electra_automaton) {
		.states = (const electra_word_state *) (section + header->states),
		.pops = (const uint32_t *) (section + header->pops),
		.num_states = header->num_states,
		.num_pops = header->num_pops,
		.continuing = header->continuing_state
	};
}

static inline electra_word_table
electra_vocabulary_table(const electra_vocabulary_header *header)
{
	return (electra_word_table) {
		.slots = (const electra_word_slot *) ((const char *) header + header->table),
		.bits = header->table_bits
	};
}

static inline electra_char_map
electra_vocabulary_char_map(const electra_vocabulary_header *header)
{
	const char *section = (const char *) header;

	return (electra_char_map) {
		.index = (const uint16_t *) (section + header->char_index),
		.entries = (const uint32_t *) (section + header->char_entries),
		.bytes = (const uint8_t *) (section + header->char_bytes),
		.num_blocks = header->num_char_blocks,
		.num_bytes = header->num_char_bytes
	};
}

/* Can an added token that matches the text as it is begin with these two bytes, if it does with the first? */
static inline bool
electra_vocabulary_may_be_added(const electra_vocabulary_header *header, const uint8_t *bytes)
{
	return (header->raw_second_bytes[bytes[1] / 32] >> bytes[1] % 32 & 1) != 0;
}

/* The added token with an index that came out of a trie, or NULL. */
static inline const electra_added_token *
electra_vocabulary_added(const electra_vocabulary_header *header, int32_t index)
{
	if (index < 0 || (uint32_t) index >= header->num_added)
		return NULL;
	return (const electra_added_token *) ((const char *) header + header->added) + index;
}

/* The added token with an id (tokens ascend by id), or NULL. */
extern const electra_added_token *electra_added_find(const electra_added_token *added,
													 uint32_t num_added, int32_t id);

/* A piece of the text area; empty where the offsets lead outside. */
static inline const char *
electra_vocabulary_text(const electra_vocabulary_header *header, uint32_t offset, size_t *size)
{
	if (offset > header->text_size || *size > header->text_size - offset)
	{
		*size = 0;
		offset = 0;
	}
	return (const char *) header + header->text + offset;
}

#endif							/* ELECTRA_VOCABULARY_SECTION_H */
