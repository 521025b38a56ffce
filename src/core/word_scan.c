/*
 * Words straight out of a text.
 *
 * The pipelines' own steps take code points one by one through function
 * pointers and gather a word before they split it.  Here a word of a few letters
 * and digits of ASCII is one look into a table, any other a transition of the
 * automaton for each of its bytes, which a character that is not ASCII gets from
 * its entry in the map of code points.  Whatever the map does not
 * know (characters whose effect depends on their neighbours, invalid text,
 * bytes that may begin an added token, the end of a slice) is left to the
 * pipeline's steps, which take the word from its beginning.
 */
#include "word_scan.h"

#include "added_tokens.h"
#include "utf8.h"
#include "word_skip.h"

/* Bytes between polls. */
#define POLL_BYTES 32768

/* A word with so many bytes, most of them dropped, is left to the pipeline. */
#define MAX_SCANNED_WORD 4096

/* Sets of electra_byte_kind, 1 << kind each. */
#define ENDS_WORD (1u << ELECTRA_BYTE_SPACE | 1u << ELECTRA_BYTE_ISOLATED | 1u << ELECTRA_BYTE_MAYBE_ADDED)
#define STAYS_IN_WORD (1u << ELECTRA_BYTE_WORD | 1u << ELECTRA_BYTE_NOTHING)
#define IS_SKIPPED (1u << ELECTRA_BYTE_SPACE | 1u << ELECTRA_BYTE_NOTHING)

/* What reading on came to. */
typedef enum outcome
{
	ON,							/* go on */
	ENDED,						/* the word is over */
	OVERLONG,					/* it is too long, whatever follows */
	CAREFUL						/* the pipeline's steps are needed */
} outcome;

/* A word that is being read. */
typedef struct word
{
	size_t		begin;
	size_t		at;				/* what comes next */
	int32_t		length;			/* code points, for Keras bytes */
} word;

void
electra_scan_init(electra_scan *scan, electra_pipeline *pipeline)
{
	const electra_vocabulary_header *vocabulary = pipeline->vocabulary;
	uint8_t		first = (uint8_t) pipeline->config->continuing_prefix[0];

	scan->pipeline = pipeline;
	scan->byte_map = &vocabulary->byte_map;
	scan->map = electra_vocabulary_char_map(vocabulary);
	scan->automaton = electra_vocabulary_automaton(vocabulary);
	scan->table = electra_vocabulary_table(vocabulary);
	scan->keras = pipeline->config->pipeline == ELECTRA_TOKENIZER_KERAS;
	scan->enabled = scan->map.num_blocks > 0 && scan->automaton.num_states > 0;
	/* a word that begins with the continuing prefix is not always a token if it could be one */
	scan->quick = scan->table.bits > 0 && (first == 0 || scan->byte_map->bytes[first] == 0) &&
		pipeline->config->max_word_chars >= ELECTRA_TABLE_KEY;
	scan->poll_at = 0;
}

/* Is a byte's kind in a set? */
static inline bool
kind_in(const electra_byte_map *byte_map, uint8_t byte, unsigned int set)
{
	return (set >> (byte_map->kinds[byte] & 31) & 1) != 0;
}

/* Does a byte of plain ASCII go into the word that it stands in?  The end of the text ends it. */
static inline bool
ends_at(const electra_scan *scan, size_t at)
{
	const electra_text *text = &scan->pipeline->text;

	return at < text->size ? kind_in(scan->byte_map, text->bytes[at], ENDS_WORD) : text->at_end;
}

/*
 * The character of two or three bytes at a place that has three, and its size;
 * 0 for any other.
 */
