/*
 * Tries over bytes, several in one array of nodes, built breadth first so that
 * the children of a node stand side by side: 13 bytes a node, position
 * independent, and never more nodes than the keys have bytes.
 */
#ifndef ELECTRA_TRIE_H
#define ELECTRA_TRIE_H

#include <string.h>

#include "status.h"

#define ELECTRA_TRIE_NO_VALUE (-1)

/* Also "no such node": node 0 belongs to no trie. */
#define ELECTRA_TRIE_NONE 0

/* One node as it lies in an image; its byte stands in a table of its own. */
typedef struct electra_trie_node
{
	uint32_t	first_child;
	uint32_t	num_children;
	int32_t		value;			/* of the key that ends here, or
								 * ELECTRA_TRIE_NO_VALUE */
} electra_trie_node;

/* Built tries, or a view of tries in an image. */
typedef struct electra_trie
{
	const electra_trie_node *nodes; /* (num_nodes) */
	const uint8_t *bytes;		/* (num_nodes): what leads to a node */
	uint32_t	num_nodes;
} electra_trie;

typedef struct electra_trie_key
{
	const char *bytes;			/* (size), size >= 1 */
	uint32_t	size;
	int32_t		value;			/* >= 0 */
} electra_trie_key;

/* Sorts keys ascending by bytes, equal ones by value. */
extern void electra_trie_sort(electra_trie_key *keys, size_t num_keys);

/* Do two keys have the same bytes? */
static inline bool
electra_trie_same_key(const electra_trie_key *a, const electra_trie_key *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* The first of the sorted keys with the bytes of wanted, or NULL. */
extern const electra_trie_key *electra_trie_find_key(const electra_trie_key *keys, size_t num_keys,
													 const electra_trie_key *wanted);

/*
 * How many nodes a trie over these sorted keys without duplicates has: at most
 * one more than the keys have bytes, none without keys.
 */
extern size_t electra_trie_count_nodes(const electra_trie_key *keys, size_t num_keys);

/*
 * Appends such a trie behind the *num_nodes nodes (at least node 0) that there
 * are; nodes and bytes have room for it.  *root is ELECTRA_TRIE_NONE without
 * keys.  false: no memory.
 */
extern bool electra_trie_append(electra_trie_node *nodes, uint8_t *bytes, uint32_t *num_nodes,
								const electra_trie_key *keys, size_t num_keys, uint32_t *root,
								const electra_allocator *memory);

/*
 * The child of a node by one more byte, or ELECTRA_TRIE_NONE.  Never reads
 * outside the arrays, whatever the nodes say.
 */
static inline uint32_t
electra_trie_child(const electra_trie *trie, uint32_t node, uint8_t byte)
{
	const electra_trie_node *parent = &trie->nodes[node];
	const uint8_t *found;

	if (parent->num_children == 0 || parent->num_children > trie->num_nodes ||
		parent->first_child > trie->num_nodes - parent->num_children)
		return ELECTRA_TRIE_NONE;
	found = memchr(trie->bytes + parent->first_child, byte, parent->num_children);
	return found == NULL ? ELECTRA_TRIE_NONE : (uint32_t) (found - trie->bytes);
}

/* As above, for each of size bytes in turn. */
extern uint32_t electra_trie_walk(const electra_trie *trie, uint32_t node, const uint8_t *bytes,
								  size_t size);

#endif							/* ELECTRA_TRIE_H */
