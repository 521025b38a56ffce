/*
 * Decomposition without nonspacing marks, code point by code point.
 *
 * The references decompose a whole text and then drop marks from it.  Nearly
 * all of that looks at single characters.  The exception is the canonical
 * order of combining characters: a run of characters whose combining class is
 * not 0 is sorted by class, and the last of a run may come first.  Nonspacing
 * marks are dropped right after, so only the others (spacing marks, and marks
 * that are younger than the reference's table) are kept until their run ends.
 * Runs of these are a few characters in any language; of a text that is nothing
 * else, bert_pipeline.c keeps no more than a word has.
 */
#include "accents.h"

#include <string.h>

#define FIRST_MARKS_CAPACITY 32
#define NUM_CLASSES 256

void
electra_accents_init(electra_accents *accents, const electra_unicode_tables *tables,
					 const electra_allocator *memory,
					 bool (*emit) (void *context, uint32_t code_point), void *context)
{
	*accents = (electra_accents) {.tables = tables, .memory = memory, .emit = emit, .context = context};
}

void
electra_accents_free(electra_accents *accents)
{
	accents->memory->release(accents->memory->context, accents->marks);
	accents->marks = NULL;
	accents->num_marks = accents->marks_capacity = 0;
}

static const electra_unicode_record *
record_of(const electra_accents *accents, uint32_t code_point)
{
	const electra_unicode_tables *tables = accents->tables;

	return electra_unicode_lookup(tables->records, tables->index, tables->blocks, code_point);
}

static int
class_of(const electra_accents *accents, uint32_t code_point)
{
	return record_of(accents, code_point)->combining_class;
}

/*
 * Hands on the run of combining characters, stably sorted by class: once over
 * the run for each class in it, of which there are a few dozen at most.
 */
static bool
flush_marks(electra_accents *accents)
{
	bool		present[NUM_CLASSES] = {false};
	int			lowest = NUM_CLASSES;
	int			highest = 0;

	if (accents->num_marks == 0)
		return true;
	for (size_t i = 0; i < accents->num_marks; i++)
	{
		int			class = class_of(accents, accents->marks[i]);

		present[class] = true;
		lowest = class < lowest ? class : lowest;
		highest = class > highest ? class : highest;
	}
	for (int class = lowest; class <= highest; class++)
	{
		if (!present[class])
			continue;
		for (size_t i = 0; i < accents->num_marks; i++)
		{
			if (class_of(accents, accents->marks[i]) == class &&
				!accents->emit(accents->context, accents->marks[i]))
				return false;
		}
	}
	accents->num_marks = 0;
	return true;
}

/* Keeps a combining character until its run ends. */
static bool
keep_mark(electra_accents *accents, uint32_t code_point)
{
	if (accents->num_marks == accents->marks_capacity)
	{
		const electra_allocator *memory = accents->memory;
		size_t		capacity = accents->marks_capacity == 0 ? FIRST_MARKS_CAPACITY :
			2 * accents->marks_capacity;
		uint32_t   *marks = capacity > SIZE_MAX / sizeof(uint32_t) ? NULL :
			memory->alloc(memory->context, capacity * sizeof(uint32_t));

		if (marks == NULL)
			return false;
		if (accents->num_marks > 0)
			memcpy(marks, accents->marks, accents->num_marks * sizeof(uint32_t));
		memory->release(memory->context, accents->marks);
		accents->marks = marks;
		accents->marks_capacity = capacity;
	}
	accents->marks[accents->num_marks++] = code_point;
	return true;
}

bool
electra_accents_push(electra_accents *accents, uint32_t code_point)
{
	const electra_unicode_record *whole = record_of(accents, code_point);
	uint32_t	parts[ELECTRA_MAX_DECOMPOSITION];
	int			num_parts;

	/* nearly every character */
	if (accents->num_marks == 0 && whole->combining_class == 0 &&
		!(whole->flags & (ELECTRA_DECOMPOSES | ELECTRA_NONSPACING_MARK)))
		return accents->emit(accents->context, code_point);

	num_parts = electra_unicode_decompose(accents->tables, code_point, parts);
	for (int i = 0; i < num_parts; i++)
	{
		const electra_unicode_record *record = record_of(accents, parts[i]);

		if (record->combining_class == 0 && !flush_marks(accents))
			return false;
		if (record->flags & ELECTRA_NONSPACING_MARK)
			continue;
		if (record->combining_class == 0 ? !accents->emit(accents->context, parts[i]) :
			!keep_mark(accents, parts[i]))
			return false;
	}
	return true;
}

bool
electra_accents_end(electra_accents *accents)
{
	return flush_marks(accents);
}
