-- Pairs of texts: token and segment ids, and how they are cut.
\getenv sources ELECTRA_TEST_SOURCES
SET client_min_messages = warning;
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'bert');
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'strict', truncation => 'error');
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'two', max_length => 2);
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'three', max_length => 3);
SELECT electra_load_preset(:'sources' || '/keras_electra', 'keras', max_length => 12);
RESET client_min_messages;

SELECT * FROM electra_token_pair('the quick', 'brown fox!', 'bert');
SELECT * FROM electra_token_pair('the quick', 'brown fox', 'keras');
SELECT * FROM electra_token_pair('', '', 'bert');
SELECT * FROM electra_token_pair('', 'fox', 'keras');
-- [CLS] a [SEP] is the text alone
SELECT p.token_ids = electra_token_ids('the quick', 'bert') || (electra_token_ids('brown fox', 'bert'))[2:] AS joined
FROM electra_token_pair('the quick', 'brown fox', 'bert') p;

-- NULL
SELECT electra_token_pair(NULL, 'b', 'bert') IS NULL AS a, electra_token_pair('a', NULL, 'bert') IS NULL AS b,
	electra_token_pair(NULL, 'b') IS NULL AS default_a, electra_token_pair('a', NULL) IS NULL AS default_b;
SELECT * FROM electra_token_pair('a', 'b', NULL);

-- longest_first as the library tokenizers does it (its numbers, room for nine
-- tokens): texts far longer than there is room for still count
SELECT count(*) AS pairs, count(*) FILTER (WHERE cardinality(array_positions(p.token_ids, 5)) = a_kept
	AND cardinality(array_positions(p.token_ids, 8)) = b_kept
	AND p.segment_ids = array_fill(0, ARRAY[a_kept + 2]) || array_fill(1, ARRAY[b_kept + 1])) AS as_expected
FROM (VALUES (0, 0, 0, 0), (0, 1, 0, 1), (0, 4, 0, 4), (0, 9, 0, 9), (0, 10, 0, 9), (0, 3000, 0, 9),
	(1, 0, 1, 0), (1, 1, 1, 1), (1, 5, 1, 5), (1, 9, 1, 8), (1, 10, 1, 8), (1, 3001, 1, 8),
	(4, 4, 4, 4), (4, 5, 4, 5), (4, 9, 4, 5), (4, 21, 4, 5), (5, 4, 5, 4), (5, 5, 4, 5), (5, 9, 4, 5), (5, 3000, 4, 5),
	(9, 0, 9, 0), (9, 1, 8, 1), (9, 4, 5, 4), (9, 9, 4, 5), (9, 10, 4, 5), (10, 0, 9, 0), (10, 5, 5, 4), (10, 9, 5, 4),
	(10, 10, 4, 5), (20, 1, 8, 1), (20, 4, 5, 4), (20, 10, 5, 4), (20, 21, 4, 5), (20, 3000, 4, 5),
	(3000, 1, 8, 1), (3000, 21, 5, 4), (3000, 3000, 4, 5), (3000, 3001, 4, 5), (3001, 3000, 5, 4)) AS t(a, b, a_kept, b_kept),
	electra_token_pair(repeat('the ', a), repeat('fox ', b), 'bert') p;

-- round_robin as Keras-Hub's MultiSegmentPacker does it (its numbers)
SELECT count(*) AS pairs, count(*) FILTER (WHERE cardinality(array_positions(p.token_ids, 5)) = a_kept
	AND cardinality(array_positions(p.token_ids, 8)) = b_kept
	AND p.segment_ids = array_fill(0, ARRAY[a_kept + 2]) || array_fill(1, ARRAY[b_kept + 1])) AS as_expected
FROM (VALUES (0, 0, 0, 0), (0, 10, 0, 9), (1, 9, 1, 8), (1, 21, 1, 8), (4, 5, 4, 5), (4, 9, 4, 5), (4, 21, 4, 5),
	(5, 4, 5, 4), (5, 5, 5, 4), (5, 9, 5, 4), (5, 21, 5, 4), (9, 0, 9, 0), (9, 1, 8, 1), (9, 9, 5, 4), (9, 10, 5, 4),
	(10, 1, 8, 1), (10, 4, 5, 4), (10, 9, 5, 4), (10, 10, 5, 4), (10, 21, 5, 4), (20, 0, 9, 0), (20, 21, 5, 4)) AS t(a, b, a_kept, b_kept),
	electra_token_pair(repeat('the ', a), repeat('fox ', b), 'keras') p;

-- the first tokens stay
SELECT electra_token_pair('the quick brown fox the quick brown fox', 'fox brown quick the fox brown quick the', 'bert');

-- a preset that does not truncate, and ones with next to no room
SELECT (electra_token_pair(repeat('the ', 5), repeat('fox ', 4), 'strict')).segment_ids;
SELECT electra_token_pair(repeat('the ', 5), repeat('fox ', 5), 'strict');
SELECT electra_sequence_output(repeat('the ', 5), 'strict', repeat('fox ', 5));
SELECT * FROM electra_token_pair('the', 'fox', 'three');
SELECT electra_token_pair('the', 'fox', 'two');

-- with the default preset
SET client_min_messages = error;
SELECT electra_token_pair('a', 'b') = electra_token_pair('a', 'b', 'electra_mini_en_1') AS same;
RESET client_min_messages;

-- texts out of line are read as far as they are needed
CREATE TABLE pairs_texts (a text, b text);
ALTER TABLE pairs_texts ALTER a SET STORAGE EXTERNAL;
INSERT INTO pairs_texts SELECT repeat('the quick ', 100000), repeat('brown fox ', 100000);
SELECT cardinality(token_ids) AS tokens FROM pairs_texts, electra_token_pair(a, b, 'bert');
DROP TABLE pairs_texts;

-- a pair is one text for the counters
SELECT electra_stat_reset();
SELECT count(*) FROM electra_sequence_output('the', 'bert', 'fox');
SELECT count(*) FROM electra_sequence_output(repeat('the ', 50), 'bert', repeat('fox ', 50));
SELECT names, calls, texts, tokens, truncated, errors FROM electra_stat_presets WHERE names = ARRAY['bert'];

SELECT electra_drop_preset(name) FROM electra_presets WHERE NOT shipped ORDER BY name;
SELECT electra_forget_preset(name) FROM _electra.preset ORDER BY name;
