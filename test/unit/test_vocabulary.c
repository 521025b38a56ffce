/*
 * The vocabulary section: what goes in comes out, bad tensors and damaged
 * sections are refused, and nothing that a mapped file holds leads outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/vocabulary_section.h"
#include "tokenizer_fixture.h"
#include "tokenizer_golden.h"

static const electra_allocator *const memory = &electra_malloc_allocator;

#define LITERAL(text) text, sizeof(text) - 1

static void
test_tokens_by_id(void **state)
{
	electra_tokenizer_config config = fixture_config();
	static const char vocabulary[] = "[UNK]\0\0b\0##c";
	electra_error error;
	const char *token;
	void	   *section;
	size_t		section_size;
	size_t		size;

	(void) state;
	assert_int_equal(electra_vocabulary_build(&config, 10, vocabulary, sizeof(vocabulary), NULL, 0, memory,
											  &section, &section_size, &error), ELECTRA_OK);
	assert_int_equal(electra_vocabulary_check(section, section_size, 10, &error), ELECTRA_OK);
	assert_true(electra_vocabulary_token(section, 0, &token, &size));
	assert_int_equal(size, 5);
	assert_memory_equal(token, "[UNK]", 5);
	assert_false(electra_vocabulary_token(section, 1, &token, &size));
	assert_true(electra_vocabulary_token(section, 3, &token, &size));
	assert_int_equal(size, 3);
	assert_memory_equal(token, "##c", 3);
	assert_false(electra_vocabulary_token(section, 4, &token, &size));
	assert_false(electra_vocabulary_token(section, -1, &token, &size));
	free(section);
}

/* An id without a token, and one that only the padded embeddings have, decode to nothing. */
static void
test_holes(void **state)
{
	electra_tokenizer_config config = fixture_config();
	static const char vocabulary[] = "[UNK]\0\0b\0##c";
	const int32_t ids[] = {2, 1, 3};
	electra_model model;
	electra_error error;
	char	   *text;
	size_t		size;
	void	   *image = fixture_open(&model, &config, vocabulary, sizeof(vocabulary), NULL, 0, &error);

	(void) state;
	assert_non_null(image);
	assert_int_equal(electra_detokenize(&model, ids, 3, &text, &size, memory, &error), ELECTRA_OK);
	assert_string_equal(text, "bc");
	free(text);
	free(image);
}

/* What pipeline "none" has: no token, nothing that walks could find, within its bound. */
static void
test_empty(void **state)
{
	electra_tokenizer_config config = {.pipeline = ELECTRA_TOKENIZER_NONE, .max_word_chars = 100};
	const electra_vocabulary_header *header;
	electra_error error;
	const char *token;
	void	   *section;
	size_t		section_size;
	size_t		size;

	(void) state;
	assert_int_equal(electra_vocabulary_build(&config, 1000, NULL, 0, NULL, 0, memory,
											  &section, &section_size, &error), ELECTRA_OK);
	assert_int_equal(electra_vocabulary_check(section, section_size, 1000, &error), ELECTRA_OK);
	assert_true(section_size <= electra_vocabulary_max_size(0, 0, 1000));
	header = section;
	assert_int_equal(header->num_tokens, 0);
	assert_int_equal(header->num_added, 0);
	assert_int_equal(header->word_root, ELECTRA_TRIE_NONE);
	for (int32_t id = -1; id < 1000; id++)
		assert_false(electra_vocabulary_token(section, id, &token, &size));
	free(section);
}

