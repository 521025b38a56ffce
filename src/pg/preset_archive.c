/*
 * electra_preset_archive: a preset's archive in pieces, for electra-import
 * --export at the other end of a connection.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/tuplestore.h"

#include "core/sha256.h"
#include "pg/catalog.h"
#include "pg/chunk_stream.h"
#include "pg/preset_access.h"
#include "pg/preset_name.h"

/* Appends the whole archive to the result, piece by piece, and checks it on the way. */
static void
put_pieces(ReturnSetInfo *result, const ElectraPresetId *id)
{
	ElectraArchiveStream *stream = electra_archive_stream_require(id);
	bytea	   *piece = palloc(VARHDRSZ + ELECTRA_CHUNK_SIZE);
	Datum		values[1] = {PointerGetDatum(piece)};
	bool		nulls[1] = {false};
	uint8		digest[ELECTRA_DIGEST_SIZE];
	electra_sha256 sha;
	Size		size;

	electra_sha256_init(&sha);
	while ((size = electra_archive_stream_read(stream, VARDATA(piece), ELECTRA_CHUNK_SIZE)) > 0)
	{
		electra_sha256_update(&sha, VARDATA(piece), size);
		SET_VARSIZE(piece, VARHDRSZ + size);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	electra_sha256_final(&sha, digest);
	electra_archive_stream_end(stream);
	pfree(piece);
	if (memcmp(digest, id->digest, ELECTRA_DIGEST_SIZE) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("archive of preset \"%s\" is damaged", id->name),
				 errdetail("Its content does not match its digest."),
				 id->shipped ? errhint("Install electra again.") :
				 errhint("Restore table _electra.preset_chunk, or drop the preset and load it again.")));
}

PG_FUNCTION_INFO_V1(electra_preset_archive);

/*
 * (name) -> rows of bytea, each of 1 MB but the last, in order.  They go
 * through a tuplestore, which keeps work_mem of them in memory and the rest in
 * a temporary file: nothing leaves the server before the digest is known to be
 * right, and no scan of the catalogue stays open while a client reads slowly.
 */
Datum
electra_preset_archive(PG_FUNCTION_ARGS)
{
	char	   *name = electra_get_text_argument(fcinfo, 0, "name");
	ElectraPresetId id;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	electra_preset_resolve(name, &id);
	electra_preset_access_check(&id);
	put_pieces((ReturnSetInfo *) fcinfo->resultinfo, &id);
	PG_RETURN_NULL();
}
