-- A NULL text gives NULL, a NULL preset is an error.
SELECT electra_embed(NULL) IS NULL AS embed, electra_embed_query(NULL) IS NULL AS query, electra_embed_document(NULL) IS NULL AS document,
	electra_tokenize(NULL) IS NULL AS tokenize, electra_token_ids(NULL) IS NULL AS token_ids, electra_token_count(NULL) IS NULL AS token_count,
	electra_detokenize(NULL) IS NULL AS detokenize, electra_similarity(NULL, 'x') IS NULL AS similarity;
SELECT electra_embed(NULL, p) IS NULL AS embed, electra_embed_query(NULL, p) IS NULL AS query, electra_embed_document(NULL, p) IS NULL AS document,
	electra_tokenize(NULL, p) IS NULL AS tokenize, electra_token_ids(NULL, p) IS NULL AS token_ids, electra_token_count(NULL, p) IS NULL AS token_count,
	electra_detokenize(NULL, p) IS NULL AS detokenize, electra_similarity(NULL, 'x', p) IS NULL AS similarity
FROM (VALUES ('electra_mini_en_1')) AS preset(p);
\set VERBOSITY sqlstate
SELECT electra_embed('x', NULL);
SELECT electra_embed('x', 'no-such-preset');
SELECT electra_cosine('{1,2}', '{1}');
SELECT electra_detokenize(ARRAY[-1], 'electra_mini_en_1');
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
SELECT electra_embed(repeat('a', 1000000), 'electra_mini_en_1') IS NOT NULL AS one_word;
SELECT electra_embed(repeat(' ', 1000000), 'electra_mini_en_1') IS NOT NULL AS blank;
SELECT electra_embed(repeat('a b c ', 1000000), 'electra_mini_en_1') IS NOT NULL AS words;
SELECT electra_token_count(repeat('a b c ', 100000), 'electra_mini_en_1') AS words;
SELECT count(*) FROM electra_embed_batch(array_fill(repeat('a ', 20000), ARRAY[20]), 'electra_mini_en_1');

-- A text gives the same tokens however it is stored, and wherever the parts in
-- which it is read end: in words longer than a part, in characters, behind white
-- space.  lz4 only where the server has it.
CREATE TABLE long_texts (id serial, storage text, body text);
CREATE TABLE long_plain (LIKE long_texts INCLUDING ALL);
ALTER TABLE long_plain ALTER body SET STORAGE EXTERNAL;
INSERT INTO long_plain (storage, body) SELECT 'plain', repeat('x', shift) || body
FROM generate_series(0, 5) AS shift, (VALUES
	(repeat('river ', 3000)),
	(repeat(repeat('ß', 1500) || ' ', 700)),
	(repeat('é', 700000) || ' hello'),
	(repeat(E' \t', 70000) || 'hello' || repeat('   ', 300000) || 'world'),
	(repeat('中', 30000)),
	((SELECT string_agg(repeat(md5(i::text), 20), ' ') FROM generate_series(1, 700) AS i))) AS v(body);
INSERT INTO long_texts (storage, body) SELECT 'pglz', body || '' FROM long_plain;
CREATE TABLE long_lz4 (LIKE long_texts INCLUDING ALL);
DO $$
BEGIN
	ALTER TABLE long_lz4 ALTER body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN
	NULL;
END $$;
INSERT INTO long_lz4 (storage, body) SELECT 'lz4', body || '' FROM long_plain;
SELECT storage, count(*), min(length(body)) > 10000 AS long,
	count(*) FILTER (WHERE electra_token_ids(body, 'electra_mini_en_1') = electra_token_ids(body || '', 'electra_mini_en_1')) AS same_ids,
	count(*) FILTER (WHERE electra_token_count(body, 'electra_mini_en_1') = electra_token_count(body || '', 'electra_mini_en_1')) AS same_count,
	count(DISTINCT electra_token_ids(body, 'electra_mini_en_1')) > 6 AS different
FROM (TABLE long_plain UNION ALL TABLE long_texts UNION ALL TABLE long_lz4) AS t GROUP BY storage ORDER BY storage;
DROP TABLE long_texts, long_plain, long_lz4;

-- a cancel is served in the middle, and the session goes on
SET statement_timeout = '100ms';
SELECT count(electra_embed(repeat('water ', 600) || i, 'electra_mini_en_1')) FROM generate_series(1, 100000) AS i;
SELECT count(*) FROM electra_embed_batch((SELECT array_agg(repeat('water ', 600)) FROM generate_series(1, 2000)), 'electra_mini_en_1');
RESET statement_timeout;
SELECT electra_embed('still here', 'electra_mini_en_1') IS NOT NULL AS still_here;
