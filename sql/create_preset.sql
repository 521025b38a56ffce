-- electra_create_preset: the constructor of Keras-Hub's ElectraBackbone.
SET client_min_messages = warning;
CREATE FUNCTION attempt_create(arguments text) RETURNS TABLE (what text, said text) LANGUAGE plpgsql AS $$
DECLARE
	state text; message text; detail text; hint text; result text;
BEGIN
	EXECUTE 'SELECT electra_create_preset(' || arguments || ')' INTO result;
	RETURN QUERY VALUES ('result', result);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN QUERY SELECT v.what, v.said
		FROM (VALUES ('error', state || ' ' || message), ('detail', detail), ('hint', hint)) AS v(what, said)
		WHERE v.said <> '';
END $$;

-- Keras-Hub's own example of a random encoder; its defaults
SELECT electra_create_preset('random', vocab_size => 1000, num_layers => 2, num_heads => 2, hidden_dim => 32, embedding_dim => 32,
	intermediate_dim => 64, dropout => 0.1, max_sequence_length => 512, num_segments => 2, dtype => 'float32');
SELECT electra_create_preset('defaults', vocab_size => 1000, num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64);
SELECT count(DISTINCT digest) AS same FROM electra_presets WHERE name IN ('random', 'defaults');
SELECT vocab_size, num_layers, num_heads, hidden_dim, embedding_dim, intermediate_dim, dtype, untrained, source, loaded_by = current_user AS by_me,
	parameters = 1000 * 32 + 512 * 32 + 2 * 32 + 2 * 32 + 2 * (4 * (32 * 32 + 32) + 2 * 32 + 32 * 64 + 64 + 64 * 32 + 32 + 2 * 32) + 32 * 32 + 32 AS counted
FROM electra_presets WHERE name = 'random';
SELECT electra_preset_config('random') ->> 'dropout' AS dropout, electra_preset_config('random') ->> 'num_segments' AS num_segments,
	electra_preset_config('random') ->> 'max_sequence_length' AS max_sequence_length, electra_preset_config('random') ->> 'activation' AS activation;

-- the same arguments give the same bits, on every machine and in every session
SELECT digest FROM electra_presets WHERE name = 'random';
SET extra_float_digits = -10;
SELECT electra_create_preset('random', vocab_size => 1000, num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64);
RESET extra_float_digits;
SELECT electra_create_preset('seed_7', vocab_size => 1000, num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64, seed => 7);
SELECT electra_create_preset('seed_minus', vocab_size => 1000, num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64, seed => -7);
SELECT electra_create_preset('seed_least', vocab_size => 1000, num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64, seed => -9223372036854775808);
SELECT electra_create_preset('half', vocab_size => 1000, num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64, dtype => 'float16');
SELECT electra_create_preset('brain', vocab_size => 1000, num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64, dtype => 'bfloat16');
SELECT electra_create_preset('dropout', vocab_size => 1000, num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64, dropout => 0.3);
SELECT electra_create_preset('narrow', vocab_size => 1000, num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64, embedding_dim => 16);
SELECT electra_create_preset('one', vocab_size => 1, num_layers => 1, num_heads => 1, hidden_dim => 1, intermediate_dim => 1, max_sequence_length => 2, num_segments => 1, dropout => 0);
SELECT count(*) AS presets, count(DISTINCT digest) AS digests FROM electra_presets WHERE NOT shipped;
SELECT name, dtype, embedding_dim, electra_preset_config(name) ->> 'dropout' AS dropout FROM electra_presets
WHERE name IN ('half', 'brain', 'dropout', 'narrow', 'one') ORDER BY name;
SELECT said ~ '^42710 preset "random" exists already with other content' AS refused
FROM attempt_create($$'random', vocab_size => 1000, num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64, seed => 1$$) WHERE what = 'error';

-- without a vocabulary there are token ids only
SELECT electra_tokenize('a text', 'random');
SELECT array_length(sequence_output, 1) AS tokens, array_length(sequence_output, 2) AS dims, array_length(pooled_output, 1) AS pooled
FROM electra_encode(array_fill(1, ARRAY[12]), ARRAY[0,0,0,0,0,1,1,1,1,1,0,0], ARRAY[1,1,1,1,1,1,1,1,1,1,0,0], 'random');

