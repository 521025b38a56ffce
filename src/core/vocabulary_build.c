/*
 * The vocabulary section of an image: making it out of an archive's tensors.
 */
#include <string.h>

#include "bert_normalizer.h"
#include "utf8.h"
#include "vocabulary.h"
#include "vocabulary_section.h"

#define VOCABULARY_NAME "tokenizer.vocabulary"
#define ADDED_NAME "tokenizer.added_tokens"

/*
 * How much longer normalizing makes a text, in bytes, at most: a syllable of 3
 * bytes becomes 9, a decomposition of 4 becomes 12, lower case adds one to 2.
 */
#define MAX_NORMALIZED_GROWTH 8

/* Offsets have 32 bits, and counts stay far from their limits. */
#define MAX_SECTION_SIZE INT32_MAX

#define CACHE_LINE 64

/* Which trie an added token is a key of. */
typedef enum added_trie
{
	RAW_TRIE,
	NORMALIZED_TRIE
} added_trie;

/* Everything that building needs; released by free_builder. */
typedef struct builder
{
	const electra_tokenizer_config *config;
	const electra_allocator *memory;
	electra_error *error;
	uint32_t   *tokens;			/* (num_tokens + 1) offsets of the tokens in
								 * text */
	uint32_t	num_tokens;
	electra_added_token *added; /* (num_added) */
	uint32_t	num_added;
	char	   *text;			/* (text_capacity) tokens, then normalized
								 * patterns */
	size_t		text_size;
	size_t		text_capacity;
	electra_trie_key *word_keys;	/* (num_word_keys) */
	size_t		num_word_keys;
	electra_trie_key *added_keys[2];	/* (num_added_keys), by added_trie */
	size_t		num_added_keys[2];
	electra_trie_node *nodes;	/* (num_nodes) of all tries */
	uint8_t    *node_bytes;		/* (num_nodes) */
	uint32_t	num_nodes;
	uint32_t	num_word_nodes; /* those of the words, and node 0 */
	electra_automaton automaton;
	electra_word_table table;
	electra_char_map map;
	electra_vocabulary_header header;
} builder;

static electra_status
out_of_memory(builder *b)
{
	return electra_fail(b->error, ELECTRA_OUT_OF_MEMORY, "out of memory while building the vocabulary");
}

static electra_status
too_large(builder *b, uint64_t size)
{
	electra_fail(b->error, ELECTRA_UNSUPPORTED, "tensor \"%s\" is too large", VOCABULARY_NAME);
	electra_fail_detail(b->error, "Its tables would take %llu bytes or more; at most %d are supported.",
						(unsigned long long) size, MAX_SECTION_SIZE);
	return ELECTRA_UNSUPPORTED;
}

/* An array of count elements, at least one so that NULL means out of memory. */
static void *
allocate(builder *b, size_t count, size_t width)
{
	return b->memory->alloc(b->memory->context, (count > 0 ? count : 1) * width);
}

static void
free_builder(builder *b)
{
	void	   *owned[] = {
		b->tokens, b->added, b->text, b->word_keys, b->added_keys[0], b->added_keys[1], b->nodes, b->node_bytes
	};

	for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
		b->memory->release(b->memory->context, owned[i]);
	b->memory->release(b->memory->context, (void *) b->table.slots);
	electra_automaton_free(&b->automaton, b->memory);
	electra_char_map_free(&b->map, b->memory);
}

static size_t
count_nuls(const char *bytes, size_t size)
{
	size_t		count = 0;

	for (size_t i = 0; i < size; i++)
		count += bytes[i] == '\0';
	return count;
}

static electra_status
check_utf8(builder *b, const char *name, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size;)
	{
		uint32_t	code_point;
		int			length = electra_utf8_decode((const uint8_t *) bytes + i, size - i, &code_point);

		if (length <= 0)
		{
			electra_fail(b->error, ELECTRA_CORRUPT, "tensor \"%s\" is not valid UTF-8", name);
			electra_fail_detail(b->error, "The first invalid byte is number %zu.", i + 1);
			return ELECTRA_CORRUPT;
		}
		i += (size_t) length;
	}
	if (size > 0 && bytes[size - 1] != '\0')
	{
		electra_fail(b->error, ELECTRA_CORRUPT, "tensor \"%s\" does not end with a zero byte", name);
		return ELECTRA_CORRUPT;
	}
	return ELECTRA_OK;
}

