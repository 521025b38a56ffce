/*
 * electra_builtin_presets(): the six of Keras-Hub, and which of them are here.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "pg/builtin_presets.h"
#include "pg/preset_source.h"

PG_FUNCTION_INFO_V1(electra_builtin_presets_sql);

/* () -> rows (name, description, shape, parameters, handles, available) */
Datum
electra_builtin_presets_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < ELECTRA_NUM_BUILTIN_PRESETS; i++)
	{
		const ElectraBuiltinPreset *preset = &electra_builtin_presets[i];
		Datum		values[] = {
			CStringGetTextDatum(preset->name),
			CStringGetTextDatum(preset->description),
			Int32GetDatum(preset->num_layers),
			Int32GetDatum(preset->num_heads),
			Int32GetDatum(preset->hidden_dim),
			Int32GetDatum(preset->embedding_dim),
			Int32GetDatum(preset->intermediate_dim),
			Int64GetDatum(preset->parameters),
			CStringGetTextDatum(psprintf("kaggle://" ELECTRA_BUILTIN_KAGGLE "%s", preset->name)),
			CStringGetTextDatum(psprintf("hf://" ELECTRA_BUILTIN_HF_OWNER "/%s", preset->name)),
			BoolGetDatum(electra_preset_source_available(preset->name))
		};
		bool		nulls[lengthof(values)] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	PG_RETURN_NULL();
}
