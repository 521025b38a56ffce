/*
 * The floating-point environment: what a process has set neither reaches the
 * core nor is lost.
 */
#include <fenv.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/fpenv.h"
#include "core/kernels.h"
#include "random_image.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* Round up, flush results and operands, and trap on nothing. */
#define HOSTILE_MXCSR (0x1f80 | _MM_ROUND_UP | _MM_FLUSH_ZERO_ON | 0x0040)

static void
test_control_word(void **state)
{
	electra_fpenv saved;
	volatile float denormal = 0x1p-140f;
	volatile float third = 3.0f;

	(void) state;
	_mm_setcsr(HOSTILE_MXCSR);
	electra_fpenv_enter(&saved);
	assert_int_equal(_mm_getcsr() & ~0x3fu, 0x1f80);
	assert_true(denormal * 0.5f == 0x1p-141f);
	assert_true(1.0f / third == 0x1.555556p-2f);
	electra_fpenv_leave(&saved);
	assert_int_equal(_mm_getcsr() & ~0x3fu, HOSTILE_MXCSR);
	_mm_setcsr(0x1f80);
}
#endif

static void
test_rounding(void **state)
{
	static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST};

	(void) state;
	for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
	{
		electra_fpenv saved;
		volatile float three = 3.0f;
		float		quotient;

		fesetround(modes[m]);
		electra_fpenv_enter(&saved);
		quotient = 1.0f / three;
		electra_fpenv_leave(&saved);
		assert_int_equal(fegetround(), modes[m]);
		fesetround(FE_TONEAREST);
		assert_true(quotient == 0x1.555556p-2f);
	}
}

/* Encoder, pooling, dot and cosine under every rounding direction. */
static void
test_results(void **state)
{
	static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
	electra_config config = random_config(1, 2, 48, 40, 100, 16);
	random_image *image = random_image_create(&config, 1);
	int32_t		ids[7];
	int32_t		offsets[] = {0, 7};
	electra_batch batch = {.num_sequences = 1, .offsets = offsets, .token_ids = ids};
	void	   *workspace = allocate_aligned(electra_encoder_workspace(&image->model, &batch));
	float		pool_workspace[128];
	float		hidden[4][7 * 48];
	float		vectors[4][48 + 2];

	(void) state;
	random_token_ids(&config, 1, ids, 7);
	for (int m = 0; m < 4; m++)
	{
		electra_error error = {0};
		electra_status status;

		fesetround(modes[m]);
#if defined(__x86_64__)
		if (m > 0)
			_mm_setcsr(_mm_getcsr() | _MM_FLUSH_ZERO_ON | 0x0040);
#endif
		status = electra_encode(&image->model, &batch, workspace, hidden[m], NULL, &error);
		if (status == ELECTRA_OK)
			status = electra_pool(&image->model, &batch, hidden[m], pool_workspace, vectors[m], &error);
		vectors[m][48] = electra_dot(hidden[m], hidden[m] + 48, 48);
		vectors[m][49] = electra_cosine_similarity(hidden[m], hidden[m] + 48, 48);
#if defined(__x86_64__)
		_mm_setcsr(0x1f80);
#endif
		fesetround(FE_TONEAREST);
		assert_int_equal(status, ELECTRA_OK);
		assert_memory_equal(hidden[m], hidden[0], sizeof(hidden[0]));
		assert_memory_equal(vectors[m], vectors[0], sizeof(vectors[0]));
	}
	free(workspace);
	random_image_free(image);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#if defined(__x86_64__)
		cmocka_unit_test(test_control_word),
#endif
		cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
