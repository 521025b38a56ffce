/*
 * Building the map: each code point goes through the steps of the pipeline by
 * itself, and what comes out is written down.
 */
#include "char_map.h"

#include <string.h>

#include "bert_normalizer.h"
#include "keras_fold.h"
#include "pipeline.h"
#include "utf8.h"

/* More than any code point expands to: U+FDFA gives 18 letters. */
#define MAX_EFFECT_BYTES 96

/* For the simulation no word is too long. */
#define NO_WORD_LIMIT 1000

#define NOT_KNOWN 0xffff

#define EVERY_ENTRY(map) ((size_t) (map)->num_blocks * ELECTRA_UNICODE_BLOCK)

/* What one code point came to. */
typedef struct effect
{
	uint8_t		bytes[MAX_EFFECT_BYTES];	/* that go into a word */
	int			num_bytes;
	int			num_code_points;
	bool		ends_before;	/* a word ends before them */
	bool		ends_behind;
	bool		held;			/* what goes in depends on what is around it */
	bool		careful;
} effect;

/* The steps of both pipelines, with an effect at their end. */
typedef struct simulation
{
	electra_tokenizer_config config;
	effect		effect;

	electra_normalizer normalizer;	/* of the Hugging Face pipeline */

	/* of Keras's */
	electra_accents accents;
	electra_words words;
	electra_tokens tokens;
	electra_fold fold;
	bool		piece_begun;	/* something of the piece was folded */
} simulation;

static void
append_bytes(effect *e, const uint8_t *bytes, int num_bytes, int num_code_points)
{
	if (e->ends_behind || e->num_bytes + num_bytes > MAX_EFFECT_BYTES)
	{
		e->careful = true;
		return;
	}
	memcpy(e->bytes + e->num_bytes, bytes, (size_t) num_bytes);
	e->num_bytes += num_bytes;
	e->num_code_points += num_code_points;
}

static void
append_code_point(effect *e, uint32_t code_point)
{
	uint8_t		bytes[ELECTRA_UTF8_MAX];

	append_bytes(e, bytes, electra_utf8_encode(code_point, bytes), 1);
}

static void
end_word(effect *e)
{
	if (e->num_bytes == 0)
		e->ends_before = true;
	else
		e->ends_behind = true;
}

/* The normalizer's sink. */
static bool
take_normalized(void *context, uint32_t code_point)
{
	simulation *s = context;
	electra_split split = electra_bert_split(code_point);

	if (split != ELECTRA_SPLIT_WORD)
		end_word(&s->effect);
	if (split != ELECTRA_SPLIT_SPACE)
		append_code_point(&s->effect, code_point);
	if (split != ELECTRA_SPLIT_WORD)
		end_word(&s->effect);
	return true;
}

/* A piece is over: what it folded to. */
static bool
end_piece(simulation *s)
{
	electra_words *words = &s->words;

	if (!electra_fold_end(&s->fold))
		return false;
	if (words->word_size > 0)
	{
		int			num_code_points = 0;

		for (size_t i = 0; i < words->word_size; i++)
			num_code_points += (words->word[i] & 0xc0) != 0x80;
		if (words->word_size > MAX_EFFECT_BYTES)
			s->effect.careful = true;
		else
			append_bytes(&s->effect, words->word, (int) words->word_size, num_code_points);
	}
	words->word_size = 0;
	words->length = 0;
	s->piece_begun = false;
	return true;
}

static bool
push_to_piece(simulation *s, uint32_t code_point)
{
	if (!s->config.lowercase)
		return electra_words_append(&s->words, code_point);
	if (!s->piece_begun && !electra_fold_stands_alone(code_point))
		s->effect.held = true;
	s->piece_begun = s->piece_begun || !(electra_keras(code_point)->flags & ELECTRA_FOLD_DROPS);
	return electra_fold_push(&s->fold, code_point);
}

