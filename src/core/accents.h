/*
 * NFD, nonspacing marks dropped: what both reference tokenizers call strip
 * accents, over their own tables.
 */
#ifndef ELECTRA_ACCENTS_H
#define ELECTRA_ACCENTS_H

#include "status.h"
#include "unicode.h"

typedef struct electra_accents
{
	const electra_unicode_tables *tables;
	const electra_allocator *memory;

	/* receives each code point that stays; false (no memory) stops everything */
	bool		(*emit) (void *context, uint32_t code_point);
	void	   *context;

	/* combining characters whose order is not known yet; see accents.c */
	uint32_t   *marks;			/* (marks_capacity) */
	size_t		num_marks;
	size_t		marks_capacity;
} electra_accents;

extern void electra_accents_init(electra_accents *accents, const electra_unicode_tables *tables,
								 const electra_allocator *memory,
								 bool (*emit) (void *context, uint32_t code_point), void *context);

/* Takes the next code point of a text.  false: no memory, or emit said so. */
extern bool electra_accents_push(electra_accents *accents, uint32_t code_point);

/* The text is over; the next code point begins another one. */
extern bool electra_accents_end(electra_accents *accents);

extern void electra_accents_free(electra_accents *accents);

#endif							/* ELECTRA_ACCENTS_H */