/* Copies the tokens without their NULs and notes where each begins. */
static electra_status
read_tokens(builder *b, const char *vocabulary, size_t size, int32_t vocab_size)
{
	electra_status status = check_utf8(b, VOCABULARY_NAME, vocabulary, size);
	size_t		count = count_nuls(vocabulary, size);

	if (status != ELECTRA_OK)
		return status;
	if (vocab_size < 0 || count > (size_t) vocab_size)
	{
		electra_fail(b->error, ELECTRA_CORRUPT, "tensor \"%s\" has more tokens than vocab_size",
					 VOCABULARY_NAME);
		electra_fail_detail(b->error, "It has %zu tokens, vocab_size is %d.", count, vocab_size);
		return ELECTRA_CORRUPT;
	}
	b->num_tokens = (uint32_t) count;
	b->tokens = allocate(b, count + 1, sizeof(*b->tokens));
	b->text = allocate(b, size, 1);
	if (b->tokens == NULL || b->text == NULL)
		return out_of_memory(b);
	b->text_capacity = size;

	const char *token = vocabulary;

	for (size_t id = 0; id < count; id++)
	{
		size_t		token_size = strlen(token);

		b->tokens[id] = (uint32_t) b->text_size;
		memcpy(b->text + b->text_size, token, token_size);
		b->text_size += token_size;
		token += token_size + 1;
	}
	b->tokens[count] = (uint32_t) b->text_size;
	return ELECTRA_OK;
}

static electra_status
bad_added(builder *b, size_t number, const char *problem)
{
	electra_fail(b->error, ELECTRA_CORRUPT, "tensor \"%s\" is malformed", ADDED_NAME);
	electra_fail_detail(b->error, "Entry %zu %s.", number + 1, problem);
	return ELECTRA_CORRUPT;
}

/* Reads the flags of an entry up to a space; false for letters out of place. */
static bool
read_flags(const char **entry, uint32_t *flags)
{
	static const char letters[] = "wlrnso";
	const char *next = letters;

	*flags = 0;
	if (**entry == '-')
		(*entry)++;
	else if (**entry == ' ')
		return false;
	while (**entry != ' ' && **entry != '\0')
	{
		const char *letter = strchr(next, **entry);

		if (letter == NULL || (*entry)[-1] == '-')
			return false;
		*flags |= 1u << (letter - letters);
		next = letter + 1;
		(*entry)++;
	}
	return *(*entry)++ == ' ';
}

/* Reads "ID FLAGS CONTENT". */
static electra_status
read_added_token(builder *b, size_t number, const char *entry, electra_added_token *added)
{
	int64_t		id = 0;

	if (*entry < '0' || *entry > '9')
		return bad_added(b, number, "does not begin with an id");
	for (; *entry >= '0' && *entry <= '9'; entry++)
	{
		id = id * 10 + (*entry - '0');
		if (id >= b->num_tokens)
			return bad_added(b, number, "has an id outside the vocabulary");
	}
	if (*entry++ != ' ' || !read_flags(&entry, &added->flags))
		return bad_added(b, number, "has malformed flags");
	if (number > 0 && id <= added[-1].id)
		return bad_added(b, number, "is not in ascending order of ids");

	size_t		size = strlen(entry);

	added->id = (int32_t) id;
	added->pattern = b->tokens[id];
	added->pattern_size = b->tokens[id + 1] - b->tokens[id];
	if (size == 0 || size != added->pattern_size || memcmp(entry, b->text + added->pattern, size) != 0)
		return bad_added(b, number, "is not the token that the vocabulary has for its id");
	return ELECTRA_OK;
}

static electra_status
read_added(builder *b, const char *added, size_t size)
{
	electra_status status = check_utf8(b, ADDED_NAME, added, size);

	if (status != ELECTRA_OK)
		return status;
	b->num_added = (uint32_t) count_nuls(added, size);
	b->added = allocate(b, b->num_added, sizeof(*b->added));
	if (b->added == NULL)
		return out_of_memory(b);
	for (size_t i = 0; i < b->num_added && status == ELECTRA_OK; i++)
	{
		status = read_added_token(b, i, added, &b->added[i]);
		added += strlen(added) + 1;
	}
	return status;
}

/* Makes room in the text area. */
static bool
reserve_text(builder *b, size_t size)
{
	char	   *text;
	size_t		capacity;

	if (b->text_capacity - b->text_size >= size)
		return true;
	capacity = b->text_capacity + b->text_capacity / 2 + size + 1024;
	text = allocate(b, capacity, 1);
	if (text == NULL)
		return false;
	memcpy(text, b->text, b->text_size);
	b->memory->release(b->memory->context, b->text);
	b->text = text;
	b->text_capacity = capacity;
	return true;
}

