-- The encoder's own call: token ids to sequence_output and pooled_output.
-- Keras-Hub's two examples first.  test/parity/keras_examples.py compares
-- their numbers with keras_hub's, from the same weights.
\getenv sources ELECTRA_TEST_SOURCES
SET client_min_messages = warning;
SELECT electra_create_preset('base_widths', vocab_size => 128, num_layers => 2, num_heads => 12,
	hidden_dim => 768, intermediate_dim => 3072, seed => 1);
SELECT electra_create_preset('random', vocab_size => 1000, num_layers => 2, num_heads => 2,
	hidden_dim => 32, intermediate_dim => 64, seed => 2);
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'no_pooler');
RESET client_min_messages;

-- a batch of one sequence: (1, 12) in, (12, 768) and (768) out
CREATE TABLE encode_keras AS
SELECT p.preset, e.*
FROM (VALUES ('base_widths'), ('random')) AS p(preset),
	electra_encode(token_ids => ARRAY[[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
		segment_ids => ARRAY[[0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0]],
		padding_mask => ARRAY[[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]], preset => p.preset) AS e;
SELECT preset, array_dims(sequence_output) AS sequence_output, array_dims(pooled_output) AS pooled_output
FROM encode_keras ORDER BY preset;
SELECT preset, round(sequence_output[1][1]::numeric, 4) AS first, round(sequence_output[10][20]::numeric, 4) AS middle,
	round(sequence_output[12][32]::numeric, 4) AS padded, round(pooled_output[1]::numeric, 4) AS pooled
FROM encode_keras ORDER BY preset;
-- the same bits on every machine: these digests may never change
SELECT preset, md5(array_send(sequence_output)) AS sequence_output, md5(array_send(pooled_output)) AS pooled_output
FROM encode_keras ORDER BY preset;

-- one sequence without the batch's dimension is the same
SELECT e.sequence_output = k.sequence_output AS sequence_output, e.pooled_output = k.pooled_output AS pooled_output
FROM encode_keras k, electra_encode('{1,1,1,1,1,1,1,1,1,1,1,1}', '{0,0,0,0,0,1,1,1,1,1,0,0}', '{1,1,1,1,1,1,1,1,1,1,0,0}', 'random') e
WHERE k.preset = 'random';

-- segments and padding are 0 and 1 where they are not given
SELECT a.sequence_output = b.sequence_output AS segments, a.sequence_output = c.sequence_output AS mask, a.pooled_output = b.pooled_output AS pooled
FROM electra_encode('{3,1,4,1,5}', NULL, NULL, 'random') a,
	electra_encode('{3,1,4,1,5}', '{0,0,0,0,0}', NULL, 'random') b,
	electra_encode('{3,1,4,1,5}', NULL, '{1,1,1,1,1}', 'random') c;

-- what is padding does not reach the other tokens
SELECT a.sequence_output[:3] = b.sequence_output AS same, array_length(a.sequence_output, 1) AS rows, a.pooled_output = b.pooled_output AS pooled
FROM electra_encode('{7,8,9,0,0,0}', NULL, '{1,1,1,0,0,0}', 'random') a, electra_encode('{7,8,9}', NULL, NULL, 'random') b;
SELECT a.sequence_output[4:6] = b.sequence_output[4:6] AS same
FROM electra_encode('{0,0,0,7,8,9}', NULL, '{0,0,0,1,1,1}', 'random') a, electra_encode('{5,6,7,7,8,9}', NULL, '{0,0,0,1,1,1}', 'random') b;

-- a batch is its sequences, a row each, in order; larger than what is encoded together
WITH batch AS (
	SELECT array_agg(ids ORDER BY n) AS token_ids, array_agg(segments ORDER BY n) AS segment_ids, array_agg(mask ORDER BY n) AS padding_mask
	FROM (SELECT n, ARRAY(SELECT (n * 31 + i * 17) % 1000 FROM generate_series(1, 40) i) AS ids,
			ARRAY(SELECT (i > n % 40)::int FROM generate_series(1, 40) i) AS segments,
			ARRAY(SELECT (i <= 1 + n % 40)::int FROM generate_series(1, 40) i) AS mask
		FROM generate_series(1, 50) n) s)
SELECT count(*) AS rows, bool_and(b.sequence_output = s.sequence_output AND b.pooled_output = s.pooled_output) AS same
FROM batch, LATERAL electra_encode(token_ids, segment_ids, padding_mask, 'random') WITH ORDINALITY AS b(sequence_output, pooled_output, n),
	LATERAL electra_encode(
		ARRAY(SELECT unnest(token_ids[n:n])), ARRAY(SELECT unnest(segment_ids[n:n])), ARRAY(SELECT unnest(padding_mask[n:n])), 'random') s;

-- lower bounds other than 1, NULL, the longest sequence
SELECT a.sequence_output = b.sequence_output AS same
FROM electra_encode('[0:2]={7,8,9}', '[5:7]={0,1,1}', NULL, 'random') a, electra_encode('{7,8,9}', '{0,1,1}', NULL, 'random') b;
SELECT count(*) FROM electra_encode(NULL, NULL, NULL, 'random');
SELECT count(*) FROM electra_encode(NULL);
SELECT array_dims(sequence_output) FROM electra_encode(array_fill(5, ARRAY[512]), NULL, NULL, 'random');

-- with the default preset
SET client_min_messages = error;
SELECT a.sequence_output = b.sequence_output AS sequence_output, a.pooled_output IS NULL AND b.pooled_output IS NULL AS no_pooler
FROM electra_encode(electra_token_ids('hello world')) a,
	electra_encode(electra_token_ids('hello world'), NULL, NULL, 'electra_mini_en_1') b;
RESET client_min_messages;
-- the mean of the sequence output is the embedding
SELECT bool_and(abs(mean - x) < 1e-6) AS mean
FROM electra_encode(electra_token_ids('hello world', 'no_pooler'), NULL, NULL, 'no_pooler') e,
	LATERAL (SELECT i, avg(e.sequence_output[t][i]) AS mean
		FROM generate_series(1, array_length(e.sequence_output, 1)) t, generate_series(1, array_length(e.sequence_output, 2)) i GROUP BY i) m,
	LATERAL unnest(electra_embed('hello world', 'no_pooler')) WITH ORDINALITY AS u(x, i)
WHERE m.i = u.i;

-- without a pooler
SELECT array_dims(sequence_output) AS sequence_output, pooled_output FROM electra_encode('{7,8,9}', NULL, NULL, 'no_pooler');

-- what is no input
SELECT electra_encode('{1,2}', NULL, NULL, NULL);
SELECT electra_encode('{1,2}', NULL, NULL, 'nobody');
SELECT electra_encode('{}', NULL, NULL, 'random');
SELECT electra_encode(ARRAY[[[1, 2]]], NULL, NULL, 'random');
SELECT electra_encode('{1,NULL,3}', NULL, NULL, 'random');
SELECT electra_encode(ARRAY[[1, 2], [3, NULL]], NULL, NULL, 'random');
SELECT electra_encode('{1,2,1000}', NULL, NULL, 'random');
SELECT electra_encode(ARRAY[[1, 2], [-1, 3]], NULL, NULL, 'random');
SELECT electra_encode('[0:1]={1,-7}', NULL, NULL, 'random');
SELECT electra_encode(array_fill(1, ARRAY[513]), NULL, NULL, 'random');
SELECT electra_encode(array_fill(1, ARRAY[2, 513]), NULL, NULL, 'random');
SELECT electra_encode('{1,2}', '{0}', NULL, 'random');
SELECT electra_encode('{1,2}', '{}', NULL, 'random');
SELECT electra_encode('{1,2}', ARRAY[[0, 0]], NULL, 'random');
SELECT electra_encode(ARRAY[[1, 2], [3, 4]], '{0,0}', NULL, 'random');
SELECT electra_encode('{1,2}', '{0,NULL}', NULL, 'random');
SELECT electra_encode('{1,2}', '{0,2}', NULL, 'random');
SELECT electra_encode(ARRAY[[1, 2], [3, 4]], ARRAY[[0, 0], [-1, 0]], NULL, 'random');
SELECT electra_encode('{1,2}', NULL, '{1,1,1}', 'random');
SELECT electra_encode('{1,2}', NULL, '{1,NULL}', 'random');
SELECT electra_encode('{1,2}', NULL, '{1,2}', 'random');
SELECT electra_encode('{1,2}', NULL, '{0,0}', 'random');
SELECT electra_encode(ARRAY[[1, 2], [3, 4]], NULL, ARRAY[[1, 0], [0, 0]], 'random');

-- the counters count all of this
SELECT electra_stat_reset();
SELECT count(*) FROM electra_encode(ARRAY[[1, 2, 3], [4, 5, 6]], NULL, NULL, 'random');
SELECT electra_encode('{1000}', NULL, NULL, 'random');
SELECT names, calls, texts, tokens, errors FROM electra_stat_presets WHERE names = ARRAY['random'];

DROP TABLE encode_keras;
SELECT electra_drop_preset(name) FROM electra_presets WHERE NOT shipped ORDER BY name;
SELECT electra_forget_preset(name) FROM _electra.preset ORDER BY name;
