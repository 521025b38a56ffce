/*
 * NFKC_Casefold of one piece of text after the other, on its way to WordPiece:
 * each code point is mapped, marks are put into canonical order, and what
 * composes is composed.
 */
#ifndef ELECTRA_KERAS_FOLD_H
#define ELECTRA_KERAS_FOLD_H

#include "wordpiece.h"

typedef struct electra_fold
{
	electra_words *words;		/* where folded code points go */
	uint32_t	starter;		/* waits for what may compose with it; 0: none */

	/*
	 * Marks behind the starter, ascending by combining class (the upper 8
	 * bits), in the order of the text within a class.
	 */
	uint32_t   *marks;			/* (capacity) */
	size_t		num_marks;
	size_t		capacity;		/* so many make any piece too long; see
								 * keras_fold.c */
} electra_fold;

extern void electra_fold_init(electra_fold *fold, electra_words *words);

/* Takes the next code point of a piece.  false: no memory. */
extern bool electra_fold_push(electra_fold *fold, uint32_t code_point);

/* The piece is over, though not yet the word that it went to.  false: no memory. */
extern bool electra_fold_end(electra_fold *fold);

/*
 * Does what a code point folds to never depend on what stands before it in the
 * piece?  True for those that fold to nothing.
 */
extern bool electra_fold_stands_alone(uint32_t code_point);

extern void electra_fold_free(electra_fold *fold);

#endif							/* ELECTRA_KERAS_FOLD_H */