/* The normalizer's sink. */
static bool
append_code_point(void *context, uint32_t code_point)
{
	builder    *b = context;

	if (!reserve_text(b, ELECTRA_UTF8_MAX))
		return false;
	b->text_size += (size_t) electra_utf8_encode(code_point, (uint8_t *) b->text + b->text_size);
	return true;
}

/* Replaces the pattern of a normalized token by its normalized form, if that is another one. */
static bool
normalize_pattern(builder *b, electra_normalizer *normalizer, electra_added_token *added)
{
	size_t		begin = b->text_size;
	size_t		end = (size_t) added->pattern + added->pattern_size;
	size_t		size;

	for (size_t i = added->pattern; i < end;)
	{
		uint32_t	code_point = 0;

		i += (size_t) electra_utf8_decode((const uint8_t *) b->text + i, end - i, &code_point);
		if (!electra_normalizer_push(normalizer, code_point))
			return false;
	}
	if (!electra_normalizer_end(normalizer))
		return false;
	size = b->text_size - begin;
	if (size == added->pattern_size && memcmp(b->text + begin, b->text + added->pattern, size) == 0)
	{
		b->text_size = begin;
		return true;
	}
	added->pattern = (uint32_t) begin;
	added->pattern_size = (uint32_t) size;
	return true;
}

static uint32_t
count_code_points(const char *bytes, size_t size)
{
	uint32_t	count = 0;

	for (size_t i = 0; i < size; i++)
		count += ((uint8_t) bytes[i] & 0xc0) != 0x80;
	return count;
}

static electra_status
normalize_patterns(builder *b)
{
	electra_normalizer normalizer;
	bool		enough = true;

	electra_normalizer_init(&normalizer, b->config, b->memory, append_code_point, b);
	for (uint32_t i = 0; i < b->num_added && enough; i++)
	{
		electra_added_token *added = &b->added[i];

		if (!(added->flags & ELECTRA_ADDED_NORMALIZED))
		{
			b->header.raw_flags |= added->flags;
			continue;
		}
		enough = normalize_pattern(b, &normalizer, added);
		if (enough)
		{
			uint32_t	length = count_code_points(b->text + added->pattern, added->pattern_size);

			if (length > b->header.longest_normalized)
				b->header.longest_normalized = length;
		}
	}
	electra_normalizer_free(&normalizer);
	return enough ? ELECTRA_OK : out_of_memory(b);
}

/* Sorted keys of all tokens; refuses a token that is there twice. */
static electra_status
make_word_keys(builder *b)
{
	b->word_keys = allocate(b, b->num_tokens, sizeof(*b->word_keys));
	if (b->word_keys == NULL)
		return out_of_memory(b);
	for (uint32_t id = 0; id < b->num_tokens; id++)
	{
		uint32_t	size = b->tokens[id + 1] - b->tokens[id];

		if (size > 0)
			b->word_keys[b->num_word_keys++] = (electra_trie_key) {b->text + b->tokens[id], size, (int32_t) id};
	}
	electra_trie_sort(b->word_keys, b->num_word_keys);
	for (size_t i = 1; i < b->num_word_keys; i++)
	{
		const electra_trie_key *key = &b->word_keys[i];

		if (electra_trie_same_key(key, key - 1))
		{
			electra_fail(b->error, ELECTRA_CORRUPT, "tensor \"%s\" has the same token twice", VOCABULARY_NAME);
			electra_fail_detail(b->error, "The tokens of ids %d and %d are equal.", key[-1].value, key->value);
			return ELECTRA_CORRUPT;
		}
	}
	return ELECTRA_OK;
}

/*
 * Marks what decode leaves out.  The reference looks the decoded form up in
 * the set of special contents: a special token that normalizes to something
 * else is not left out.
 */
static void
mark_skipped(builder *b)
{
	for (uint32_t i = 0; i < b->num_added; i++)
	{
		electra_added_token *added = &b->added[i];
		electra_trie_key wanted = {b->text + added->pattern, added->pattern_size, 0};
		const electra_trie_key *key = electra_trie_find_key(b->word_keys, b->num_word_keys, &wanted);
		const electra_added_token *of_content =
			key == NULL ? NULL : electra_added_find(b->added, b->num_added, key->value);

		if (of_content != NULL && (of_content->flags & ELECTRA_ADDED_SPECIAL))
			added->flags |= ELECTRA_ADDED_SKIPPED;
	}
}

