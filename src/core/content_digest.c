/*
 * Sixteen compressions at once: one element of a vector is one stream.  The
 * same text is compiled for AVX-512, AVX2 and what every machine has.
 */
#include "content_digest.h"

#include "sha256_functions.h"

#include <string.h>

#define STREAMS ELECTRA_DIGEST_STREAMS

/* One word of each stream. */
typedef uint32_t words __attribute__((vector_size(4 * STREAMS)));

/*
 * Variable number k (a = 0 … h = 7) of round i: instead of the values the names
 * move on, and are where they began after eight rounds.
 */
#define VARIABLE(k) v[((k) + 64 - i) % 8]

static inline __attribute__((always_inline)) void
compress_groups(uint32_t states[8][STREAMS], const uint8_t *data /* (groups, 1024) */ , size_t groups)
{
	for (; groups > 0; groups--, data += ELECTRA_DIGEST_GROUP)
	{
		words		v[8];
		words		w[16];
		words		before;

		memcpy(v, states, sizeof(v));
		memcpy(w, data, sizeof(w));
#pragma GCC unroll 64
		for (int i = 0; i < 64; i++)
		{
			words		t;

			if (i >= 16)
				w[i % 16] += SMALL_SIGMA1(w[(i + 14) % 16]) + w[(i + 9) % 16] + SMALL_SIGMA0(w[(i + 1) % 16]);
			t = VARIABLE(7) + BIG_SIGMA1(VARIABLE(4)) + CHOOSE(VARIABLE(4), VARIABLE(5), VARIABLE(6)) +
				electra_sha256_constants[i] + w[i % 16];
			VARIABLE(3) += t;
			VARIABLE(7) = t + BIG_SIGMA0(VARIABLE(0)) + MAJORITY(VARIABLE(0), VARIABLE(1), VARIABLE(2));
		}
		for (int k = 0; k < 8; k++)
		{
			memcpy(&before, states[k], sizeof(before));
			before += v[k];
			memcpy(states[k], &before, sizeof(before));
		}
	}
}

static void
compress_portable(uint32_t states[8][STREAMS], const uint8_t *data, size_t groups)
{
	compress_groups(states, data, groups);
}

#if defined(__x86_64__)

__attribute__((target("avx2")))
static void
compress_avx2(uint32_t states[8][STREAMS], const uint8_t *data, size_t groups)
{
	compress_groups(states, data, groups);
}

__attribute__((target("avx512f")))
static void
compress_avx512(uint32_t states[8][STREAMS], const uint8_t *data, size_t groups)
{
	compress_groups(states, data, groups);
}

#endif

/* By what the machine has; all give the same. */
static void
compress(uint32_t states[8][STREAMS], const uint8_t *data /* (groups, 1024) */ , size_t groups)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f"))
	{
		compress_avx512(states, data, groups);
		return;
	}
	if (__builtin_cpu_supports("avx2"))
	{
		compress_avx2(states, data, groups);
		return;
	}
#endif
	compress_portable(states, data, groups);
}

void
electra_content_digest_init(electra_content_digest *content)
{
	electra_sha256 first;

	electra_sha256_init(&first);
	for (int k = 0; k < 8; k++)
		for (int stream = 0; stream < STREAMS; stream++)
			content->states[k][stream] = first.state[k];
	content->size = 0;
}

void
electra_content_digest_update(electra_content_digest *content, const void *data, size_t size)
{
	const uint8_t *bytes = data;
	size_t		filled = content->size % ELECTRA_DIGEST_GROUP;

	if (size == 0)
		return;
	content->size += size;
	if (filled > 0)
	{
		size_t		room = ELECTRA_DIGEST_GROUP - filled;
		size_t		part = size < room ? size : room;

		memcpy(content->group + filled, bytes, part);
		if (part < room)
			return;
		compress(content->states, content->group, 1);
		bytes += part;
		size -= part;
	}
	compress(content->states, bytes, size / ELECTRA_DIGEST_GROUP);
	memcpy(content->group, bytes + size / ELECTRA_DIGEST_GROUP * ELECTRA_DIGEST_GROUP,
		   size % ELECTRA_DIGEST_GROUP);
}

void
electra_content_digest_final(electra_content_digest *content, uint8_t digest[ELECTRA_DIGEST_SIZE])
{
	electra_sha256 sha;

	electra_sha256_init(&sha);
	for (int stream = 0; stream < STREAMS; stream++)
		for (int k = 0; k < 8; k++)
			electra_sha256_update(&sha, &content->states[k][stream], sizeof(uint32_t));
	electra_sha256_update(&sha, content->group, content->size % ELECTRA_DIGEST_GROUP);
	electra_sha256_update(&sha, &content->size, sizeof(content->size));
	electra_sha256_final(&sha, digest);
}