static inline int
decode_usual(const uint8_t *bytes, uint32_t *code_point)
{
	uint8_t		first = bytes[0];

	if ((bytes[1] & 0xc0) != 0x80)
		return 0;
	if (first >= 0xc2 && first <= 0xdf)
	{
		*code_point = (first & 0x1fu) << 6 | (bytes[1] & 0x3fu);
		return 2;
	}
	*code_point = (first & 0xfu) << 12 | (bytes[1] & 0x3fu) << 6 | (bytes[2] & 0x3fu);
	if (first < 0xe0 || first > 0xef || (bytes[2] & 0xc0) != 0x80 || *code_point < 0x800 ||
		(*code_point >= 0xd800 && *code_point <= 0xdfff))
		return 0;
	return 3;
}

/* The letters and digits at a place: how many, at most a block. */
static inline uint32_t
count_alphanumeric(const electra_text *text, size_t at, uint8_t block[ELECTRA_ASCII_BLOCK])
{
	size_t		left = text->size - at;

	if (left >= ELECTRA_ASCII_BLOCK)
		memcpy(block, text->bytes + at, ELECTRA_ASCII_BLOCK);
	else
	{
		memset(block, 0, ELECTRA_ASCII_BLOCK);
		memcpy(block, text->bytes + at, left);
	}
	return (uint32_t) __builtin_ctz(~electra_alphanumeric(block));
}

/* The token that the first length (1 … ELECTRA_TABLE_KEY) bytes of a block are, or ELECTRA_TABLE_EMPTY. */
static inline int32_t
find_in_table(const electra_scan *scan, const uint8_t *block, uint32_t length)
{
	uint64_t	low;
	uint32_t	high;

	memcpy(&low, block, sizeof(low));
	memcpy(&high, block + sizeof(low), sizeof(high));
	if (scan->byte_map->alphanumeric == ELECTRA_ALPHANUMERIC_SMALL)
	{
		/* digits have this bit already */
		low |= ELECTRA_EVERY_BYTE(0x20);
		high |= 0x20202020u;
	}
	if (length <= sizeof(low))
	{
		low &= UINT64_MAX >> (8 * (sizeof(low) - length));
		high = 0;
	}
	else
		high &= UINT32_MAX >> (8 * (ELECTRA_TABLE_KEY - length));
	return electra_word_table_find(&scan->table, low, high);
}

/* The token of a character that is a word of its own, or ELECTRA_TABLE_EMPTY. */
static inline int32_t
find_isolated(const electra_scan *scan, const uint8_t *bytes, uint32_t num_bytes)
{
	const electra_automaton *automaton = &scan->automaton;
	uint32_t	state = ELECTRA_WORD_START;

	for (uint32_t i = 0; i < num_bytes; i++)
	{
		state = electra_automaton_child(automaton, state, bytes[i]);
		if (state == ELECTRA_MAX_STATES)
			return ELECTRA_TABLE_EMPTY;
	}
	if (state == automaton->continuing || automaton->states[state].fail != automaton->continuing ||
		(automaton->states[state].pops & ELECTRA_POPS_LIST))
		return ELECTRA_TABLE_EMPTY;
	return (int32_t) automaton->states[state].pops;
}

/* Is a character with this entry, where no word has begun, white space or dropped? */
static inline bool
is_blank(uint32_t entry)
{
	return entry == ELECTRA_CHAR_SPACE || entry == ELECTRA_CHAR_SEQUENCE;
}

/*
 * The same for what begins at a place; its size, too.  *blank: it is no word,
 * but white space or dropped.
 */