/* Tokens outside the model's vocabulary are found as a whole, never as a piece of a word. */
static void
remove_outside_model(builder *b)
{
	size_t		kept = 0;

	for (size_t i = 0; i < b->num_word_keys; i++)
	{
		const electra_added_token *added = electra_added_find(b->added, b->num_added, b->word_keys[i].value);

		if (added == NULL || !(added->flags & ELECTRA_ADDED_OUTSIDE_MODEL))
			b->word_keys[kept++] = b->word_keys[i];
	}
	b->num_word_keys = kept;
}

/*
 * Keys of the added tokens.  Where several normalize to the same, the
 * reference takes any of them, another one in each process; we take the
 * smallest id.  What normalizes to nothing is never found.
 */
static electra_status
make_added_keys(builder *b, added_trie which)
{
	electra_trie_key *keys = allocate(b, b->num_added, sizeof(*keys));
	size_t		count = 0;
	size_t		kept = 0;

	b->added_keys[which] = keys;
	if (keys == NULL)
		return out_of_memory(b);
	for (uint32_t i = 0; i < b->num_added; i++)
	{
		const electra_added_token *added = &b->added[i];

		if (added->pattern_size > 0 &&
			((added->flags & ELECTRA_ADDED_NORMALIZED) != 0) == (which == NORMALIZED_TRIE))
			keys[count++] = (electra_trie_key) {b->text + added->pattern, added->pattern_size, (int32_t) i};
	}
	electra_trie_sort(keys, count);
	for (size_t i = 0; i < count; i++)
	{
		if (kept == 0 || !electra_trie_same_key(&keys[kept - 1], &keys[i]))
			keys[kept++] = keys[i];
	}
	b->num_added_keys[which] = kept;
	return ELECTRA_OK;
}

/* Notes which bytes the patterns that match the text as it is begin with. */
static void
note_raw_bytes(electra_vocabulary_header *header, const electra_trie_key *keys, size_t num_keys)
{
	for (size_t i = 0; i < num_keys; i++)
	{
		uint8_t		first = (uint8_t) keys[i].bytes[0];

		header->raw_first_bytes[first / 32] |= 1u << first % 32;
		if (keys[i].size == 1)
			memset(header->raw_second_bytes, 0xff, sizeof(header->raw_second_bytes));
		else
		{
			uint8_t		second = (uint8_t) keys[i].bytes[1];

			header->raw_second_bytes[second / 32] |= 1u << second % 32;
		}
	}
}

/* Builds the tries and what the header says of them. */
static electra_status
build_tries(builder *b)
{
	electra_vocabulary_header *header = &b->header;
	uint64_t	num_nodes = 1 + electra_trie_count_nodes(b->word_keys, b->num_word_keys) +
		electra_trie_count_nodes(b->added_keys[RAW_TRIE], b->num_added_keys[RAW_TRIE]) +
		electra_trie_count_nodes(b->added_keys[NORMALIZED_TRIE], b->num_added_keys[NORMALIZED_TRIE]);
	electra_trie trie;
	const char *prefix = b->config->continuing_prefix;

	if (num_nodes > MAX_SECTION_SIZE)
		return too_large(b, num_nodes);
	b->nodes = allocate(b, num_nodes, sizeof(*b->nodes));
	b->node_bytes = allocate(b, num_nodes, 1);
	if (b->nodes == NULL || b->node_bytes == NULL)
		return out_of_memory(b);
	b->nodes[0] = (electra_trie_node) {.value = ELECTRA_TRIE_NO_VALUE};
	b->node_bytes[0] = 0;
	b->num_nodes = 1;
	if (!electra_trie_append(b->nodes, b->node_bytes, &b->num_nodes, b->word_keys, b->num_word_keys,
							 &header->word_root, b->memory))
		return out_of_memory(b);
	b->num_word_nodes = b->num_nodes;
	if (!electra_trie_append(b->nodes, b->node_bytes, &b->num_nodes, b->added_keys[RAW_TRIE],
							 b->num_added_keys[RAW_TRIE], &header->raw_root, b->memory) ||
		!electra_trie_append(b->nodes, b->node_bytes, &b->num_nodes, b->added_keys[NORMALIZED_TRIE],
							 b->num_added_keys[NORMALIZED_TRIE], &header->normalized_root, b->memory))
		return out_of_memory(b);

	trie = (electra_trie) {.nodes = b->nodes, .bytes = b->node_bytes, .num_nodes = b->num_nodes};
	header->continuing_root = electra_trie_walk(&trie, header->word_root, (const uint8_t *) prefix, strlen(prefix));
	for (int byte = 0; byte < 256; byte++)
	{
		header->word_children[byte] = electra_trie_child(&trie, header->word_root, (uint8_t) byte);
		header->continuing_children[byte] = electra_trie_child(&trie, header->continuing_root, (uint8_t) byte);
	}
	note_raw_bytes(header, b->added_keys[RAW_TRIE], b->num_added_keys[RAW_TRIE]);
	return ELECTRA_OK;
}

