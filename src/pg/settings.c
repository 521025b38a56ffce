/*
 * Settings, and SQL functions that show versions and choices.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "core/config.h"
#include "core/image.h"
#include "core/kernels.h"
#include "pg/openblas.h"
#include "pg/preset.h"
#include "pg/preset_path.h"
#include "pg/settings.h"
#include "pg/stats.h"

/* Not one of electra_kernel_set: take the best that this machine has. */
#define KERNELS_AUTO (-1)

static const struct config_enum_entry kernels_options[] = {
	{"auto", KERNELS_AUTO, false},
	{"portable", ELECTRA_KERNELS_PORTABLE, false},
	{"avx2", ELECTRA_KERNELS_AVX2, false},
	{"avxvnni", ELECTRA_KERNELS_AVX_VNNI, false},
	{"avx512", ELECTRA_KERNELS_AVX512, false},
	{"avx512vnni", ELECTRA_KERNELS_AVX512_VNNI, false},
	{"neon", ELECTRA_KERNELS_NEON, false},
	{NULL, 0, false}
};

static int	kernels_setting = KERNELS_AUTO;

/* The best set that this machine has. */
static electra_kernel_set
best_kernels(void)
{
	for (int set = ELECTRA_NUM_KERNEL_SETS - 1; set > ELECTRA_KERNELS_PORTABLE; set--)
	{
		if (electra_kernel_set_available((electra_kernel_set) set))
			return (electra_kernel_set) set;
	}
	return ELECTRA_KERNELS_PORTABLE;
}

static bool
check_kernels(int *new_value, void **extra, GucSource source)
{
	if (*new_value != KERNELS_AUTO &&
		!electra_kernel_set_available((electra_kernel_set) *new_value))
	{
		GUC_check_errdetail("This machine cannot run the kernels \"%s\".",
							electra_kernel_set_name((electra_kernel_set) *new_value));
		return false;
	}
	return true;
}

static void
assign_kernels(int new_value, void *extra)
{
	(void) electra_kernels_choose(new_value == KERNELS_AUTO ? best_kernels() :
								  (electra_kernel_set) new_value);
}

void
electra_settings_init(void)
{
	/*
	 * For measurements and for proving that every set gives the same bits;
	 * nobody needs it otherwise, and it changes no value.
	 */
	DefineCustomEnumVariable("electra.kernels",
							 "Instruction set of the kernels; all give the same bits.",
							 NULL,
							 &kernels_setting,
							 KERNELS_AUTO,
							 kernels_options,
							 PGC_SUSET,
							 0,
							 check_kernels,
							 assign_kernels,
							 NULL);
	electra_openblas_init();
}

/* One row of electra_settings(); setting NULL: not known. */
static void
put_setting(ReturnSetInfo *result, const char *name, const char *setting, const char *description)
{
	Datum		values[3];
	bool		nulls[3] = {false, setting == NULL, false};

	values[0] = CStringGetTextDatum(name);
	values[1] = setting == NULL ? (Datum) 0 : CStringGetTextDatum(setting);
	values[2] = CStringGetTextDatum(description);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(electra_settings);
PG_FUNCTION_INFO_V1(electra_kernels_sql);

/* () -> rows (name, setting, description) */
Datum
electra_settings(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ElectraPresetId default_preset;

	InitMaterializedSRF(fcinfo, 0);

	put_setting(result, "version", ELECTRA_VERSION, "version of the loaded library");
	put_setting(result, "numerics_version", psprintf("%d", ELECTRA_NUMERICS_VERSION),
				"raised by a release that would change a bit of any result");
	put_setting(result, "unicode_version", psprintf("%d", ELECTRA_UNICODE_VERSION),
				"version of the tokenizer's frozen Unicode tables");
	put_setting(result, "archive_format", psprintf("%d", ELECTRA_ARCHIVE_FORMAT),
				"format of the archives that presets are stored in");
	put_setting(result, "image_version", psprintf("%d", ELECTRA_IMAGE_VERSION),
				"format of the image files that backends map");
	put_setting(result, "image_directory", "electra", "where image files lie, below the data directory");
	put_setting(result, "default_preset",
				electra_preset_try_resolve(NULL, &default_preset) ? default_preset.name : NULL,
				"the preset that functions without a preset argument use");
	put_setting(result, "shipped_default_preset", electra_shipped_default_name,
				"the default preset until electra_set_default_preset() names another");
	put_setting(result, "electra.preset_path",
				electra_preset_path_visible() ? GetConfigOption("electra.preset_path", false, false) : NULL,
				"directories in which presets are found by name");
	put_setting(result, "electra.kernels", GetConfigOption("electra.kernels", false, false),
				"instruction set asked for; changes speed, never a value");
	put_setting(result, "kernels", electra_kernel_set_name(electra_kernels_chosen()),
				"instruction set in use");
	put_setting(result, "electra.gemm", GetConfigOption("electra.gemm", false, false),
				"who multiplies matrices; openblas is for read-only comparison");
	put_setting(result, "hardware_fma", electra_has_hardware_fma() ? "on" : "off",
				"fused multiply-add in hardware; without it all is exact but slow");
	put_setting(result, "statistics", electra_stats_available() ? "on" : "off",
				"shared memory for the counters of electra_stat_presets");
	PG_RETURN_NULL();
}

/* () -> rows (kernels, available, chosen), the fastest first */
Datum
electra_kernels_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);

	for (int set = ELECTRA_NUM_KERNEL_SETS - 1; set >= 0; set--)
	{
		Datum		values[3];
		bool		nulls[3] = {false};

		values[0] = CStringGetTextDatum(electra_kernel_set_name((electra_kernel_set) set));
		values[1] = BoolGetDatum(electra_kernel_set_available((electra_kernel_set) set));
		values[2] = BoolGetDatum((electra_kernel_set) set == electra_kernels_chosen());
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	PG_RETURN_NULL();
}
