/*
 * Fitting one or two texts into max_length tokens, and joining them.
 */
#include <string.h>

#include "tokenizer.h"

#define SPECIAL_TOKENS_SINGLE 2 /* [CLS] A [SEP] */
#define SPECIAL_TOKENS_PAIR 3	/* [CLS] A [SEP] B [SEP] */

/* Tokens that stay beside the special ones. */
static int64_t
room_for_text(bool pair, int64_t max_length)
{
	int64_t		special = pair ? SPECIAL_TOKENS_PAIR : SPECIAL_TOKENS_SINGLE;

	return max_length > special ? max_length - special : 0;
}

/*
 * The rule of tokenizers' TruncationStrategy::LongestFirst, which does not
 * take tokens off one by one: the longer text is cut to what the shorter one
 * leaves, but if both are over half of the room, each gets half, the odd token
 * going to the longer, on a tie to the second.
 */
void
electra_truncate_longest_first(int64_t *a_count, int64_t *b_count, bool pair, int64_t max_length)
{
	int64_t		room = room_for_text(pair, max_length);
	int64_t    *shorter = a_count;
	int64_t    *longer = b_count;

	if (!pair)
	{
		if (*a_count > room)
			*a_count = room;
		return;
	}
	if (*a_count <= room && *b_count <= room - *a_count)
		return;
	if (*a_count > *b_count)
	{
		shorter = b_count;
		longer = a_count;
	}

	if (*shorter > room)
		*longer = *shorter;
	else
		*longer = *shorter > room - *shorter ? *shorter : room - *shorter;
	if (*longer > room - *shorter)
	{
		*shorter = room / 2;
		*longer = *shorter + room % 2;
	}
}

/*
 * The rule of tensorflow-text's RoundRobinTrimmer: A and B take tokens in
 * turn, A first, while they have some and there is room.
 */
void
electra_truncate_round_robin(int64_t *a_count, int64_t *b_count, bool pair, int64_t max_length)
{
	int64_t		room = room_for_text(pair, max_length);
	int64_t		half = room / 2;

	if (!pair)
	{
		if (*a_count > room)
			*a_count = room;
	}
	else if (*a_count > half && *b_count > half)
	{
		*a_count = room - half;
		*b_count = half;
	}
	else if (*a_count > room - *b_count)
	{
		if (*a_count > *b_count)
			*a_count = room - *b_count;
		else
			*b_count = room - *a_count;
	}
}

void
electra_truncate(const electra_tokenizer_config *config, int64_t *a_count, int64_t *b_count,
				 bool pair, int64_t max_length)
{
	if (config->pipeline == ELECTRA_TOKENIZER_KERAS)
		electra_truncate_round_robin(a_count, b_count, pair, max_length);
	else
		electra_truncate_longest_first(a_count, b_count, pair, max_length);
}

int64_t
electra_join_tokens(const electra_tokenizer_config *config,
					const int32_t *a_ids, int64_t a_count,
					const int32_t *b_ids, int64_t b_count,
					int32_t *ids, uint8_t *segments)
{
	int64_t		count = 0;
	int64_t		first_count;

	ids[count++] = config->cls_token_id;
	if (a_count > 0)
		memcpy(ids + count, a_ids, (size_t) a_count * sizeof(*ids));
	count += a_count;
	ids[count++] = config->sep_token_id;
	first_count = count;
	if (b_ids != NULL)
	{
		if (b_count > 0)
			memcpy(ids + count, b_ids, (size_t) b_count * sizeof(*ids));
		count += b_count;
		ids[count++] = config->sep_token_id;
	}
	if (segments != NULL)
	{
		memset(segments, 0, (size_t) first_count);
		memset(segments + first_count, 1, (size_t) (count - first_count));
	}
	return count;
}