/*
 * Builds what reads words straight out of a text: the automaton, the map of
 * code points, the table of short words.
 */
static electra_status
build_fast_way(builder *b)
{
	static const uint32_t none[8] = {0};
	electra_vocabulary_header *header = &b->header;
	electra_trie trie = {.nodes = b->nodes, .bytes = b->node_bytes, .num_nodes = b->num_nodes};
	bool		keras = b->config->pipeline == ELECTRA_TOKENIZER_KERAS;

	/* Keras looks for special tokens in rewritten text only, and then without these */
	if (!electra_automaton_build(&trie, header->word_root, b->num_word_nodes, header->continuing_root,
								 b->memory, &b->automaton) ||
		!electra_char_map_build(b->config, keras ? none : header->raw_first_bytes, b->memory,
								&b->map, &header->byte_map))
		return out_of_memory(b);
	if (header->byte_map.alphanumeric != ELECTRA_ALPHANUMERIC_OTHER &&
		!electra_word_table_build(b->word_keys, b->num_word_keys,
								  header->byte_map.alphanumeric == ELECTRA_ALPHANUMERIC_SMALL,
								  b->memory, &b->table))
		return out_of_memory(b);
	header->continuing_state = b->automaton.continuing;
	return ELECTRA_OK;
}

/* Gives a table its place at the end of the section. */
static uint32_t
place(uint64_t *size, uint64_t count, uint64_t width)
{
	uint32_t	offset = (uint32_t) *size;

	/* over the bound anyway; lay_out refuses */
	*size += count > MAX_SECTION_SIZE ? MAX_SECTION_SIZE : count * width;
	return offset;
}

