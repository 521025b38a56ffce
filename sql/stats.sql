-- Counters of what each preset has done on this server.
SET client_min_messages = error;
SELECT electra_stat_reset();
SELECT count(*) FROM electra_stat_presets;
SELECT count(electra_embed('counted ' || i, 'electra_mini_en_1')) FROM generate_series(1, 10) AS i;
SELECT count(*) FROM electra_embed_batch(ARRAY['some', 'more', NULL, 'texts'], 'electra_mini_en_1');
SELECT count(electra_embed(repeat('water ', 10000 + i), 'electra_mini_en_1')) FROM generate_series(1, 2) AS i;
SELECT 'electra_mini_en_1' = ANY (names) AS named, length(digest) AS digest_length, calls, texts, truncated, errors,
	tokens > 512 AS tokens, tokenizer_ms > 0 AS tokenizer, encoder_ms > 0 AS encoder, stats_reset <= now() AS reset_before
FROM electra_stat_presets;

-- remembered vectors are calls, but no texts
SELECT count(electra_embed('remembered' || left(i::text, 0), 'electra_mini_en_1')) FROM generate_series(1, 5) AS i;
SELECT calls, texts FROM electra_stat_presets;

-- errors are counted although their transaction is rolled back
\set VERBOSITY terse
SELECT electra_detokenize(ARRAY[-5], 'electra_mini_en_1');
\set VERBOSITY default
SELECT errors FROM electra_stat_presets;

-- only those who are granted it may reset
CREATE ROLE regress_electra_plain;
SET ROLE regress_electra_plain;
SELECT count(*) > 0 AS visible FROM electra_stat_presets;
SELECT electra_stat_reset();
RESET ROLE;
GRANT EXECUTE ON FUNCTION electra_stat_reset() TO regress_electra_plain;
SET ROLE regress_electra_plain;
SELECT electra_stat_reset();
RESET ROLE;
REVOKE EXECUTE ON FUNCTION electra_stat_reset() FROM regress_electra_plain;
DROP ROLE regress_electra_plain;
SELECT count(*) FROM electra_stat_presets;
