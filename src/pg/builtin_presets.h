/*
 * The six presets of Keras-Hub's ElectraBackbone: names, shapes, handles.
 * Source: keras_hub/src/models/electra/electra_presets.py.
 */
#ifndef ELECTRA_BUILTIN_PRESETS_H
#define ELECTRA_BUILTIN_PRESETS_H

#include "postgres.h"

/* What stands before the name in a built-in preset's handles, behind the scheme. */
#define ELECTRA_BUILTIN_KAGGLE "keras/electra/keras/"
#define ELECTRA_BUILTIN_HF_OWNER "keras"

typedef struct ElectraBuiltinPreset
{
	const char *name;
	const char *description;
	int32		num_layers;
	int32		num_heads;
	int32		hidden_dim;
	int32		embedding_dim;
	int32		intermediate_dim;
	int64		parameters;
} ElectraBuiltinPreset;

#define ELECTRA_NUM_BUILTIN_PRESETS 6

extern const ElectraBuiltinPreset electra_builtin_presets[ELECTRA_NUM_BUILTIN_PRESETS];

/* The preset of this identifier, or NULL. */
extern const ElectraBuiltinPreset *electra_builtin_find(const char *name);

/* The identifier nearest to a misspelt one, or NULL if none is near. */
extern const ElectraBuiltinPreset *electra_builtin_nearest(const char *name);

#endif							/* ELECTRA_BUILTIN_PRESETS_H */