/* Places everything in the section; the header then knows all offsets. */
static electra_status
lay_out(builder *b)
{
	electra_vocabulary_header *header = &b->header;
	uint64_t	size = (sizeof(*header) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	uint32_t	index_length = b->map.num_blocks > 0 ? ELECTRA_NUM_CHAR_BLOCKS : 0;

	header->magic = ELECTRA_VOCABULARY_MAGIC;
	header->version = ELECTRA_VOCABULARY_VERSION;
	header->num_tokens = b->num_tokens;
	header->num_nodes = b->num_nodes;
	header->num_added = b->num_added;
	header->text_size = (uint32_t) b->text_size;
	header->num_states = b->automaton.num_states;
	header->num_pops = b->automaton.num_pops;
	header->table_bits = b->table.bits;
	header->num_char_blocks = b->map.num_blocks;
	header->num_char_bytes = b->map.num_bytes;
	/* by descending alignment; no slot of the table lies in two cache lines */
	header->table = place(&size, electra_word_table_slots(b->table.bits), sizeof(*b->table.slots));
	header->nodes = place(&size, b->num_nodes, sizeof(*b->nodes));
	header->tokens = place(&size, (uint64_t) b->num_tokens + 1, sizeof(*b->tokens));
	header->added = place(&size, b->num_added, sizeof(*b->added));
	header->states = place(&size, header->num_states, sizeof(*b->automaton.states));
	header->pops = place(&size, header->num_pops, sizeof(*b->automaton.pops));
	header->char_entries = place(&size, header->num_char_blocks, ELECTRA_UNICODE_BLOCK * sizeof(*b->map.entries));
	header->char_index = place(&size, index_length, sizeof(*b->map.index));
	header->char_bytes = place(&size, header->num_char_bytes, 1);
	header->text = place(&size, b->text_size, 1);
	header->node_bytes = place(&size, b->num_nodes, 1);
	header->size = size;
	return size > MAX_SECTION_SIZE ? too_large(b, size) : ELECTRA_OK;
}

static void
copy_out(char *section, uint32_t offset, const void *from, size_t count, size_t width)
{
	if (count > 0)
		memcpy(section + offset, from, count * width);
}

static void
fill_section(const builder *b, char *section)
{
	const electra_vocabulary_header *header = &b->header;

	memset(section, 0, header->nodes);
	memcpy(section, header, sizeof(*header));
	copy_out(section, header->table, b->table.slots, electra_word_table_slots(b->table.bits), sizeof(*b->table.slots));
	copy_out(section, header->nodes, b->nodes, b->num_nodes, sizeof(*b->nodes));
	copy_out(section, header->tokens, b->tokens, (size_t) b->num_tokens + 1, sizeof(*b->tokens));
	copy_out(section, header->added, b->added, b->num_added, sizeof(*b->added));
	copy_out(section, header->states, b->automaton.states, header->num_states, sizeof(*b->automaton.states));
	copy_out(section, header->pops, b->automaton.pops, header->num_pops, sizeof(*b->automaton.pops));
	copy_out(section, header->char_entries, b->map.entries, header->num_char_blocks,
			 ELECTRA_UNICODE_BLOCK * sizeof(*b->map.entries));
	copy_out(section, header->char_index, b->map.index,
			 header->num_char_blocks > 0 ? ELECTRA_NUM_CHAR_BLOCKS : 0, sizeof(*b->map.index));
	copy_out(section, header->char_bytes, b->map.bytes, header->num_char_bytes, 1);
	copy_out(section, header->text, b->text, b->text_size, 1);
	copy_out(section, header->node_bytes, b->node_bytes, b->num_nodes, 1);
}

/* Everything up to the section itself. */
static electra_status
prepare(builder *b, int32_t vocab_size, const char *vocabulary, size_t vocabulary_size,
		const char *added, size_t added_size)
{
	electra_status status = read_tokens(b, vocabulary, vocabulary_size, vocab_size);

	if (status == ELECTRA_OK)
		status = read_added(b, added, added_size);
	if (status == ELECTRA_OK)
		status = normalize_patterns(b);
	if (status == ELECTRA_OK)
		status = make_word_keys(b);
	if (status != ELECTRA_OK)
		return status;
	mark_skipped(b);
	remove_outside_model(b);
	status = make_added_keys(b, RAW_TRIE);
	if (status == ELECTRA_OK)
		status = make_added_keys(b, NORMALIZED_TRIE);
	if (status == ELECTRA_OK)
		status = build_tries(b);
	if (status == ELECTRA_OK)
		status = build_fast_way(b);
	return status == ELECTRA_OK ? lay_out(b) : status;
}

electra_status
electra_vocabulary_build(const electra_tokenizer_config *config, int32_t vocab_size,
						 const char *vocabulary, size_t vocabulary_size,
						 const char *added, size_t added_size,
						 const electra_allocator *memory,
						 void **section, size_t *section_size, electra_error *error)
{
	builder		b = {.config = config, .memory = memory, .error = error};
	electra_status status;
	char	   *out = NULL;

	*section = NULL;
	*section_size = 0;
	status = prepare(&b, vocab_size, vocabulary, vocabulary_size, added, added_size);
	if (status == ELECTRA_OK)
	{
		out = allocate(&b, b.header.size, 1);
		if (out == NULL)
			status = out_of_memory(&b);
	}
	if (status == ELECTRA_OK)
	{
		fill_section(&b, out);
		*section = out;
		*section_size = b.header.size;
	}
	free_builder(&b);
	return status;
}

uint64_t
electra_vocabulary_max_size(uint64_t vocabulary_size, uint64_t added_size, int32_t vocab_size)
{
	/* each key byte is a node at most; each added token has 6 bytes or more in the tensor */
	uint64_t	text = vocabulary_size + MAX_NORMALIZED_GROWTH * added_size;
	uint64_t	nodes = text + added_size + 4;

	return sizeof(electra_vocabulary_header) + CACHE_LINE +
		electra_word_table_slots(electra_word_table_bits(vocab_size < 1 ? 1 : (uint64_t) vocab_size)) *
		sizeof(electra_word_slot) + nodes * (sizeof(electra_trie_node) + 1) + text +
		((uint64_t) vocab_size + 1) * sizeof(uint32_t) + added_size / 6 * sizeof(electra_added_token) +
		electra_automaton_max_states(nodes) * sizeof(electra_word_state) +
		electra_automaton_max_pops(nodes) * sizeof(uint32_t) +
		ELECTRA_NUM_CHAR_BLOCKS * sizeof(uint16_t) +
		ELECTRA_MAX_CHAR_BLOCKS * ELECTRA_UNICODE_BLOCK * sizeof(uint32_t) + ELECTRA_MAX_CHAR_BYTES;
}
