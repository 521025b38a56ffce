-- The encoder's outputs of a text, and its table of token embeddings.
\getenv sources ELECTRA_TEST_SOURCES
SET client_min_messages = warning;
SELECT electra_create_preset('words', vocabulary => '{[PAD],[UNK],[CLS],[SEP],[MASK],the,quick,brown,fox,##es,é}',
	num_layers => 2, num_heads => 2, hidden_dim => 32, embedding_dim => 16, intermediate_dim => 64,
	max_sequence_length => 12, seed => 3);
SELECT electra_create_preset('one_segment', vocabulary => '{[PAD],[UNK],[CLS],[SEP],[MASK],the}',
	num_layers => 1, num_heads => 2, hidden_dim => 8, intermediate_dim => 8, num_segments => 1);
SELECT electra_create_preset('ids_only', vocab_size => 100, num_layers => 1, num_heads => 2, hidden_dim => 8, intermediate_dim => 8);
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'no_pooler');
SELECT electra_load_preset(:'sources' || '/bert_prefixed_heads', 'pooler');
RESET client_min_messages;

-- a row a token
SELECT "position", token_id, token, array_dims(embedding) FROM electra_sequence_output('The brown foxes, É!', 'words');

-- the rows are those of electra_encode, the first is what the pooled output comes from
SELECT bool_and(s.embedding = ARRAY(SELECT unnest(e.sequence_output[s.position:s.position]))) AS same
FROM electra_encode(electra_token_ids('the quick brown fox', 'words'), NULL, NULL, 'words') e,
	electra_sequence_output('the quick brown fox', 'words') s;
SELECT electra_pooled('the quick brown fox', 'words') = e.pooled_output AS same, array_dims(e.pooled_output)
FROM electra_encode(electra_token_ids('the quick brown fox', 'words'), NULL, NULL, 'words') e;

-- a pair
SELECT "position", token_id, token FROM electra_sequence_output('the quick', 'words', 'brown foxes');
SELECT bool_and(s.embedding = ARRAY(SELECT unnest(e.sequence_output[s.position:s.position]))) AS same,
	bool_and(electra_pooled('the quick', 'words', 'brown foxes') = e.pooled_output) AS pooled
FROM electra_token_pair('the quick', 'brown foxes', 'words') p,
	electra_encode(p.token_ids, p.segment_ids, NULL, 'words') e,
	electra_sequence_output('the quick', 'words', 'brown foxes') s;
SELECT electra_pooled('the', 'words', '') = electra_pooled('the', 'words') AS empty_is_a_text,
	electra_pooled('the', 'words', NULL) = electra_pooled('the', 'words') AS null_is_none;

-- texts that do not fit
SELECT count(*), max(token) FILTER (WHERE "position" = 12) AS last FROM electra_sequence_output(repeat('the ', 100), 'words');

-- NULL
SELECT electra_pooled(NULL), electra_pooled(NULL, 'words'), electra_pooled(NULL, 'words', 'fox');
SELECT count(*) FROM electra_sequence_output(NULL);
SELECT count(*) FROM electra_sequence_output(NULL, 'words');
SELECT count(*) FROM electra_sequence_output(NULL, 'words', 'fox');
SELECT electra_pooled('the', NULL);
SELECT electra_sequence_output('the', NULL);
SELECT electra_token_embedding(NULL), electra_token_embedding(NULL, 'words');
SELECT electra_token_embedding(1, NULL);

-- with the default preset
SET client_min_messages = error;
SELECT bool_and(a = b) AS same FROM electra_sequence_output('the water') a
	JOIN electra_sequence_output('the water', 'electra_mini_en_1') b USING ("position");
SELECT electra_token_embedding(3) = electra_token_embedding(3, 'electra_mini_en_1') AS same;
RESET client_min_messages;

-- Hugging Face's ELECTRA has no pooler, its BERT has one
SELECT array_dims(electra_pooled('the fox', 'pooler'));
SELECT electra_pooled('the fox', 'no_pooler');
SELECT electra_pooled('the fox', 'no_pooler', 'the dog');
SELECT electra_pooled(NULL, 'no_pooler');
SELECT count(*) FROM electra_sequence_output('the fox', 'no_pooler');
SELECT electra_set_default_preset('words');
SELECT electra_pooled('the') = electra_pooled('the', 'words') AS same;
SELECT electra_set_default_preset('electra_mini_en_1');

-- the table of token embeddings has embedding_dim columns
SELECT array_dims(electra_token_embedding(0, 'words')), electra_token_embedding(5, 'words') = electra_token_embedding(6, 'words') AS same;
SELECT electra_token_embedding(11, 'words');
SELECT electra_token_embedding(-1, 'words');

-- one segment: no pairs
SELECT cardinality(electra_pooled('the', 'one_segment'));
SELECT electra_pooled('the', 'one_segment', 'the');
SELECT electra_sequence_output('the', 'one_segment', 'the');
SELECT electra_token_pair('the', 'the', 'one_segment');
SELECT electra_encode('{1,2}', '{0,1}', NULL, 'one_segment');

-- without a vocabulary there are token ids only
SELECT array_dims(sequence_output), array_dims(pooled_output) FROM electra_encode('{99,0}', NULL, NULL, 'ids_only');
SELECT array_dims(electra_token_embedding(99, 'ids_only'));
SELECT electra_pooled('the', 'ids_only');
SELECT electra_sequence_output('the', 'ids_only');
SELECT electra_token_pair('the', 'the', 'ids_only');
SELECT electra_embed('the', 'ids_only');
SELECT electra_embed_batch(ARRAY['the'], 'ids_only');
SELECT electra_tokenize('the', 'ids_only');
SELECT electra_token_ids('the', 'ids_only');
SELECT electra_token_count('the', 'ids_only');
SELECT electra_detokenize('{1}', 'ids_only');
SELECT electra_preset_config('ids_only') -> 'tokenizer' AS tokenizer;

-- what a preset says of itself
SELECT c ->> 'dtype' AS dtype, c ->> 'dropout' AS dropout, c ->> 'pooled_output' AS pooled_output, c -> 'tokenizer' ->> 'pipeline' AS pipeline
FROM unnest(ARRAY['words', 'no_pooler', 'pooler']) AS name, electra_preset_config(name) AS c;
-- 11 tokens of 16, positions, segments, norm; projection; 2 layers; pooler
SELECT parameters = (11 + 12 + 2 + 2) * 16 + (16 * 32 + 32) + 2 * (4 * (32 * 32 + 32) + 2 * 32 * 64 + 64 + 32 + 4 * 32) + (32 * 32 + 32) AS counted
FROM electra_presets WHERE name = 'words';

-- stored where functions must be immutable
CREATE TABLE outputs_stored (body text, pooled real[] GENERATED ALWAYS AS (electra_pooled(body, 'words')) STORED);
INSERT INTO outputs_stored VALUES ('the fox');
SELECT pooled = electra_pooled(body, 'words') AS same FROM outputs_stored;
DROP TABLE outputs_stored;

SELECT electra_stat_reset();
SELECT count(*) FROM electra_sequence_output('the quick', 'words', repeat('brown ', 20));
SELECT electra_pooled('the', 'words') IS NOT NULL AS pooled;
SELECT electra_token_embedding(99, 'words');
SELECT names, calls, texts, tokens, truncated, errors FROM electra_stat_presets WHERE names = ARRAY['words'];

TRUNCATE _electra.default_preset;
SELECT electra_drop_preset(name) FROM electra_presets WHERE NOT shipped ORDER BY name;
SELECT electra_forget_preset(name) FROM _electra.preset ORDER BY name;
