# Makes the WordPiece vocabulary of the embedded, untrained default preset from
# lines "topic<TAB>sentence".  One token a line: the special tokens, printable
# ASCII and the other characters of the sentences (each also as a continuation
# "##c"), then lower-case words by falling frequency, then frequent beginnings
# and ends of words.
#
# Run with LC_ALL=C: characters are bytes here, so that every awk writes the
# same file.  No order depends on "for (key in array)", which awks choose freely.

BEGIN {
	FS = "\t"
	max_tokens = 8000
	min_piece_words = 3
	longest_piece = 5

	for (i = 128; i < 256; i++)
		byte_value[sprintf("%c", i)] = i

	split("[PAD] [UNK] [CLS] [SEP] [MASK]", special, " ")
	for (i = 1; i <= 5; i++)
		emit(special[i])
	for (i = 33; i < 127; i++)
		emit_character(sprintf("%c", i))
}

{
	sentence = tolower($2)
	emit_other_characters(sentence)
	n = split(sentence, words, /[ -\/:-@\[-`{-~]+/)
	for (i = 1; i <= n; i++)
		if (words[i] ~ /^[a-z0-9]+$/)
			count_word(words[i])
}

END {
	emit_by_count(word_at, word_count, num_words, 1)
	for (i = 1; i <= num_words; i++)
		count_pieces(word_at[i])
	emit_by_count(piece_at, piece_count, num_pieces, min_piece_words)
}

function emit(token)
{
	if (token in emitted || num_emitted >= max_tokens)
		return
	emitted[token] = 1
	num_emitted++
	print token
}

function emit_character(character)
{
	emit(character)
	emit("##" character)
}

# Characters beyond ASCII: a byte from 192 on begins one and tells its length.
function emit_other_characters(s,    i, value, length_in_bytes)
{
	for (i = 1; i <= length(s); i++)
	{
		value = byte_value[substr(s, i, 1)]
		if (value < 192)
			continue
		length_in_bytes = value < 224 ? 2 : value < 240 ? 3 : 4
		emit_character(substr(s, i, length_in_bytes))
	}
}

function count_word(word)
{
	if (!(word in word_count))
		word_at[++num_words] = word
	word_count[word]++
}

function count_piece(piece)
{
	if (!(piece in piece_count))
		piece_at[++num_pieces] = piece
	piece_count[piece]++
}

# Beginnings and ends of a word, in how many different words they occur.
function count_pieces(word,    size)
{
	for (size = 2; size <= longest_piece && size < length(word); size++)
	{
		count_piece(substr(word, 1, size))
		count_piece("##" substr(word, length(word) - size + 1))
	}
}

# Prints what occurred at least "least" times, most frequent first, ties in
# order of first occurrence.
function emit_by_count(at, count, n, least,    i, c, highest)
{
	highest = 0
	for (i = 1; i <= n; i++)
		if (count[at[i]] > highest)
			highest = count[at[i]]
	for (c = highest; c >= least; c--)
		for (i = 1; i <= n; i++)
			if (count[at[i]] == c)
				emit(at[i])
}