/* The sink of Keras's rewritten text. */
static bool
take_rewritten(void *context, uint32_t code_point)
{
	simulation *s = context;
	electra_split split = electra_keras_split(&s->config, code_point);

	if (split == ELECTRA_SPLIT_WORD)
		return push_to_piece(s, code_point);
	if (!end_piece(s))
		return false;
	end_word(&s->effect);
	if (split == ELECTRA_SPLIT_SPACE)
		return true;
	if (!push_to_piece(s, code_point) || !end_piece(s))
		return false;
	end_word(&s->effect);
	return true;
}

static bool
push_spaced(simulation *s, uint32_t code_point)
{
	return s->config.strip_accents ? electra_accents_push(&s->accents, code_point) :
		take_rewritten(s, code_point);
}

static bool
push_keras(simulation *s, uint32_t code_point)
{
	bool		spaces = s->config.tokenize_chinese_chars &&
		(electra_keras(code_point)->flags & ELECTRA_CHINESE) != 0;

	s->piece_begun = false;
	return (!spaces || push_spaced(s, ' ')) && push_spaced(s, code_point) &&
		(!spaces || push_spaced(s, ' ')) && end_piece(s);
}

/* Forgets marks that were held back, for their place depends on what follows. */
static void
hold_marks(simulation *s, electra_accents *accents)
{
	for (size_t i = 0; i < accents->num_marks; i++)
	{
		electra_split split = s->config.pipeline == ELECTRA_TOKENIZER_KERAS ?
			electra_keras_split(&s->config, accents->marks[i]) : electra_bert_split(accents->marks[i]);

		s->effect.careful = s->effect.careful || split != ELECTRA_SPLIT_WORD;
	}
	accents->num_marks = 0;
	s->effect.held = true;
}

/* Runs the steps over one code point.  false: no memory. */
static bool
simulate(simulation *s, uint32_t code_point)
{
	bool		keras = s->config.pipeline == ELECTRA_TOKENIZER_KERAS;
	electra_accents *accents = keras ? &s->accents : &s->normalizer.accents;

	s->effect = (effect) {0};
	if (keras ? !push_keras(s, code_point) : !electra_normalizer_push(&s->normalizer, code_point))
		return false;
	if (accents->num_marks > 0)
		hold_marks(s, accents);
	/* U+0000 ends Keras's texts */
	s->effect.careful = s->effect.careful || code_point == 0;
	return true;
}

/* Is this syllable's effect its decomposition, letter by letter? */
static bool
is_decomposed_hangul(const effect *e, uint32_t code_point)
{
	uint32_t	parts[ELECTRA_MAX_DECOMPOSITION];
	effect		expected = {0};
	int			num_parts;

	if (code_point < ELECTRA_HANGUL_FIRST || code_point > ELECTRA_HANGUL_LAST)
		return false;
	num_parts = electra_unicode_decompose(&electra_bert_unicode, code_point, parts);
	for (int i = 0; i < num_parts; i++)
		append_code_point(&expected, parts[i]);
	return expected.num_bytes == e->num_bytes && memcmp(expected.bytes, e->bytes, (size_t) e->num_bytes) == 0;
}

/* An entry of a kind whose sequence is written down here; CAREFUL when there is no room. */
static uint32_t
sequence_entry(electra_char_map *map, electra_char_kind kind, const effect *e)
{
	uint8_t    *to = (uint8_t *) map->bytes + map->num_bytes;
	uint32_t	place = map->num_bytes;

	if (place + 2 + (uint32_t) e->num_bytes > ELECTRA_MAX_CHAR_BYTES)
		return ELECTRA_CHAR_CAREFUL;
	to[0] = (uint8_t) e->num_code_points;
	to[1] = (uint8_t) e->num_bytes;
	memcpy(to + 2, e->bytes, (size_t) e->num_bytes);
	map->num_bytes += 2 + (uint32_t) e->num_bytes;
	return kind | place << ELECTRA_CHAR_VALUE_SHIFT;
}

