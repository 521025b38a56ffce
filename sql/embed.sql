-- One text to one vector.
SELECT array_length(electra_embed('a first text'), 1) = electra_dimensions('electra_mini_en_1') AS dimensions;

-- a session is told once that its default preset is untrained
SET client_min_messages = warning;
SELECT electra_create_preset('fixed', vocabulary => ARRAY['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'the', 'quick', 'brown', 'fox', 'long', 'text',
	'hello', 'wor', '##ld', 'unicode', 'т', '##е', '##к', '##с', '##т', ',', '–'],
	num_layers => 2, num_heads => 4, hidden_dim => 128, embedding_dim => 64, intermediate_dim => 512);
SELECT electra_set_default_preset('fixed');
SELECT electra_embed('a text') = electra_embed('a text', 'fixed') AS same;
SELECT electra_embed('another text') = electra_embed('another text', 'fixed') AS same;
SELECT electra_set_default_preset('electra_mini_en_1');
RESET client_min_messages;

-- the default preset by name and as default
SELECT electra_embed('a text') = electra_embed('a text', 'electra_mini_en_1') AS same;
SELECT electra_embed('a text') = electra_embed('another text') AS same;

-- The same bits on every machine: these digests may never change.
SELECT n, md5(electra_embed(body, 'fixed')::text)
FROM (VALUES (1, ''), (2, ' '), (3, 'hello world'), (4, 'Ünïcödé – テキスト, текст'),
	(5, repeat('the quick brown fox ', 40)), (6, repeat('long text ', 2000))) AS t(n, body)
ORDER BY n;

-- every component is a number
SELECT bool_and(x > '-Infinity' AND x < 'Infinity') AS finite
FROM unnest(electra_embed('what is this?', 'electra_mini_en_1')) AS x;

-- white space around a text, and case, are not seen by this tokenizer
SELECT electra_embed('hello', 'electra_mini_en_1') = electra_embed(E'\n Hello\t', 'electra_mini_en_1') AS same;

-- a text is cut at max_length
SELECT electra_embed(repeat('water ', 1000), 'electra_mini_en_1')
	= electra_embed(repeat('water ', 200000), 'electra_mini_en_1') AS same;

-- however a text is stored: inline, compressed, out of line, both
CREATE TABLE embed_texts (kind text, body text);
ALTER TABLE embed_texts ALTER body SET STORAGE PLAIN;
INSERT INTO embed_texts VALUES ('plain', repeat('night and day ', 400));
ALTER TABLE embed_texts ALTER body SET STORAGE MAIN;
INSERT INTO embed_texts VALUES ('main', repeat('night and day ', 400));
ALTER TABLE embed_texts ALTER body SET STORAGE EXTERNAL;
INSERT INTO embed_texts VALUES ('external', repeat('night and day ', 400)), ('external, long', repeat('night and day ', 20000));
ALTER TABLE embed_texts ALTER body SET STORAGE EXTENDED;
INSERT INTO embed_texts VALUES ('extended, long', repeat('night and day ', 20000)),
	('extended, blank at first', repeat(' ', 100000) || repeat('night and day ', 400));
SELECT kind, electra_embed(body, 'electra_mini_en_1') = first_value(electra_embed(body, 'electra_mini_en_1')) OVER (ORDER BY kind DESC) AS same
FROM embed_texts ORDER BY kind DESC;

-- where functions must be immutable
CREATE TABLE embed_documents (
	id integer PRIMARY KEY,
	body text,
	embedding real[] GENERATED ALWAYS AS (electra_embed(body, 'electra_mini_en_1')) STORED
);
INSERT INTO embed_documents VALUES (1, 'apples and pears'), (2, NULL), (3, 'a bicycle');
UPDATE embed_documents SET body = 'two bicycles' WHERE id = 3;
SELECT id, embedding IS NULL AS is_null, embedding IS NOT DISTINCT FROM electra_embed(body, 'electra_mini_en_1') AS same
FROM embed_documents ORDER BY id;
CREATE INDEX ON embed_documents ((electra_embed(body, 'electra_mini_en_1')));
SELECT p.proname, p.pronargs, p.provolatile, p.proparallel, p.proisstrict
FROM pg_proc p
WHERE p.proname IN ('electra_embed', 'electra_embed_query', 'electra_embed_document', 'electra_embed_batch',
	'electra_similarity', 'electra_cosine', 'electra_tokenize', 'electra_token_ids', 'electra_token_count', 'electra_detokenize')
ORDER BY p.proname COLLATE "C", p.pronargs;

-- prompts: this preset has none, which electra_embed_query says once a session
SELECT electra_embed_query('a text', 'electra_mini_en_1') = electra_embed('a text') AS same;
SELECT electra_embed_query('a text') = electra_embed('a text') AS same;
SELECT electra_embed_document('a text') = electra_embed('a text') AS same;
SELECT electra_embed_document('a text', 'electra_mini_en_1') = electra_embed('a text') AS same;

-- a name with the beginning of its digest
SELECT electra_embed('a text', 'electra_mini_en_1@' || left(digest, 12)) = electra_embed('a text') AS same
FROM electra_presets WHERE name = 'electra_mini_en_1';

DROP TABLE embed_texts, embed_documents;
SELECT electra_drop_preset('fixed');
SELECT electra_forget_preset('fixed');
