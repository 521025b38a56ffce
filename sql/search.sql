-- The k nearest rows by exact cosine, without pgvector.
SET client_min_messages = error;
CREATE TABLE search_notes (id integer PRIMARY KEY, body text, embedding real[]);
INSERT INTO search_notes SELECT i, 'note number ' || i, electra_embed('note number ' || i, 'electra_mini_en_1') FROM generate_series(1, 300) AS i;
INSERT INTO search_notes VALUES (301, 'not embedded yet', NULL), (302, 'nothing', array_fill(0::real, ARRAY[electra_dimensions('electra_mini_en_1')]));
SELECT key FROM electra_search('search_notes', 'embedding', 'note number 7', 1, 'electra_mini_en_1');

-- the same rows, scores and order as plain SQL, for any k and in both overloads
CREATE FUNCTION search_by_hand(query text, k integer) RETURNS TABLE (key jsonb, score real) LANGUAGE SQL STABLE AS $$
	SELECT jsonb_build_object('id', id), electra_cosine(embedding, electra_embed_query(query, 'electra_mini_en_1')) AS score
	FROM search_notes WHERE embedding IS NOT NULL ORDER BY score DESC, id LIMIT k
$$;
CREATE FUNCTION search_differences(query text, k integer) RETURNS TABLE (rows bigint, differences bigint, largest real) LANGUAGE SQL STABLE AS $$
	SELECT count(*), count(*) FILTER (WHERE f.key IS DISTINCT FROM h.key), max(abs(f.score - h.score))
	FROM electra_search('search_notes', 'embedding', query, k, 'electra_mini_en_1') WITH ORDINALITY AS f(key, score, n)
	FULL JOIN ROWS FROM (search_by_hand(query, k)) WITH ORDINALITY AS h(key, score, n) USING (n)
$$;
SELECT k, rows, differences, largest <= 1e-6 AS equal
FROM unnest(ARRAY[1, 2, 10, 299, 301, 302, 10000]) AS k, LATERAL search_differences('a note about 12', k);
-- dimensions that fill no vector register, against arithmetic in double precision
SELECT electra_create_preset('search_37', vocabulary => '{[PAD],[UNK],[CLS],[SEP],[MASK],a,b,c}', num_layers => 1, num_heads => 1, hidden_dim => 37, embedding_dim => 8, intermediate_dim => 8) AS name;
CREATE TABLE search_double (id integer PRIMARY KEY, v real[]);
INSERT INTO search_double SELECT i, ARRAY(SELECT (sin(i * 1.7 + j * j) * 10 ^ (i % 7))::real FROM generate_series(1, 37) AS j) FROM generate_series(1, 100) AS i;
SELECT count(*), max(abs(score - (SELECT sum(x::float8 * y) / sqrt(sum(x::float8 * x) * sum(y::float8 * y))
	FROM unnest(v, electra_embed_query('a b c', 'search_37')) AS t(x, y)))) < 1e-6 AS equal
FROM electra_search('search_double', 'v', 'a b c', 1000, 'search_37'), search_double WHERE id = (key->>'id')::integer;

-- equal scores come in the order of their keys, whatever the order of the rows
INSERT INTO search_notes SELECT 1000 - i, 'twin', electra_embed('twin', 'electra_mini_en_1') FROM generate_series(1, 50) AS i;
SELECT string_agg(key->>'id', ' ') AS ids FROM electra_search('search_notes', 'embedding', 'twin', 7, 'electra_mini_en_1');
-- a zero vector scores 0; rows without a vector are no rows
SELECT score FROM electra_search('search_notes', 'embedding', 'twin', 10000, 'electra_mini_en_1') WHERE key = '{"id": 302}';
SELECT count(*) FROM electra_search('search_notes', 'embedding', 'twin', 10000) WHERE key = '{"id": 301}';
SELECT count(*) FROM electra_search('search_notes', 'embedding', NULL, 3, 'electra_mini_en_1');
-- the statement's own snapshot
BEGIN;
DELETE FROM search_notes WHERE id > 900;
SELECT count(*) FROM electra_search('search_notes', 'embedding', 'twin', 10000) WHERE (key->>'id')::integer > 900;
ROLLBACK;
SELECT count(*) FROM electra_search('search_notes', 'embedding', 'twin', 10000) WHERE (key->>'id')::integer > 900;

