/*
 * NFKC_Casefold, code point by code point (Unicode, chapter 3.11 and 3.13).
 *
 * A starter is held back until it is known what composes with it: the marks
 * behind it, or the next starter.  A piece of any length needs little memory
 * for that: marks have two bytes or more, and a starter takes in at most three
 * of them, so that with enough of them the word is too long whatever follows.
 */
#include "keras_fold.h"

#include <string.h>

#include "keras_unicode.h"

#define MAX_COMPOSED_MARKS 3
#define MIN_MARK_BYTES 2

#define CLASS_SHIFT 24
#define CODE_POINT_MASK ((1u << CLASS_SHIFT) - 1)

/* No code point of folded text: U+0000 ends a text. */
#define NO_STARTER 0

void
electra_fold_init(electra_fold *fold, electra_words *words)
{
	*fold = (electra_fold) {
		.words = words,
		.capacity = (size_t) words->config->max_word_chars / MIN_MARK_BYTES + MAX_COMPOSED_MARKS + 1
	};
}

void
electra_fold_free(electra_fold *fold)
{
	fold->words->memory->release(fold->words->memory->context, fold->marks);
	fold->marks = NULL;
}

/* Forgets what is held back. */
static void
clear(electra_fold *fold)
{
	fold->starter = NO_STARTER;
	fold->num_marks = 0;
}

/* Composes the starter with the marks behind it that are not blocked from it. */
static void
compose_marks(electra_fold *fold)
{
	size_t		kept = 0;

	if (fold->starter == NO_STARTER)
		return;
	for (size_t i = 0; i < fold->num_marks; i++)
	{
		uint32_t	mark = fold->marks[i];
		uint32_t	composite = 0;

		/* marks ascend, so that only one of the same class can stand between */
		if (kept == 0 || fold->marks[kept - 1] >> CLASS_SHIFT != mark >> CLASS_SHIFT)
			composite = electra_keras_compose(fold->starter, mark & CODE_POINT_MASK);
		if (composite != 0)
			fold->starter = composite;
		else
			fold->marks[kept++] = mark;
	}
	fold->num_marks = kept;
}

/* Gives on everything that is held back. */
static bool
flush(electra_fold *fold)
{
	if (fold->starter != NO_STARTER && !electra_words_append(fold->words, fold->starter))
		return false;
	for (size_t i = 0; i < fold->num_marks; i++)
	{
		if (!electra_words_append(fold->words, fold->marks[i] & CODE_POINT_MASK))
			return false;
	}
	clear(fold);
	return true;
}

/* Inserts a mark behind those of the same or a lower class. */
static bool
insert_mark(electra_fold *fold, uint32_t code_point, uint8_t class)
{
	const electra_allocator *memory = fold->words->memory;
	size_t		place = fold->num_marks;

	if (fold->num_marks == fold->capacity)
	{
		electra_words_overlong(fold->words);
		clear(fold);
		return true;
	}
	if (fold->marks == NULL)
		fold->marks = memory->alloc(memory->context, fold->capacity * sizeof(*fold->marks));
	if (fold->marks == NULL)
		return false;
	while (place > 0 && fold->marks[place - 1] >> CLASS_SHIFT > class)
	{
		fold->marks[place] = fold->marks[place - 1];
		place--;
	}
	fold->marks[place] = (uint32_t) class << CLASS_SHIFT | code_point;
	fold->num_marks++;
	return true;
}

/* Takes a code point of mapped text. */
static bool
push_mapped(electra_fold *fold, uint32_t code_point)
{
	const electra_unicode_record *record = electra_keras(code_point);

	if (record->combining_class != 0)
		return insert_mark(fold, code_point, record->combining_class);
	if (fold->num_marks > 0)
		compose_marks(fold);
	if ((record->flags & ELECTRA_COMPOSES_BACK) && fold->num_marks == 0 && fold->starter != NO_STARTER)
	{
		uint32_t	composite = electra_keras_compose(fold->starter, code_point);

		if (composite != 0)
		{
			fold->starter = composite;
			return true;
		}
	}
	if (!flush(fold))
		return false;
	fold->starter = code_point;
	return true;
}

bool
electra_fold_push(electra_fold *fold, uint32_t code_point)
{
	const electra_unicode_record *record = electra_keras(code_point);
	const uint32_t *parts = NULL;
	uint32_t	length;

	if (fold->words->overlong || (record->flags & ELECTRA_FOLD_DROPS))
		return true;
	if (!(record->flags & ELECTRA_FOLD_EXPANDS))
		return push_mapped(fold, (uint32_t) ((int32_t) code_point + record->lower_delta));

	length = electra_expansion(&electra_keras_folds, code_point, &parts);
	for (uint32_t i = 0; i < length; i++)
	{
		if (!push_mapped(fold, parts[i]))
			return false;
	}
	return true;
}

bool
electra_fold_stands_alone(uint32_t code_point)
{
	const electra_unicode_record *record = electra_keras(code_point);
	const uint32_t *parts = NULL;
	uint32_t	first = (uint32_t) ((int32_t) code_point + record->lower_delta);

	if (record->flags & ELECTRA_FOLD_DROPS)
		return true;
	if (record->flags & ELECTRA_FOLD_EXPANDS)
	{
		if (electra_expansion(&electra_keras_folds, code_point, &parts) == 0)
			return true;
		first = parts[0];
	}
	record = electra_keras(first);
	return record->combining_class == 0 && !(record->flags & ELECTRA_COMPOSES_BACK);
}

bool
electra_fold_end(electra_fold *fold)
{
	compose_marks(fold);
	return flush(fold);
}