-- with one there are texts
SELECT electra_create_preset('words', vocabulary => ARRAY['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'hello', 'wor', '##ld', 'gruss', '中'],
	num_layers => 1, num_heads => 2, hidden_dim => 8, intermediate_dim => 16);
SELECT electra_tokenize('Hello world Gruß 中 unknown', 'words'), electra_token_ids('hello [MASK]', 'words');
SELECT cardinality(electra_embed('hello world', 'words')) AS dims, vocab_size FROM electra_presets WHERE name = 'words';
SELECT electra_create_preset('padded', vocabulary => ARRAY['[MASK]', '[SEP]', '[CLS]', '[UNK]', '[PAD]'], vocab_size => 64,
	num_layers => 1, num_heads => 2, hidden_dim => 8, intermediate_dim => 16);
SELECT vocab_size, electra_token_ids('hello [MASK]', 'padded') FROM electra_presets WHERE name = 'padded';

-- a vocabulary larger than any pipe's buffer
SELECT electra_create_preset('large_vocabulary', vocabulary => ARRAY['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] ||
	ARRAY(SELECT 'token' || i FROM generate_series(1, 100000) AS i), num_layers => 1, num_heads => 1, hidden_dim => 2, intermediate_dim => 2, max_sequence_length => 8);
SELECT electra_token_ids('token1 token100000 token100001', 'large_vocabulary');

-- what is wrong
\pset format unaligned
\pset tuples_only on
SELECT * FROM attempt_create($$'x'$$);
SELECT * FROM attempt_create($$'x', num_layers => 2, num_heads => 2, hidden_dim => 32, vocab_size => 10$$);
SELECT * FROM attempt_create($$'x', num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64$$);
SELECT * FROM attempt_create($$'x', num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64, vocabulary_size => 10$$);
SELECT * FROM attempt_create($$NULL, num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64, vocab_size => 10$$);
SELECT * FROM attempt_create($$'two words', num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64, vocab_size => 10$$);
SELECT * FROM attempt_create($$'electra_mini_en_1', num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64, vocab_size => 10$$);
SELECT a.wrong, b.what, b.said FROM unnest(ARRAY['num_heads => 3', 'num_heads => 0', 'num_layers => -1', 'hidden_dim => 0', 'intermediate_dim => 0',
	'embedding_dim => 0', 'vocab_size => 0', 'num_segments => 0', 'max_sequence_length => 0', 'max_sequence_length => NULL', 'num_segments => NULL',
	'dropout => 1', 'dropout => -0.1', $$dropout => 'NaN'$$, 'dropout => NULL', $$dtype => 'int4'$$, $$dtype => 'source'$$, $$dtype => 'Float32'$$,
	'dtype => NULL', 'seed => NULL', 'num_layers => 1000000', 'num_segments => 300', 'max_sequence_length => 1', 'vocab_size => 2147483647',
	'hidden_dim => 2147483646']) WITH ORDINALITY AS a(wrong, n),
	LATERAL attempt_create((SELECT $$'x', $$ || string_agg(d.name || ' => ' || d.value, ', ') || ', ' || wrong
		FROM (VALUES ('num_layers', 2), ('num_heads', 2), ('hidden_dim', 32), ('intermediate_dim', 64), ('vocab_size', 10)) AS d(name, value)
		WHERE d.name <> split_part(wrong, ' ', 1))) AS b ORDER BY n, b.what COLLATE "C" DESC;
SELECT a.vocabulary, b.what, b.said FROM unnest(ARRAY[
	'{}', '{a}', '{"[PAD]","[UNK]","[CLS]","[SEP]"}', '{"[PAD]","[UNK]","[CLS]","[SEP]","[MASK]",NULL}', '{"[PAD]","[UNK]","[CLS]","[SEP]","[MASK]",""}',
	'{"[PAD]","[UNK]","[CLS]","[SEP]","[MASK]",a,b,a}', '{{"[PAD]","[UNK]","[CLS]"},{"[SEP]","[MASK]",a}}']) WITH ORDINALITY AS a(vocabulary, n),
	LATERAL attempt_create(format($$'x', num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64, vocabulary => %L$$, a.vocabulary)) AS b
ORDER BY n, b.what COLLATE "C" DESC;
SELECT * FROM attempt_create($$'x', num_layers => 2, num_heads => 2, hidden_dim => 32, intermediate_dim => 64, vocab_size => 4,
	vocabulary => '{"[PAD]","[UNK]","[CLS]","[SEP]","[MASK]"}'$$);
\pset format aligned
\pset tuples_only off
SELECT count(*) AS left FROM electra_presets WHERE name = 'x';
BEGIN READ ONLY;
SELECT electra_create_preset('x', vocab_size => 10, num_layers => 1, num_heads => 1, hidden_dim => 2, intermediate_dim => 2);
ROLLBACK;

-- a right of its own, and no other
CREATE ROLE regress_electra_plain;
SET ROLE regress_electra_plain;
SELECT electra_create_preset('of_plain', vocab_size => 10, num_layers => 1, num_heads => 1, hidden_dim => 2, intermediate_dim => 2);
RESET ROLE;
GRANT EXECUTE ON FUNCTION electra_create_preset TO regress_electra_plain;
SET ROLE regress_electra_plain;
SELECT electra_create_preset('of_plain', vocab_size => 10, num_layers => 1, num_heads => 1, hidden_dim => 2, intermediate_dim => 2);
SELECT name, loaded_by FROM electra_presets WHERE name = 'of_plain';
RESET ROLE;
REVOKE ALL ON FUNCTION electra_create_preset FROM regress_electra_plain;
DROP ROLE regress_electra_plain;

SELECT count(electra_drop_preset(name)) AS dropped FROM electra_presets WHERE NOT shipped;
SELECT count(electra_forget_preset(name)) AS forgotten FROM _electra.preset;
DROP FUNCTION attempt_create;
