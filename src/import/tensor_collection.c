/*
 * The tensors of a foreign preset while they are being collected.
 */
#include "import/tensor_collection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LISTED 8			/* names in one message */
#define FIRST_CAPACITY 256

void
name_list_add(name_list *list, const char *name)
{
	char		quoted[SOURCE_QUOTE_SIZE];
	size_t		used = strlen(list->text);

	if (list->count < MAX_LISTED)
		snprintf(list->text + used, sizeof(list->text) - used, "%s\"%s\"", list->count > 0 ? ", " : "",
				 source_quote(name, quoted));
	else if (list->count == MAX_LISTED)
		snprintf(list->text + used, sizeof(list->text) - used, " and others");
	list->count++;
}

electra_status
name_list_missing(const name_list *missing, electra_error *error)
{
	if (missing->count == 0)
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_INVALID_SOURCE, "the weights lack %d tensor%s", missing->count,
				 missing->count == 1 ? "" : "s");
	electra_fail_detail(error, "Missing: %s.", missing->text);
	electra_fail_hint(error, "Either the file is incomplete, or \"config.json\" belongs to another preset.");
	return error->status;
}

electra_status
foreign_tensor_fail(electra_error *error, electra_status status, const char *tensor, const char *file,
					const char *what)
{
	char		quoted_file[SOURCE_QUOTE_SIZE];
	char		quoted_tensor[SOURCE_QUOTE_SIZE];

	return electra_fail(error, status, "tensor \"%s\" in file \"%s\" %s", source_quote(tensor, quoted_tensor),
						source_quote(file, quoted_file), what);
}

const char *
foreign_shape(const int64_t *shape, int rank, char buffer[FOREIGN_SHAPE_SIZE])
{
	size_t		used = 1;

	buffer[0] = '[';
	for (int i = 0; i < rank; i++)
		used += (size_t) snprintf(buffer + used, FOREIGN_SHAPE_SIZE - used, "%s%lld",
								  i > 0 ? ", " : "", (long long) shape[i]);
	snprintf(buffer + used, FOREIGN_SHAPE_SIZE - used, "]");
	return buffer;
}

/* Checks one tensor against its specification. */
static electra_status
check_tensor(const foreign_tensor *tensor, const electra_tensor_spec *spec, electra_error *error)
{
	bool		fits = tensor->rank == spec->rank;
	char		quoted[SOURCE_QUOTE_SIZE];
	char		quoted_file[SOURCE_QUOTE_SIZE];
	char		expected[FOREIGN_SHAPE_SIZE];
	char		found[FOREIGN_SHAPE_SIZE];

	source_quote(tensor->name, quoted);
	source_quote(tensor->file, quoted_file);
	for (int i = 0; fits && i < spec->rank; i++)
		fits = spec->shape[i] == -1 ? tensor->shape[i] > 0 : tensor->shape[i] == spec->shape[i];
	if (!fits)
	{
		electra_fail(error, ELECTRA_INVALID_SOURCE, "tensor \"%s\" in file \"%s\" has the wrong shape",
					 quoted, quoted_file);
		electra_fail_detail(error, "Expected %s, found %s.",
							foreign_shape(spec->shape, spec->rank, expected),
							foreign_shape(tensor->shape, tensor->rank, found));
		electra_fail_hint(error, "The sizes in \"config.json\" and the weights do not belong together.");
		return error->status;
	}
	if (!tensor->readable)
	{
		electra_fail(error, ELECTRA_UNSUPPORTED, "tensor \"%s\" in file \"%s\" has an unsupported dtype",
					 quoted, quoted_file);
		electra_fail_detail(error, "Expected F32, F16, BF16 or F64, found %s.", tensor->dtype_name);
		return error->status;
	}
	return ELECTRA_OK;
}

electra_status
tensor_collection_add(tensor_collection *all, const foreign_tensor *tensor,
					  const electra_tensor_spec *spec, electra_error *error)
{
	preset_source *source = all->source;
	source_tensor *added;

	if (check_tensor(tensor, spec, error) != ELECTRA_OK)
		return error->status;
	if (source->num_tensors == all->capacity)
	{
		int			capacity = all->capacity == 0 ? FIRST_CAPACITY : 2 * all->capacity;
		source_tensor *grown = realloc(source->tensors, (size_t) capacity * sizeof(source_tensor));

		if (grown == NULL)
			return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
		source->tensors = grown;
		all->capacity = capacity;
	}
	added = &source->tensors[source->num_tensors++];
	memset(added, 0, sizeof(*added));
	added->spec = *spec;
	for (int i = 0; i < spec->rank; i++)
		added->spec.shape[i] = tensor->shape[i];
	added->read = tensor->read;
	added->context = tensor->context;
	added->file_offset = tensor->file_offset;
	added->source_dtype = tensor->dtype;
	return ELECTRA_OK;
}

static int
compare_source_tensors(const void *a, const void *b)
{
	return strcmp(((const source_tensor *) a)->spec.name, ((const source_tensor *) b)->spec.name);
}

const source_tensor *
tensor_collection_find(const preset_source *source, const char *name)
{
	source_tensor key;

	if (source->num_tensors == 0)
		return NULL;
	snprintf(key.spec.name, sizeof(key.spec.name), "%s", name);
	return bsearch(&key, source->tensors, (size_t) source->num_tensors, sizeof(source_tensor),
				   compare_source_tensors);
}

/* Every name once. */
static electra_status
check_duplicates(const preset_source *source, electra_error *error)
{
	name_list	twice = {0, ""};

	for (int i = 1; i < source->num_tensors; i++)
	{
		const char *name = source->tensors[i].spec.name;

		/* a third one is no news */
		if (strcmp(source->tensors[i - 1].spec.name, name) == 0 &&
			(i == 1 || strcmp(source->tensors[i - 2].spec.name, name) != 0))
			name_list_add(&twice, name);
	}
	if (twice.count == 0)
		return ELECTRA_OK;
	if (twice.count == 1)
		return electra_fail(error, ELECTRA_INVALID_SOURCE, "tensor %s is given twice", twice.text);
	electra_fail(error, ELECTRA_INVALID_SOURCE, "%d tensors are given twice", twice.count);
	electra_fail_detail(error, "They are %s.", twice.text);
	return error->status;
}

/* Everything that the configuration requires; texts are the archive writer's. */
static electra_status
check_complete(const preset_source *source, electra_error *error)
{
	name_list	missing = {0, ""};
	electra_tensor_spec spec;

	for (int i = 0; electra_tensor_spec_required(&source->config, i, &spec); i++)
		if (!spec.text && tensor_collection_find(source, spec.name) == NULL)
			name_list_add(&missing, spec.name);
	return name_list_missing(&missing, error);
}

electra_status
tensor_collection_finish(tensor_collection *all, electra_error *error)
{
	preset_source *source = all->source;

	if (all->unknown.count > 0)
	{
		electra_fail(error, ELECTRA_UNSUPPORTED, "the weights hold %d tensor%s with unknown names",
					 all->unknown.count, all->unknown.count == 1 ? "" : "s");
		electra_fail_detail(error, "They are %s.", all->unknown.text);
		electra_fail_hint(error, "Only BERT and ELECTRA encoders with the heads of transformers are supported.");
		return error->status;
	}
	if (source->num_tensors > 0)
		qsort(source->tensors, (size_t) source->num_tensors, sizeof(source_tensor), compare_source_tensors);
	if (check_duplicates(source, error) != ELECTRA_OK)
		return error->status;
	return check_complete(source, error);
}
