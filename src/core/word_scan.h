/*
 * Reading words straight out of a text: the fast way of both pipelines.
 */
#ifndef ELECTRA_WORD_SCAN_H
#define ELECTRA_WORD_SCAN_H

#include "pipeline.h"

typedef struct electra_scan
{
	electra_pipeline *pipeline;
	const electra_byte_map *byte_map;
	electra_char_map map;
	electra_automaton automaton;
	electra_word_table table;
	bool		keras;			/* words are measured in bytes, not characters */
	bool		enabled;		/* the vocabulary has map and automaton */
	bool		quick;			/* words of ASCII may be looked up in the table */
	size_t		poll_at;		/* cursor at which to poll */
	electra_match match;
} electra_scan;

/*
 * enabled says whether the scan may be used: the caller also knows whether its
 * steps in front of the words can be left out.
 */
extern void electra_scan_init(electra_scan *scan, electra_pipeline *pipeline);

/*
 * Gives out the words at the cursor and moves it behind them, up to a place
 * that needs the pipeline's own steps: there the cursor stays in front of the
 * word, or within one that is known to be too long (words.overlong).  Must be
 * called where nothing is held back: no word, unless an overlong one, no
 * marks.  ELECTRA_STEP_MORE, or ELECTRA_STEP_FAILED.
 */
extern electra_step electra_scan_words(electra_scan *scan);

#endif							/* ELECTRA_WORD_SCAN_H */
