/*
 * What a user should hear once a session; see warnings.h.
 *
 * Parallel workers keep quiet: their messages would reach the user once for
 * each worker of each query, and the leader takes part in the work as well.
 */
#include "postgres.h"

#include "access/parallel.h"

#include "core/kernels.h"
#include "pg/warnings.h"

/* Presets without a query prompt that a session has been told about. */
#define MAX_NOTED_PRESETS 64

void
electra_warn_untrained(const ElectraPreset *preset)
{
	static bool warned = false;

	if (warned || !electra_model_config(&preset->model)->untrained || IsParallelWorker())
		return;

	warned = true;
	ereport(WARNING,
			(errmsg("the default preset \"%s\" is untrained: its vectors carry no meaning",
					preset->id.name),
			 errdetail("Its weights are random."),
			 errhint("The preset that comes with electra is trained: SELECT electra_set_default_preset('%s');",
					 electra_shipped_default_name)));
}

void
electra_note_missing_query_prompt(const ElectraPreset *preset)
{
	static uint8 noted[MAX_NOTED_PRESETS][ELECTRA_DIGEST_SIZE];
	static int	num_noted = 0;

	if (electra_model_config(&preset->model)->has_query_prompt || IsParallelWorker())
		return;

	for (int i = 0; i < num_noted; i++)
	{
		if (memcmp(noted[i], preset->id.digest, ELECTRA_DIGEST_SIZE) == 0)
			return;
	}
	if (num_noted == MAX_NOTED_PRESETS)
		return;

	memcpy(noted[num_noted++], preset->id.digest, ELECTRA_DIGEST_SIZE);
	ereport(NOTICE,
			(errmsg("preset \"%s\" has no query prompt: electra_embed_query() does what electra_embed() does",
					preset->id.name),
			 errhint("If the model was trained with one, load it with the option query_prompt.")));
}

void
electra_warn_slow_cpu(void)
{
	static bool checked = false;

	if (checked)
		return;

	checked = true;
	if (!electra_has_hardware_fma() && !IsParallelWorker())
		ereport(WARNING,
				(errmsg("this CPU has no fused multiply-add: electra computes the same bits, but slowly"),
				 errhint("SELECT * FROM electra_kernels() shows what this machine has.")));
}
