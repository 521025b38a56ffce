/*
 * Opens a mapped image: everything that the encoder will follow is checked
 * here, so that a damaged file gives an error and not a crash.
 */
#include "image.h"

#include "content_digest.h"
#include "image_layout.h"
#include "vocabulary.h"

#include <string.h>

#define VERIFY_PIECE (1024 * 1024)

static electra_status
corrupt(electra_error *error, const char *what)
{
	electra_fail(error, ELECTRA_CORRUPT, "preset image is invalid: %s", what);
	electra_fail_hint(error, "Delete the image file: the next use of the preset makes it again.");
	return ELECTRA_CORRUPT;
}

/* Does an aligned section of count elements lie behind the header and inside the image? */
static bool
section_inside(const electra_image_header *header, uint64_t offset, uint64_t count, uint64_t size)
{
	return offset >= sizeof(*header) && offset % ELECTRA_IMAGE_ALIGNMENT == 0 &&
		offset <= header->size && count <= (header->size - offset) / size;
}

static bool
floats_inside(const electra_image_header *header, uint64_t offset, uint64_t count)
{
	return section_inside(header, offset, count, sizeof(float));
}

/* Is it a dtype that matrices and tables are stored in? */
static bool
is_stored(int32_t dtype)
{
	return dtype == ELECTRA_F32 || dtype == ELECTRA_F16 || dtype == ELECTRA_BF16 || dtype == ELECTRA_I8;
}

/* Exact channels: in I8 only, ascending, with weights. */
static bool
exact_inside(const electra_image_header *header, const electra_image_linear *linear, uint64_t panels)
{
	if (linear->num_exact == 0)
		return linear->exact == 0;
	if (linear->dtype != ELECTRA_I8 || linear->num_exact < 0 || linear->num_exact > ELECTRA_EXACT_CHANNELS)
		return false;
	for (int i = 0; i < linear->num_exact; i++)
	{
		if (linear->exact_channels[i] < (i > 0 ? linear->exact_channels[i - 1] + 1 : 0) ||
			linear->exact_channels[i] >= linear->in_dim)
			return false;
	}
	return floats_inside(header, linear->exact,
						 panels * (uint64_t) linear->num_exact * ELECTRA_PANEL_COLUMNS);
}

static bool
linear_inside(const electra_image_header *header, const electra_image_linear *linear,
			  int32_t in_dim, int32_t out_dim, bool bias)
{
	uint64_t	panels = electra_padded_columns(out_dim) / ELECTRA_PANEL_COLUMNS;

	if (linear->in_dim != in_dim || linear->out_dim != out_dim || (linear->bias != 0) != bias ||
		!is_stored(linear->dtype))
		return false;
	if (!exact_inside(header, linear, panels) || !(linear->shift >= 0 && linear->shift < 1))
		return false;
	return section_inside(header, linear->panels, panels,
						  electra_panel_size((electra_dtype) linear->dtype, in_dim)) &&
		(!bias || floats_inside(header, linear->bias, panels * ELECTRA_PANEL_COLUMNS));
}

static bool
table_inside(const electra_image_header *header, const electra_image_table *table, int32_t num_rows,
			 int32_t dim)
{
	uint64_t	elements = (uint64_t) num_rows * (uint64_t) dim;

	if (table->num_rows != num_rows || table->dim != dim || !is_stored(table->dtype) ||
		!section_inside(header, table->rows, elements, electra_dtype_size((electra_dtype) table->dtype)))
		return false;
	return table->dtype != ELECTRA_I8 ? table->scales == 0 :
		floats_inside(header, table->scales, (uint64_t) num_rows * electra_int8_groups(dim));
}

static bool
norm_inside(const electra_image_header *header, const electra_image_layer_norm *norm, int32_t dim)
{
	return floats_inside(header, norm->weight, (uint64_t) dim) &&
		floats_inside(header, norm->bias, (uint64_t) dim);
}

static bool
layer_inside(const electra_image_header *header, const electra_image_layer *layer)
{
	int32_t		H = header->config.hidden_dim;
	int32_t		F = header->config.intermediate_dim;

	return linear_inside(header, &layer->query, H, H, true) &&
		linear_inside(header, &layer->key, H, H, true) &&
		linear_inside(header, &layer->value, H, H, true) &&
		linear_inside(header, &layer->attention_output, H, H, true) &&
		norm_inside(header, &layer->attention_norm, H) &&
		linear_inside(header, &layer->intermediate, H, F, true) &&
		linear_inside(header, &layer->output, F, H, true) &&
		norm_inside(header, &layer->output_norm, H);
}

