/*
 * The digest of images against its definition, word by word, with the block
 * function of electra_sha256.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/content_digest.h"

#include <stdlib.h>
#include <string.h>

/* As content_digest.h defines it: the block of each stream is gathered and compressed by itself. */
static void
by_definition(const uint8_t *data, size_t size, uint8_t digest[ELECTRA_DIGEST_SIZE])
{
	electra_sha256 streams[ELECTRA_DIGEST_STREAMS];
	electra_sha256 sha;
	uint64_t	total = size;

	for (int j = 0; j < ELECTRA_DIGEST_STREAMS; j++)
		electra_sha256_init(&streams[j]);
	for (; size >= ELECTRA_DIGEST_GROUP; data += ELECTRA_DIGEST_GROUP, size -= ELECTRA_DIGEST_GROUP)
	{
		for (int j = 0; j < ELECTRA_DIGEST_STREAMS; j++)
		{
			uint8_t		block[64];

			/* a block of SHA-256 has big-endian words */
			for (int t = 0; t < 16; t++)
				for (int byte = 0; byte < 4; byte++)
					block[4 * t + byte] = data[4 * (16 * t + j) + 3 - byte];
			electra_sha256_update(&streams[j], block, sizeof(block));
		}
	}
	electra_sha256_init(&sha);
	for (int j = 0; j < ELECTRA_DIGEST_STREAMS; j++)
		electra_sha256_update(&sha, streams[j].state, sizeof(streams[j].state));
	electra_sha256_update(&sha, data, size);
	electra_sha256_update(&sha, &total, sizeof(total));
	electra_sha256_final(&sha, digest);
}

static void
test_definition(void **state)
{
	static const size_t sizes[] = {0, 1, 63, 1023, 1024, 1025, 2047, 2048, 5000, 70001};
	uint8_t    *data = malloc(70001);
	uint32_t	random = 1;

	(void) state;
	for (size_t i = 0; i < 70001; i++)
	{
		random = random * 1664525 + 1013904223;
		data[i] = (uint8_t) (random >> 24);
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		uint8_t		expected[ELECTRA_DIGEST_SIZE];

		by_definition(data, sizes[i], expected);
		/* however it is cut into pieces */
		for (size_t piece = 1; piece <= 4099; piece = piece * 3 + 1)
		{
			electra_content_digest content;
			uint8_t		digest[ELECTRA_DIGEST_SIZE];

			electra_content_digest_init(&content);
			for (size_t at = 0; at < sizes[i]; at += piece)
				electra_content_digest_update(&content, data + at, at + piece < sizes[i] ? piece : sizes[i] - at);
			electra_content_digest_final(&content, digest);
			assert_memory_equal(digest, expected, sizeof(digest));
		}
	}
	free(data);
}

/* Every byte, and the size, is in it. */
static void
test_sensitive(void **state)
{
	uint8_t		data[3000] = {0};
	uint8_t		first[ELECTRA_DIGEST_SIZE];
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	electra_content_digest content;

	(void) state;
	electra_content_digest_init(&content);
	electra_content_digest_update(&content, data, sizeof(data));
	electra_content_digest_final(&content, first);
	for (size_t i = 0; i < sizeof(data); i++)
	{
		data[i] = 1;
		electra_content_digest_init(&content);
		electra_content_digest_update(&content, data, sizeof(data));
		electra_content_digest_final(&content, digest);
		assert_memory_not_equal(digest, first, sizeof(digest));
		data[i] = 0;
	}
	electra_content_digest_init(&content);
	electra_content_digest_update(&content, data, sizeof(data) - 1);
	electra_content_digest_final(&content, digest);
	assert_memory_not_equal(digest, first, sizeof(digest));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_definition),
		cmocka_unit_test(test_sensitive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
