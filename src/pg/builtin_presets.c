/*
 * The six presets of Keras-Hub's ElectraBackbone.  Nothing of them is shipped:
 * electra.preset_path (preset_path.c) has the directories, if anybody put them
 * there.
 */
#include "postgres.h"

#include "utils/varlena.h"

#include "pg/builtin_presets.h"

/* varstr_levenshtein's limit is 255; no identifier is nearly as long. */
#define MAX_MISSPELT 64

/* The shortest beginning of an identifier that is taken for it: "electra_base". */
#define MIN_PREFIX 12

/* One edit for this many characters of the identifier is still near. */
#define CHARACTERS_PER_EDIT 3

const ElectraBuiltinPreset electra_builtin_presets[ELECTRA_NUM_BUILTIN_PRESETS] = {
	{"electra_small_discriminator_uncased_en",
		"small discriminator, 12 layers; lower-cased English, trained on Wikipedia and BooksCorpus",
	12, 4, 256, 128, 1024, INT64CONST(13548800)},
	{"electra_small_generator_uncased_en",
		"small generator, 12 layers; lower-cased English, trained on Wikipedia and BooksCorpus",
	12, 4, 256, 128, 1024, INT64CONST(13548800)},
	{"electra_base_discriminator_uncased_en",
		"base discriminator, 12 layers; lower-cased English, trained on Wikipedia and BooksCorpus",
	12, 12, 768, 768, 3072, INT64CONST(109482240)},
	{"electra_base_generator_uncased_en",
		"base generator, 12 layers; lower-cased English, trained on Wikipedia and BooksCorpus",
	12, 4, 256, 768, 1024, INT64CONST(33576960)},
	{"electra_large_discriminator_uncased_en",
		"large discriminator, 24 layers; lower-cased English, trained on Wikipedia and BooksCorpus",
	24, 16, 1024, 1024, 4096, INT64CONST(335141888)},
	{"electra_large_generator_uncased_en",
		"large generator, 24 layers; lower-cased English, trained on Wikipedia and BooksCorpus",
	24, 4, 256, 1024, 1024, INT64CONST(51065344)},
};

const ElectraBuiltinPreset *
electra_builtin_find(const char *name)
{
	for (int i = 0; i < ELECTRA_NUM_BUILTIN_PRESETS; i++)
	{
		if (strcmp(name, electra_builtin_presets[i].name) == 0)
			return &electra_builtin_presets[i];
	}
	return NULL;
}

/* A name as the identifiers are written: lower case, underscores; false if it is too long for one. */
static bool
spell_as_identifier(const char *name, char spelled[MAX_MISSPELT])
{
	Size		size = strlen(name);

	if (size >= MAX_MISSPELT)
		return false;
	for (Size i = 0; i <= size; i++)
		spelled[i] = name[i] == '-' || name[i] == '.' ? '_' : pg_ascii_tolower(name[i]);
	return true;
}

const ElectraBuiltinPreset *
electra_builtin_nearest(const char *name)
{
	const ElectraBuiltinPreset *nearest = NULL;
	char		spelled[MAX_MISSPELT];
	int			size;
	int			nearest_edits = PG_INT32_MAX;

	if (!spell_as_identifier(name, spelled))
		return NULL;
	size = strlen(spelled);
	for (int i = 0; i < ELECTRA_NUM_BUILTIN_PRESETS; i++)
	{
		const ElectraBuiltinPreset *preset = &electra_builtin_presets[i];
		int			preset_size = strlen(preset->name);
		int			edits = varstr_levenshtein(spelled, size, preset->name, preset_size, 1, 1, 1, false);

		if (size >= MIN_PREFIX && strncmp(spelled, preset->name, size) == 0)
			edits = 0;
		if (edits * CHARACTERS_PER_EDIT <= preset_size && edits < nearest_edits)
		{
			nearest = preset;
			nearest_edits = edits;
		}
	}
	return nearest;
}
