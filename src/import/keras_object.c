/*
 * What Keras-Hub's JSON files have in common: serialized objects, whose class
 * is registered and whose keys are the arguments of its constructor.
 */
#include "import/keras_preset.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
keras_notice(const keras_preset *keras, const char *format,...)
{
	char		message[1024];
	va_list		args;

	if (keras->notice == NULL)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	keras->notice(message);
}

const char *
keras_class_name(const char *registered_name)
{
	static const char *const packages[] = {"keras_hub>", "keras_nlp>"};

	for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++)
		if (strncmp(registered_name, packages[i], strlen(packages[i])) == 0)
			return registered_name + strlen(packages[i]);
	return NULL;
}

electra_status
keras_check_keys(const json_t *object, const char *file, const char *path, const char *const *names,
				 const char *owner, electra_error *error)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	const char *key;
	json_t	   *value;

	json_object_foreach((json_t *) object, key, value)
	{
		int			i = 0;

		while (names[i] != NULL && strcmp(names[i], key) != 0)
			i++;
		if (names[i] != NULL)
			continue;
		electra_fail(error, ELECTRA_UNSUPPORTED, "\"%s%s\" in file \"%s\" is not supported", path,
					 source_quote(key, quoted), file);
		electra_fail_detail(error, "It is no argument of %s.", owner);
		return error->status;
	}
	return ELECTRA_OK;
}
