/*
 * OpenBLAS in place of our matrix product; see openblas.h.
 *
 * It rounds in an order of its own, which differs from one CPU to the next, so
 * its vectors must never be stored: electra_embed is IMMUTABLE.  They cannot be
 * where the transaction is read-only and has opened no temporary table, the
 * one kind that may be written there: then neither row nor index takes them,
 * nor the memo; and constants folded into plans are given up with every change
 * of the setting.
 *
 * Only the serial build is loaded, from the folder of its package: the one that
 * the loader would find by name may start threads, which a backend must not
 * have.
 */
#include "postgres.h"

#include <dlfcn.h>

#include "access/parallel.h"
#include "access/xact.h"
#include "utils/guc.h"
#include "utils/plancache.h"

#include "core/gemm_openblas.h"
#include "pg/openblas.h"

typedef enum GemmSetting
{
	GEMM_EXACT,
	GEMM_OPENBLAS
} GemmSetting;

static const struct config_enum_entry gemm_options[] = {
	{"exact", GEMM_EXACT, false},
	{"openblas", GEMM_OPENBLAS, false},
	{NULL, 0, false}
};

/* Where distributions keep the serial build. */
static const char *const libraries[] = {
#if defined(__x86_64__)
	"/usr/lib/x86_64-linux-gnu/openblas-serial/libopenblas.so.0",
#elif defined(__aarch64__)
	"/usr/lib/aarch64-linux-gnu/openblas-serial/libopenblas.so.0",
#endif
	"/usr/lib64/libopenblas.so.0"
};

static int	gemm_setting = GEMM_EXACT;
static electra_sgemm sgemm = NULL;	/* once loaded */

/*
 * Loads one library; false leaves a reason.  What it says of itself is checked,
 * for /usr/lib64 holds whatever the administrator has put there.
 */
static bool
load_library(const char *file)
{
	void	   *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	int			(*parallel) (void);
	electra_sgemm function;

	if (library == NULL)
		return false;
	parallel = (int (*) (void)) dlsym(library, "openblas_get_parallel");
	function = (electra_sgemm) dlsym(library, "cblas_sgemm");
	if (function == NULL || parallel == NULL || parallel() != 0)
	{
		dlclose(library);
		return false;
	}
	sgemm = function;
	return true;
}

/* Loads the first library that is there; false: none. */
static bool
load_openblas(void)
{
	/* should the build be another than its folder says */
	setenv("OPENBLAS_NUM_THREADS", "1", 1);
	for (int i = 0; sgemm == NULL && i < (int) lengthof(libraries); i++)
	{
		if (access(libraries[i], R_OK) == 0)
			(void) load_library(libraries[i]);
	}
	return sgemm != NULL;
}

static bool
check_gemm(int *new_value, void **extra, GucSource source)
{
	if (*new_value != GEMM_OPENBLAS || load_openblas())
		return true;
	GUC_check_errmsg("OpenBLAS is not installed");
	GUC_check_errdetail("The serial build of the library, \"%s\", cannot be loaded.", libraries[0]);
	GUC_check_errhint("Debian's package of it is libopenblas0-serial.");
	return false;
}

static bool
openblas_gemm(const electra_gemm_call *call, electra_pacer *pacer)
{
	return electra_gemm_openblas(call, sgemm, pacer);
}

/* Constants that plans hold were computed under the old value. */
static void
assign_gemm(int new_value, void *extra)
{
	electra_gemm_substitute(new_value == GEMM_OPENBLAS ? openblas_gemm : NULL);
	if (new_value != gemm_setting)
		ResetPlanCache();
}

void
electra_openblas_init(void)
{
	DefineCustomEnumVariable("electra.gemm",
							 "Who multiplies matrices: electra's kernels, or for comparison OpenBLAS.",
							 "Vectors by OpenBLAS have other bits and cannot be stored: it works in read-only transactions only.",
							 &gemm_setting,
							 GEMM_EXACT,
							 gemm_options,
							 PGC_SUSET,
							 GUC_DISALLOW_IN_FILE | GUC_NOT_IN_SAMPLE,
							 check_gemm,
							 assign_gemm,
							 NULL);
}

bool
electra_openblas_used(void)
{
	static bool warned = false;

	if (gemm_setting != GEMM_OPENBLAS)
		return false;

	if (!XactReadOnly || (MyXactFlags & XACT_FLAGS_ACCESSEDTEMPNAMESPACE) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("electra.gemm = 'openblas' works in read-only transactions without temporary tables only"),
				 errdetail("OpenBLAS rounds in an order of its own, so its vectors must not be stored."),
				 errhint("Use BEGIN READ ONLY, or RESET electra.gemm.")));

	if (!warned && !IsParallelWorker())
	{
		warned = true;
		ereport(WARNING,
				(errmsg("OpenBLAS computes the vectors of this session"),
				 errdetail("Their bits depend on the CPU and differ from those that electra computes."),
				 errhint("RESET electra.gemm after the comparison.")));
	}
	return true;
}
