/*
 * What every file of the module needs to call the core: errors as ereport(),
 * memory from the current context, cancellation, encodings.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "pg/report.h"

/*
 * The SQLSTATE of each core status:
 *
 *	ELECTRA_CANCELED		57014 query_canceled
 *	ELECTRA_OUT_OF_MEMORY	53200 out_of_memory
 *	ELECTRA_INVALID_ARGUMENT	22023 invalid_parameter_value
 *	ELECTRA_INVALID_TEXT	22021 character_not_in_repertoire
 *	ELECTRA_TEXT_TOO_LONG	22001 string_data_right_truncation
 *	ELECTRA_NOT_FOUND		58P01 undefined_file
 *	ELECTRA_NO_PERMISSION	42501 insufficient_privilege
 *	ELECTRA_IO_ERROR		58030 io_error
 *	ELECTRA_INVALID_SOURCE	22P03 invalid_binary_representation
 *	ELECTRA_UNSUPPORTED		0A000 feature_not_supported
 *	ELECTRA_CORRUPT			XX001 data_corrupted
 *	ELECTRA_NOT_FINITE		22003 numeric_value_out_of_range
 */
int
electra_sqlstate(electra_status status)
{
	switch (status)
	{
		case ELECTRA_OK:
			return ERRCODE_SUCCESSFUL_COMPLETION;
		case ELECTRA_CANCELED:
			return ERRCODE_QUERY_CANCELED;
		case ELECTRA_OUT_OF_MEMORY:
			return ERRCODE_OUT_OF_MEMORY;
		case ELECTRA_INVALID_ARGUMENT:
			return ERRCODE_INVALID_PARAMETER_VALUE;
		case ELECTRA_INVALID_TEXT:
			return ERRCODE_CHARACTER_NOT_IN_REPERTOIRE;
		case ELECTRA_TEXT_TOO_LONG:
			return ERRCODE_STRING_DATA_RIGHT_TRUNCATION;
		case ELECTRA_NOT_FOUND:
			return ERRCODE_UNDEFINED_FILE;
		case ELECTRA_NO_PERMISSION:
			return ERRCODE_INSUFFICIENT_PRIVILEGE;
		case ELECTRA_IO_ERROR:
			return ERRCODE_IO_ERROR;
		case ELECTRA_INVALID_SOURCE:
			return ERRCODE_INVALID_BINARY_REPRESENTATION;
		case ELECTRA_UNSUPPORTED:
			return ERRCODE_FEATURE_NOT_SUPPORTED;
		case ELECTRA_CORRUPT:
			return ERRCODE_DATA_CORRUPTED;
		case ELECTRA_NOT_FINITE:
			return ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
	}
	return ERRCODE_INTERNAL_ERROR;
}

/* Bytes that the database encoding cannot hold become question marks. */
static char *
replace_non_ascii(const char *text)
{
	char	   *copy = pstrdup(text);

	for (char *p = copy; *p != '\0'; p++)
	{
		if (IS_HIGHBIT_SET(*p))
			*p = '?';
	}
	return copy;
}

/*
 * Text of the core or the importer for an error message.  It may hold names
 * out of foreign files, so it is not trusted to be UTF-8, and it must never
 * replace the error by one about its encoding.
 */
char *
electra_message_to_server(const char *text)
{
	int			size = strlen(text);
	int			encoding = GetDatabaseEncoding();
	bool		ascii = true;
	Oid			procedure;
	unsigned char *converted;
	int			room;

	for (const char *p = text; *p != '\0'; p++)
	{
		if (IS_HIGHBIT_SET(*p))
			ascii = false;
	}
	if (ascii)
		return pstrdup(text);
	if (!pg_verify_mbstr(PG_UTF8, text, size, true))
		return replace_non_ascii(text);
	if (encoding == PG_UTF8)
		return pstrdup(text);
	if (encoding == PG_SQL_ASCII)
		return replace_non_ascii(text);

	procedure = FindDefaultConversionProc(PG_UTF8, encoding);
	if (!OidIsValid(procedure))
		return replace_non_ascii(text);
	room = size * MAX_CONVERSION_GROWTH + 1;
	converted = palloc(room);
	if (pg_do_encoding_conversion_buf(procedure, PG_UTF8, encoding, (unsigned char *) text, size,
									  converted, room, true) != size)
		return replace_non_ascii(text);
	return (char *) converted;
}

