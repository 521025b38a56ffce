/*
 * SHA-256 against the examples of FIPS 180-4 and against Python's hashlib.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/sha256.h"

#include <stdlib.h>
#include <string.h>

static void
hash_hex(const void *data, size_t size, char hex[ELECTRA_DIGEST_HEX_SIZE])
{
	electra_sha256 sha;
	uint8_t		digest[ELECTRA_DIGEST_SIZE];

	electra_sha256_init(&sha);
	electra_sha256_update(&sha, data, size);
	electra_sha256_final(&sha, digest);
	electra_digest_to_hex(digest, hex);
}

static void
test_examples(void **state)
{
	static const struct
	{
		const char *message;
		const char *digest;
	}			examples[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
			"ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		"cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
	};
	char		hex[ELECTRA_DIGEST_HEX_SIZE];

	(void) state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
	{
		hash_hex(examples[i].message, strlen(examples[i].message), hex);
		assert_string_equal(hex, examples[i].digest);
	}
}

static void
test_million_letters(void **state)
{
	char	   *letters = malloc(1000000);
	char		hex[ELECTRA_DIGEST_HEX_SIZE];

	(void) state;
	assert_non_null(letters);
	memset(letters, 'a', 1000000);
	hash_hex(letters, 1000000, hex);
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(letters);
}

static void
fill(uint8_t *message, size_t size)
{
	for (size_t i = 0; i < size; i++)
		message[i] = (uint8_t) (i * 7 + i / 256);
}

/* The digest of the digests of the first 0 … 1000 bytes; the constant is hashlib's. */
static void
test_every_length(void **state)
{
	uint8_t		message[1000];
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	char		hex[ELECTRA_DIGEST_HEX_SIZE];
	electra_sha256 all;

	(void) state;
	fill(message, sizeof(message));
	electra_sha256_init(&all);
	for (size_t size = 0; size <= sizeof(message); size++)
	{
		electra_sha256 sha;

		electra_sha256_init(&sha);
		electra_sha256_update(&sha, message, size);
		electra_sha256_final(&sha, digest);
		electra_sha256_update(&all, digest, sizeof(digest));
	}
	electra_sha256_final(&all, digest);
	electra_digest_to_hex(digest, hex);
	assert_string_equal(hex, "1e67f63d8c60e0ece8c22863ef816243e24887524e12babda67a0a1294bea06e");
}

/* However a message is cut into two or into many, the digest is the same. */
static void
test_pieces(void **state)
{
	uint8_t		message[1000];
	char		whole[ELECTRA_DIGEST_HEX_SIZE];

	(void) state;
	fill(message, sizeof(message));
	hash_hex(message, sizeof(message), whole);
	for (size_t piece = 1; piece <= sizeof(message); piece++)
	{
		electra_sha256 sha;
		uint8_t		digest[ELECTRA_DIGEST_SIZE];
		char		hex[ELECTRA_DIGEST_HEX_SIZE];

		electra_sha256_init(&sha);
		for (size_t done = 0; done < sizeof(message); done += piece)
			electra_sha256_update(&sha, message + done,
								  sizeof(message) - done < piece ? sizeof(message) - done : piece);
		electra_sha256_update(&sha, NULL, 0);
		electra_sha256_final(&sha, digest);
		electra_digest_to_hex(digest, hex);
		assert_string_equal(hex, whole);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_million_letters),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
