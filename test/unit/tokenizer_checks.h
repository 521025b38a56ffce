/*
 * What the tests of both tokenizer pipelines check with.  Included behind
 * cmocka.h.
 */
#ifndef ELECTRA_TOKENIZER_CHECKS_H
#define ELECTRA_TOKENIZER_CHECKS_H

#include "tokenizer_fixture.h"

#define MEGABYTE (1 << 20)

static const electra_allocator *const memory = &electra_malloc_allocator;

/* Ids as "1 2 3". */
static inline void
print_ids(const int32_t *ids, int64_t count, char *out, size_t size)
{
	size_t		used = 0;

	out[0] = '\0';
	for (int64_t i = 0; i < count; i++)
		used += (size_t) snprintf(out + used, size - used, i == 0 ? "%d" : " %d", ids[i]);
}

static inline electra_status
tokenize(const electra_model *model, const char *text, size_t size, bool at_end, electra_tokens *tokens,
		 electra_error *error)
{
	/* a copy of the exact size, so that a read behind it is caught */
	char	   *copy = malloc(size == 0 ? 1 : size);
	electra_status status;

	assert_non_null(copy);
	memcpy(copy, text, size);
	status = electra_tokenize(model, copy, size, at_end, tokens, memory, NULL, error);
	free(copy);
	return status;
}

static inline void
assert_ids(const electra_model *model, const char *text, size_t size, const char *expected)
{
	int32_t		ids[256];
	electra_tokens tokens = {.ids = ids, .capacity = 256};
	electra_error error;
	char		got[2048];

	assert_int_equal(tokenize(model, text, size, true, &tokens, &error), ELECTRA_OK);
	assert_false(tokens.truncated);
	assert_false(tokens.need_input);
	print_ids(ids, tokens.count, got, sizeof(got));
	assert_string_equal(got, expected);
}

/* What a slice gives out is a prefix of what the text gives, and growing slices arrive there. */
static inline void
assert_slices(const electra_model *model, const char *text, size_t size)
{
	int32_t		whole[512];
	int32_t		part[512];
	electra_tokens all = {.ids = whole, .capacity = 512};
	electra_error error;

	assert_int_equal(tokenize(model, text, size, true, &all, &error), ELECTRA_OK);
	for (int64_t capacity = 0; capacity <= 5; capacity++)
	{
		int64_t		wanted = capacity == 5 ? 512 : capacity;

		for (size_t cut = 0; cut <= size; cut++)
		{
			electra_tokens tokens = {.ids = part, .capacity = wanted};

			assert_int_equal(tokenize(model, text, cut, false, &tokens, &error), ELECTRA_OK);
			assert_true(tokens.count <= all.count && tokens.count <= wanted);
			assert_memory_equal(part, whole, (size_t) tokens.count * sizeof(int32_t));
			assert_int_not_equal(tokens.truncated, tokens.need_input);
			if (tokens.truncated)
				assert_true(tokens.count == wanted && all.count > wanted);
		}
	}
	/* with the end of the text everything is certain, whatever the capacity */
	for (int64_t capacity = 0; capacity <= all.count + 1; capacity++)
	{
		electra_tokens tokens = {.ids = part, .capacity = capacity};

		assert_int_equal(tokenize(model, text, size, true, &tokens, &error), ELECTRA_OK);
		assert_false(tokens.need_input);
		assert_int_equal(tokens.truncated, capacity < all.count);
		assert_int_equal(tokens.count, capacity < all.count ? capacity : all.count);
		assert_memory_equal(part, whole, (size_t) tokens.count * sizeof(int32_t));
	}
}

/* Counts polls and stops at the last one allowed. */
static inline bool
count_poll(void *context)
{
	int		   *left = context;

	return --*left < 0;
}

static inline char *
repeat(const char *unit, size_t size)
{
	size_t		unit_size = strlen(unit);
	char	   *text = malloc(size);

	assert_non_null(text);
	for (size_t i = 0; i < size; i++)
		text[i] = unit[i % unit_size];
	return text;
}

/* An allocator that knows the most that was in use, and can refuse. */
typedef struct accounting
{
	size_t		in_use;
	size_t		most;
	int			calls_left;
} accounting;

static inline void *
account_alloc(void *context, size_t size)
{
	accounting *account = context;
	size_t	   *block;

	if (account->calls_left-- <= 0)
		return NULL;
	block = malloc(size + 16);
	assert_non_null(block);
	*block = size;
	account->in_use += size;
	if (account->in_use > account->most)
		account->most = account->in_use;
	return (char *) block + 16;
}

static inline void
account_release(void *context, void *pointer)
{
	accounting *account = context;

	if (pointer == NULL)
		return;
	account->in_use -= *(size_t *) ((char *) pointer - 16);
	free((char *) pointer - 16);
}

#endif							/* ELECTRA_TOKENIZER_CHECKS_H */
