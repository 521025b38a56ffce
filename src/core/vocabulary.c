/*
 * The vocabulary section of an image: reading it.  vocabulary_build.c makes it.
 */
#include "vocabulary.h"

#include "vocabulary_section.h"

/* Does an array of count elements lie inside a section of size bytes, aligned? */
static bool
inside(uint64_t size, uint32_t offset, uint64_t count, uint64_t width, uint64_t alignment)
{
	return offset >= sizeof(electra_vocabulary_header) && offset % alignment == 0 &&
		offset <= size && count * width <= size - offset;
}

/* Are all nodes that walks begin at, and the values derived from the tries, possible? */
static bool
starts_valid(const electra_vocabulary_header *header)
{
	if (header->word_root >= header->num_nodes || header->continuing_root >= header->num_nodes ||
		header->raw_root >= header->num_nodes || header->normalized_root >= header->num_nodes ||
		header->longest_normalized > header->text_size ||
		(header->num_states > 0 ? header->continuing_state >= header->num_states : header->continuing_state != 0))
		return false;
	for (int i = 0; i < 256; i++)
	{
		if (header->word_children[i] >= header->num_nodes ||
			header->continuing_children[i] >= header->num_nodes)
			return false;
	}
	return true;
}

electra_status
electra_vocabulary_check(const void *section, size_t size, int32_t vocab_size, electra_error *error)
{
	const electra_vocabulary_header *header = section;

	if (size < sizeof(*header) || header->magic != ELECTRA_VOCABULARY_MAGIC ||
		header->version != ELECTRA_VOCABULARY_VERSION || header->size != size)
	{
		electra_fail(error, ELECTRA_CORRUPT, "the vocabulary of the image is damaged");
		electra_fail_detail(error, "Its header does not fit a section of %zu bytes.", size);
		return ELECTRA_CORRUPT;
	}
	if (vocab_size < 0 || header->num_tokens > (uint32_t) vocab_size || header->num_nodes == 0 ||
		!inside(size, header->nodes, header->num_nodes, sizeof(electra_trie_node), 4) ||
		!inside(size, header->node_bytes, header->num_nodes, 1, 1) ||
		!inside(size, header->tokens, (uint64_t) header->num_tokens + 1, sizeof(uint32_t), 4) ||
		!inside(size, header->added, header->num_added, sizeof(electra_added_token), 4) ||
		!inside(size, header->text, header->text_size, 1, 1) ||
		!inside(size, header->states, header->num_states, sizeof(electra_word_state), 4) ||
		!inside(size, header->pops, header->num_pops, sizeof(uint32_t), 4) ||
		header->table_bits > ELECTRA_MAX_TABLE_BITS ||
		!inside(size, header->table, electra_word_table_slots(header->table_bits),
				sizeof(electra_word_slot), 4) ||
		!inside(size, header->char_index, header->num_char_blocks > 0 ? ELECTRA_NUM_CHAR_BLOCKS : 0,
				sizeof(uint16_t), 2) ||
		!inside(size, header->char_entries, header->num_char_blocks,
				ELECTRA_UNICODE_BLOCK * sizeof(uint32_t), 4) ||
		!inside(size, header->char_bytes, header->num_char_bytes, 1, 1) || !starts_valid(header))
	{
		electra_fail(error, ELECTRA_CORRUPT, "the vocabulary of the image is damaged");
		electra_fail_detail(error, "Its tables for %u tokens of at most %d do not lie inside the section.",
							header->num_tokens, vocab_size);
		return ELECTRA_CORRUPT;
	}
	return ELECTRA_OK;
}

bool
electra_vocabulary_token(const void *section, int32_t id, const char **token, size_t *size)
{
	const electra_vocabulary_header *header = section;
	const uint32_t *tokens = (const uint32_t *) ((const char *) section + header->tokens);

	if (id < 0 || (uint32_t) id >= header->num_tokens || tokens[id + 1] < tokens[id])
		return false;
	*size = tokens[id + 1] - tokens[id];
	*token = electra_vocabulary_text(header, tokens[id], size);
	return *size > 0;
}

const electra_added_token *
electra_added_find(const electra_added_token *added, uint32_t num_added, int32_t id)
{
	uint32_t	low = 0;
	uint32_t	high = num_added;

	while (low < high)
	{
		uint32_t	middle = low + (high - low) / 2;

		if (added[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < num_added && added[low].id == id ? &added[low] : NULL;
}