static inline int32_t
find_isolated_at(const electra_scan *scan, size_t at, uint32_t *num_bytes, bool *blank)
{
	const electra_text *text = &scan->pipeline->text;
	const uint8_t *bytes = text->bytes + at;
	uint8_t		kind = scan->byte_map->kinds[bytes[0]];
	uint32_t	code_point;
	uint32_t	entry;

	*num_bytes = 1;
	*blank = false;
	if (kind == ELECTRA_BYTE_LEAD && text->size - at >= 3)
	{
		*num_bytes = (uint32_t) decode_usual(bytes, &code_point);
		if (*num_bytes == 0)
			return ELECTRA_TABLE_EMPTY;
		entry = electra_char_map_entry(&scan->map, code_point);
		*blank = is_blank(entry);
		if (entry != ELECTRA_CHAR_ISOLATED)
			return ELECTRA_TABLE_EMPTY;
	}
	else if (kind != ELECTRA_BYTE_ISOLATED &&
			 (kind != ELECTRA_BYTE_MAYBE_ADDED || text->size - at < 2 ||
			  electra_vocabulary_may_be_added(scan->pipeline->vocabulary, bytes)))
		return ELECTRA_TABLE_EMPTY;
	return find_isolated(scan, bytes, *num_bytes);
}

/* The character at a place and its entry in the map; its size, or 0 where the text is invalid or cut. */
static inline int
read_entry(const electra_scan *scan, size_t at, uint32_t *code_point, uint32_t *entry)
{
	const electra_text *text = &scan->pipeline->text;
	int			size = electra_utf8_decode_multibyte(text->bytes + at, text->size - at, code_point);

	if (size <= 0)
		return 0;
	*entry = electra_char_map_entry(&scan->map, *code_point);
	return size;
}

/* Behind the characters beyond ASCII at a place that are white space or dropped, up to an end. */
static size_t
skip_blank_characters(const electra_scan *scan, size_t at, size_t end)
{
	uint32_t	code_point;
	uint32_t	entry;
	int			size;

	while (at < end && scan->byte_map->kinds[scan->pipeline->text.bytes[at]] == ELECTRA_BYTE_LEAD &&
		   (size = read_entry(scan, at, &code_point, &entry)) > 0 && is_blank(entry))
		at += (size_t) size;
	return at;
}

/*
 * Short words of plain ASCII that are one token each, white space, punctuation
 * and Chinese characters, until something else comes: nearly all of an English text.
 * Leaves the cursor there.
 */
static void
scan_quick(electra_scan *scan, size_t end)
{
	electra_pipeline *p = scan->pipeline;
	const electra_byte_map *byte_map = scan->byte_map;
	size_t		at = p->cursor;

	while (at < end && !p->words.full)
	{
		uint8_t		block[ELECTRA_ASCII_BLOCK];
		uint8_t		first = p->text.bytes[at];
		uint32_t	length;
		bool		blank = false;
		int32_t		id = ELECTRA_TABLE_EMPTY;

		if (kind_in(byte_map, first, IS_SKIPPED))
		{
			at++;
			while (at < end && kind_in(byte_map, p->text.bytes[at], IS_SKIPPED))
				at = electra_skip_blank_blocks(byte_map, p->text.bytes, at + 1, end);
			continue;
		}
		length = count_alphanumeric(&p->text, at, block);
		if (length == 0)
			id = find_isolated_at(scan, at, &length, &blank);
		else if (length <= ELECTRA_TABLE_KEY && ends_at(scan, at + length))
			id = find_in_table(scan, block, length);
		if (blank)
		{
			at = skip_blank_characters(scan, at + length, end);
			continue;
		}
		if (id == ELECTRA_TABLE_EMPTY)
			break;
		electra_words_emit(&p->words, id);
		at += length;
	}
	p->cursor = at;
}

/* Bytes of the word, on their way through the automaton. */
static void
push_bytes(electra_scan *scan, const uint8_t *bytes, int num_bytes)
{
	for (int i = 0; i < num_bytes; i++)
		electra_match_push(&scan->match, &scan->automaton, bytes[i]);
}

/* A syllable of Hangul as its letters; returns its length. */
static int32_t
push_hangul(electra_scan *scan, uint32_t code_point)
{
	uint32_t	parts[ELECTRA_MAX_DECOMPOSITION];
	int			num_parts = electra_unicode_decompose(&electra_bert_unicode, code_point, parts);
	int32_t		num_bytes = 0;

	for (int i = 0; i < num_parts; i++)
	{
		uint8_t		bytes[ELECTRA_UTF8_MAX];
		int			size = electra_utf8_encode(parts[i], bytes);

		push_bytes(scan, bytes, size);
		num_bytes += size;
	}
	return scan->keras ? num_bytes : num_parts;
}