/* Embeddings, projection, pooler and Dense modules. */
static bool
header_inside(const electra_image_header *header)
{
	const electra_config *config = &header->config;
	int32_t		E = config->embedding_dim;

	if (!table_inside(header, &header->word_embeddings, config->vocab_size, E) ||
		!table_inside(header, &header->position_embeddings, config->max_sequence_length, E) ||
		!table_inside(header, &header->segment_embeddings, config->num_segments, E) ||
		!norm_inside(header, &header->embedding_norm, E))
		return false;
	if (config->embedding_dim != config->hidden_dim ?
		!linear_inside(header, &header->projection, config->embedding_dim, config->hidden_dim, true) :
		header->projection.panels != 0)
		return false;
	if (config->has_pooler ?
		!linear_inside(header, &header->pooler, config->hidden_dim, config->hidden_dim, true) :
		header->pooler.panels != 0)
		return false;
	for (int i = 0; i < config->num_modules; i++)
	{
		const electra_module *module = &config->modules[i];

		if (module->kind == ELECTRA_MODULE_DENSE &&
			!linear_inside(header, &header->modules[i], module->in_dim, module->out_dim, module->has_bias))
			return false;
	}
	return true;
}

/* Is the header one that image_build.c wrote, byte by byte? */
static electra_status
check_header(const electra_image_header *header, size_t size, electra_error *error)
{
	static const uint8_t zeros[ELECTRA_DIGEST_SIZE];
	static const char magic[16] = "electra image\n";
	const size_t before = offsetof(electra_image_header, header_digest);
	const size_t behind = before + ELECTRA_DIGEST_SIZE;
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	electra_sha256 sha;

	if (size < sizeof(*header) || memcmp(header->magic, magic, sizeof(magic)) != 0)
		return corrupt(error, "it has no header");
	if (header->version != ELECTRA_IMAGE_VERSION || header->header_size != sizeof(*header))
		return corrupt(error, "another version of electra made it");
	if (header->size != size)
	{
		corrupt(error, "it has a wrong size");
		electra_fail_detail(error, "Expected %llu bytes, found %llu.",
							(unsigned long long) header->size, (unsigned long long) size);
		return ELECTRA_CORRUPT;
	}
	electra_sha256_init(&sha);
	electra_sha256_update(&sha, header, before);
	electra_sha256_update(&sha, zeros, sizeof(zeros));
	electra_sha256_update(&sha, (const uint8_t *) header + behind, sizeof(*header) - behind);
	electra_sha256_final(&sha, digest);
	if (memcmp(digest, header->header_digest, sizeof(digest)) != 0)
		return corrupt(error, "its header is damaged");
	return ELECTRA_OK;
}

electra_status
electra_model_open(electra_model *model, const void *image, size_t size, electra_error *error)
{
	const electra_image_header *header = image;
	electra_status status;

	if ((uintptr_t) image % ELECTRA_IMAGE_ALIGNMENT != 0)
		return electra_fail(error, ELECTRA_INVALID_ARGUMENT, "preset image is not aligned to %d bytes",
							ELECTRA_IMAGE_ALIGNMENT);
	status = check_header(header, size, error);
	if (status != ELECTRA_OK)
		return status;
	status = electra_config_check(&header->config, error);
	if (status == ELECTRA_INVALID_ARGUMENT)
		status = error->status = ELECTRA_CORRUPT;	/* nobody chose it */
	if (status != ELECTRA_OK)
		return status;
	if (!section_inside(header, header->layers, (uint64_t) header->config.num_layers,
						sizeof(electra_image_layer)) ||
		!header_inside(header))
		return corrupt(error, "its offsets lead outside");
	model->header = header;
	model->layers = (const electra_image_layer *) ((const char *) image + header->layers);
	for (int i = 0; i < header->config.num_layers; i++)
	{
		if (!layer_inside(header, &model->layers[i]))
			return corrupt(error, "its layers' offsets lead outside");
	}
	if (header->vocabulary < sizeof(*header) || header->vocabulary % ELECTRA_IMAGE_ALIGNMENT != 0 ||
		header->vocabulary > size || header->vocabulary_size > size - header->vocabulary)
		return corrupt(error, "its vocabulary lies outside");
	return electra_vocabulary_check((const char *) image + header->vocabulary,
									(size_t) header->vocabulary_size, header->config.vocab_size, error);
}

electra_status
electra_model_verify(const electra_model *model, const electra_poll *poll, electra_error *error)
{
	const electra_image_header *header = model->header;
	const uint8_t *content = (const uint8_t *) header + sizeof(*header);
	uint64_t	rest = header->size - sizeof(*header);
	uint8_t		digest[ELECTRA_DIGEST_SIZE];
	electra_content_digest sum;

	electra_content_digest_init(&sum);
	while (rest > 0)
	{
		size_t		piece = rest < VERIFY_PIECE ? (size_t) rest : VERIFY_PIECE;

		if (electra_stop(poll))
			return electra_fail(error, ELECTRA_CANCELED, "canceled");
		electra_content_digest_update(&sum, content, piece);
		content += piece;
		rest -= piece;
	}
	electra_content_digest_final(&sum, digest);
	if (memcmp(digest, header->content_digest, sizeof(digest)) != 0)
		return corrupt(error, "its content is damaged");
	return ELECTRA_OK;
}
