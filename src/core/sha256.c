/*
 * SHA-256, written from FIPS 180-4.
 *
 * Hashing is most of the time of loading a preset.  The message schedule of a
 * block is computed first, then its unrolled rounds run.  On x86 the schedules
 * of two blocks are computed at once, one in each half of AVX2's registers,
 * between the rounds of the first; BMI2 gives the rounds their three-operand
 * rotations.
 */
#include "sha256.h"

#include "sha256_functions.h"

#include <string.h>

#if defined(__GNUC__) && defined(__x86_64__)
#define HAVE_AVX2_VARIANT
#include <immintrin.h>
#endif

#if defined(__GNUC__)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE inline
#endif

const uint32_t electra_sha256_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
};

/* Section 5.3.3: the same of square roots of the first eight primes. */
static const uint32_t initial_state[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
};

/* One round; the caller rotates the names of the variables instead of their values. */
#define ROUND(a, b, c, d, e, f, g, h, i) \
	do \
	{ \
		uint32_t	t = (h) + wk[i] + CHOOSE(e, f, g) + BIG_SIGMA1(e); \
\
		(d) += t; \
		(h) = t + BIG_SIGMA0(a) + MAJORITY(a, b, c); \
	} while (0)

/* Step 2: declares the variables of a block; step 4: what becomes of the state. */
#define LOAD_STATE(state) \
	uint32_t	a = (state)[0], b = (state)[1], c = (state)[2], d = (state)[3], \
				e = (state)[4], f = (state)[5], g = (state)[6], h = (state)[7]
#define ADD_TO_STATE(state) \
	((state)[0] += a, (state)[1] += b, (state)[2] += c, (state)[3] += d, \
	 (state)[4] += e, (state)[5] += f, (state)[6] += g, (state)[7] += h)

/* Eight rounds from number i on; then every variable has its own name again. */
#define EIGHT_ROUNDS(i) \
	do \
	{ \
		ROUND(a, b, c, d, e, f, g, h, i); \
		ROUND(h, a, b, c, d, e, f, g, (i) + 1); \
		ROUND(g, h, a, b, c, d, e, f, (i) + 2); \
		ROUND(f, g, h, a, b, c, d, e, (i) + 3); \
		ROUND(e, f, g, h, a, b, c, d, (i) + 4); \
		ROUND(d, e, f, g, h, a, b, c, (i) + 5); \
		ROUND(c, d, e, f, g, h, a, b, (i) + 6); \
		ROUND(b, c, d, e, f, g, h, a, (i) + 7); \
	} while (0)

/* The 64 rounds of one block: section 6.2.2, steps 2 to 4. */
static ALWAYS_INLINE void
rounds(uint32_t state[8], const uint32_t *wk /* (64): schedule plus constants */ )
{
	LOAD_STATE(state);

	for (int i = 0; i < 64; i += 8)
		EIGHT_ROUNDS(i);
	ADD_TO_STATE(state);
}

/* The schedule of one block: section 6.2.2, step 1. */
static ALWAYS_INLINE void
schedule(const uint8_t *data /* (64) */ , uint32_t *wk /* (64) */ )
{
	uint32_t	w[64];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t) data[4 * i] << 24 | (uint32_t) data[4 * i + 1] << 16 |
			(uint32_t) data[4 * i + 2] << 8 | data[4 * i + 3];
	for (int i = 16; i < 64; i++)
		w[i] = SMALL_SIGMA1(w[i - 2]) + w[i - 7] + SMALL_SIGMA0(w[i - 15]) + w[i - 16];
	for (int i = 0; i < 64; i++)
		wk[i] = w[i] + electra_sha256_constants[i];
}

static void
compress_portable(uint32_t state[8], const uint8_t *data /* (blocks, 64) */ , size_t blocks)
{
	for (; blocks > 0; blocks--, data += 64)
	{
		uint32_t	wk[64];

		schedule(data, wk);
		rounds(state, wk);
	}
}

#ifdef HAVE_AVX2_VARIANT

/* SMALL_SIGMA1 of the low word of each 64-bit lane, which holds that word twice. */
__attribute__((target("avx2")))
static ALWAYS_INLINE __m256i
small_sigma1_doubled(__m256i x)
{
	return _mm256_xor_si256(_mm256_srli_epi32(x, 10),
							_mm256_xor_si256(_mm256_srli_epi64(x, 17), _mm256_srli_epi64(x, 19)));
}

/* The next four words of two schedules from the last 16, oldest first. */
__attribute__((target("avx2")))
static ALWAYS_INLINE __m256i
next_four(__m256i w0, __m256i w4, __m256i w8, __m256i w12)
{
	__m256i		x = _mm256_alignr_epi8(w4, w0, 4);	/* words 1 to 4 */
	__m256i		sum = _mm256_add_epi32(w0, _mm256_alignr_epi8(w12, w8, 4));
	__m256i		high;

	x = _mm256_xor_si256(_mm256_xor_si256(_mm256_or_si256(_mm256_srli_epi32(x, 7),
														  _mm256_slli_epi32(x, 25)),
										  _mm256_or_si256(_mm256_srli_epi32(x, 18),
														  _mm256_slli_epi32(x, 14))),
						 _mm256_srli_epi32(x, 3));
	sum = _mm256_add_epi32(sum, x);

	/* the first two words need the last two, the other two need these */
	x = small_sigma1_doubled(_mm256_shuffle_epi32(w12, 0xfa));
	sum = _mm256_add_epi32(sum, _mm256_blend_epi32(_mm256_shuffle_epi32(x, 0x08),
												   _mm256_setzero_si256(), 0xcc));
	high = small_sigma1_doubled(_mm256_shuffle_epi32(sum, 0x50));
	return _mm256_add_epi32(sum, _mm256_blend_epi32(_mm256_shuffle_epi32(high, 0x80),
													_mm256_setzero_si256(), 0x33));
}

