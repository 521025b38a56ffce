-- Presets in int8, and the gate that they come through.
\getenv sources ELECTRA_TEST_SOURCES
SET client_min_messages = warning;
CREATE FUNCTION attempt(command text, sources text) RETURNS TABLE (what text, said text) LANGUAGE plpgsql AS $$
DECLARE
	state text; message text; detail text; hint text;
BEGIN
	EXECUTE replace(command, 'SOURCES', sources);
	RETURN QUERY VALUES ('result', 'done');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	/* the figures are those of a tiny random model */
	detail := regexp_replace(detail, '0\.\d{6}', '0.N', 'g');
	RETURN QUERY SELECT v.what, v.said
		FROM (VALUES ('error', state || ' ' || replace(message, sources, 'SOURCES')), ('detail', detail), ('hint', hint)) AS v(what, said)
		WHERE v.said <> '';
END $$;

-- from a directory and from nothing
SELECT electra_load_preset(:'sources' || '/bert_plain', 'e_float32');
SELECT electra_load_preset(:'sources' || '/bert_plain', 'e_int8', dtype => 'int8', min_cosine => 0.98);
SELECT electra_load_preset(:'sources' || '/bert_plain', 'e_int8_again', dtype => 'int8', min_cosine => 0);
SELECT electra_load_preset(:'sources' || '/bert_plain', 'e_random', dtype => 'int8', min_cosine => 0, load_weights => false, seed => 4);
SELECT electra_create_preset('c_float32', vocab_size => 1000, num_layers => 2, num_heads => 2, hidden_dim => 128, intermediate_dim => 200, seed => 9);
SELECT electra_create_preset('c_int8', vocab_size => 1000, num_layers => 2, num_heads => 2, hidden_dim => 128, intermediate_dim => 200, seed => 9, dtype => 'int8');

-- min_cosine is not in the digest; the figures are in the archive; of the smallest model it is mostly names
SELECT p.name, p.dtype, p.archive_bytes < f.archive_bytes AS smaller, p.digest = (SELECT digest FROM electra_presets WHERE name = 'e_int8') AS same,
	p.lowest_cosine BETWEEN 0.9 AND 1 AS lowest, p.mean_cosine BETWEEN p.lowest_cosine AND 1 AS mean
FROM electra_presets p JOIN electra_presets f ON f.name = left(p.name, 2) || 'float32' ORDER BY p.name;
SELECT c.preset, c.config->>'dtype' AS dtype, c.config->>'calibration_texts' AS texts,
	(c.config->>'lowest_cosine')::float8 = p.lowest_cosine AS lowest, (c.config->>'mean_cosine')::float8 = p.mean_cosine AS mean
FROM unnest(ARRAY['e_float32', 'e_int8', 'c_int8']) AS n(preset), LATERAL (SELECT n.preset, electra_preset_config(n.preset)) AS c(preset, config)
	JOIN electra_presets p ON p.name = c.preset ORDER BY 1;

-- nearly the same vectors
SELECT min(electra_cosine(electra_embed(t, 'e_int8'), electra_embed(t, 'e_float32'))) > 0.98 AS near,
	bool_and(electra_embed(t, 'e_int8') <> electra_embed(t, 'e_float32')) AS other,
	bool_and(electra_embed(t, 'e_int8') = electra_embed(t, 'e_int8_again')) AS same
FROM unnest(ARRAY['hello', 'hello world', 'the world says hello to the world, and hello again']) AS t;
SELECT electra_cosine((electra_encode(ARRAY[2, 5, 700, 3], preset => 'c_int8', segment_ids => NULL, padding_mask => NULL)).pooled_output,
	(electra_encode(ARRAY[2, 5, 700, 3], preset => 'c_float32', segment_ids => NULL, padding_mask => NULL)).pooled_output) > 0.99 AS near;
SELECT electra_cosine(electra_token_embedding(7, 'c_int8'), electra_token_embedding(7, 'c_float32')) > 0.9999 AS near;

-- an image as the batch, the sequence and the verification see it
SELECT bool_and(b.embedding = electra_embed(t.text, 'e_int8')) AS same
FROM unnest(ARRAY['hello', 'world hello', '']) WITH ORDINALITY AS t(text, n) JOIN electra_embed_batch(ARRAY['hello', 'world hello', ''], 'e_int8') b USING (n);
SELECT electra_verify('e_int8'), electra_verify('c_int8');

-- every dtype gives the same bits whatever kernels and however many workers compute
SELECT electra_load_preset(:'sources' || '/bert_plain', 'e_float16', dtype => 'float16');
SELECT electra_load_preset(:'sources' || '/bert_plain', 'e_bfloat16', dtype => 'bfloat16');
CREATE TABLE int8_texts AS SELECT n, repeat('hello world ' || n, n * n % 40) AS body FROM generate_series(1, 60) AS n;
CREATE TABLE int8_presets AS SELECT unnest(ARRAY['e_float32', 'e_float16', 'e_bfloat16', 'e_int8']) AS preset;
CREATE TABLE int8_bits AS SELECT 'one by one' AS how, preset, n, array_send(electra_embed(body, preset)) AS bits FROM int8_presets, int8_texts;
INSERT INTO int8_bits SELECT 'batch', preset, n, array_send(embedding)
	FROM int8_presets, electra_embed_batch((SELECT array_agg(body ORDER BY n) FROM int8_texts), preset);
