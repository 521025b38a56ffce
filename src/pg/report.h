/*
 * What every file of the module needs to call the core: errors as ereport(),
 * memory from the current context, cancellation.
 */
#ifndef ELECTRA_REPORT_H
#define ELECTRA_REPORT_H

#include "postgres.h"

#include "core/status.h"

/* SQLSTATE of a core status. */
extern int	electra_sqlstate(electra_status status);

/*
 * Raises a core error as ERROR with its message, detail and hint; for
 * ELECTRA_CANCELED the interrupt itself.  Does nothing for ELECTRA_OK.
 */
extern void electra_raise(electra_status status, const electra_error *error);

/*
 * An allocator in CurrentMemoryContext as it is at the time of each call:
 * palloc_extended without throwing, so that nothing longjmps through the core.
 */
extern const electra_allocator electra_palloc_allocator;

/*
 * Stops the core when an interrupt that CHECK_FOR_INTERRUPTS() would act upon
 * is pending.  Callers that get ELECTRA_CANCELED call electra_raise(); if that
 * returns (the interrupt was harmless, it has been served), they compute again.
 */
extern const electra_poll electra_interrupt_poll;

/* The text argument as a palloc'd C string in UTF-8, converted from the database encoding or refused. */
extern char *electra_text_to_utf8(const char *data, Size size, Size *utf8_size);

/* UTF-8 from the core as a palloc'd C string in the database encoding. */
extern char *electra_utf8_to_server(const char *utf8, Size size);

/*
 * UTF-8 text of the core or the importer as a palloc'd string for a message;
 * what the database encoding cannot hold becomes "?", never another error.
 */
extern char *electra_message_to_server(const char *text);

#endif							/* ELECTRA_REPORT_H */
