/*
 * Status codes and error texts of the core.
 */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

electra_status
electra_fail(electra_error *error, electra_status status, const char *format,...)
{
	va_list		args;

	error->status = status;
	error->detail[0] = '\0';
	error->hint[0] = '\0';
	va_start(args, format);
	vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	return status;
}

void
electra_fail_detail(electra_error *error, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	vsnprintf(error->detail, sizeof(error->detail), format, args);
	va_end(args);
}

void
electra_fail_hint(electra_error *error, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	vsnprintf(error->hint, sizeof(error->hint), format, args);
	va_end(args);
}

static void *
malloc_alloc(void *context, size_t size)
{
	(void) context;
	return malloc(size);
}

static void
malloc_release(void *context, void *pointer)
{
	(void) context;
	free(pointer);
}

const electra_allocator electra_malloc_allocator = {malloc_alloc, malloc_release, NULL};
