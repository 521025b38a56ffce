/*
 * The vocabulary as it lies in an image: an automaton for WordPiece's greedy
 * longest match, the added tokens, and the tokens by id.
 */
#ifndef ELECTRA_VOCABULARY_H
#define ELECTRA_VOCABULARY_H

#include "config.h"

/* Bits of an added token's flags, as in tokenizers' AddedToken. */
#define ELECTRA_ADDED_SINGLE_WORD	(1 << 0)
#define ELECTRA_ADDED_LSTRIP		(1 << 1)
#define ELECTRA_ADDED_RSTRIP		(1 << 2)
#define ELECTRA_ADDED_NORMALIZED	(1 << 3)
#define ELECTRA_ADDED_SPECIAL		(1 << 4)

/* The token is only added, not in WordPiece's own vocabulary: never a piece of a word. */
#define ELECTRA_ADDED_OUTSIDE_MODEL (1 << 5)

/*
 * Builds the section of an image out of the archive's two U8 tensors
 * (archive.h; added may be NULL with size 0).  *section is allocated from
 * memory and owned by the caller.  Position-independent, little-endian, the
 * same bytes on every machine.  ELECTRA_CORRUPT for input that breaks
 * archive.h's rules.
 */
extern electra_status electra_vocabulary_build(const electra_tokenizer_config *config, int32_t vocab_size,
											   const char *vocabulary, size_t vocabulary_size,
											   const char *added, size_t added_size,
											   const electra_allocator *memory,
											   void **section, size_t *section_size,
											   electra_error *error);

/* An upper bound of *section_size from the sizes of the two tensors. */
extern uint64_t electra_vocabulary_max_size(uint64_t vocabulary_size, uint64_t added_size,
											int32_t vocab_size);

/*
 * Checks a section before it is used: header, sizes, offsets inside.  Constant
 * time; ELECTRA_CORRUPT.
 */
extern electra_status electra_vocabulary_check(const void *section, size_t size, int32_t vocab_size,
											   electra_error *error);

/* The token of an id, not NUL-terminated; false for an id without a token. */
extern bool electra_vocabulary_token(const void *section, int32_t id, const char **token, size_t *size);

#endif							/* ELECTRA_VOCABULARY_H */
