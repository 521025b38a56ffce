/*
 * Embeds the calibration texts with an image of the source's own weights and
 * with one of the quantized weights, both made in memory without an archive in
 * between.  Between the two the weights are rounded.
 */
#include "import/calibration.h"

#include "core/encoder.h"
#include "core/random.h"
#include "core/tokenizer.h"
#include "import/archive_content.h"
#include "import/calibration_inputs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAX_TEXTS 128			/* calibration_texts has fewer */
#define MAX_TOKENS 128			/* of a text */

/* Figures are kept with so many parts of one. */
#define COSINE_PARTS 1e6

/* Where there is no vocabulary: so many sequences, of so many tokens more each. */
#define RANDOM_SEQUENCES 24
#define RANDOM_STEP 4

/* The token ids of all texts, special ones included. */
typedef struct calibration_tokens
{
	int			count;			/* of texts */
	int32_t		lengths[MAX_TEXTS];
	int32_t		ids[MAX_TEXTS][MAX_TOKENS];
} calibration_tokens;

/* An image in memory that takes nothing from the limit of private memory. */
typedef struct mapped_image
{
	char	   *memory;
	uint64_t	capacity;
	electra_model model;
} mapped_image;

static electra_status
out_of_memory(electra_error *error)
{
	return electra_fail(error, ELECTRA_OUT_OF_MEMORY, "out of memory");
}

/* electra_sink.write */
static electra_status
write_image(void *context, uint64_t offset, const void *data, size_t size, electra_error *error)
{
	mapped_image *image = context;

	if (offset > image->capacity || size > image->capacity - offset)
		return electra_fail(error, ELECTRA_CORRUPT, "an image for calibration is larger than computed");
	memcpy(image->memory + offset, data, size);
	return ELECTRA_OK;
}

static void
unmap(mapped_image *image)
{
	if (image->memory != NULL)
		munmap(image->memory, (size_t) image->capacity);
	image->memory = NULL;
}

