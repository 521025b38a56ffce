/*
 * What SQL sees of presets: the list behind view electra_presets, dimensions.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "catalog/pg_authid.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "pg/catalog.h"
#include "pg/image_file.h"
#include "pg/preset_name.h"
#include "pg/preset_text.h"
#include "pg/shipped.h"

/* Columns of _electra.list_presets() and of _electra.presets(), in order. */
enum
{
	COLUMN_NAME,
	COLUMN_DIGEST,
	COLUMN_NUM_LAYERS,
	COLUMN_NUM_HEADS,
	COLUMN_HIDDEN_DIM,
	COLUMN_EMBEDDING_DIM,
	COLUMN_INTERMEDIATE_DIM,
	COLUMN_VOCAB_SIZE,
	COLUMN_PARAMETERS,
	COLUMN_DTYPE,
	COLUMN_POOLING,
	COLUMN_DIMENSIONS,
	COLUMN_MAX_LENGTH,
	COLUMN_ARCHIVE_BYTES,
	COLUMN_IMAGE_BYTES,
	COLUMN_CACHED,
	COLUMN_SHIPPED,
	COLUMN_UNTRAINED,
	COLUMN_NUMERICS_VERSION,
	COLUMN_SOURCE,
	COLUMN_LOADED_BY,
	COLUMN_LOADED_AT,
	COLUMN_IS_DEFAULT,
	COLUMN_LOWEST_COSINE,		/* from here on in _electra.presets() only */
	COLUMN_MEAN_COSINE,
	NUM_COLUMNS
};

/* Sets a column that is not NULL. */
#define SET_COLUMN(column, datum) \
	(values[column] = (datum), nulls[column] = false)

/* The columns that a configuration gives. */
static void
set_config_columns(const electra_config *config, Datum *values, bool *nulls)
{
	SET_COLUMN(COLUMN_NUM_LAYERS, Int32GetDatum(config->num_layers));
	SET_COLUMN(COLUMN_NUM_HEADS, Int32GetDatum(config->num_heads));
	SET_COLUMN(COLUMN_HIDDEN_DIM, Int32GetDatum(config->hidden_dim));
	SET_COLUMN(COLUMN_EMBEDDING_DIM, Int32GetDatum(config->embedding_dim));
	SET_COLUMN(COLUMN_INTERMEDIATE_DIM, Int32GetDatum(config->intermediate_dim));
	SET_COLUMN(COLUMN_VOCAB_SIZE, Int32GetDatum(config->vocab_size));
	SET_COLUMN(COLUMN_PARAMETERS, Int64GetDatum(electra_config_parameters(config)));
	SET_COLUMN(COLUMN_DTYPE, CStringGetTextDatum(electra_dtype_text(config->dtype)));
	SET_COLUMN(COLUMN_POOLING, CStringGetTextDatum(electra_pooling_text(config)));
	SET_COLUMN(COLUMN_DIMENSIONS, Int32GetDatum(electra_config_dimensions(config)));
	SET_COLUMN(COLUMN_MAX_LENGTH, Int32GetDatum(config->max_length));
	SET_COLUMN(COLUMN_UNTRAINED, BoolGetDatum(config->untrained));
	SET_COLUMN(COLUMN_NUMERICS_VERSION, Int32GetDatum(config->numerics_version));
	if (config->dtype == ELECTRA_I8)
	{
		SET_COLUMN(COLUMN_LOWEST_COSINE, Float8GetDatum(config->lowest_cosine));
		SET_COLUMN(COLUMN_MEAN_COSINE, Float8GetDatum(config->mean_cosine));
	}
}

/* Size of a stored archive; false where there is none. */
static bool
archive_size(const ElectraPresetId *id, int64 *size)
{
	char		path[MAXPGPATH];
	struct stat st;

	if (!id->shipped)
		return electra_catalog_has_chunks(id->digest, size);
	electra_shipped_path(id->name, path);
	if (stat(path, &st) != 0)
		return false;
	*size = st.st_size;
	return true;
}