/* The entry of a code point with this effect. */
static uint32_t
make_entry(electra_char_map *map, const effect *e, uint32_t code_point)
{
	uint8_t		own[ELECTRA_UTF8_MAX];
	int			own_size = electra_utf8_encode(code_point, own);
	bool		same = e->num_bytes == own_size && memcmp(e->bytes, own, (size_t) own_size) == 0;
	uint32_t	entry = ELECTRA_CHAR_OTHER;

	if (e->careful || (e->held && (e->ends_before || e->ends_behind)))
		return ELECTRA_CHAR_CAREFUL;
	if (e->held)
		return ELECTRA_CHAR_HELD;
	if (e->num_bytes == 0)
		/* an empty sequence stands at the begin of the bytes */
		return e->ends_before ? ELECTRA_CHAR_SPACE : ELECTRA_CHAR_SEQUENCE;
	if (e->ends_before != e->ends_behind)
		return ELECTRA_CHAR_CAREFUL;
	if (e->ends_before)
		return same ? ELECTRA_CHAR_ISOLATED : sequence_entry(map, ELECTRA_CHAR_ISOLATED_SEQUENCE, e);
	if (same)
		return ELECTRA_CHAR_SAME;
	if (is_decomposed_hangul(e, code_point))
		return ELECTRA_CHAR_HANGUL;
	if (e->num_code_points > 1 || e->num_bytes > 3)
		return sequence_entry(map, ELECTRA_CHAR_SEQUENCE, e);
	entry |= (uint32_t) e->num_bytes << ELECTRA_CHAR_SIZE_SHIFT;
	for (int i = 0; i < e->num_bytes; i++)
		entry |= (uint32_t) e->bytes[i] << (ELECTRA_CHAR_BYTES_SHIFT + 8 * i);
	return entry;
}

static const electra_unicode_tables *
tables_of(const simulation *s)
{
	return s->config.pipeline == ELECTRA_TOKENIZER_KERAS ? &electra_keras_unicode : &electra_bert_unicode;
}

/* Do all code points of a block have one record that maps each to itself or to nothing? */
static bool
is_uniform(const simulation *s, uint32_t block)
{
	const electra_unicode_tables *tables = tables_of(s);
	const uint16_t *records = tables->blocks + tables->index[block] * ELECTRA_UNICODE_BLOCK;
	const electra_unicode_record *record = &tables->records[records[0]];

	for (uint32_t i = 1; i < ELECTRA_UNICODE_BLOCK; i++)
	{
		if (records[i] != records[0])
			return false;
	}
	return record->lower_delta == 0 && block > 0 &&
		(record->flags & (ELECTRA_DECOMPOSES | ELECTRA_FOLD_EXPANDS)) == 0;
}

/* Writes the entries of a block.  false: no memory. */
static bool
make_block(simulation *s, electra_char_map *map, uint32_t block, bool uniform, uint32_t *entries)
{
	uint32_t	first = block * ELECTRA_UNICODE_BLOCK;

	for (uint32_t i = 0; i < ELECTRA_UNICODE_BLOCK; i++)
	{
		if (uniform && i > 0)
			entries[i] = entries[0];
		else if (!simulate(s, first + i))
			return false;
		else
			entries[i] = make_entry(map, &s->effect, first + i);
	}
	return true;
}

/* The number of a block with these entries among those that are there. */
static uint32_t
find_block(const electra_char_map *map, const uint32_t *entries)
{
	uint32_t	block = 0;

	while (block < map->num_blocks &&
		   memcmp(map->entries + block * ELECTRA_UNICODE_BLOCK, entries,
				  ELECTRA_UNICODE_BLOCK * sizeof(*entries)) != 0)
		block++;
	return block;
}