/* Builds the image of an archive that an opened reader begins. */
static electra_status
build(electra_archive_reader *reader, mapped_image *image, electra_error *error)
{
	const electra_sink sink = {write_image, image};
	uint64_t	size;
	electra_status status;

	image->capacity = electra_image_max_size(reader->archive);
	image->memory = mmap(NULL, (size_t) image->capacity, PROT_READ | PROT_WRITE,
						 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (image->memory == MAP_FAILED)
	{
		image->memory = NULL;
		out_of_memory(error);
		electra_fail_detail(error, "Failed to get %llu bytes for the calibration of int8.",
							(unsigned long long) image->capacity);
		return error->status;
	}
	status = electra_image_build(reader, NULL, &sink, &size, &electra_malloc_allocator, NULL, error);
	return status != ELECTRA_OK ? status : electra_model_open(&image->model, image->memory, (size_t) size, error);
}

/* The image of a source as it is to be stored now. */
static electra_status
map_image(const preset_source *source, mapped_image *image, electra_error *error)
{
	archive_content content;
	electra_stream stream = {archive_content_read, &content};
	electra_archive_reader reader = {.memory = &electra_malloc_allocator};
	electra_status status = archive_content_open(&content, source, NULL, error);

	if (status == ELECTRA_OK)
		status = electra_archive_open(&reader, stream, UINT64_MAX, &electra_malloc_allocator, error);
	if (status == ELECTRA_OK)
		status = build(&reader, image, error);
	electra_archive_close(&reader);
	archive_content_close(&content);
	return status;
}

/* Lengths and ids that are the same for every preset with as many tokens and positions. */
static void
draw_tokens(const electra_config *config, int32_t most, calibration_tokens *tokens)
{
	electra_random random;

	electra_random_init(&random, 0, "calibration");
	tokens->count = RANDOM_SEQUENCES;
	for (int i = 0; i < tokens->count; i++)
	{
		int32_t		length = 3 + RANDOM_STEP * i;

		tokens->lengths[i] = length < most ? length : most;
		for (int32_t t = 0; t < tokens->lengths[i]; t++)
			tokens->ids[i][t] = (int32_t) (electra_random_u64(&random) % (uint64_t) config->vocab_size);
	}
}

/* One text with its special tokens, cut to most tokens. */
static electra_status
tokenize(const electra_model *model, const char *text, int32_t most, calibration_tokens *tokens,
		 electra_error *error)
{
	int32_t		ids[MAX_TOKENS];
	electra_tokens found = {.ids = ids, .capacity = most - 2};
	electra_status status = electra_tokenize(model, text, strlen(text), true, &found,
											 &electra_malloc_allocator, NULL, error);

	if (status != ELECTRA_OK)
		return status;
	tokens->lengths[tokens->count] = (int32_t)
		electra_join_tokens(&electra_model_config(model)->tokenizer, ids, found.count, NULL, 0,
							tokens->ids[tokens->count], NULL);
	tokens->count++;
	return ELECTRA_OK;
}

static electra_status
find_tokens(const electra_model *model, calibration_tokens *tokens, electra_error *error)
{
	const electra_config *config = electra_model_config(model);
	int32_t		most = config->max_length < MAX_TOKENS ? config->max_length : MAX_TOKENS;
	electra_status status = ELECTRA_OK;

	if (config->tokenizer.pipeline == ELECTRA_TOKENIZER_NONE)
		draw_tokens(config, most, tokens);
	else
	{
		for (int i = 0; calibration_texts[i] != NULL && status == ELECTRA_OK; i++)
			status = tokenize(model, calibration_texts[i], most, tokens, error);
	}
	return status;
}

/* The vector of one text, with what a server would do without a prompt. */
static electra_status
embed_text(const electra_model *model, const int32_t *ids, int32_t length,
		   const electra_observer *observer, float *vector, electra_error *error)
{
	const int32_t offsets[] = {0, length};
	const electra_batch batch = {
		.num_sequences = 1, .offsets = offsets, .token_ids = ids, .observer = observer
	};
	size_t		for_encoder = electra_encoder_workspace(model, &batch);
	size_t		for_pooling = electra_pool_workspace(model);
	size_t		size = for_encoder > for_pooling ? for_encoder : for_pooling;
	void	   *workspace = aligned_alloc(ELECTRA_IMAGE_ALIGNMENT, (size + ELECTRA_IMAGE_ALIGNMENT - 1) / ELECTRA_IMAGE_ALIGNMENT * ELECTRA_IMAGE_ALIGNMENT);
	float	   *output = malloc((size_t) length * (size_t) electra_model_config(model)->hidden_dim * sizeof(float));
	electra_status status = workspace != NULL && output != NULL ? ELECTRA_OK : out_of_memory(error);

	if (status == ELECTRA_OK)
		status = electra_encode(model, &batch, workspace, output, NULL, error);
	if (status == ELECTRA_OK)
		status = electra_pool(model, &batch, output, workspace, vector, error);
	free(output);
	free(workspace);
	return status;
}

/* The vectors of all texts in malloc'd memory: (count, dimensions). */
static electra_status
embed(const electra_model *model, const calibration_tokens *tokens, const electra_observer *observer,
	  float **vectors, electra_error *error)
{
	size_t		dimensions = (size_t) electra_config_dimensions(electra_model_config(model));
	electra_status status = ELECTRA_OK;

	*vectors = malloc((size_t) tokens->count * dimensions * sizeof(float));
	if (*vectors == NULL)
		return out_of_memory(error);
	for (int i = 0; i < tokens->count && status == ELECTRA_OK; i++)
		status = embed_text(model, tokens->ids[i], tokens->lengths[i], observer,
							*vectors + (size_t) i * dimensions, error);
	return status;
}

static int64_t
total_tokens(const calibration_tokens *tokens)
{
	int64_t		total = 0;

	for (int i = 0; i < tokens->count; i++)
		total += tokens->lengths[i];
	return total;
}

/*
 * Embeds with the source's own weights, finds the tokens with its vocabulary,
 * and rounds what is to be stored in I8.
 */
static electra_status
embed_exactly(preset_source *source, calibration_tokens *tokens, float **vectors, electra_error *error)
{
	mapped_image image = {0};
	calibration_inputs inputs = {0};
	const electra_observer observer = {calibration_inputs_see, &inputs};
	electra_status status = map_image(source, &image, error);

	if (status == ELECTRA_OK)
		status = find_tokens(&image.model, tokens, error);
	if (status == ELECTRA_OK)
		status = calibration_inputs_open(&inputs, &source->config, total_tokens(tokens), error);
	if (status == ELECTRA_OK)
		status = embed(&image.model, tokens, &observer, vectors, error);
	unmap(&image);
	if (status == ELECTRA_OK)
		status = calibration_inputs_round(&inputs, source, error);
	calibration_inputs_close(&inputs);
	return status;
}

/* Embeds with the source as it is to be stored. */
static electra_status
embed_as_stored(const preset_source *source, const calibration_tokens *tokens, float **vectors,
				electra_error *error)
{
	mapped_image image = {0};
	electra_status status = map_image(source, &image, error);

	if (status == ELECTRA_OK)
		status = embed(&image.model, tokens, NULL, vectors, error);
	unmap(&image);
	return status;
}

/* Cosine of two vectors, 1 for two of zeros. */
static double
cosine(const float *a, const float *b, size_t n)
{
	double		dot = 0;
	double		a_square = 0;
	double		b_square = 0;

	for (size_t i = 0; i < n; i++)
	{
		dot += (double) a[i] * (double) b[i];
		a_square += (double) a[i] * (double) a[i];
		b_square += (double) b[i] * (double) b[i];
	}
	if (a_square == 0 || b_square == 0)
		return a_square == b_square ? 1 : 0;
	dot /= sqrt(a_square) * sqrt(b_square);
	return dot > 1 ? 1 : dot < -1 ? -1 : dot;
}

/* Down to the next part, so that a figure never claims more than was found. */
static double
cut(double value)
{
	return floor(value * COSINE_PARTS) / COSINE_PARTS;
}

static void
compare(const float *exact, const float *quantized, int count, electra_config *config)
{
	size_t		dimensions = (size_t) electra_config_dimensions(config);
	double		lowest = 1;
	double		sum = 0;

	for (int i = 0; i < count; i++)
	{
		double		one = cosine(exact + (size_t) i * dimensions, quantized + (size_t) i * dimensions, dimensions);

		lowest = one < lowest ? one : lowest;
		sum += one;
	}
	config->calibration_texts = count;
	config->lowest_cosine = cut(lowest);
	config->mean_cosine = cut(sum / count);
	/* rounding of the sum must not put the mean below its smallest part */
	if (config->mean_cosine < config->lowest_cosine)
		config->mean_cosine = config->lowest_cosine;
}

/* All tensors in F32, or as import_options_store has them for I8. */
static void
store_as(preset_source *source, electra_dtype dtype)
{
	source->config.dtype = dtype;
	source->config.calibration_texts = dtype == ELECTRA_I8 ? 1 : 0;
	for (int i = 0; i < source->num_tensors; i++)
	{
		source_tensor *tensor = &source->tensors[i];

		tensor->stored_dtype = dtype == ELECTRA_I8 && tensor->spec.quantized ? ELECTRA_I8 : ELECTRA_F32;
	}
}

static electra_status
check(const electra_config *config, const char *name, double min_cosine, electra_error *error)
{
	if (config->lowest_cosine >= min_cosine)
		return ELECTRA_OK;
	electra_fail(error, ELECTRA_UNSUPPORTED, "int8 is not accurate enough for \"%s\"", name);
	electra_fail_detail(error, "Of %d calibration texts the lowest cosine to the float32 vector is %.6f, the mean %.6f; the lowest must be at least %g.",
						(int) config->calibration_texts, config->lowest_cosine, config->mean_cosine, min_cosine);
	electra_fail_hint(error, "Choose dtype float32, float16 or bfloat16, or accept these vectors with a lower min_cosine.");
	return ELECTRA_UNSUPPORTED;
}

electra_status
calibrate(preset_source *source, const char *name, double min_cosine, electra_error *error)
{
	calibration_tokens *tokens;
	float	   *exact = NULL;
	float	   *quantized = NULL;
	electra_status status;

	if (source->config.dtype != ELECTRA_I8)
		return ELECTRA_OK;
	tokens = calloc(1, sizeof(*tokens));
	if (tokens == NULL)
		return out_of_memory(error);
	store_as(source, ELECTRA_F32);
	status = embed_exactly(source, tokens, &exact, error);
	store_as(source, ELECTRA_I8);
	if (status == ELECTRA_OK)
		status = embed_as_stored(source, tokens, &quantized, error);
	if (status == ELECTRA_OK)
	{
		compare(exact, quantized, tokens->count, &source->config);
		status = check(&source->config, name, min_cosine, error);
	}
	free(quantized);
	free(exact);
	free(tokens);
	return status;
}
