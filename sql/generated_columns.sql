-- Stored generated columns: what computes embeddings again, and what does not.
-- Twenty rows; the counter is that of the encoder's runs.
SET client_min_messages = error;
CREATE FUNCTION encoder_runs() RETURNS bigint
	LANGUAGE SQL AS $$ SELECT coalesce(sum(texts), 0)::bigint FROM electra_stat_presets WHERE 'electra_mini_en_1' = ANY (names) $$;
-- so that no text of an earlier statement comes out of the memo
CREATE FUNCTION flush_memo() RETURNS bigint
	LANGUAGE SQL AS $$ SELECT count(electra_embed('something else ' || i, 'electra_mini_en_1')) FROM generate_series(1, 8) AS i $$;
CREATE TABLE outcome (n integer GENERATED ALWAYS AS IDENTITY, event text, embeddings bigint);
CREATE FUNCTION note(event text, statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint;
BEGIN
	PERFORM flush_memo();
	before := encoder_runs();
	EXECUTE statement;
	INSERT INTO outcome (event, embeddings) VALUES (note.event, encoder_runs() - before);
	RETURN encoder_runs() - before;
END $$;

CREATE TABLE document (
	id integer PRIMARY KEY,
	body text,
	views integer DEFAULT 0,
	embedding real[] GENERATED ALWAYS AS (electra_embed(body, 'electra_mini_en_1')) STORED
);
CREATE FUNCTION wrong_rows() RETURNS bigint LANGUAGE SQL AS $$
	SELECT count(*) FROM document WHERE embedding::real[] IS DISTINCT FROM electra_embed(body, 'electra_mini_en_1') $$;

-- rows that come, change and go
SELECT note('INSERT of 20 rows', $$ INSERT INTO document SELECT i, 'text number ' || i FROM generate_series(1, 20) AS i $$);
SELECT note('UPDATE of another column', $$ UPDATE document SET views = views + 1 $$);
SELECT note('UPDATE of the text in one row', $$ UPDATE document SET body = body || ' changed' WHERE id = 7 $$);
SELECT note('UPDATE SET body = body', $$ UPDATE document SET body = body $$);
SELECT note('UPDATE of a row to NULL', $$ UPDATE document SET body = NULL WHERE id = 8 $$);
SELECT note('ON CONFLICT DO NOTHING, 20 conflicts', $$ INSERT INTO document SELECT i, 'proposed text ' || i FROM generate_series(1, 20) AS i ON CONFLICT DO NOTHING $$);
SELECT flush_memo() AS flushed \gset
SELECT encoder_runs() AS runs \gset
COPY document (id, body) FROM stdin;
101	copied text 101
102	copied text 102
103	copied text 103
104	copied text 104
105	copied text 105
\.
INSERT INTO outcome (event, embeddings) SELECT 'COPY of 5 rows', encoder_runs() - :runs;
SELECT note('DELETE', $$ DELETE FROM document WHERE id > 100 $$);
SELECT wrong_rows();

-- triggers: it is the table's having a BEFORE UPDATE row trigger that counts
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER after_update AFTER UPDATE ON document FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE TRIGGER before_insert BEFORE INSERT ON document FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE TRIGGER before_statement BEFORE UPDATE ON document FOR EACH STATEMENT EXECUTE FUNCTION nothing();
SELECT note('UPDATE of another column, AFTER row and BEFORE statement trigger', $$ UPDATE document SET views = views + 1 $$);
CREATE TRIGGER before_update BEFORE UPDATE OF body ON document FOR EACH ROW WHEN (false) EXECUTE FUNCTION nothing();
SELECT note('UPDATE of another column, any BEFORE UPDATE row trigger', $$ UPDATE document SET views = views + 1 $$);
ALTER TABLE document DISABLE TRIGGER before_update;
SELECT note('the same, trigger disabled', $$ UPDATE document SET views = views + 1 $$);
DROP TRIGGER before_update ON document;

-- the table's form; 19 rows have a text
ALTER TABLE document ADD COLUMN plain integer DEFAULT 1;
SELECT note('ADD COLUMN, plain', $$ ALTER TABLE document ADD COLUMN other integer DEFAULT 1 $$);
SELECT note('ADD COLUMN with a volatile default: rewrites', $$ ALTER TABLE document ADD COLUMN made_at timestamptz DEFAULT clock_timestamp() $$);
SELECT note('ALTER TYPE of another column: rewrites', $$ ALTER TABLE document ALTER COLUMN views TYPE bigint $$);
SELECT note('ALTER TYPE of the embedding: rewrites', $$ ALTER TABLE document ALTER COLUMN embedding TYPE double precision[] $$);
SELECT wrong_rows(), pg_typeof(embedding) FROM document LIMIT 1;
SELECT note('UPDATE after that', $$ UPDATE document SET body = body $$);
SELECT note('ADD COLUMN, another embedding', $$ ALTER TABLE document ADD COLUMN again real[] GENERATED ALWAYS AS (electra_embed(body)) STORED $$);
SELECT note('UPDATE of the text, two embeddings of one preset', $$ UPDATE document SET body = body $$);
SELECT note('DROP COLUMN', $$ ALTER TABLE document DROP COLUMN again $$);
SELECT note('DROP EXPRESSION', $$ ALTER TABLE document ALTER COLUMN embedding DROP EXPRESSION $$);
SELECT note('and then UPDATE of the text', $$ UPDATE document SET body = body || '.' $$);
ALTER TABLE document DROP COLUMN embedding,
	ADD COLUMN embedding real[] GENERATED ALWAYS AS (electra_embed(body, 'electra_mini_en_1')) STORED;
ALTER TABLE document ALTER COLUMN body TYPE varchar;
SELECT wrong_rows();

-- maintenance
CREATE INDEX document_views ON document (views);
SELECT flush_memo() AS flushed \gset
SELECT encoder_runs() AS runs \gset
VACUUM FULL document;
INSERT INTO outcome (event, embeddings) SELECT 'VACUUM FULL', encoder_runs() - :runs;
SELECT note('CLUSTER', $$ CLUSTER document USING document_views $$);
SELECT note('REINDEX', $$ REINDEX TABLE document $$);
SELECT note('ANALYZE', $$ ANALYZE document $$);
SELECT note('CREATE INDEX on the embedding', $$ CREATE INDEX ON document (embedding) $$);
SELECT note('SET LOGGED and back: rewrites', $$ ALTER TABLE document SET UNLOGGED; ALTER TABLE document SET LOGGED $$);

-- tables made of it
SELECT note('CREATE TABLE AS, copying the embedding', $$ CREATE TABLE copied AS SELECT * FROM document $$);
SELECT note('CREATE TABLE AS, calling electra_embed', $$ CREATE TABLE computed AS SELECT id, electra_embed(body, 'electra_mini_en_1') AS embedding FROM document $$);
SELECT note('LIKE INCLUDING ALL and INSERT … SELECT', $$ CREATE TABLE alike (LIKE document INCLUDING ALL); INSERT INTO alike (id, body) SELECT id, body FROM document $$);
SELECT note('materialized view', $$ CREATE MATERIALIZED VIEW meanings AS SELECT id, electra_embed(body, 'electra_mini_en_1') AS embedding FROM document $$);
CREATE UNIQUE INDEX ON meanings (id);
SELECT note('REFRESH', $$ REFRESH MATERIALIZED VIEW meanings $$);
SELECT note('REFRESH CONCURRENTLY', $$ REFRESH MATERIALIZED VIEW CONCURRENTLY meanings $$);
SELECT count(*) FILTER (WHERE d.embedding IS DISTINCT FROM c.embedding OR d.embedding IS DISTINCT FROM p.embedding
	OR d.embedding IS DISTINCT FROM a.embedding OR d.embedding IS DISTINCT FROM m.embedding) AS differ, count(*)
FROM document d JOIN computed c USING (id) JOIN copied p USING (id) JOIN alike a USING (id) JOIN meanings m USING (id);

-- partitions
CREATE TABLE parted (
	id integer,
	body text,
	embedding real[] GENERATED ALWAYS AS (electra_embed(body, 'electra_mini_en_1')) STORED
) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF parted FOR VALUES FROM (1) TO (11);
CREATE TABLE part_2 PARTITION OF parted FOR VALUES FROM (11) TO (21);
CREATE TABLE part_3 (LIKE parted INCLUDING ALL);
SELECT note('partitions: INSERT of 20 rows', $$ INSERT INTO parted SELECT i, 'text number ' || i FROM generate_series(1, 20) AS i $$);
INSERT INTO part_3 SELECT i, 'text number ' || i FROM generate_series(21, 30) AS i;
SELECT note('partitions: ATTACH', $$ ALTER TABLE parted ATTACH PARTITION part_3 FOR VALUES FROM (21) TO (41) $$);
SELECT note('partitions: UPDATE that moves 10 rows to another', $$ UPDATE parted SET id = id + 20 WHERE id > 10 AND id <= 20 $$);
SELECT note('partitions: DETACH', $$ ALTER TABLE parted DETACH PARTITION part_1 $$);
SELECT count(*) AS rows, count(*) FILTER (WHERE embedding IS DISTINCT FROM electra_embed(body, 'electra_mini_en_1')) AS wrong FROM parted;

-- Expression indexes.  Unlike a column, an index computes for ANALYZE, for a
-- rebuild, and for each row version that is not HOT; 19 rows have a text.
CREATE TABLE indexed (id integer PRIMARY KEY, body text, views integer) WITH (fillfactor = 30, autovacuum_enabled = off);
INSERT INTO indexed SELECT id, body, views FROM document;
SELECT note('expression index: CREATE INDEX', $$ CREATE INDEX indexed_expression ON indexed ((electra_embed(body, 'electra_mini_en_1'))) $$);
SELECT note('expression index: UPDATE of another column, HOT', $$ UPDATE indexed SET views = views + 1 $$);
CREATE INDEX indexed_views ON indexed (views);
SELECT note('expression index: the same, not HOT', $$ UPDATE indexed SET views = views + 1 $$);
SELECT note('expression index: ANALYZE', $$ ANALYZE indexed $$);
ALTER INDEX indexed_expression ALTER COLUMN 1 SET STATISTICS 0;
SELECT note('expression index: ANALYZE, SET STATISTICS 0 on it', $$ ANALYZE indexed $$);
SELECT note('expression index: REINDEX', $$ REINDEX TABLE indexed $$);
SELECT flush_memo() AS flushed \gset
SELECT encoder_runs() AS runs \gset
VACUUM FULL indexed;
INSERT INTO outcome (event, embeddings) SELECT 'expression index: VACUUM FULL', encoder_runs() - :runs;
SET enable_seqscan = off;
PREPARE lookup(text) AS SELECT id FROM indexed WHERE electra_embed(body, 'electra_mini_en_1') = electra_embed($1, 'electra_mini_en_1');
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE lookup('text number 3.');
EXECUTE lookup('text number 3.');
RESET plan_cache_mode;
RESET enable_seqscan;

SELECT event, embeddings FROM outcome ORDER BY n;

-- what is refused
CREATE TABLE refused (body text, embedding real[] GENERATED ALWAYS AS (electra_embed(body, current_user::text)) STORED);
UPDATE document SET embedding = NULL;
INSERT INTO document (id, embedding) VALUES (99, '{1}');
CREATE TABLE refused (body text, embedding real[] GENERATED ALWAYS AS (electra_embed(body, 'no-such-preset')) STORED);
INSERT INTO refused (body) VALUES ('a text');
SELECT electra_create_preset('generated-other', vocabulary => ARRAY['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'text'],
	num_layers => 1, num_heads => 1, hidden_dim => 16, intermediate_dim => 16);
CREATE TABLE with_default (body text, embedding real[] GENERATED ALWAYS AS (electra_embed(body)) STORED);
\set VERBOSITY terse
SELECT electra_set_default_preset('generated-other');
\set VERBOSITY default

DROP TABLE document, copied, computed, alike, parted, part_1, indexed, refused, with_default, outcome CASCADE;
SELECT electra_drop_preset('generated-other');
SELECT electra_forget_preset('generated-other');
DROP FUNCTION note(text, text), encoder_runs(), flush_memo(), wrong_rows(), nothing();