static void
test_refused(void **state)
{
	static const struct
	{
		const char *vocabulary;
		size_t		vocabulary_size;
		const char *added;
		size_t		added_size;
		const char *message;
	}			cases[] = {
		{LITERAL("a\0b"), LITERAL(""), "tensor \"tokenizer.vocabulary\" does not end with a zero byte"},
		{LITERAL("a\0\xff\0"), LITERAL(""), "tensor \"tokenizer.vocabulary\" is not valid UTF-8"},
		{LITERAL("a\0b\0a\0"), LITERAL(""), "tensor \"tokenizer.vocabulary\" has the same token twice"},
		{LITERAL("a\0b\0c\0d\0e\0"), LITERAL(""), "tensor \"tokenizer.vocabulary\" has more tokens than vocab_size"},
		{LITERAL("a\0"), LITERAL("0 - a"), "tensor \"tokenizer.added_tokens\" does not end with a zero byte"},
		{LITERAL("a\0"), LITERAL("0 - \xc3\0"), "tensor \"tokenizer.added_tokens\" is not valid UTF-8"},
		{LITERAL("a\0"), LITERAL("\0"), "tensor \"tokenizer.added_tokens\" is malformed"},
		{LITERAL("a\0"), LITERAL("x - a\0"), "tensor \"tokenizer.added_tokens\" is malformed"},
		{LITERAL("a\0"), LITERAL("1 - a\0"), "tensor \"tokenizer.added_tokens\" is malformed"},
		{LITERAL("a\0"), LITERAL("99999999999999999999 - a\0"), "tensor \"tokenizer.added_tokens\" is malformed"},
		{LITERAL("a\0"), LITERAL("0 x a\0"), "tensor \"tokenizer.added_tokens\" is malformed"},
		{LITERAL("a\0"), LITERAL("0 sw a\0"), "tensor \"tokenizer.added_tokens\" is malformed"},
		{LITERAL("a\0"), LITERAL("0 -s a\0"), "tensor \"tokenizer.added_tokens\" is malformed"},
		{LITERAL("a\0"), LITERAL("0 ss a\0"), "tensor \"tokenizer.added_tokens\" is malformed"},
		{LITERAL("a\0"), LITERAL("0  a\0"), "tensor \"tokenizer.added_tokens\" is malformed"},
		{LITERAL("a\0"), LITERAL("0 s\0"), "tensor \"tokenizer.added_tokens\" is malformed"},
		{LITERAL("a\0"), LITERAL("0 s b\0"), "tensor \"tokenizer.added_tokens\" is malformed"},
		{LITERAL("\0a\0"), LITERAL("0 s \0"), "tensor \"tokenizer.added_tokens\" is malformed"},
		{LITERAL("a\0b\0"), LITERAL("1 - b\0" "0 - a\0"), "tensor \"tokenizer.added_tokens\" is malformed"},
		{LITERAL("a\0b\0"), LITERAL("0 - a\0" "0 - a\0"), "tensor \"tokenizer.added_tokens\" is malformed"},
	};
	electra_tokenizer_config config = fixture_config();

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		electra_error error = {0};
		void	   *section;
		size_t		size;

		assert_int_equal(electra_vocabulary_build(&config, 4, cases[i].vocabulary, cases[i].vocabulary_size,
												  cases[i].added, cases[i].added_size, memory,
												  &section, &size, &error), ELECTRA_CORRUPT);
		assert_null(section);
		assert_string_equal(error.message, cases[i].message);
	}
}

static void *
build_golden(size_t *size)
{
	electra_tokenizer_config config = fixture_config();
	electra_error error;
	void	   *section;

	assert_int_equal(electra_vocabulary_build(&config, 77, golden_vocabulary, sizeof(golden_vocabulary) - 1,
											  golden_added, sizeof(golden_added) - 1, memory,
											  &section, size, &error), ELECTRA_OK);
	return section;
}

static void
test_deterministic(void **state)
{
	size_t		first_size;
	size_t		second_size;
	void	   *first = build_golden(&first_size);
	void	   *second = build_golden(&second_size);

	(void) state;
	assert_int_equal(first_size, second_size);
	assert_memory_equal(first, second, first_size);
	free(first);
	free(second);
}

/* The bound holds for added tokens that grow as much as normalizing can make them. */
static void
test_max_size(void **state)
{
	static const char vocabulary[] = "\xf0\x9d\x85\xa0\0\xed\x95\x9c\0\xf0\xaf\xa0\x80\0\xc8\xba\0";
	static const char added[] = "0 n \xf0\x9d\x85\xa0\0" "1 n \xed\x95\x9c\0" "2 n \xf0\xaf\xa0\x80\0" "3 n \xc8\xba\0";
	electra_tokenizer_config config = fixture_config();
	electra_error error;
	void	   *section;
	size_t		size;

	(void) state;
	assert_int_equal(electra_vocabulary_build(&config, 4, LITERAL(vocabulary), LITERAL(added), memory,
											  &section, &size, &error), ELECTRA_OK);
	assert_true(size <= electra_vocabulary_max_size(sizeof(vocabulary) - 1, sizeof(added) - 1, 4));
	free(section);
	assert_int_equal(electra_vocabulary_build(&config, 0, "", 0, NULL, 0, memory, &section, &size, &error), ELECTRA_OK);
	assert_true(size <= electra_vocabulary_max_size(0, 0, 0));
	assert_int_equal(electra_vocabulary_check(section, size, 0, &error), ELECTRA_OK);
	free(section);
}

