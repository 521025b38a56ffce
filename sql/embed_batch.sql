-- Many texts in one call: the same bits as one by one, in order.
SELECT n, embedding = electra_embed(t) AS same FROM electra_embed_batch(ARRAY['one', NULL, 'three'])
	JOIN unnest(ARRAY['one', NULL, 'three']) WITH ORDINALITY AS u(t, n) USING (n) ORDER BY n;
SELECT n, embedding IS NULL AS is_null FROM electra_embed_batch(ARRAY[NULL, NULL, 'three', NULL], 'electra_mini_en_1');

-- no elements, no rows
SELECT count(*) FROM electra_embed_batch('{}');
SELECT count(*) FROM electra_embed_batch(NULL, 'electra_mini_en_1');
SELECT count(*) FROM electra_embed_batch(NULL::text[]);
SELECT count(*) FROM electra_embed_batch(ARRAY[NULL]::text[], 'electra_mini_en_1') WHERE embedding IS NULL;

-- several dimensions as unnest gives them, any lower bound
SELECT n, embedding = electra_embed(t, 'electra_mini_en_1') AS same
FROM electra_embed_batch(ARRAY[['a', 'b'], ['c', 'd']], 'electra_mini_en_1') JOIN unnest(ARRAY['a', 'b', 'c', 'd']) WITH ORDINALITY AS u(t, n) USING (n)
ORDER BY n;
SELECT n, embedding = electra_embed('y', 'electra_mini_en_1') AS same_as_y FROM electra_embed_batch('[5:6]={x,y}'::text[], 'electra_mini_en_1');

-- texts of every length, short and long mixed, some beyond max_length
CREATE TABLE batch_texts AS
	SELECT i, CASE WHEN i % 11 = 0 THEN NULL ELSE repeat('word' || i % 17 || ' ', (i * 37) % 40 + i % 15 / 14 * 250) END AS body
	FROM generate_series(1, 100) AS i;
SELECT count(*), count(embedding), count(*) FILTER (WHERE embedding IS DISTINCT FROM electra_embed(body, 'electra_mini_en_1')) AS differ
FROM electra_embed_batch((SELECT array_agg(body ORDER BY i) FROM batch_texts), 'electra_mini_en_1') JOIN batch_texts ON i = n;
SELECT bool_and(n = o) AS in_order
FROM electra_embed_batch((SELECT array_agg(body ORDER BY i) FROM batch_texts), 'electra_mini_en_1') WITH ORDINALITY AS b(n, embedding, o);

-- in the target list, and as a lateral join
SELECT (electra_embed_batch(ARRAY['one', 'two'], 'electra_mini_en_1')).n;
SELECT g, b.n FROM generate_series(1, 2) AS g, electra_embed_batch(array_fill('t' || g, ARRAY[g]), 'electra_mini_en_1') AS b ORDER BY 1, 2;

DROP TABLE batch_texts;

-- texts longer than a batch, one after the other
SELECT electra_create_preset('long_texts', ARRAY['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a'], num_layers => 1, num_heads => 1,
	hidden_dim => 4, intermediate_dim => 4, max_sequence_length => 4000);
SELECT b.n, b.embedding = electra_embed(t.body, 'long_texts') AS same
FROM (SELECT array_agg(repeat('a ', 3000 - n) ORDER BY n) AS bodies FROM generate_series(1, 5) n) s,
	electra_embed_batch(s.bodies, 'long_texts') b
	JOIN LATERAL (SELECT s.bodies[b.n] AS body) t ON true
ORDER BY b.n;
SELECT electra_drop_preset('long_texts');
SELECT electra_forget_preset('long_texts');
