/*
 * SQL functions that compare: two vectors, two texts.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "core/kernels.h"
#include "pg/embedder.h"

PG_FUNCTION_INFO_V1(electra_similarity);
PG_FUNCTION_INFO_V1(electra_cosine);

/* (a text, b text [, preset]) -> real */
Datum
electra_similarity(PG_FUNCTION_ARGS)
{
	char	   *name = electra_preset_argument(fcinfo, 2);
	ElectraEmbedder embedder;
	float	   *vectors;
	float4		similarity;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();

	electra_embedder_begin(&embedder, name, ELECTRA_PROMPT_NONE);
	vectors = MemoryContextAlloc(embedder.context, 2 * embedder.dimensions * sizeof(float));
	electra_embedder_embed(&embedder, PG_GETARG_DATUM(0), vectors);
	electra_embedder_embed(&embedder, PG_GETARG_DATUM(1), vectors + embedder.dimensions);
	similarity = electra_cosine_similarity(vectors, vectors + embedder.dimensions,
										   embedder.dimensions);
	electra_embedder_end(&embedder);

	PG_RETURN_FLOAT4(similarity);
}

/* The elements of a real[] that is a vector; errors for what is none. */
static const float *
vector_elements(ArrayType *array, int *num_elements)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("a vector must be a one-dimensional array"),
				 errdetail("The array has %d dimensions.", ARR_NDIM(array))));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a vector must not contain nulls")));

	*num_elements = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (*num_elements == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("a vector must have at least one component")));

	return (const float *) ARR_DATA_PTR(array);
}

/*
 * (a real[], b real[]) -> real: the cosine; 0 where a vector is all zero, so
 * that such rows stay in the middle of an ORDER BY; NaN where one holds NaN.
 */
Datum
electra_cosine(PG_FUNCTION_ARGS)
{
	ArrayType  *a = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *b = PG_GETARG_ARRAYTYPE_P(1);
	int			a_count;
	int			b_count;
	const float *a_elements = vector_elements(a, &a_count);
	const float *b_elements = vector_elements(b, &b_count);
	float4		cosine;

	if (a_count != b_count)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different vector dimensions %d and %d", a_count, b_count),
				 errhint("Vectors of different presets cannot be compared.")));

	cosine = electra_cosine_similarity(a_elements, b_elements, a_count);
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	PG_RETURN_FLOAT4(cosine);
}
