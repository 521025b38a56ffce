/*
 * The two containers in which torch.save() has put state_dicts: the zip
 * archive (torch 1.6 and later) and the legacy stream.
 *
 * Source: torch/serialization.py (_save, _legacy_save and their loads),
 * torch/csrc/serialization.cpp (how the legacy stream has its storages).
 */
#ifndef ELECTRA_TORCH_CONTAINER_H
#define ELECTRA_TORCH_CONTAINER_H

#include "import/torch_state_dict.h"

/* An open file, and what is read out of it. */
typedef struct torch_content
{
	int			fd;
	const char *file;			/* inside the directory, for messages */
	uint64_t	size;			/* of the file */
	torch_values values;		/* zero before the first use */
	torch_value *root;			/* the state_dict */
	torch_storages storages;	/* found in the file, of the right size */
} torch_content;

/*
 * Fills root and storages.  ELECTRA_INVALID_SOURCE, ELECTRA_UNSUPPORTED,
 * ELECTRA_OUT_OF_MEMORY, ELECTRA_IO_ERROR.  values and storages are to be
 * freed also after a failure.
 */
extern electra_status torch_archive_read(torch_content *content, electra_error *error);
extern electra_status torch_legacy_read(torch_content *content, electra_error *error);

#endif							/* ELECTRA_TORCH_CONTAINER_H */
