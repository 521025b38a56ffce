/*
 * What a user should hear once a session, not once a row.
 */
#ifndef ELECTRA_WARNINGS_H
#define ELECTRA_WARNINGS_H

#include "pg/preset.h"

/* The default preset has random weights: its vectors mean nothing. */
extern void electra_warn_untrained(const ElectraPreset *preset);

/* electra_embed_query() on a preset without a query prompt; once for each preset. */
extern void electra_note_missing_query_prompt(const ElectraPreset *preset);

/* This CPU has no fused multiply-add: exact, but slow. */
extern void electra_warn_slow_cpu(void);

#endif							/* ELECTRA_WARNINGS_H */