void
electra_raise(electra_status status, const electra_error *error)
{
	if (status == ELECTRA_OK)
		return;
	if (status == ELECTRA_CANCELED)
	{
		CHECK_FOR_INTERRUPTS();
		return;
	}
	ereport(ERROR,
			(errcode(electra_sqlstate(status)),
			 errmsg_internal("%s", electra_message_to_server(error->message)),
			 error->detail[0] == '\0' ? 0 :
			 errdetail_internal("%s", electra_message_to_server(error->detail)),
			 error->hint[0] == '\0' ? 0 :
			 errhint("%s", electra_message_to_server(error->hint))));
}

/* malloc's alignment, which palloc does not promise. */
#define CORE_ALIGNMENT 16

/*
 * palloc for the core: no longjmp, huge sizes allowed.  The pointer that
 * palloc gave stands in front of the aligned block.
 */
static void *
core_alloc(void *context, size_t size)
{
	char	   *raw;
	char	   *aligned;

	if (size > MaxAllocHugeSize - CORE_ALIGNMENT - sizeof(void *))
		return NULL;
	raw = palloc_extended(size + CORE_ALIGNMENT + sizeof(void *),
						  MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
	if (raw == NULL)
		return NULL;
	aligned = (char *) TYPEALIGN(CORE_ALIGNMENT, raw + sizeof(void *));
	((void **) aligned)[-1] = raw;
	return aligned;
}

/* Counterpart of core_alloc. */
static void
core_release(void *context, void *pointer)
{
	if (pointer != NULL)
		pfree(((void **) pointer)[-1]);
}

const electra_allocator electra_palloc_allocator = {core_alloc, core_release, NULL};

/* Would CHECK_FOR_INTERRUPTS() do anything? */
static bool
interrupt_pending(void *context)
{
	return INTERRUPTS_PENDING_CONDITION() && INTERRUPTS_CAN_BE_PROCESSED();
}

const electra_poll electra_interrupt_poll = {interrupt_pending, NULL};

/* The bytes with a NUL behind them, wherever they came from. */
static char *
copy_bytes(const char *data, Size size)
{
	char	   *copy = palloc_extended(size + 1, MCXT_ALLOC_HUGE);

	memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

/* The conversions take and give less than 1 GB. */
static void
check_text_size(Size size)
{
	if (size > MaxAllocSize - 1)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("text of %zu bytes is too long", size)));
}

char *
electra_text_to_utf8(const char *data, Size size, Size *utf8_size)
{
	int			encoding = GetDatabaseEncoding();
	char	   *converted;

	check_text_size(size);
	if (encoding == PG_SQL_ASCII)
	{
		if (!pg_verify_mbstr(PG_UTF8, data, (int) size, true))
			ereport(ERROR,
					(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
					 errmsg("text is not valid UTF-8"),
					 errdetail("The database encoding is SQL_ASCII, which does not tell what bytes above 127 mean; electra takes them as UTF-8."),
					 errhint("Convert the text to UTF-8, or use a database with an encoding.")));
		*utf8_size = size;
		return copy_bytes(data, size);
	}

	/* a zero-length string must not go through the conversion: it returns its input */
	converted = encoding == PG_UTF8 || size == 0 ? (char *) data :
		pg_server_to_any(data, (int) size, PG_UTF8);
	if (converted == data)
	{
		*utf8_size = size;
		return copy_bytes(data, size);
	}
	*utf8_size = strlen(converted);
	return converted;
}

char *
electra_utf8_to_server(const char *utf8, Size size)
{
	int			encoding = GetDatabaseEncoding();
	char	   *converted;

	check_text_size(size);
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII || size == 0)
		return copy_bytes(utf8, size);
	converted = pg_any_to_server(utf8, (int) size, PG_UTF8);
	return converted == utf8 ? copy_bytes(utf8, size) : converted;
}
