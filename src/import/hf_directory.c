/*
 * What the readers of a Hugging Face directory share.
 */
#include "import/hf_directory.h"

#include <stdarg.h>
#include <stdio.h>

const char *
hf_file_name(const hf_directory *hf, const char *name, char buffer[SOURCE_MAX_NAME])
{
	/* hf->transformer leaves room for the longest name, see st_modules_read */
	snprintf(buffer, SOURCE_MAX_NAME, "%.400s%.100s", hf->transformer, name);
	return buffer;
}

void
hf_notice(const hf_directory *hf, const char *format,...)
{
	char		message[512];
	va_list		args;

	if (hf->notice == NULL)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	hf->notice(message);
}