/* Every key is found, with the value of its place, and what is no key is not. */
static void
test_many_tokens(void **state)
{
	electra_tokenizer_config config = fixture_config();
	const int32_t count = 40000;
	char	   *vocabulary = malloc((size_t) count * 12);
	size_t		size = 0;
	electra_error error;
	void	   *section;
	size_t		section_size;
	electra_trie trie;

	(void) state;
	assert_non_null(vocabulary);
	for (int32_t i = 0; i < count; i++)
		size += (size_t) sprintf(vocabulary + size, "%s%x", i % 3 == 0 ? "##" : "", (unsigned) i * 2654435761u) + 1;
	assert_int_equal(electra_vocabulary_build(&config, count, vocabulary, size, NULL, 0, memory,
											  &section, &section_size, &error), ELECTRA_OK);
	assert_true(section_size <= electra_vocabulary_max_size(size, 0, count));
	trie = electra_vocabulary_trie(section);
	for (int32_t i = 0; i < count; i++)
	{
		const electra_vocabulary_header *header = section;
		const char *token;
		size_t		token_size;
		uint32_t	node;

		assert_true(electra_vocabulary_token(section, i, &token, &token_size));
		node = electra_trie_walk(&trie, header->word_root, (const uint8_t *) token, token_size);
		assert_int_not_equal(node, ELECTRA_TRIE_NONE);
		assert_int_equal(trie.nodes[node].value, i);
		assert_int_equal(electra_trie_walk(&trie, node, (const uint8_t *) "~", 1), ELECTRA_TRIE_NONE);
	}
	free(section);
	free(vocabulary);
}

static void
test_damaged_header(void **state)
{
	size_t		size;
	uint32_t   *section = build_golden(&size);
	electra_error error;

	(void) state;
	assert_int_equal(electra_vocabulary_check(section, size, 77, &error), ELECTRA_OK);
	assert_int_equal(electra_vocabulary_check(section, size, 76, &error), ELECTRA_CORRUPT);
	assert_int_equal(electra_vocabulary_check(section, size - 1, 77, &error), ELECTRA_CORRUPT);
	assert_int_equal(electra_vocabulary_check(section, 10, 77, &error), ELECTRA_CORRUPT);
	/* each word of the header made enormous: sizes, offsets and roots are all looked at */
	for (size_t i = 0; i < offsetof(electra_vocabulary_header, raw_flags) / sizeof(uint32_t); i++)
	{
		uint32_t	saved = section[i];

		section[i] = 0xfffffff0;
		assert_int_equal(electra_vocabulary_check(section, size, 77, &error), ELECTRA_CORRUPT);
		section[i] = saved;
	}
	free(section);
}

/* A section whose content is damaged gives wrong tokens, never a read outside (ASan watches). */
static void
test_damaged_content(void **state)
{
	electra_tokenizer_config config = fixture_config();
	electra_model model;
	electra_error error;
	void	   *image = fixture_open(&model, &config, LITERAL(golden_vocabulary), LITERAL(golden_added), &error);
	uint8_t    *section = (uint8_t *) image + model.header->vocabulary;
	size_t		size = model.header->vocabulary_size;
	uint64_t	random = 1;
	int32_t		ids[256];

	(void) state;
	assert_non_null(image);
	for (int round = 0; round < 2000; round++)
	{
		electra_tokens tokens = {.ids = ids, .capacity = 256};
		char	   *text;
		size_t		text_size;

		for (int change = 0; change < 8; change++)
		{
			random = random * 6364136223846793005u + 1442695040888963407u;
			section[sizeof(electra_vocabulary_header) + (random >> 33) % (size - sizeof(electra_vocabulary_header))] =
				(uint8_t) (random >> 25);
		}
		for (size_t i = 0; i < sizeof(golden_texts) / sizeof(golden_texts[0]); i++)
			assert_int_equal(electra_tokenize(&model, golden_texts[i].text, golden_texts[i].size, true, &tokens,
											  memory, NULL, &error), ELECTRA_OK);
		for (int32_t id = 0; id < 77; id++)
			ids[id] = id;
		assert_int_equal(electra_detokenize(&model, ids, 77, &text, &text_size, memory, &error), ELECTRA_OK);
		free(text);
	}
	free(image);
}

/* Refuses the n-th allocation. */
static void *
failing_alloc(void *context, size_t size)
{
	int		   *left = context;

	return (*left)-- > 0 ? malloc(size) : NULL;
}

static void
failing_release(void *context, void *pointer)
{
	(void) context;
	free(pointer);
}

static void
test_out_of_memory(void **state)
{
	electra_tokenizer_config config = fixture_config();
	electra_status status = ELECTRA_OUT_OF_MEMORY;
	int			calls;

	(void) state;
	for (calls = 0; status != ELECTRA_OK; calls++)
	{
		int			left = calls;
		electra_allocator failing = {failing_alloc, failing_release, &left};
		electra_error error;
		void	   *section;
		size_t		size;

		status = electra_vocabulary_build(&config, 77, LITERAL(golden_vocabulary), LITERAL(golden_added),
										  &failing, &section, &size, &error);
		assert_true(status == ELECTRA_OK || status == ELECTRA_OUT_OF_MEMORY);
		assert_true((section != NULL) == (status == ELECTRA_OK));
		free(section);
		assert_true(calls < 50);
	}
	assert_true(calls > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens_by_id),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_max_size),
		cmocka_unit_test(test_many_tokens),
		cmocka_unit_test(test_damaged_header),
		cmocka_unit_test(test_damaged_content),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
