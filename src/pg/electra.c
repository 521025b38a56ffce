/*
 * The module: what the server calls when it loads it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "pg/catalog.h"
#include "pg/image_file.h"
#include "pg/preset_source.h"
#include "pg/progress.h"
#include "pg/settings.h"
#include "pg/stats.h"

#if PG_VERSION_NUM >= 180000
PG_MODULE_MAGIC_EXT(.name = "electra", .version = ELECTRA_VERSION);
#else
PG_MODULE_MAGIC;
#endif

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	electra_catalog_init();
	electra_image_file_init();
	electra_stats_init();
	electra_progress_init();
	electra_settings_init();
	electra_preset_source_init();
	MarkGUCPrefixReserved("electra");
}
