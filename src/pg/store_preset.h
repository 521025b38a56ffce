/*
 * An archive that has arrived completely becomes a preset: what
 * electra_load_preset, electra_create_preset and electra_load_archive have in
 * common.
 *
 * The archive is hashed and kept in a temporary file until it is known to be
 * complete; then the image is made out of it, which is the strict validation;
 * only then chunks and name are written.
 */
#ifndef ELECTRA_STORE_PRESET_H
#define ELECTRA_STORE_PRESET_H

#include "postgres.h"

#include "core/sha256.h"

typedef struct ElectraPresetStore ElectraPresetStore;

/*
 * Begins a preset of this (valid) name: refuses reserved names, locks the name
 * until the end of the transaction.  action ("loading", "creating") is for
 * progress messages.
 */
extern ElectraPresetStore *electra_store_begin(const char *name, const char *action);

/* The next bytes of the archive. */
extern void electra_store_put(ElectraPresetStore *store, const void *data, Size size);

/* Runs electra-import (pg/importer.h) into the store. */
extern void electra_store_import(ElectraPresetStore *store, char **argv, const void *input,
								 Size input_size);

/*
 * Validates, checks the name's binding, writes; a name that has this content
 * already is only a NOTICE.  expected_digest (NULL: any) is what the sender
 * says; source (may be NULL) goes into the catalogue.
 */
extern void electra_store_finish(ElectraPresetStore *store, const uint8 *expected_digest,
								 const char *source);

#endif							/* ELECTRA_STORE_PRESET_H */