/* Fills index, entries and bytes; leaves no blocks when they are over the bound.  false: no memory. */
static bool
fill(simulation *s, electra_char_map *map)
{
	uint16_t   *index = (uint16_t *) map->index;
	uint16_t	numbers[256];	/* of uniform blocks, by those of the frozen
								 * tables; NOT_KNOWN */
	effect		nothing = {0};

	memset(numbers, 0xff, sizeof(numbers));
	map->num_blocks = 0;
	map->num_bytes = 0;
	(void) sequence_entry(map, ELECTRA_CHAR_SEQUENCE, &nothing);
	for (uint32_t block = 0; block < ELECTRA_NUM_CHAR_BLOCKS; block++)
	{
		/* there is room for one block more than the bound */
		uint32_t   *entries = (uint32_t *) map->entries + EVERY_ENTRY(map);
		uint16_t   *known = &numbers[tables_of(s)->index[block]];
		uint32_t	number;
		bool		uniform;

		if (*known != NOT_KNOWN)
		{
			index[block] = *known;
			continue;
		}
		uniform = is_uniform(s, block);
		if (!make_block(s, map, block, uniform, entries))
			return false;
		number = find_block(map, entries);
		if (number == ELECTRA_MAX_CHAR_BLOCKS)
		{
			map->num_blocks = 0;
			return true;
		}
		index[block] = (uint16_t) number;
		if (uniform)
			*known = (uint16_t) number;
		if (number == map->num_blocks)
			map->num_blocks++;
	}
	return true;
}

/* What becomes of the letters and digits of ASCII. */
static electra_alphanumeric_kind
judge_alphanumeric(const electra_byte_map *byte_map)
{
	bool		same = true;
	bool		small = true;

	for (int byte = 0; byte < 256; byte++)
	{
		bool		digit = byte >= '0' && byte <= '9';
		bool		letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';

		if ((digit || letter) != (byte_map->kinds[byte] == ELECTRA_BYTE_WORD))
			return ELECTRA_ALPHANUMERIC_OTHER;
		if (digit || letter)
		{
			same = same && byte_map->bytes[byte] == byte;
			small = small && byte_map->bytes[byte] == (byte | 0x20);
		}
	}
	return same ? ELECTRA_ALPHANUMERIC_SAME : small ? ELECTRA_ALPHANUMERIC_SMALL : ELECTRA_ALPHANUMERIC_OTHER;
}

/* Marks the code points of two and three bytes that stay in a word. */
static void
fill_stays(const electra_char_map *map, electra_byte_map *byte_map)
{
	for (uint32_t code_point = 0x80; code_point < 0x10000; code_point++)
	{
		uint32_t	span = code_point / ELECTRA_LAST_BYTE_SPAN;
		uint64_t   *stay = span < ELECTRA_TWO_BYTE_SPANS ? &byte_map->two_bytes_stay[span] :
			&byte_map->three_bytes_stay[span];
		uint8_t		bytes[ELECTRA_UTF8_MAX];

		if (code_point >= 0xd800 && code_point <= 0xdfff)
			continue;
		(void) electra_utf8_encode(code_point, bytes);
		if (byte_map->kinds[bytes[0]] == ELECTRA_BYTE_LEAD &&
			electra_char_stays(electra_char_map_entry(map, code_point)))
			*stay |= (uint64_t) 1 << code_point % ELECTRA_LAST_BYTE_SPAN;
	}
}

