/*
 * Foreign tensor names to those of an archive.
 */
#include "import/tensor_names.h"

#include <stdio.h>
#include <string.h>

static bool
starts_with(const char *name, const char *start)
{
	return strncmp(name, start, strlen(start)) == 0;
}

/* Replaces an ending of name (a buffer of size bytes); the new one may be longer. */
static void
replace_ending(char *name, size_t size, const char *ending, const char *replacement)
{
	size_t		length = strlen(name);
	size_t		ending_length = strlen(ending);

	if (length >= ending_length && strcmp(name + length - ending_length, ending) == 0)
		snprintf(name + length - ending_length, size - (length - ending_length), "%s", replacement);
}

void
tensor_name_map(const char *foreign, const char *prefix, tensor_name *name)
{
	const char *rest = foreign;

	memset(name, 0, sizeof(*name));
	if (starts_with(foreign, prefix))
		rest = foreign + strlen(prefix);
	name->encoder = starts_with(rest, "embeddings.") || starts_with(rest, "embeddings_project.") ||
		starts_with(rest, "encoder.") || starts_with(rest, "pooler.");
	name->prefixed = name->encoder && rest != foreign;
	if (!name->encoder)
		rest = foreign;

	if (strcmp(rest, "embeddings.position_ids") == 0)
	{
		name->kind = TENSOR_NAME_IGNORED;
		return;
	}
	/* room for "weight" in the place of "gamma" */
	if (strlen(rest) + 2 > sizeof(name->canonical))
	{
		name->kind = TENSOR_NAME_TOO_LONG;
		return;
	}
	strcpy(name->canonical, rest);
	replace_ending(name->canonical, sizeof(name->canonical), "LayerNorm.gamma", "LayerNorm.weight");
	replace_ending(name->canonical, sizeof(name->canonical), "LayerNorm.beta", "LayerNorm.bias");
}