/* Adds the constants to four words of two schedules and stores both. */
__attribute__((target("avx2")))
static ALWAYS_INLINE void
store_four(uint32_t wk[2][64], int i, __m256i w)
{
	__m128i		k = _mm_loadu_si128((const __m128i *) &electra_sha256_constants[i]);

	w = _mm256_add_epi32(w, _mm256_broadcastsi128_si256(k));
	_mm_store_si128((__m128i *) &wk[0][i], _mm256_castsi256_si128(w));
	_mm_store_si128((__m128i *) &wk[1][i], _mm256_extracti128_si256(w, 1));
}

/*
 * The rounds of the first block, and between them the rest of both schedules:
 * the rounds are one chain of dependent steps that leaves room for it.
 */
__attribute__((target("avx2,bmi,bmi2")))
static ALWAYS_INLINE void
rounds_and_schedules(uint32_t state[8], uint32_t both[2][64], __m256i w[4] /* words 0 to 15 */ )
{
	const uint32_t *wk = both[0];
	LOAD_STATE(state);

	for (int i = 16; i < 64; i += 16)
	{
		w[0] = next_four(w[0], w[1], w[2], w[3]);
		store_four(both, i, w[0]);
		w[1] = next_four(w[1], w[2], w[3], w[0]);
		store_four(both, i + 4, w[1]);
		EIGHT_ROUNDS(i - 16);
		w[2] = next_four(w[2], w[3], w[0], w[1]);
		store_four(both, i + 8, w[2]);
		w[3] = next_four(w[3], w[0], w[1], w[2]);
		store_four(both, i + 12, w[3]);
		EIGHT_ROUNDS(i - 8);
	}
	EIGHT_ROUNDS(48);
	EIGHT_ROUNDS(56);
	ADD_TO_STATE(state);
}

__attribute__((target("avx2,bmi,bmi2")))
static void
compress_avx2(uint32_t state[8], const uint8_t *data /* (blocks, 64) */ , size_t blocks)
{
	const __m256i swap = _mm256_broadcastsi128_si256(
		_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));

	for (; blocks > 0; blocks -= blocks < 2 ? 1 : 2, data += 128)
	{
		_Alignas(32) uint32_t wk[2][64];
		const uint8_t *second = blocks < 2 ? data : data + 64;
		__m256i		w[4];

		for (int i = 0; i < 4; i++)
		{
			w[i] = _mm256_inserti128_si256(
				_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *) (data + 16 * i))),
				_mm_loadu_si128((const __m128i *) (second + 16 * i)), 1);
			w[i] = _mm256_shuffle_epi8(w[i], swap);
			store_four(wk, 4 * i, w[i]);
		}
		rounds_and_schedules(state, wk, w);
		if (blocks >= 2)
			rounds(state, wk[1]);
	}
}

#endif							/* HAVE_AVX2_VARIANT */

static void
compress_blocks(uint32_t state[8], const uint8_t *data /* (blocks, 64) */ , size_t blocks)
{
#ifdef HAVE_AVX2_VARIANT
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
		__builtin_cpu_supports("bmi2"))
	{
		compress_avx2(state, data, blocks);
		return;
	}
#endif
	compress_portable(state, data, blocks);
}

void
electra_sha256_init(electra_sha256 *sha)
{
	memcpy(sha->state, initial_state, sizeof(initial_state));
	sha->size = 0;
}

void
electra_sha256_update(electra_sha256 *sha, const void *data, size_t size)
{
	const uint8_t *bytes = data;
	size_t		filled = sha->size % 64;

	if (size == 0)
		return;
	sha->size += size;
	if (filled > 0)
	{
		size_t		room = 64 - filled;
		size_t		part = size < room ? size : room;

		memcpy(sha->block + filled, bytes, part);
		if (part < room)
			return;
		compress_blocks(sha->state, sha->block, 1);
		bytes += part;
		size -= part;
	}
	compress_blocks(sha->state, bytes, size / 64);
	memcpy(sha->block, bytes + size / 64 * 64, size % 64);
}

void
electra_sha256_final(electra_sha256 *sha, uint8_t digest[ELECTRA_DIGEST_SIZE])
{
	uint8_t		padding[128] = {0x80};
	uint64_t	bits = sha->size * 8;
	/* at least one byte of padding and eight of length, to a multiple of 64 */
	size_t		size = 64 - (sha->size + 8) % 64 + 8;

	for (int i = 0; i < 8; i++)
		padding[size - 1 - i] = (uint8_t) (bits >> 8 * i);
	electra_sha256_update(sha, padding, size);
	for (int i = 0; i < ELECTRA_DIGEST_SIZE; i++)
		digest[i] = (uint8_t) (sha->state[i / 4] >> (24 - i % 4 * 8));
}

void
electra_digest_to_hex(const uint8_t digest[ELECTRA_DIGEST_SIZE], char hex[ELECTRA_DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < ELECTRA_DIGEST_SIZE; i++)
	{
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[2 * ELECTRA_DIGEST_SIZE] = '\0';
}