/* The character of size bytes at the cursor of a word, by its entry in the map. */
static outcome
push_entry(electra_scan *scan, word *w, uint32_t entry, uint32_t code_point, int size)
{
	const uint8_t *bytes = scan->pipeline->text.bytes + w->at;
	int			num_bytes = size;
	int			num_code_points = 1;
	uint8_t		other[3];

	switch ((electra_char_kind) (entry & ELECTRA_CHAR_KIND_MASK))
	{
		case ELECTRA_CHAR_SAME:
		case ELECTRA_CHAR_ISOLATED:
			break;
		case ELECTRA_CHAR_OTHER:
			num_bytes = (int) (entry >> ELECTRA_CHAR_SIZE_SHIFT & 3);
			for (int i = 0; i < num_bytes; i++)
				other[i] = (uint8_t) (entry >> (ELECTRA_CHAR_BYTES_SHIFT + 8 * i));
			bytes = other;
			break;
		case ELECTRA_CHAR_SEQUENCE:
		case ELECTRA_CHAR_ISOLATED_SEQUENCE:
			if (!electra_char_map_sequence(&scan->map, entry, &bytes, &num_bytes, &num_code_points))
				return CAREFUL;
			break;
		case ELECTRA_CHAR_HANGUL:
			if (code_point < ELECTRA_HANGUL_FIRST || code_point > ELECTRA_HANGUL_LAST)
				return CAREFUL;
			w->length += push_hangul(scan, code_point);
			w->at += (size_t) size;
			return ON;
		default:
			return CAREFUL;
	}
	push_bytes(scan, bytes, num_bytes);
	w->length += scan->keras ? num_bytes : num_code_points;
	w->at += (size_t) size;
	return ON;
}

/* One character of two bytes or more. */
static outcome
read_multibyte(electra_scan *scan, word *w)
{
	uint32_t	code_point;
	uint32_t	entry;
	int			size = read_entry(scan, w->at, &code_point, &entry);
	electra_char_kind kind;

	if (size == 0)
		return CAREFUL;
	kind = (electra_char_kind) (entry & ELECTRA_CHAR_KIND_MASK);
	if (kind == ELECTRA_CHAR_SPACE || kind == ELECTRA_CHAR_ISOLATED || kind == ELECTRA_CHAR_ISOLATED_SEQUENCE)
	{
		if (w->length > 0)
			return ENDED;
		if (kind == ELECTRA_CHAR_SPACE)
			w->at += (size_t) size;
		else if (push_entry(scan, w, entry, code_point, size) == CAREFUL)
			return CAREFUL;
		return ENDED;
	}
	/* of what is held back, some makes the word shorter */
	if (w->length > scan->pipeline->config->max_word_chars && kind != ELECTRA_CHAR_CAREFUL && kind != ELECTRA_CHAR_HELD)
		return OVERLONG;
	return push_entry(scan, w, entry, code_point, size);
}

/* Does an added token begin here, or may one?  What stands in front is read again for it. */
static bool
may_be_added(electra_scan *scan, size_t at)
{
	electra_pipeline *p = scan->pipeline;
	electra_added_match match;

	return electra_added_match_raw(p->vocabulary, &p->text, at, electra_text_before(&p->text, at),
								   &match) != ELECTRA_READ_OK || match.token != NULL;
}

/* The state behind one more byte of the word: electra_match_push with the state at hand. */
static inline uint32_t
advance(electra_match *match, const electra_automaton *automaton, uint32_t state, uint8_t byte)
{
	uint32_t	child = electra_automaton_child(automaton, state, byte);

	if (child != ELECTRA_MAX_STATES && (child != automaton->continuing || match->num_pieces > 0))
		return child;
	match->state = state;
	electra_match_push(match, automaton, byte);
	return match->state;
}

