-- What a row costs outside tokenizer and encoder: the time of a statement less
-- that of the same statement without electra, less what electra_stat_presets
-- says of tokenizer and encoder.  The least of three; one layer, so that the
-- encoder leaves the caches alone.
\pset footer off
SET client_min_messages = error;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE EXTENSION IF NOT EXISTS electra;
SELECT electra_create_preset('calls', vocabulary => ARRAY['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'hello', 'world']
	|| ARRAY(SELECT chr(97 + i) FROM generate_series(0, 25) i) || ARRAY(SELECT i::text FROM generate_series(0, 9) i)
	|| ARRAY(SELECT '##' || i FROM generate_series(0, 9) i),
	num_layers => 1, num_heads => 2, hidden_dim => 384, intermediate_dim => 64) AS preset;
CREATE TABLE different AS SELECT 'hello world ' || n AS body FROM generate_series(1, 20000) n;
CREATE TABLE same AS SELECT 'hello world' AS body FROM generate_series(1, 100000) n;
VACUUM ANALYZE different;
VACUUM ANALYZE same;

CREATE FUNCTION microseconds(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	start timestamptz := clock_timestamp();
BEGIN
	EXECUTE query;
	RETURN extract(epoch FROM clock_timestamp() - start) * 1e6;
END $$;

CREATE FUNCTION overhead(what text, query text, without text, OUT call text, OUT "µs a row" numeric,
	OUT tokenizer numeric, OUT encoder numeric, OUT beside numeric) LANGUAGE plpgsql AS $$
DECLARE
	plain float8 := 'infinity';
	best float8 := 'infinity';
	took float8;
	counted record;
BEGIN
	PERFORM microseconds(query);
	FOR i IN 1..3 LOOP
		plain := least(plain, microseconds(without));
	END LOOP;
	FOR i IN 1..3 LOOP
		PERFORM electra_stat_reset();
		took := microseconds(query);
		SELECT 1000 * sum(tokenizer_ms) AS tokenizer, 1000 * sum(encoder_ms) AS encoder,
			greatest(sum(texts), sum(calls)) AS rows INTO counted FROM electra_stat_presets;
		IF took - counted.tokenizer - counted.encoder < best THEN
			best := took - counted.tokenizer - counted.encoder;
			"µs a row" := round((took / counted.rows)::numeric, 2);
			tokenizer := round((counted.tokenizer / counted.rows)::numeric, 2);
			encoder := round((counted.encoder / counted.rows)::numeric, 2);
			beside := round(((best - plain) / counted.rows)::numeric, 2);
		END IF;
	END LOOP;
	call := what;
END $$;

SELECT * FROM overhead('electra_embed', $$SELECT count(electra_embed(body, 'calls')) FROM different$$,
	$$SELECT count(length(body)) FROM different$$)
UNION ALL SELECT * FROM overhead('electra_embed_document', $$SELECT count(electra_embed_document(body, 'calls')) FROM different$$,
	$$SELECT count(length(body)) FROM different$$)
UNION ALL SELECT * FROM overhead('the memo knows the text', $$SELECT count(electra_embed(body, 'calls')) FROM same$$,
	$$SELECT count(length(body)) FROM same$$)
UNION ALL SELECT * FROM overhead('a row of electra_embed_batch',
	$$SELECT count(embedding) FROM (SELECT array_agg(body) AS a FROM different) s, electra_embed_batch(a, 'calls')$$,
	$$SELECT count(n) FROM (SELECT array_agg(body) AS a FROM different) s, unnest(a) n$$);
