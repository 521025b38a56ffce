-- The last embeddings of a backend are remembered: one encoder run for a text
-- that a generic plan asks for once a row.
SET client_min_messages = error;
CREATE TABLE memo_vectors AS
	SELECT i AS id, ARRAY(SELECT sin(i * 0.37 + j)::real FROM generate_series(1, electra_dimensions('electra_mini_en_1')) AS j) AS embedding
	FROM generate_series(1, 1000) AS i;
CREATE FUNCTION memo_texts() RETURNS bigint
	LANGUAGE SQL AS $$ SELECT coalesce(sum(texts), 0)::bigint FROM electra_stat_presets WHERE 'electra_mini_en_1' = ANY (names) $$;
CREATE FUNCTION memo_calls() RETURNS bigint
	LANGUAGE SQL AS $$ SELECT coalesce(sum(calls), 0)::bigint FROM electra_stat_presets WHERE 'electra_mini_en_1' = ANY (names) $$;

SET max_parallel_workers_per_gather = 0;
SET plan_cache_mode = force_generic_plan;
PREPARE nearest(text) AS SELECT id FROM memo_vectors ORDER BY electra_cosine(embedding, electra_embed($1, 'electra_mini_en_1')) DESC, id LIMIT 1;
SELECT memo_texts() AS texts, memo_calls() AS calls \gset
CREATE TEMP TABLE memo_result AS EXECUTE nearest('a question asked once');
SELECT memo_texts() - :texts AS encoder_runs, memo_calls() - :calls AS calls;
SET plan_cache_mode = force_custom_plan;
CREATE TEMP TABLE memo_result_custom AS EXECUTE nearest('a question asked once');
SELECT (TABLE memo_result) = (TABLE memo_result_custom) AS same;

-- A vector from the memo has the bits of a computed one, also when texts take
-- turns, more of them than the memo holds.
CREATE TEMP TABLE memo_first AS SELECT t, electra_embed('text ' || t, 'electra_mini_en_1') AS e FROM generate_series(1, 20) AS t;
SELECT count(*) FILTER (WHERE electra_embed('text ' || t, 'electra_mini_en_1') <> e) AS differ
FROM generate_series(1, 3) AS turn, memo_first;

-- eight texts stay, the ninth takes the place of the one unused for longest
CREATE FUNCTION memo_runs(texts integer[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint := memo_texts();
	i integer;
BEGIN
	FOREACH i IN ARRAY texts LOOP
		PERFORM electra_embed('lru ' || i, 'electra_mini_en_1');
	END LOOP;
	RETURN memo_texts() - before;
END $$;
SELECT memo_runs(ARRAY[1, 2, 3, 4, 5, 6, 7, 8]) AS eight, memo_runs(ARRAY[8, 7, 6, 5, 4, 3, 2, 1]) AS again,
	memo_runs(ARRAY[9]) AS ninth, memo_runs(ARRAY[7, 6, 5, 4, 3, 2, 1, 9]) AS remembered, memo_runs(ARRAY[8]) AS forgotten;

-- long texts are computed each time; a preset without prompts has
-- one vector for a text, whichever function asks
SELECT memo_texts() AS texts \gset
SELECT count(electra_embed(repeat('x ', 5000) || substr(i::text, 2), 'electra_mini_en_1')) FROM generate_series(1, 3) AS i;
SELECT memo_texts() - :texts AS encoder_runs;
SELECT memo_texts() AS texts \gset
SELECT electra_embed_query('prompted ' || i, 'electra_mini_en_1') = electra_embed_document('prompted ' || i, 'electra_mini_en_1') AS same FROM generate_series(1, 1) AS i;
SELECT memo_texts() - :texts AS encoder_runs;

DROP TABLE memo_vectors;
DROP FUNCTION memo_texts(), memo_calls(), memo_runs(integer[]);
