/*
 * BertNormalizer, code point by code point.
 *
 * The steps apply one after the other to a whole text in the reference.  All
 * of them but the order of combining characters (accents.c) look at single
 * characters, so they run as a chain.
 */
#include "bert_normalizer.h"

/* Lower case comes last; it never sorts again. */
static bool
push_lower(void *context, uint32_t code_point)
{
	electra_normalizer *normalizer = context;

	if (!normalizer->config->lowercase)
		return normalizer->emit(normalizer->context, code_point);

	uint32_t	lower = (uint32_t) ((int32_t) code_point + electra_unicode(code_point)->lower_delta);

	if (!normalizer->emit(normalizer->context, lower))
		return false;
	return code_point != ELECTRA_CAPITAL_I_WITH_DOT ||
		normalizer->emit(normalizer->context, ELECTRA_COMBINING_DOT_ABOVE);
}

void
electra_normalizer_init(electra_normalizer *normalizer, const electra_tokenizer_config *config,
						const electra_allocator *memory,
						bool (*emit) (void *context, uint32_t code_point), void *context)
{
	*normalizer = (electra_normalizer) {.config = config, .emit = emit, .context = context};
	electra_accents_init(&normalizer->accents, &electra_bert_unicode, memory, push_lower, normalizer);
}

void
electra_normalizer_free(electra_normalizer *normalizer)
{
	electra_accents_free(&normalizer->accents);
}

static bool
push_stripped(electra_normalizer *normalizer, uint32_t code_point)
{
	if (!normalizer->config->strip_accents)
		return push_lower(normalizer, code_point);
	return electra_accents_push(&normalizer->accents, code_point);
}

bool
electra_normalizer_push(electra_normalizer *normalizer, uint32_t code_point)
{
	const electra_tokenizer_config *config = normalizer->config;
	uint16_t	flags = electra_unicode(code_point)->flags;

	if (config->clean_text)
	{
		if (flags & ELECTRA_CLEAN_DROP)
			return true;
		if (flags & ELECTRA_CLEAN_SPACE)
			code_point = ' ';
	}
	if (config->tokenize_chinese_chars && (flags & ELECTRA_CHINESE))
		return push_stripped(normalizer, ' ') && push_stripped(normalizer, code_point) &&
			push_stripped(normalizer, ' ');
	return push_stripped(normalizer, code_point);
}

bool
electra_normalizer_end(electra_normalizer *normalizer)
{
	return electra_accents_end(&normalizer->accents);
}