/* What the bytes of ASCII are, and which others may begin a character. */
static void
fill_bytes(const electra_char_map *map, const uint32_t first_bytes[8], electra_byte_map *byte_map)
{
	for (uint32_t byte = 0; byte < 256; byte++)
	{
		bool		begins_added = (first_bytes[byte / 32] >> byte % 32 & 1) != 0;
		uint32_t	entry = byte < 0x80 ? electra_char_map_entry(map, byte) : 0;
		electra_char_kind kind = (electra_char_kind) (entry & ELECTRA_CHAR_KIND_MASK);
		electra_byte_kind byte_kind = ELECTRA_BYTE_CAREFUL;

		byte_map->bytes[byte] = 0;
		if (byte >= 0x80)
			byte_kind = ELECTRA_BYTE_LEAD;
		else if (kind == ELECTRA_CHAR_ISOLATED)
			byte_kind = begins_added ? ELECTRA_BYTE_MAYBE_ADDED : ELECTRA_BYTE_ISOLATED;
		else if (kind == ELECTRA_CHAR_SPACE)
			byte_kind = ELECTRA_BYTE_SPACE;
		else if (entry == ELECTRA_CHAR_SEQUENCE)
			byte_kind = ELECTRA_BYTE_NOTHING;
		else if (kind == ELECTRA_CHAR_SAME || (kind == ELECTRA_CHAR_OTHER && entry >> 16 == 0))
		{
			byte_kind = ELECTRA_BYTE_WORD;
			byte_map->bytes[byte] = kind == ELECTRA_CHAR_SAME ? (uint8_t) byte :
				(uint8_t) (entry >> ELECTRA_CHAR_BYTES_SHIFT);
		}
		if (begins_added && byte_kind != ELECTRA_BYTE_MAYBE_ADDED)
		{
			byte_kind = ELECTRA_BYTE_CAREFUL;
			byte_map->bytes[byte] = 0;
		}
		byte_map->kinds[byte] = (uint8_t) byte_kind;
	}
	byte_map->alphanumeric = judge_alphanumeric(byte_map);
	byte_map->blank = true;
	for (int byte = 0x01; byte <= 0x20; byte++)
		byte_map->blank = byte_map->blank && (byte_map->kinds[byte] == ELECTRA_BYTE_SPACE ||
											  byte_map->kinds[byte] == ELECTRA_BYTE_NOTHING);
	fill_stays(map, byte_map);
}

static bool
allocate(electra_char_map *map, const electra_allocator *memory)
{
	*map = (electra_char_map) {
		.index = memory->alloc(memory->context, ELECTRA_NUM_CHAR_BLOCKS * sizeof(uint16_t)),
		.entries = memory->alloc(memory->context, (ELECTRA_MAX_CHAR_BLOCKS + 1) * ELECTRA_UNICODE_BLOCK *
								 sizeof(uint32_t)),
		.bytes = memory->alloc(memory->context, ELECTRA_MAX_CHAR_BYTES)
	};
	return map->index != NULL && map->entries != NULL && map->bytes != NULL;
}

bool
electra_char_map_build(const electra_tokenizer_config *config, const uint32_t first_bytes[8],
					   const electra_allocator *memory, electra_char_map *map, electra_byte_map *byte_map)
{
	simulation	s = {.config = *config};
	bool		enough = allocate(map, memory);

	memset(byte_map, 0, sizeof(*byte_map));
	if (config->pipeline == ELECTRA_TOKENIZER_NONE || !enough)
		return enough;
	s.config.max_word_chars = NO_WORD_LIMIT;
	s.words = (electra_words) {.config = &s.config, .memory = memory, .tokens = &s.tokens};
	electra_normalizer_init(&s.normalizer, &s.config, memory, take_normalized, &s);
	electra_accents_init(&s.accents, &electra_keras_unicode, memory, take_rewritten, &s);
	electra_fold_init(&s.fold, &s.words);
	enough = fill(&s, map);
	if (enough && map->num_blocks > 0)
		fill_bytes(map, first_bytes, byte_map);
	electra_fold_free(&s.fold);
	electra_accents_free(&s.accents);
	electra_normalizer_free(&s.normalizer);
	electra_words_free(&s.words);
	return enough;
}

void
electra_char_map_free(electra_char_map *map, const electra_allocator *memory)
{
	memory->release(memory->context, (void *) map->index);
	memory->release(memory->context, (void *) map->entries);
	memory->release(memory->context, (void *) map->bytes);
	*map = (electra_char_map) {0};
}
