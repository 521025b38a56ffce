/*
 * Foreign tensor names to those of an archive.
 */
#ifndef ELECTRA_TENSOR_NAMES_H
#define ELECTRA_TENSOR_NAMES_H

#include "core/archive.h"

typedef enum tensor_name_kind
{
	TENSOR_NAME_CANONICAL = 0,	/* canonical is set */
	TENSOR_NAME_IGNORED,		/* a buffer without information (position_ids) */
	TENSOR_NAME_TOO_LONG
} tensor_name_kind;

typedef struct tensor_name
{
	tensor_name_kind kind;
	bool		encoder;		/* belongs below the prefix (encoder, pooler) */
	bool		prefixed;		/* had the prefix */
	char		canonical[sizeof(((electra_tensor_spec *) 0)->name)];
} tensor_name;

/*
 * Takes off the model's prefix ("electra." or "bert."), renames old
 * LayerNorm.gamma and .beta to weight and bias.  Whether the result names a
 * tensor of a preset is electra_tensor_spec_find's business; a name with the
 * prefix behind which no encoder tensor stands is left as it is.
 */
extern void tensor_name_map(const char *foreign, const char *prefix, tensor_name *name);

#endif							/* ELECTRA_TENSOR_NAMES_H */
