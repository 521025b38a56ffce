/*
 * config.json: the shape of the encoder.
 */
#ifndef ELECTRA_HF_CONFIG_H
#define ELECTRA_HF_CONFIG_H

#include "import/hf_directory.h"

/* config.json → the encoder's part of config; prefix. */
extern electra_status hf_config_read(hf_directory *hf, electra_error *error);

/*
 * An activation by the name that transformers gives it; false for those we do
 * not compute.
 */
extern bool hf_activation_parse(const char *name, electra_activation *activation);

/* And back: the first of its names. */
extern const char *hf_activation_name(electra_activation activation);

#endif							/* ELECTRA_HF_CONFIG_H */