-- pages with rows that are dead, updated, rolled back, or the transaction's own
SELECT rows, differences, largest <= 1e-6 AS equal FROM search_differences('a note about 12', 10000);
BEGIN;
UPDATE search_notes SET body = body || '!', embedding = electra_embed(body || '!', 'electra_mini_en_1') WHERE id % 3 = 0 AND id BETWEEN 50 AND 300;
SAVEPOINT before_more;
INSERT INTO search_notes SELECT id + 2000, body, embedding FROM search_notes WHERE id < 301;
DELETE FROM search_notes WHERE id % 2 = 0;
ROLLBACK TO before_more;
DELETE FROM search_notes WHERE id % 5 = 0 AND id BETWEEN 101 AND 300;
SELECT rows, differences, largest <= 1e-6 AS equal FROM search_differences('a note about 12', 10000);
COMMIT;
SELECT rows, differences, largest <= 1e-6 AS equal FROM search_differences('a note about 12', 10000);
VACUUM search_notes;
SELECT rows, differences, largest <= 1e-6 AS equal FROM search_differences('a note about 12', 10000);
-- a serializable transaction remembers that it has read the whole table
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*) FROM electra_search('search_notes', 'embedding', 'twin', 1, 'electra_mini_en_1');
SELECT locktype FROM pg_locks WHERE mode = 'SIReadLock' AND pid = pg_backend_pid() AND relation = 'search_notes'::regclass;
COMMIT;
-- in the buffers of this session; no page at all
CREATE TEMPORARY TABLE search_temporary (LIKE search_notes INCLUDING ALL);
SELECT count(*) FROM electra_search('search_temporary', 'embedding', 'twin', 5, 'electra_mini_en_1');
INSERT INTO search_temporary SELECT * FROM search_notes;
SELECT count(*), count(*) FILTER (WHERE t IS DISTINCT FROM n) AS differences
FROM electra_search('search_temporary', 'embedding', 'twin', 10000) WITH ORDINALITY AS t(key, score, i)
FULL JOIN electra_search('search_notes', 'embedding', 'twin', 10000) WITH ORDINALITY AS n(key, score, i) USING (i);
DROP TABLE search_temporary;

-- Keys: several columns, any type and name; columns behind the vector
CREATE TABLE search_composite ("The Vector" real[], dropped integer, "Shelf ""A""" text, day date, nr numeric, PRIMARY KEY (nr, "Shelf ""A""", day));
ALTER TABLE search_composite DROP COLUMN dropped;
INSERT INTO search_composite SELECT electra_embed('book ' || i, 'electra_mini_en_1'), 'shelf ' || i, date '2024-02-28' + i, i / 4.0 FROM generate_series(1, 20) AS i;
SELECT key, score > 0.99999 AS found FROM electra_search('search_composite', 'The Vector', 'book 2', 1, 'electra_mini_en_1');
-- out of line, compressed, in other bounds, short, a domain
CREATE DOMAIN search_vector AS real[];
CREATE TABLE search_forms (id text PRIMARY KEY, v search_vector, filler text);
ALTER TABLE search_forms ALTER COLUMN v SET STORAGE EXTERNAL;
INSERT INTO search_forms SELECT 'external ' || i, electra_embed('form ' || i, 'electra_mini_en_1'), repeat(md5(i::text), 60) FROM generate_series(1, 30) AS i;
INSERT INTO search_forms SELECT 'bounds', format('[-3:%s]=%s', electra_dimensions('electra_mini_en_1') - 4, electra_embed('form 5', 'electra_mini_en_1'))::real[];
ALTER TABLE search_forms ALTER COLUMN v SET STORAGE EXTENDED;
INSERT INTO search_forms SELECT 'compressed', array_fill(1::real, ARRAY[electra_dimensions('electra_mini_en_1')]), repeat(md5('x'), 70);
SELECT key, score > 0.99999 AS same FROM electra_search('search_forms', 'v', 'form 5', 2, 'electra_mini_en_1');
SELECT count(*) FROM electra_search('search_forms', 'v', 'form 5', 100, 'electra_mini_en_1');