/*
 * Letters and digits of ASCII, and characters of two and three bytes that go
 * into the word as themselves or as another one of that kind, up to the longest
 * word.
 */
static void
read_letters(electra_scan *scan, word *w)
{
	const electra_automaton automaton = scan->automaton;
	const electra_byte_map *byte_map = scan->byte_map;
	const uint8_t *bytes = scan->pipeline->text.bytes;
	size_t		size = scan->pipeline->text.size;
	int32_t		max_length = scan->pipeline->config->max_word_chars;
	electra_match *match = &scan->match;
	uint32_t	state = match->state;
	uint32_t	entry;
	uint32_t	code_point;
	int			num_bytes;
	int			added;

	for (; w->at < size && w->length <= max_length; w->at += (size_t) num_bytes)
	{
		uint8_t		byte = byte_map->bytes[bytes[w->at]];

		num_bytes = added = 1;
		if (byte != 0)
		{
			state = advance(match, &automaton, state, byte);
			w->length++;
			continue;
		}
		if (byte_map->kinds[bytes[w->at]] != ELECTRA_BYTE_LEAD || size - w->at < 3 ||
			(num_bytes = decode_usual(bytes + w->at, &code_point)) == 0)
			break;
		entry = electra_char_map_entry(&scan->map, code_point);
		if (entry == ELECTRA_CHAR_SAME)
		{
			added = num_bytes;
			for (int i = 0; i < num_bytes; i++)
				state = advance(match, &automaton, state, bytes[w->at + (size_t) i]);
		}
		else if ((entry & ELECTRA_CHAR_KIND_MASK) == ELECTRA_CHAR_OTHER)
		{
			added = (int) (entry >> ELECTRA_CHAR_SIZE_SHIFT & 3);
			for (int i = 0; i < added; i++)
				state = advance(match, &automaton, state, (uint8_t) (entry >> (ELECTRA_CHAR_BYTES_SHIFT + 8 * i)));
		}
		else
			break;
		w->length += scan->keras ? added : 1;
	}
	match->state = state;
}

/*
 * Reads a word up to its end.  What comes to nothing in front of a word is one
 * that ends with length 0.
 */
static outcome
read_word(electra_scan *scan, word *w)
{
	const electra_text *text = &scan->pipeline->text;
	outcome		result = ON;

	while (result == ON)
	{
		uint8_t		byte;

		read_letters(scan, w);
		if (w->at == text->size)
			return text->at_end ? ENDED : CAREFUL;
		byte = text->bytes[w->at];
		switch ((electra_byte_kind) scan->byte_map->kinds[byte])
		{
			case ELECTRA_BYTE_WORD:
				return OVERLONG;
			case ELECTRA_BYTE_LEAD:
				result = read_multibyte(scan, w);
				break;
			case ELECTRA_BYTE_NOTHING:
				w->at++;
				break;
			case ELECTRA_BYTE_SPACE:
				w->at += w->length == 0;
				return ENDED;
			case ELECTRA_BYTE_MAYBE_ADDED:
				if (w->length == 0 && may_be_added(scan, w->at))
					return CAREFUL;
				/* FALLTHROUGH */
			case ELECTRA_BYTE_ISOLATED:
				if (w->length == 0)
				{
					push_bytes(scan, &byte, 1);
					w->length++;
					w->at++;
				}
				return ENDED;
			default:
				return CAREFUL;
		}
		if (result == ON && w->length == 0)
			return ENDED;
		if (w->at - w->begin > MAX_SCANNED_WORD)
			return CAREFUL;
	}
	return result;
}

