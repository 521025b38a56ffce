/*
 * BertNormalizer, code point by code point.
 *
 * The steps apply one after the other to a whole text in the reference.  All
 * of them but one look at single characters, so they can run as a chain.  The
 * one is the canonical order of combining characters: a run of characters
 * whose combining class is not 0 is sorted by class, and the last of a run may
 * come first.  Nonspacing marks are dropped right after, so only the others
 * (spacing marks, and marks that are younger than the reference's table) are
 * kept until their run ends.  Runs of these are a few characters in any
 * language; a text that is nothing else costs four bytes for each of them.
 */
#include "bert_normalizer.h"

#include <string.h>

#include "unicode.h"

#define FIRST_MARKS_CAPACITY 32
#define NUM_CLASSES 256

void
electra_normalizer_init(electra_normalizer *normalizer, const electra_tokenizer_config *config,
						const electra_allocator *memory,
						bool (*emit) (void *context, uint32_t code_point), void *context)
{
	*normalizer = (electra_normalizer) {.config = config, .memory = memory, .emit = emit, .context = context};
}

void
electra_normalizer_free(electra_normalizer *normalizer)
{
	normalizer->memory->release(normalizer->memory->context, normalizer->marks);
	normalizer->marks = NULL;
	normalizer->num_marks = normalizer->marks_capacity = 0;
}

/* Lower case comes last; it never sorts again. */
static bool
push_lower(electra_normalizer *normalizer, uint32_t code_point)
{
	if (!normalizer->config->lowercase)
		return normalizer->emit(normalizer->context, code_point);

	uint32_t	lower = (uint32_t) ((int32_t) code_point + electra_unicode(code_point)->lower_delta);

	if (!normalizer->emit(normalizer->context, lower))
		return false;
	return code_point != ELECTRA_CAPITAL_I_WITH_DOT ||
		normalizer->emit(normalizer->context, ELECTRA_COMBINING_DOT_ABOVE);
}

/*
 * Hands on the run of combining characters, stably sorted by class: once over
 * the run for each class in it, of which there are a few dozen at most.
 */
static bool
flush_marks(electra_normalizer *normalizer)
{
	bool		present[NUM_CLASSES] = {false};
	int			lowest = NUM_CLASSES;
	int			highest = 0;

	if (normalizer->num_marks == 0)
		return true;
	for (size_t i = 0; i < normalizer->num_marks; i++)
	{
		int			class = electra_unicode(normalizer->marks[i])->combining_class;

		present[class] = true;
		lowest = class < lowest ? class : lowest;
		highest = class > highest ? class : highest;
	}
	for (int class = lowest; class <= highest; class++)
	{
		if (!present[class])
			continue;
		for (size_t i = 0; i < normalizer->num_marks; i++)
		{
			if (electra_unicode(normalizer->marks[i])->combining_class == class &&
				!push_lower(normalizer, normalizer->marks[i]))
				return false;
		}
	}
	normalizer->num_marks = 0;
	return true;
}

/* Keeps a combining character until its run ends. */
static bool
keep_mark(electra_normalizer *normalizer, uint32_t code_point)
{
	if (normalizer->num_marks == normalizer->marks_capacity)
	{
		const electra_allocator *memory = normalizer->memory;
		size_t		capacity = normalizer->marks_capacity == 0 ? FIRST_MARKS_CAPACITY :
			2 * normalizer->marks_capacity;
		uint32_t   *marks = capacity > SIZE_MAX / sizeof(uint32_t) ? NULL :
			memory->alloc(memory->context, capacity * sizeof(uint32_t));

		if (marks == NULL)
			return false;
		if (normalizer->num_marks > 0)
			memcpy(marks, normalizer->marks, normalizer->num_marks * sizeof(uint32_t));
		memory->release(memory->context, normalizer->marks);
		normalizer->marks = marks;
		normalizer->marks_capacity = capacity;
	}
	normalizer->marks[normalizer->num_marks++] = code_point;
	return true;
}

/* Decomposes, drops nonspacing marks, puts the rest into canonical order. */
static bool
push_decomposed(electra_normalizer *normalizer, uint32_t code_point)
{
	uint32_t	parts[ELECTRA_MAX_DECOMPOSITION];
	int			num_parts;

	if (!normalizer->config->strip_accents)
		return push_lower(normalizer, code_point);

	num_parts = electra_unicode_decompose(code_point, parts);
	for (int i = 0; i < num_parts; i++)
	{
		const electra_unicode_record *record = electra_unicode(parts[i]);

		if (record->combining_class == 0 && !flush_marks(normalizer))
			return false;
		if (record->flags & ELECTRA_NONSPACING_MARK)
			continue;
		if (record->combining_class == 0 ? !push_lower(normalizer, parts[i]) :
			!keep_mark(normalizer, parts[i]))
			return false;
	}
	return true;
}

bool
electra_normalizer_push(electra_normalizer *normalizer, uint32_t code_point)
{
	const electra_tokenizer_config *config = normalizer->config;
	uint8_t		flags = electra_unicode(code_point)->flags;

	if (config->clean_text)
	{
		if (flags & ELECTRA_CLEAN_DROP)
			return true;
		if (flags & ELECTRA_CLEAN_SPACE)
			code_point = ' ';
	}
	if (config->tokenize_chinese_chars && (flags & ELECTRA_CHINESE))
		return push_decomposed(normalizer, ' ') && push_decomposed(normalizer, code_point) &&
			push_decomposed(normalizer, ' ');
	return push_decomposed(normalizer, code_point);
}

bool
electra_normalizer_end(electra_normalizer *normalizer)
{
	return flush_marks(normalizer);
}