-- Partitions whose columns lie elsewhere, inheritance, materialized views
CREATE TABLE search_parts (id integer, v real[], PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE search_parts_1 PARTITION OF search_parts FOR VALUES FROM (1) TO (100);
CREATE TABLE search_parts_2 (extra text, v real[], gone integer, id integer NOT NULL);
ALTER TABLE search_parts_2 DROP COLUMN gone;
ALTER TABLE search_parts_2 DROP COLUMN extra;
ALTER TABLE search_parts ATTACH PARTITION search_parts_2 FOR VALUES FROM (100) TO (1000);
INSERT INTO search_parts SELECT i, electra_embed('part ' || i, 'electra_mini_en_1') FROM generate_series(50, 150) AS i;
SELECT string_agg(f.key->>'id', ' ') = (SELECT string_agg(id::text, ' ') FROM (SELECT id FROM search_parts ORDER BY electra_cosine(v, electra_embed_query('part 99', 'electra_mini_en_1')) DESC, id LIMIT 20) AS h) AS same
FROM electra_search('search_parts', 'v', 'part 99', 20, 'electra_mini_en_1') AS f;
CREATE TABLE search_child () INHERITS (search_forms);
INSERT INTO search_child VALUES ('child', electra_embed('form of a child', 'electra_mini_en_1'));
SELECT key FROM electra_search('search_forms', 'v', 'form of a child', 1, 'electra_mini_en_1');
CREATE MATERIALIZED VIEW search_view AS SELECT id, embedding FROM search_notes WITH NO DATA;
SELECT * FROM electra_search('search_view', 'embedding', 'twin', 1);
REFRESH MATERIALIZED VIEW search_view;
SELECT * FROM electra_search('search_view', 'embedding', 'twin', 1);
CREATE UNIQUE INDEX ON search_view ((id + 1));
CREATE UNIQUE INDEX ON search_view (id) WHERE id > 10;
SELECT * FROM electra_search('search_view', 'embedding', 'twin', 1);
CREATE UNIQUE INDEX ON search_view (id);
SELECT key FROM electra_search('search_view', 'embedding', 'twin', 1);

-- joined with its table; in parallel workers
SELECT body FROM electra_search('search_notes', 'embedding', 'note number 7', 2, 'electra_mini_en_1') AS f
JOIN search_notes ON id = (f.key->>'id')::integer ORDER BY f.score DESC LIMIT 1;
SELECT set_config(name, 'on', false) AS forced FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
EXPLAIN (COSTS off) SELECT key FROM electra_search('search_notes', 'embedding', 'note number 9', 1, 'electra_mini_en_1');
SELECT key FROM electra_search('search_notes', 'embedding', 'note number 9', 1, 'electra_mini_en_1');
SELECT set_config(name, 'off', false) AS forced FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');

-- Rights: those of a query
CREATE ROLE regress_electra_searcher;
SET ROLE regress_electra_searcher;
SELECT * FROM electra_search('search_notes', 'embedding', 'twin', 1);
RESET ROLE;
GRANT SELECT (embedding) ON search_notes TO regress_electra_searcher;
SET ROLE regress_electra_searcher;
SELECT * FROM electra_search('search_notes', 'embedding', 'twin', 1);
RESET ROLE;
GRANT SELECT (id) ON search_notes TO regress_electra_searcher;
SET ROLE regress_electra_searcher;
SELECT key FROM electra_search('search_notes', 'embedding', 'twin', 1);
RESET ROLE;
-- row-level security holds
ALTER TABLE search_notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY hundreds ON search_notes TO regress_electra_searcher USING (id BETWEEN 952 AND 960);
SET ROLE regress_electra_searcher;
SELECT key FROM electra_search('search_notes', 'embedding', 'twin', 3, 'electra_mini_en_1');
SELECT count(*) = (SELECT count(embedding) FROM search_notes) AS all_of_the_visible FROM electra_search('search_notes', 'embedding', 'twin', 10000);
SET row_security = off;
SELECT key FROM electra_search('search_notes', 'embedding', 'twin', 3, 'electra_mini_en_1');
RESET row_security;
RESET ROLE;
SELECT count(*) > 300 AS owner_sees_all FROM electra_search('search_notes', 'embedding', 'twin', 10000);

-- What cannot be searched
SELECT * FROM electra_search('search_notes', 'embedding', 'q', 0);
SELECT * FROM electra_search('search_notes', 'embedding', 'q', 10001);
SELECT * FROM electra_search(NULL, 'embedding', 'q', 1);
SELECT * FROM electra_search('search_notes', NULL, 'q', 1);
SELECT * FROM electra_search('search_notes', 'embedding', 'q', NULL);
SELECT * FROM electra_search('search_notes', 'embedding', 'q', 1, NULL);
SELECT * FROM electra_search('search_notes', 'embedding', 'q', 1, 'missing-preset');
SELECT * FROM electra_search('search_notes', 'Embedding', 'q', 1);
SELECT * FROM electra_search('search_notes', 'ctid', 'q', 1);
SELECT * FROM electra_search('search_notes', 'body', 'q', 1);
SELECT * FROM electra_search(0, 'embedding', 'q', 1);
CREATE VIEW search_plain_view AS SELECT * FROM search_notes;
SELECT * FROM electra_search('search_plain_view', 'embedding', 'q', 1);
SELECT * FROM electra_search('search_notes_pkey', 'embedding', 'q', 1);
CREATE TABLE search_keyless (id integer UNIQUE, v real[]);
SELECT * FROM electra_search('search_keyless', 'v', 'q', 1);
CREATE TABLE search_bad (id integer, part text, v real[], PRIMARY KEY (id, part));
INSERT INTO search_bad VALUES (1, 'a', electra_embed('good', 'search_37')), (2, 'b', '{1,2,3}');
SELECT * FROM electra_search('search_bad', 'v', 'q', 1, 'search_37');
UPDATE search_bad SET v = '{}' WHERE id = 2;
SELECT * FROM electra_search('search_bad', 'v', 'q', 1, 'search_37');
UPDATE search_bad SET v = array_fill(1::real, ARRAY[1, 37]) WHERE id = 2;
SELECT * FROM electra_search('search_bad', 'v', 'q', 1, 'search_37');
UPDATE search_bad SET v = array_fill(NULL::real, ARRAY[37]) WHERE id = 2;
SELECT * FROM electra_search('search_bad', 'v', 'q', 1, 'search_37');
UPDATE search_bad SET v = array_fill('NaN'::real, ARRAY[37]) WHERE id = 2;
SELECT * FROM electra_search('search_bad', 'v', 'q', 1, 'search_37');
UPDATE search_bad SET v = array_fill('-Infinity'::real, ARRAY[37]) WHERE id = 2;
SELECT * FROM electra_search('search_bad', 'v', 'q', 1, 'search_37');

DROP OWNED BY regress_electra_searcher;
DROP ROLE regress_electra_searcher;
DROP VIEW search_plain_view;
DROP MATERIALIZED VIEW search_view;
DROP TABLE search_notes, search_double, search_composite, search_forms, search_child, search_parts, search_keyless, search_bad;
DROP FUNCTION search_by_hand(text, integer), search_differences(text, integer);
DROP DOMAIN search_vector;
SELECT electra_drop_preset('search_37');
SELECT electra_forget_preset('search_37');
