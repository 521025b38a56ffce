-- A NULL text gives NULL, a NULL preset is an error.
SELECT electra_embed(NULL) IS NULL AS embed, electra_embed_query(NULL) IS NULL AS query, electra_embed_document(NULL) IS NULL AS document,
	electra_tokenize(NULL) IS NULL AS tokenize, electra_token_ids(NULL) IS NULL AS token_ids, electra_token_count(NULL) IS NULL AS token_count,
	electra_detokenize(NULL) IS NULL AS detokenize, electra_similarity(NULL, 'x') IS NULL AS similarity;
SELECT electra_embed(NULL, p) IS NULL AS embed, electra_embed_query(NULL, p) IS NULL AS query, electra_embed_document(NULL, p) IS NULL AS document,
	electra_tokenize(NULL, p) IS NULL AS tokenize, electra_token_ids(NULL, p) IS NULL AS token_ids, electra_token_count(NULL, p) IS NULL AS token_count,
	electra_detokenize(NULL, p) IS NULL AS detokenize, electra_similarity(NULL, 'x', p) IS NULL AS similarity
FROM (VALUES ('electra-untrained-tiny')) AS preset(p);
\set VERBOSITY sqlstate
SELECT electra_embed('x', NULL);
SELECT electra_embed('x', 'no-such-preset');
SELECT electra_cosine('{1,2}', '{1}');
SELECT electra_detokenize(ARRAY[-1], 'electra-untrained-tiny');
\set VERBOSITY default
SELECT electra_embed('x', NULL);
SELECT electra_embed(NULL, NULL);
SELECT electra_embed_query('x', NULL);
SELECT electra_embed_document('x', NULL);
SELECT * FROM electra_embed_batch(ARRAY['x'], NULL);
SELECT electra_tokenize('x', NULL);
SELECT electra_token_ids('x', NULL);
SELECT electra_token_count('x', NULL);
SELECT electra_detokenize(ARRAY[1], NULL);

-- no such preset, whichever function
SELECT electra_embed('x', 'no-such-preset');
SELECT electra_tokenize('x', 'no-such-preset');
SELECT * FROM electra_embed_batch(ARRAY['x'], 'no-such-preset');
SELECT electra_similarity('x', 'y', 'no-such-preset');

-- large texts: only the tokens that fit are made
SELECT array_length(electra_embed(repeat('a', 1000000), 'electra-untrained-tiny'), 1) AS one_word;
SELECT array_length(electra_embed(repeat(' ', 1000000), 'electra-untrained-tiny'), 1) AS blank;
SELECT array_length(electra_embed(repeat('a b c ', 1000000), 'electra-untrained-tiny'), 1) AS words;
SELECT electra_token_count(repeat('a b c ', 100000), 'electra-untrained-tiny') AS words;
SELECT count(*) FROM electra_embed_batch(array_fill(repeat('a ', 20000), ARRAY[20]), 'electra-untrained-tiny');

-- a cancel is served in the middle, and the session goes on
SET statement_timeout = '100ms';
SELECT count(electra_embed(repeat('water ', 600) || i, 'electra-untrained-tiny')) FROM generate_series(1, 100000) AS i;
SELECT count(*) FROM electra_embed_batch((SELECT array_agg(repeat('water ', 600)) FROM generate_series(1, 2000)), 'electra-untrained-tiny');
RESET statement_timeout;
SELECT array_length(electra_embed('still here', 'electra-untrained-tiny'), 1);
