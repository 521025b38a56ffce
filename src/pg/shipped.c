/*
 * The list of presets that come with the extension.
 *
 * A preset once released stays in the list, with its digest, and the default
 * stays the same: stored vectors depend on them.  A newer preset gets a new
 * name and becomes a database's default only through
 * electra_set_default_preset().  The build compares each archive of presets/
 * with its line here, and fails where they differ.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "pg/shipped.h"

typedef struct ShippedPreset
{
	const char *name;
	const char *digest;			/* SHA-256 of the archive, hexadecimal */
} ShippedPreset;

/* A line each, which the Makefile looks for as it stands. */
static const ShippedPreset shipped[] = {
	{"electra_mini_en_1", "0722cd122738390ebfc596a571c4520650ee25aac54e27fe8a2aee08c648f166"},
};

const char *const electra_shipped_default_name = "electra_mini_en_1";

int
electra_num_shipped(void)
{
	return lengthof(shipped);
}

void
electra_shipped_get(int index, ElectraPresetId *id)
{
	memset(id, 0, sizeof(*id));
	strlcpy(id->name, shipped[index].name, sizeof(id->name));
	for (int i = 0; i < ELECTRA_DIGEST_SIZE; i++)
	{
		char		byte[3] = {shipped[index].digest[2 * i], shipped[index].digest[2 * i + 1], '\0'};

		id->digest[i] = (uint8) strtoul(byte, NULL, 16);
	}
	id->shipped = true;
}

bool
electra_shipped_find(const char *name, ElectraPresetId *id)
{
	for (int i = 0; i < electra_num_shipped(); i++)
	{
		if (strcmp(name, shipped[i].name) == 0)
		{
			electra_shipped_get(i, id);
			return true;
		}
	}
	return false;
}

void
electra_shipped_path(const char *name, char path[MAXPGPATH])
{
	char		share[MAXPGPATH];

	get_share_path(my_exec_path, share);
	snprintf(path, MAXPGPATH, "%s/electra/shipped/%s.safetensors", share, name);
}
