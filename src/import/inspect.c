/*
 * An archive in words.
 */
#include "import/inspect.h"

#include "core/image.h"
#include "core/weight_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* electra_stream.read over a FILE */
static electra_status
read_file(void *context, void *destination, size_t size, electra_error *error)
{
	FILE	   *file = context;

	if (fread(destination, 1, size, file) == size)
		return ELECTRA_OK;
	if (ferror(file))
		return electra_fail(error, ELECTRA_IO_ERROR, "could not read the archive: %s", strerror(errno));
	electra_fail(error, ELECTRA_CORRUPT, "preset archive is invalid: the file is too short");
	return ELECTRA_CORRUPT;
}

/*
 * electra_sink.write of an image that nobody wants: building it is the check.
 * Its header, the only thing at offset 0, tells the archive's digest.
 */
static electra_status
keep_digest(void *context, uint64_t offset, const void *data, size_t size, electra_error *error)
{
	(void) size;
	(void) error;
	if (offset == 0)
		memcpy(context, ((const electra_image_header *) data)->digest, ELECTRA_DIGEST_SIZE);
	return ELECTRA_OK;
}

/* A text between quotation marks; control characters would spoil a terminal. */
static void
print_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++)
	{
		if ((unsigned char) *text < 0x20 || *text == 0x7f)
			fprintf(out, "\\x%02x", (unsigned) (unsigned char) *text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

/* How many weights have which dtype: "12 F32, 20 BF16". */
static void
print_dtypes(FILE *out, const electra_archive *archive)
{
	int64_t		counts[ELECTRA_I8 + 1] = {0};
	const char *separator = "";

	for (int i = 0; i < archive->num_tensors; i++)
	{
		if (archive->tensors[i].dtype <= ELECTRA_I8)
			counts[archive->tensors[i].dtype]++;
	}
	for (int dtype = 0; dtype <= ELECTRA_I8; dtype++)
	{
		if (counts[dtype] > 0)
		{
			fprintf(out, "%s%" PRId64 " %s", separator, counts[dtype], electra_dtype_name((electra_dtype) dtype));
			separator = ", ";
		}
	}
}

/* What a text becomes, or that it cannot. */
static void
print_tokenizer(FILE *out, const electra_tokenizer_config *tokenizer)
{
	switch (tokenizer->pipeline)
	{
		case ELECTRA_TOKENIZER_BERT:
			fprintf(out, "tokenizer:   Hugging Face's BERT");
			break;
		case ELECTRA_TOKENIZER_KERAS:
			fprintf(out, "tokenizer:   Keras-Hub's WordPiece, special tokens in texts are %s",
					tokenizer->special_tokens_in_strings ? "tokens" : "plain text");
			break;
		case ELECTRA_TOKENIZER_NONE:
			fprintf(out, "tokenizer:   none, token ids only\n");
			return;
	}
	fprintf(out, ", %s, %s\n", tokenizer->lowercase ? "lower-casing" : "case is kept",
			tokenizer->strip_accents ? "without accents" : "accents are kept");
}

static void
print_summary(FILE *out, const electra_archive *archive)
{
	const electra_config *config = &archive->config;

	fprintf(out, "size:        %" PRIu64 " bytes\n", archive->size);
	fprintf(out, "encoder:     %d layers, %d heads, hidden %d, embedding %d, intermediate %d\n",
			(int) config->num_layers, (int) config->num_heads, (int) config->hidden_dim,
			(int) config->embedding_dim, (int) config->intermediate_dim);
	fprintf(out, "             %d tokens, %d positions, %d segments, %s, dtype %s\n",
			(int) config->vocab_size, (int) config->max_sequence_length, (int) config->num_segments,
			electra_activation_name(config->activation), electra_dtype_name(config->dtype));
	fprintf(out, "             dropout %g in training, %s\n", config->dropout,
			config->has_pooler ? "with pooled output" : "no pooled output");
	fprintf(out, "stored as:   ");
	print_dtypes(out, archive);
	fprintf(out, " tensors\n");
	print_tokenizer(out, &config->tokenizer);
	fprintf(out, "parameters:  %" PRId64 "\n", electra_config_parameters(config));
	if (config->dtype == ELECTRA_I8)
		fprintf(out, "accuracy:    cosine to float32 at least %.6f, %.6f on average, of %d texts\n",
				config->lowest_cosine, config->mean_cosine, (int) config->calibration_texts);
	fprintf(out, "weights:     %s\n", config->untrained ? "random, untrained" :
			config->trained_for_similarity ? "trained for similarity" : "not trained for similarity");
	fprintf(out, "vector:      %d components, of texts up to %d tokens\n",
			(int) electra_config_dimensions(config), (int) config->max_length);
}

/* The metadata is the whole configuration in words already. */
static void
print_metadata(FILE *out, const electra_archive *archive)
{
	fprintf(out, "\nmetadata:\n");
	for (int i = 0; i < archive->num_metadata; i++)
	{
		fprintf(out, "  %s = ", archive->metadata[i].key);
		print_quoted(out, archive->metadata[i].value);
		fputc('\n', out);
	}
}

/* What the weights were read from, as if it stood in the metadata with the other files. */
static electra_status
print_weight_files(FILE *out, const electra_archive *archive, FILE *file, electra_error *error)
{
	const electra_tensor *tensor = electra_archive_tensor(archive, ELECTRA_WEIGHT_FILES);
	size_t		size = tensor != NULL ? (size_t) (tensor->end - tensor->begin) : 0;
	electra_weight_file weight_file;
	const char *next;
	char	   *text;
	electra_status status;

	if (size == 0)
		return ELECTRA_OK;
	text = malloc(size);
	if (text == NULL)
		return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
	next = text;
	if (fseeko(file, (off_t) (archive->data_begin + tensor->begin), SEEK_SET) != 0)
		status = electra_fail(error, ELECTRA_IO_ERROR, "could not read the archive: %s", strerror(errno));
	else
		status = read_file(file, text, size, error);
	/* again: it may have changed since the image was built */
	if (status == ELECTRA_OK)
		status = electra_weight_files_check(text, size, error);
	while (status == ELECTRA_OK && electra_weight_files_next(&next, text + size, &weight_file))
		fprintf(out, "  source.sha256.%s = \"%s\"\n", weight_file.name, weight_file.digest);
	free(text);
	return status;
}

static void
print_tensors(FILE *out, const electra_archive *archive)
{
	fprintf(out, "\n%d tensors:\n", archive->num_tensors);
	for (int i = 0; i < archive->num_tensors; i++)
	{
		const electra_tensor *tensor = &archive->tensors[i];

		fprintf(out, "  %-4s [", electra_dtype_name(tensor->dtype));
		for (int dimension = 0; dimension < tensor->rank; dimension++)
			fprintf(out, "%s%" PRId64, dimension > 0 ? ", " : "", tensor->shape[dimension]);
		fprintf(out, "] %s\n", tensor->name);
	}
}

/* Builds the image that a server would build, and looks for the end of the file. */
static electra_status
check_content(electra_archive_reader *reader, FILE *file, FILE *out, electra_error *error)
{
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	const electra_sink sink = {keep_digest, digest};
	char		hex[ELECTRA_DIGEST_HEX_SIZE];
	uint64_t	image_size;
	electra_status status;

	status = electra_image_build(reader, NULL, &sink, &image_size, &electra_malloc_allocator, NULL, error);
	if (status != ELECTRA_OK)
		return status;
	if (fgetc(file) != EOF)
		return electra_fail(error, ELECTRA_CORRUPT, "preset archive is invalid: the file goes on behind its end");
	electra_digest_to_hex(digest, hex);
	fprintf(out, "digest:      %s\n", hex);
	fprintf(out, "image:       %" PRIu64 " bytes in a server\n", image_size);
	return ELECTRA_OK;
}

/* Describes an open file. */
static electra_status
inspect_file(FILE *file, uint64_t size, FILE *out, electra_error *error)
{
	electra_stream stream = {read_file, file};
	electra_archive_reader reader;
	electra_status status;

	status = electra_archive_open(&reader, stream, size, &electra_malloc_allocator, error);
	if (status == ELECTRA_OK)
	{
		print_summary(out, reader.archive);
		status = check_content(&reader, file, out, error);
	}
	if (status == ELECTRA_OK)
	{
		print_metadata(out, reader.archive);
		status = print_weight_files(out, reader.archive, file, error);
	}
	if (status == ELECTRA_OK)
		print_tensors(out, reader.archive);
	electra_archive_close(&reader);
	return status;
}

electra_status
inspect(const char *path, FILE *out, electra_error *error)
{
	FILE	   *file = fopen(path, "rb");
	struct stat file_status;
	electra_status status;

	if (file == NULL || fstat(fileno(file), &file_status) != 0)
	{
		status = errno == ENOENT ? ELECTRA_NOT_FOUND : errno == EACCES ? ELECTRA_NO_PERMISSION : ELECTRA_IO_ERROR;
		electra_fail(error, status, "could not open file \"%s\": %s", path, strerror(errno));
	}
	else
		status = inspect_file(file, (uint64_t) file_status.st_size, out, error);
	if (file != NULL)
		fclose(file);
	return status;
}
