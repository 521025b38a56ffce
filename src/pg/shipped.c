/*
 * The list of presets that come with the extension.
 *
 * A preset once released stays in the list, and the default stays the same: a
 * newer preset gets a new name and becomes a database's default only through
 * electra_set_default_preset().
 */
#include "postgres.h"

#include "miscadmin.h"

#include "pg/shipped.h"
#include "shipped_default.h"

typedef struct ShippedPreset
{
	const char *name;
	const char *digest;			/* hexadecimal */
} ShippedPreset;

static const ShippedPreset shipped[] = {
	{ELECTRA_SHIPPED_DEFAULT_NAME, ELECTRA_SHIPPED_DEFAULT_DIGEST},
};

const char *const electra_shipped_default_name = ELECTRA_SHIPPED_DEFAULT_NAME;

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