/* Puts one preset into the result; row is NULL for a shipped one. */
static void
put_preset(ReturnSetInfo *result, const ElectraPresetId *id, const ElectraPresetRow *row,
		   const char *default_name, bool show_source)
{
	Datum		values[NUM_COLUMNS];
	bool		nulls[NUM_COLUMNS];
	char		hex[ELECTRA_DIGEST_HEX_SIZE];
	electra_config *config = palloc(sizeof(electra_config));
	int64		size;

	memset(nulls, true, sizeof(nulls));
	electra_digest_to_hex(id->digest, hex);
	SET_COLUMN(COLUMN_NAME, CStringGetTextDatum(id->name));
	SET_COLUMN(COLUMN_DIGEST, CStringGetTextDatum(hex));
	if (electra_preset_try_config(id, config))
		set_config_columns(config, values, nulls);
	if (archive_size(id, &size))
		SET_COLUMN(COLUMN_ARCHIVE_BYTES, Int64GetDatum(size));
	size = electra_image_file_size(id->digest);
	SET_COLUMN(COLUMN_CACHED, BoolGetDatum(size >= 0));
	if (size >= 0)
		SET_COLUMN(COLUMN_IMAGE_BYTES, Int64GetDatum(size));
	SET_COLUMN(COLUMN_SHIPPED, BoolGetDatum(id->shipped));
	if (row == NULL)
		SET_COLUMN(COLUMN_SOURCE, CStringGetTextDatum("comes with electra"));
	else
	{
		if (show_source)
			SET_COLUMN(COLUMN_SOURCE, CStringGetTextDatum(row->source));
		SET_COLUMN(COLUMN_LOADED_BY, CStringGetTextDatum(row->loaded_by));
		SET_COLUMN(COLUMN_LOADED_AT, TimestampTzGetDatum(row->loaded_at));
	}
	SET_COLUMN(COLUMN_IS_DEFAULT, BoolGetDatum(strcmp(id->name, default_name) == 0));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	pfree(config);
}

/* Has a row of the catalogue this name? */
static bool
is_listed(List *rows, const char *name)
{
	ListCell   *cell;

	foreach(cell, rows)
	{
		if (strcmp(((ElectraPresetRow *) lfirst(cell))->id.name, name) == 0)
			return true;
	}
	return false;
}

PG_FUNCTION_INFO_V1(electra_list_presets);

/*
 * The presets of this database and those that come with electra; dropped ones
 * are left out.  A result with fewer columns, as older versions' SQL has it, is
 * without the last ones.
 */
Datum
electra_list_presets(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char		default_name[ELECTRA_MAX_PRESET_NAME + 1];
	List	   *rows = electra_catalog_list();
	ListCell   *cell;

	/* paths of the server are not for everybody */
	bool		show_source = has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES) ||
		has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_SETTINGS);

	InitMaterializedSRF(fcinfo, 0);
	electra_preset_default_name(default_name);
	foreach(cell, rows)
	{
		ElectraPresetRow *row = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (!row->dropped)
			put_preset(result, &row->id, row, default_name, show_source);
	}
	for (int i = 0; i < electra_num_shipped(); i++)
	{
		ElectraPresetId id;

		electra_shipped_get(i, &id);
		if (!is_listed(rows, id.name))
			put_preset(result, &id, NULL, default_name, show_source);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(electra_current_numerics);

/* The numerics version that this release computes new presets with. */
Datum
electra_current_numerics(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(ELECTRA_NUMERICS_VERSION);
}

PG_FUNCTION_INFO_V1(electra_dimensions);

/* Components of a preset's embeddings. */
Datum
electra_dimensions(PG_FUNCTION_ARGS)
{
	char	   *name = electra_get_text_argument(fcinfo, 0, "preset");
	ElectraPresetId id;
	electra_config *config = palloc(sizeof(electra_config));

	electra_preset_resolve(name, &id);
	if (!electra_preset_try_config(&id, config))
		*config = electra_preset_acquire(name)->model.header->config;	/* raises what is wrong */
	PG_RETURN_INT32(electra_config_dimensions(config));
}
