/*
 * A preset on its way into an archive: what its readers share.
 */
#include "import/preset_source.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void
preset_source_free(preset_source *source)
{
	if (source->close != NULL)
		source->close(source);
	for (int i = 0; i < source->num_provenance; i++)
	{
		free(source->provenance[i].key);
		free(source->provenance[i].value);
	}
	free(source->provenance);
	free(source->tensors);
	if (source->rounded != NULL)
		munmap(source->rounded, source->rounded_size);
	free(source->vocabulary);
	free(source->added_tokens);
	memset(source, 0, sizeof(*source));
}

electra_status
preset_source_note(preset_source *source, const char *key, const char *value, electra_error *error)
{
	source_provenance *grown = realloc(source->provenance,
									   (size_t) (source->num_provenance + 1) * sizeof(*grown));
	source_provenance *pair;

	if (grown == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	source->provenance = grown;
	pair = &grown[source->num_provenance];
	pair->key = strdup(key);
	pair->value = strdup(value);
	if (pair->key == NULL || pair->value == NULL)
	{
		free(pair->key);
		free(pair->value);
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	}
	source->num_provenance++;
	return ELECTRA_OK;
}