/* Gives out the tokens of a word.  false: it is for the pipeline's steps. */
static bool
take_word(electra_scan *scan, const word *w)
{
	electra_pipeline *p = scan->pipeline;
	electra_match_result result;

	if (w->length == 0)
		return true;
	result = w->length > p->config->max_word_chars ? ELECTRA_MATCH_UNKNOWN :
		electra_match_end(&scan->match, &scan->automaton);
	if (result == ELECTRA_MATCH_CAREFUL)
		return false;
	if (result == ELECTRA_MATCH_UNKNOWN)
		electra_words_emit(&p->words, p->config->unk_token_id);
	else
	{
		for (int32_t i = 0; i < scan->match.num_pieces && !p->words.full; i++)
			electra_words_emit(&p->words, scan->match.pieces[i]);
	}
	return true;
}

/* Reads a word that is not for scan_quick.  CAREFUL: the cursor is in front of it. */
static outcome
scan_word(electra_scan *scan)
{
	electra_pipeline *p = scan->pipeline;
	word		w = {.begin = p->cursor, .at = p->cursor};
	outcome		result;

	electra_match_begin(&scan->match);
	result = read_word(scan, &w);
	if (result == CAREFUL || (result == ENDED && !take_word(scan, &w)))
		return CAREFUL;
	p->cursor = w.at;
	if (result == OVERLONG)
		electra_words_overlong(&p->words);
	return result;
}

/* One character of an overlong word, which is moved over unless the word ends in front of it. */
static outcome
skip_character(const electra_scan *scan, size_t *at)
{
	uint8_t		byte = scan->pipeline->text.bytes[*at];
	uint32_t	code_point;
	uint32_t	entry;
	int			size;

	if (kind_in(scan->byte_map, byte, STAYS_IN_WORD))
	{
		(*at)++;
		return ON;
	}
	if (kind_in(scan->byte_map, byte, ENDS_WORD))
		return ENDED;
	if (scan->byte_map->kinds[byte] != ELECTRA_BYTE_LEAD || (size = read_entry(scan, *at, &code_point, &entry)) == 0)
		return CAREFUL;
	if (!electra_char_stays(entry))
		return (entry & ELECTRA_CHAR_KIND_MASK) == ELECTRA_CHAR_CAREFUL ? CAREFUL : ENDED;
	*at += (size_t) size;
	return ON;
}

/*
 * The rest of an overlong word from the cursor on, up to a place, or to the end
 * of the character that lies across it.  ON: the word goes on there.
 */
static outcome
skip_overlong(electra_scan *scan, size_t end)
{
	electra_pipeline *p = scan->pipeline;
	outcome		result = ON;
	size_t		at = p->cursor;

	while (result == ON && at < end)
	{
		size_t		reach;

		at = electra_skip_word_blocks(scan->byte_map, &scan->map, p->text.bytes, at, end);
		reach = end - at < ELECTRA_SKIP_REACH ? end : at + ELECTRA_SKIP_REACH;
		while (result == ON && at < reach)
			result = skip_character(scan, &at);
	}
	p->cursor = at;
	if (result == ON && at == p->text.size)
		result = p->text.at_end ? ENDED : CAREFUL;
	if (result == ENDED)
		electra_words_end(&p->words);
	return result;
}

electra_step
electra_scan_words(electra_scan *scan)
{
	electra_pipeline *p = scan->pipeline;
	outcome		result = ON;

	while (result != CAREFUL && !p->words.full && p->cursor < p->text.size)
	{
		size_t		end = p->text.size - p->cursor < POLL_BYTES ? p->text.size : p->cursor + POLL_BYTES;

		if (p->cursor >= scan->poll_at)
		{
			if (!electra_text_poll(&p->text))
				return ELECTRA_STEP_FAILED;
			scan->poll_at = end;
		}
		if (p->words.overlong)
		{
			result = skip_overlong(scan, end);
			continue;
		}
		if (scan->quick)
			scan_quick(scan, end);
		if (!p->words.full && p->cursor < end)
			result = scan_word(scan);
	}
	return ELECTRA_STEP_MORE;
}
