-- electra_load_preset's options of version 0.2: dtypes, random weights.
\getenv sources ELECTRA_TEST_SOURCES
SET client_min_messages = warning;
CREATE FUNCTION attempt_load(options text, sources text) RETURNS TABLE (what text, said text) LANGUAGE plpgsql AS $$
DECLARE
	state text; message text; detail text; hint text; result text;
BEGIN
	EXECUTE format('SELECT electra_load_preset(%L, ''x'', %s)', sources || '/bert_plain', options) INTO result;
	RETURN QUERY VALUES ('result', result);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN QUERY SELECT v.what, v.said
		FROM (VALUES ('error', state || ' ' || message), ('detail', detail), ('hint', hint)) AS v(what, said)
		WHERE v.said <> '';
END $$;

-- dtypes: half the bytes of the matrices, nearly the same vectors
SELECT electra_load_preset(:'sources' || '/bert_plain', 'o_float32');
SELECT electra_load_preset(:'sources' || '/bert_plain', 'o_float16', dtype => 'float16');
SELECT electra_load_preset(:'sources' || '/bert_plain', 'o_bfloat16', dtype => 'bfloat16');
SELECT electra_load_preset(:'sources' || '/bert_plain', 'o_source', dtype => 'source');
SELECT electra_load_preset(:'sources' || '/half_types', 'o_half', dtype => 'source');
SELECT p.name, p.dtype, p.archive_bytes < f.archive_bytes AS smaller, p.digest = f.digest AS same,
	electra_cosine(electra_embed('hello world', p.name), electra_embed('hello world', 'o_float32')) > 0.999 AS near
FROM electra_presets p, electra_presets f WHERE p.name IN ('o_float16', 'o_bfloat16', 'o_source') AND f.name = 'o_float32' ORDER BY p.name;

-- the architecture and the tokenizer with random weights
SELECT electra_load_preset(:'sources' || '/bert_plain', 'random_0', load_weights => false);
SELECT electra_load_preset(:'sources' || '/bert_plain', 'random_0_again', load_weights => false, seed => 0);
SELECT electra_load_preset(:'sources' || '/bert_plain', 'random_1', load_weights => false, seed => 1);
SELECT electra_load_preset(:'sources' || '/bert_plain', 'random_minus_1', load_weights => false, seed => -1, dtype => 'bfloat16');
SELECT count(*) AS presets, count(DISTINCT digest) AS digests FROM electra_presets WHERE name LIKE 'random\_%';
SELECT p.name, p.untrained, p.dtype,
	(p.num_layers, p.num_heads, p.hidden_dim, p.embedding_dim, p.intermediate_dim, p.vocab_size)
		= (f.num_layers, f.num_heads, f.hidden_dim, f.embedding_dim, f.intermediate_dim, f.vocab_size) AS same_shape,
	electra_token_ids('Hello world!', p.name) = electra_token_ids('Hello world!', f.name) AS same_tokens,
	electra_embed('hello', p.name) <> electra_embed('hello', f.name) AS other_vectors
FROM electra_presets p, electra_presets f WHERE p.name LIKE 'random\_%' AND f.name = 'o_float32' ORDER BY p.name COLLATE "C";

-- what is wrong with the options
SELECT o.options, a.* FROM unnest(ARRAY['seed => 7', 'load_weights => true, seed => -1', 'seed => NULL', 'load_weights => NULL', 'load_weights => false, seed => NULL',
	$$dtype => 'float8'$$, $$dtype => 'int4'$$, $$dtype => ''$$, $$query_prompt => repeat('x', 100000)$$]) WITH ORDINALITY AS o(options, n),
	LATERAL attempt_load(o.options, :'sources') AS a ORDER BY n, a.what COLLATE "C" DESC;

-- version 0.1's declaration still works with this library
CREATE FUNCTION load_preset_of_0_1(source text, name text, dtype text, pooling text, "normalize" boolean, max_length integer, dimensions integer,
	query_prompt text, document_prompt text, truncation text) RETURNS text AS '$libdir/electra', 'electra_load_preset' LANGUAGE C;
SELECT load_preset_of_0_1(:'sources' || '/bert_plain', 'old', 'float32', NULL, NULL, NULL, NULL, NULL, NULL, 'truncate');
SELECT count(DISTINCT digest) AS same FROM electra_presets WHERE name IN ('old', 'o_float32');
DROP FUNCTION load_preset_of_0_1;

SELECT count(electra_drop_preset(name)) AS dropped FROM electra_presets WHERE NOT shipped;
SELECT count(electra_forget_preset(name)) AS forgotten FROM _electra.preset;
DROP FUNCTION attempt_load;