DO $$
DECLARE
	k text;
BEGIN
	FOR k IN SELECT kernels FROM electra_kernels() WHERE available LOOP
		PERFORM set_config('electra.kernels', k, false);
		INSERT INTO int8_bits SELECT k, preset, n, array_send(embedding)
			FROM int8_presets, electra_embed_batch((SELECT array_agg(body ORDER BY n) FROM int8_texts), preset);
	END LOOP;
	PERFORM set_config('electra.kernels', 'auto', false);
END $$;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
ALTER TABLE int8_texts SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) CREATE TABLE int8_parallel AS SELECT n, electra_embed(body, 'e_int8') AS e_int8, electra_embed(body, 'e_float32') AS e_float32 FROM int8_texts;
CREATE TABLE int8_parallel AS SELECT n, electra_embed(body, 'e_int8') AS e_int8, electra_embed(body, 'e_float32') AS e_float32 FROM int8_texts;
INSERT INTO int8_bits SELECT 'workers', 'e_int8', n, array_send(e_int8) FROM int8_parallel UNION ALL SELECT 'workers', 'e_float32', n, array_send(e_float32) FROM int8_parallel;
SELECT preset, count(DISTINCT n) AS texts, count(DISTINCT (n, bits)) AS vectors, count(DISTINCT how) >= 3 AS ways FROM int8_bits GROUP BY preset ORDER BY preset;
DROP TABLE int8_texts, int8_presets, int8_bits, int8_parallel;

-- the planner takes products in int8 for faster, and float16 for as fast as float32
CREATE FUNCTION cost_of(preset text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE format('EXPLAIN (FORMAT JSON) SELECT electra_embed(i::text, %L) FROM generate_series(1, 1000) AS i', preset) INTO plan;
	RETURN (plan -> 0 -> 'Plan' ->> 'Total Cost')::float8;
END $$;
SELECT cost_of('c_int8') BETWEEN 0.5 * cost_of('c_float32') AND 0.9 * cost_of('c_float32') AS int8, cost_of('e_float16') = cost_of('e_float32') AS float16;
DROP FUNCTION cost_of;

-- nothing, no characters, white space, one token, and more than fits
SELECT electra_embed(NULL, 'e_int8') IS NULL AS null_text, cardinality(electra_embed('', 'e_int8')) = cardinality(electra_embed('hello', 'e_int8')) AS empty,
	electra_embed('', 'e_int8') = electra_embed(E' \t\n', 'e_int8') AS blank, electra_token_count('hello', 'e_int8') AS tokens,
	electra_embed(repeat('hello ', 200000), 'e_int8') = electra_embed(repeat('hello ', 1000), 'e_int8') AS cut;
SELECT electra_embed('hello', NULL);

-- the gate
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', 'refused', dtype => 'int8', min_cosine => 1)$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', 'refused', dtype => 'float16', min_cosine => 1)$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', 'bad', dtype => 'int8', min_cosine => 1.5)$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', 'bad', dtype => 'int8', min_cosine => 'NaN')$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', 'bad', dtype => 'int8', min_cosine => NULL)$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', 'bad', dtype => 'int8', min_cosine => -0.1)$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', 'bad', dtype => 'int8', min_cosine => 'high')$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', 'bad', dtype => 'int4')$$, :'sources');
SELECT * FROM attempt($$SELECT electra_create_preset('bad', vocab_size => 10, num_layers => 1, num_heads => 1, hidden_dim => 8, intermediate_dim => 8, dtype => 'int4')$$, :'sources');
SELECT count(*) AS left_behind FROM electra_presets WHERE name IN ('refused', 'bad') AND dtype = 'int8';

-- version 0.2's declaration still works with this library
CREATE FUNCTION load_preset_of_0_2(source text, name text, dtype text, pooling text, "normalize" boolean, max_length integer, dimensions integer,
	query_prompt text, document_prompt text, truncation text, load_weights boolean, seed bigint)
	RETURNS text AS '$libdir/electra', 'electra_load_preset' LANGUAGE C;
SELECT load_preset_of_0_2(:'sources' || '/bert_plain', 'old', 'float32', NULL, NULL, NULL, NULL, NULL, NULL, 'truncate', true, 0);
SELECT count(DISTINCT digest) AS same FROM electra_presets WHERE name IN ('old', 'e_float32');
DROP FUNCTION load_preset_of_0_2;

SELECT count(electra_drop_preset(name)) AS dropped FROM electra_presets WHERE NOT shipped;
SELECT count(electra_forget_preset(name)) AS forgotten FROM _electra.preset;
DROP FUNCTION attempt;
