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
	for (int i = 0; i < source->num_weight_files; i++)
		free(source->weight_files[i].name);
	free(source->weight_files);
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

electra_status
preset_source_note_weights(preset_source *source, const char *name, int fd, uint64_t size,
						   electra_error *error)
{
	source_weight_file *grown;

	for (int i = 0; i < source->num_weight_files; i++)
	{
		/* the weights of several modules may lie in one folder */
		if (strcmp(source->weight_files[i].name, name) == 0)
			return ELECTRA_OK;
	}
	grown = realloc(source->weight_files, (size_t) (source->num_weight_files + 1) * sizeof(*grown));
	if (grown == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	source->weight_files = grown;
	grown += source->num_weight_files;
	grown->name = strdup(name);
	if (grown->name == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	grown->fd = fd;
	grown->size = size;
	source->num_weight_files++;
	return ELECTRA_OK;
}
