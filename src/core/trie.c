/*
 * Building tries breadth first out of sorted keys.
 */
#include "trie.h"

#include <stdlib.h>

/* The keys below a node during building: keys[low] … keys[high - 1] share depth bytes. */
typedef struct key_range
{
	uint32_t	low;
	uint32_t	high;
	uint32_t	depth;
} key_range;

/* Order of keys for qsort. */
static int
compare_keys(const void *a, const void *b)
{
	const electra_trie_key *left = a;
	const electra_trie_key *right = b;
	uint32_t	shorter = left->size < right->size ? left->size : right->size;
	int			order = memcmp(left->bytes, right->bytes, shorter);

	if (order != 0)
		return order;
	if (left->size != right->size)
		return left->size < right->size ? -1 : 1;
	return (left->value > right->value) - (left->value < right->value);
}

void
electra_trie_sort(electra_trie_key *keys, size_t num_keys)
{
	if (num_keys > 1)
		qsort(keys, num_keys, sizeof(*keys), compare_keys);
}

const electra_trie_key *
electra_trie_find_key(const electra_trie_key *keys, size_t num_keys, const electra_trie_key *wanted)
{
	size_t		low = 0;
	size_t		high = num_keys;

	while (low < high)
	{
		size_t		middle = (low + high) / 2;
		electra_trie_key key = keys[middle];

		key.value = wanted->value;
		if (compare_keys(&key, wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < num_keys && electra_trie_same_key(&keys[low], wanted) ? &keys[low] : NULL;
}

/* A root, and each byte of a key behind what it shares with the key before. */
size_t
electra_trie_count_nodes(const electra_trie_key *keys, size_t num_keys)
{
	size_t		count = num_keys > 0 ? 1 : 0;

	for (size_t i = 0; i < num_keys; i++)
	{
		uint32_t	shared = 0;

		if (i > 0)
		{
			while (shared < keys[i].size && shared < keys[i - 1].size &&
				   keys[i].bytes[shared] == keys[i - 1].bytes[shared])
				shared++;
		}
		count += keys[i].size - shared;
	}
	return count;
}

bool
electra_trie_append(electra_trie_node *nodes, uint8_t *bytes, uint32_t *num_nodes,
					const electra_trie_key *keys, size_t num_keys, uint32_t *root,
					const electra_allocator *memory)
{
	uint32_t	begin = *num_nodes;
	uint32_t	end = begin + 1;
	key_range  *ranges;			/* of the nodes from begin on */

	*root = ELECTRA_TRIE_NONE;
	if (num_keys == 0)
		return true;
	ranges = memory->alloc(memory->context, electra_trie_count_nodes(keys, num_keys) * sizeof(*ranges));
	if (ranges == NULL)
		return false;

	bytes[begin] = 0;
	ranges[0] = (key_range) {0, (uint32_t) num_keys, 0};
	for (uint32_t node = begin; node < end; node++)
	{
		key_range	range = ranges[node - begin];

		nodes[node] = (electra_trie_node) {.value = ELECTRA_TRIE_NO_VALUE};
		if (keys[range.low].size == range.depth)
			nodes[node].value = keys[range.low++].value;
		if (range.low < range.high)
			nodes[node].first_child = end;
		while (range.low < range.high)
		{
			uint8_t		byte = (uint8_t) keys[range.low].bytes[range.depth];
			uint32_t	next = range.low + 1;

			while (next < range.high && (uint8_t) keys[next].bytes[range.depth] == byte)
				next++;
			bytes[end] = byte;
			ranges[end - begin] = (key_range) {range.low, next, range.depth + 1};
			nodes[node].num_children++;
			end++;
			range.low = next;
		}
	}
	memory->release(memory->context, ranges);
	*num_nodes = end;
	*root = begin;
	return true;
}

uint32_t
electra_trie_walk(const electra_trie *trie, uint32_t node, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size && node != ELECTRA_TRIE_NONE; i++)
		node = electra_trie_child(trie, node, bytes[i]);
	return node;
}
