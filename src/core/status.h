/*
 * Status codes and error texts of the core.
 *
 * The core neither prints nor throws: each function that can fail returns an
 * electra_status and fills an electra_error that its caller owns.  The module
 * turns that into ereport() (src/pg/report.c), the importer into an error
 * record of its output stream.
 */
#ifndef ELECTRA_STATUS_H
#define ELECTRA_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "electra needs a little-endian machine: archives and images are little-endian"
#endif

#if defined(__GNUC__)
#define ELECTRA_PRINTF(format_arg, first_arg) \
	__attribute__((format(printf, format_arg, first_arg)))
#else
#define ELECTRA_PRINTF(format_arg, first_arg)
#endif

typedef enum electra_status
{
	ELECTRA_OK = 0,
	ELECTRA_CANCELED,			/* the poll callback answered "stop" */
	ELECTRA_OUT_OF_MEMORY,
	ELECTRA_INVALID_ARGUMENT,	/* a value that the user chose */
	ELECTRA_INVALID_TEXT,		/* text that is not valid UTF-8 */
	ELECTRA_TEXT_TOO_LONG,		/* more tokens than max_length, truncation =
								 * error */
	ELECTRA_NOT_FOUND,			/* a file or directory is missing */
	ELECTRA_NO_PERMISSION,		/* a file cannot be read */
	ELECTRA_IO_ERROR,
	ELECTRA_INVALID_SOURCE,		/* a foreign preset directory is malformed */
	ELECTRA_UNSUPPORTED,		/* well-formed, but not what we compute */
	ELECTRA_CORRUPT,			/* an archive or image of ours is damaged */
	ELECTRA_NOT_FINITE			/* weights or a result hold NaN or infinity */
} electra_status;

/* Largest value of electra_status, for tables indexed by it. */
#define ELECTRA_LAST_STATUS ELECTRA_NOT_FINITE

typedef struct electra_error
{
	electra_status status;
	char		message[512];	/* lower-case, no full stop, names the object */
	char		detail[1024];	/* a sentence, or empty */
	char		hint[1024];		/* a sentence, or empty */
} electra_error;

/* Starts an error: sets status and message, empties detail and hint.  Returns status. */
extern electra_status electra_fail(electra_error *error, electra_status status,
								   const char *format,...) ELECTRA_PRINTF(3, 4);
extern void electra_fail_detail(electra_error *error, const char *format,...) ELECTRA_PRINTF(2, 3);
extern void electra_fail_hint(electra_error *error, const char *format,...) ELECTRA_PRINTF(2, 3);

/*
 * Answers whether a long computation should stop.  It must not longjmp; the
 * computation returns ELECTRA_CANCELED soon after the first true.
 */
typedef struct electra_poll
{
	bool		(*stop) (void *context);	/* NULL: never stop */
	void	   *context;
} electra_poll;

static inline bool
electra_stop(const electra_poll *poll)
{
	return poll != NULL && poll->stop != NULL && poll->stop(poll->context);
}

/*
 * Where the core gets memory.  alloc returns NULL when there is none (it must
 * not longjmp) and memory aligned for any type, as malloc does.
 */
typedef struct electra_allocator
{
	void	   *(*alloc) (void *context, size_t size);
	void		(*release) (void *context, void *pointer);	/* pointer may be NULL */
	void	   *context;
} electra_allocator;

/* malloc and free, for the importer and for tests. */
extern const electra_allocator electra_malloc_allocator;

#endif							/* ELECTRA_STATUS_H */
