/*
 * What a preset may be called.
 */
#ifndef ELECTRA_PRESET_NAME_H
#define ELECTRA_PRESET_NAME_H

#include "postgres.h"

#include "fmgr.h"

/* Longest preset name in bytes; names are [A-Za-z0-9._/-], no "@". */
#define ELECTRA_MAX_PRESET_NAME 128

/* 1 … ELECTRA_MAX_PRESET_NAME characters out of A-Z a-z 0-9 . _ / - */
extern bool electra_preset_name_valid(const char *name);

/* Raises the error for a name that is not; the name, which may be any text, is not shown. */
extern void electra_preset_name_error(void);

/* An error naming argument number index of the function if it is NULL. */
extern void electra_require_argument(FunctionCallInfo fcinfo, int index, const char *name);

/* Argument number index of the function as a C string; an error naming it if it is NULL. */
extern char *electra_get_text_argument(FunctionCallInfo fcinfo, int index, const char *name);

#endif							/* ELECTRA_PRESET_NAME_H */
