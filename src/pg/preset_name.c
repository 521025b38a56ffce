/*
 * What a preset may be called, and names as arguments of functions.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "pg/preset_name.h"

bool
electra_preset_name_valid(const char *name)
{
	Size		size = strlen(name);

	return size > 0 && size <= ELECTRA_MAX_PRESET_NAME &&
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-") == size;
}

/*
 * Whoever swaps the arguments of electra_embed gives a text as a name, and
 * texts do not belong into logs.
 */
void
electra_preset_name_error(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_NAME),
			 errmsg("invalid preset name"),
			 errdetail("Names have 1 to %d letters, digits, dots, underscores, slashes and hyphens; \"@\" and at least 8 hexadecimal digits of the digest may follow.",
					   ELECTRA_MAX_PRESET_NAME),
			 errhint("View electra_presets lists the presets of this database.")));
}

void
electra_require_argument(FunctionCallInfo fcinfo, int index, const char *name)
{
	if (PG_ARGISNULL(index))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
}

char *
electra_get_text_argument(FunctionCallInfo fcinfo, int index, const char *name)
{
	electra_require_argument(fcinfo, index, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(index));
}
