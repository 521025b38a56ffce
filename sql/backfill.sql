-- electra_backfill: an existing table gets its embeddings.
SET client_min_messages = notice;
\getenv sources ELECTRA_TEST_SOURCES
\set mini '\'electra_mini_en_1\''
CREATE SCHEMA backfill;
SET search_path = backfill, public;
SET client_min_messages = error;
SELECT electra_load_preset(:'sources' || '/bert_plain', 'filled_short', max_length => 8, truncation => 'error');
SET client_min_messages = notice;

-- every row that has a text and no embedding, whatever the batch size
CREATE TABLE doc (id int PRIMARY KEY, title text, body text, embedding real[]);
INSERT INTO doc SELECT n, 'title ' || n, 'the body of text ' || n FROM generate_series(1, 250) AS n;
INSERT INTO doc VALUES (-1, NULL, NULL, NULL), (0, NULL, '', NULL), (1000, 'kept', 'kept', '{1,2,3}');
CALL electra_backfill('doc', 'body', 'embedding', :mini);
SELECT count(*) AS wrong FROM doc WHERE id <> 1000
	AND array_send(embedding) IS DISTINCT FROM array_send(electra_embed(body, 'electra_mini_en_1'));
SELECT id, embedding FROM doc WHERE embedding IS NULL OR id = 1000 ORDER BY id;
-- nothing is done twice
CALL electra_backfill('doc', 'body', 'embedding', :mini);
UPDATE doc SET embedding = NULL WHERE id BETWEEN 10 AND 29;
CALL electra_backfill('doc', 'body', 'embedding', :mini, batch_size => 7, pause_ms => 1);
-- several sources
UPDATE doc SET embedding = NULL;
UPDATE doc SET title = NULL WHERE id = 5;
CALL electra_backfill('doc', ARRAY['title', 'body'], 'embedding', :mini, batch_size => 1000);
SELECT count(*) AS wrong FROM doc WHERE id <> -1
	AND array_send(embedding) IS DISTINCT FROM array_send(electra_embed(concat_ws(E'\n', title, body), 'electra_mini_en_1'));
-- the default preset
SET client_min_messages = error;
UPDATE doc SET embedding = NULL WHERE id < 5;
CALL electra_backfill('doc', 'body', 'embedding');
SET client_min_messages = notice;
SELECT count(*) AS missing FROM doc WHERE embedding IS NULL;

-- names that need quotes, composite keys of several types, other targets
CREATE TABLE "Odd ""Table" ("The Key" text, part date, "Body""" varchar(100), "Vector Of" double precision[],
	gone int, PRIMARY KEY (part, "The Key"));
ALTER TABLE "Odd ""Table" DROP COLUMN gone;
INSERT INTO "Odd ""Table" SELECT 'key ' || n % 5, date '2024-01-01' + n / 5, 'odd text ' || n FROM generate_series(0, 99) AS n;
CALL electra_backfill('"Odd ""Table"', 'Body"', 'Vector Of', :mini, batch_size => 3);
SELECT count(*) AS wrong FROM "Odd ""Table"
WHERE "Vector Of"::real[] IS DISTINCT FROM electra_embed("Body""", 'electra_mini_en_1');

-- partitions; parents by inheritance have only their own rows filled
CREATE TABLE parted (id int, kind text, body text, embedding real[], PRIMARY KEY (kind, id)) PARTITION BY LIST (kind);
CREATE TABLE parted_b (embedding real[], kind text NOT NULL, body text, id int NOT NULL);
ALTER TABLE parted ATTACH PARTITION parted_b FOR VALUES IN ('b');
CREATE TABLE parted_a PARTITION OF parted FOR VALUES IN ('a');
INSERT INTO parted SELECT n, CASE WHEN n % 3 = 0 THEN 'a' ELSE 'b' END, 'part ' || n FROM generate_series(1, 60) AS n;
CALL electra_backfill('parted_a', 'body', 'embedding', :mini);
CALL electra_backfill('parted', 'body', 'embedding', :mini, batch_size => 8);
SELECT count(*) AS wrong FROM parted WHERE embedding IS DISTINCT FROM electra_embed(body, 'electra_mini_en_1');
CREATE TABLE parent (id int PRIMARY KEY, body text, embedding real[]);
CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
INSERT INTO parent VALUES (1, 'of the parent');
INSERT INTO child VALUES (1, 'of the child');
CALL electra_backfill('parent', 'body', 'embedding', :mini);
SELECT tableoid::regclass, embedding IS NULL AS missing FROM parent ORDER BY 1;
CALL electra_backfill('child', 'body', 'embedding', :mini);

-- a row that fails is named, left out, and counted; its text is not told
CREATE TABLE bad (id int PRIMARY KEY, body text, embedding real[]);
INSERT INTO bad SELECT n, CASE WHEN n % 20 = 0 THEN 'water and water and water and water and more water' ELSE 'water' END
FROM generate_series(1, 50) AS n;
CALL electra_backfill('bad', 'body', 'embedding', 'filled_short');
SELECT id FROM bad WHERE embedding IS NULL ORDER BY id;
UPDATE bad SET body = 'short now' WHERE id = 20;
CALL electra_backfill('bad', 'body', 'embedding', 'filled_short', batch_size => 1);
-- so is one that a constraint or a trigger refuses, or that a trigger leaves alone
UPDATE bad SET embedding = NULL;
ALTER TABLE bad ADD CHECK (id <> 7 OR embedding IS NULL);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF new.id = 8 THEN RAISE EXCEPTION 'not this row'; END IF;
	IF new.id = 9 THEN RETURN NULL; END IF;
	IF new.id = 10 THEN RAISE EXCEPTION USING ERRCODE = '22P02', MESSAGE = 'told by nobody: ' || new.body; END IF;
	RETURN new;
END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON bad FOR EACH ROW EXECUTE FUNCTION refuse();
CALL electra_backfill('bad', 'body', 'embedding', :mini);
SELECT id FROM bad WHERE embedding IS NULL ORDER BY id;

-- a target that takes no embedding at all is one error, not one a row
CREATE DOMAIN three AS real[] CHECK (cardinality(VALUE) = 3);
ALTER TABLE bad ADD COLUMN embedding_3 three;
CALL electra_backfill('bad', 'body', 'embedding_3', :mini);
-- what a domain says of vectors is asked of real ones
CREATE DOMAIN directed AS real[] CHECK (cardinality(VALUE) = electra_dimensions('electra_mini_en_1') AND NOT 0 = ALL (VALUE));
CREATE DOMAIN some_texts AS directed CHECK (VALUE <> electra_embed('water', 'electra_mini_en_1'));
CREATE TABLE choosy (id int PRIMARY KEY, body text, embedding directed, other some_texts);
INSERT INTO choosy SELECT n, CASE WHEN n % 2 = 0 THEN 'water' ELSE 'bread ' || n END FROM generate_series(1, 4) AS n;
CALL electra_backfill('choosy', 'body', 'embedding', :mini);
CALL electra_backfill('choosy', 'body', 'other', :mini);
CALL electra_backfill('choosy', 'body', 'other', :mini);

-- a row that a trigger changes while the batch is written keeps no stale vector
CREATE TABLE linked (id int PRIMARY KEY, body text, embedding real[]);
INSERT INTO linked SELECT n, 'linked text ' || n FROM generate_series(1, 6) AS n;
CREATE FUNCTION rewrite_next() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF new.id = 2 THEN UPDATE linked SET body = 'rewritten' WHERE id = 3; END IF;
	IF new.id = 4 THEN DELETE FROM linked WHERE id = 5; END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER rewrite_next AFTER UPDATE ON linked FOR EACH ROW EXECUTE FUNCTION rewrite_next();
CALL electra_backfill('linked', 'body', 'embedding', :mini);
SELECT id, body, embedding = electra_embed(body, 'electra_mini_en_1') AS same FROM linked ORDER BY id;
CALL electra_backfill('linked', 'body', 'embedding', :mini);
SELECT count(*) AS wrong FROM linked WHERE embedding IS DISTINCT FROM electra_embed(body, 'electra_mini_en_1');

-- with the row trigger on the same table, a row is embedded once
CREATE TABLE kept (id int PRIMARY KEY, body text, embedding real[]);
INSERT INTO kept SELECT n, 'kept text ' || n FROM generate_series(1, 40) AS n;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON kept FOR EACH ROW
EXECUTE FUNCTION electra_embed_trigger('embedding', 'electra_mini_en_1', 'body');
SET client_min_messages = error;
SELECT electra_stat_reset();
SET client_min_messages = notice;
CALL electra_backfill('kept', 'body', 'embedding', :mini);
SELECT texts FROM electra_stat_presets WHERE 'electra_mini_en_1' = ANY (names);
SELECT count(*) AS wrong FROM kept WHERE embedding IS DISTINCT FROM electra_embed(body, 'electra_mini_en_1');

-- row-level security is that of the caller, and so are all rights
CREATE ROLE regress_electra_filler;
CREATE TABLE tenant (id int PRIMARY KEY, owner text, body text, embedding real[]);
INSERT INTO tenant SELECT n, CASE WHEN n % 2 = 0 THEN 'regress_electra_filler' ELSE 'another' END, 'text ' || n FROM generate_series(1, 20) AS n;
ALTER TABLE tenant ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenant USING (owner = current_user);
GRANT USAGE ON SCHEMA backfill TO regress_electra_filler;
GRANT SELECT ON tenant, doc TO regress_electra_filler;
SET ROLE regress_electra_filler;
CALL electra_backfill('tenant', 'body', 'embedding', :mini);
RESET ROLE;
GRANT UPDATE (embedding) ON tenant TO regress_electra_filler;
SET ROLE regress_electra_filler;
CALL electra_backfill('tenant', 'body', 'embedding', :mini);
CALL electra_backfill('bad', 'body', 'embedding', :mini);
RESET ROLE;
SELECT owner, count(*), count(embedding) FROM tenant GROUP BY owner ORDER BY owner;

-- what cannot be filled
CREATE TABLE no_key (id int, body text, embedding real[]);
CREATE TABLE made (id int PRIMARY KEY, body text, embedding real[] GENERATED ALWAYS AS (electra_embed(body, 'electra_mini_en_1')) STORED);
CREATE VIEW seen AS SELECT * FROM doc;
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE far (id int, body text, embedding real[]) SERVER nowhere;
CALL electra_backfill('no_key', 'body', 'embedding');
CALL electra_backfill('made', 'body', 'embedding');
CALL electra_backfill('seen', 'body', 'embedding');
CALL electra_backfill('far', 'body', 'embedding');
CALL electra_backfill('doc_pkey', 'body', 'embedding');
CALL electra_backfill('doc', 'Body', 'embedding');
CALL electra_backfill('doc', 'body', 'vector');
CALL electra_backfill('doc', 'id', 'embedding');
CALL electra_backfill('doc', 'body', 'title');
CALL electra_backfill('doc', 'embedding', 'embedding');
CALL electra_backfill('doc', ARRAY['body', 'body'], 'embedding');
CALL electra_backfill('doc', ARRAY['body', NULL], 'embedding');
CALL electra_backfill('doc', '{}'::text[], 'embedding');
CALL electra_backfill('doc', NULL::text, 'embedding');
CALL electra_backfill('doc', 'body', NULL);
CALL electra_backfill(NULL, 'body', 'embedding');
CALL electra_backfill(12, 'body', 'embedding');
CALL electra_backfill('doc', 'body', 'embedding', NULL);
CALL electra_backfill('doc', 'body', 'embedding', 'no_such_preset');
CALL electra_backfill('doc', 'body', 'embedding', batch_size => 0);
CALL electra_backfill('doc', 'body', 'embedding', batch_size => 10001);
CALL electra_backfill('doc', 'body', 'embedding', batch_size => NULL);
CALL electra_backfill('doc', 'body', 'embedding', pause_ms => -1);

-- where it cannot commit
BEGIN;
CALL electra_backfill('doc', 'body', 'embedding', :mini);
ROLLBACK;
CREATE FUNCTION in_function() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL electra_backfill('doc', 'body', 'embedding', 'electra_mini_en_1'); END $$;
SELECT in_function();
-- where it can, whatever the isolation level
SET default_transaction_isolation = 'serializable';
UPDATE doc SET embedding = NULL WHERE id BETWEEN 100 AND 199;
DO $$
BEGIN
	FOR i IN 1 .. 2 LOOP
		CALL electra_backfill('doc', 'body', 'embedding', 'electra_mini_en_1', 30);
	END LOOP;
END $$;
RESET default_transaction_isolation;
SHOW enable_seqscan;

SELECT * FROM electra_progress;
SELECT has_table_privilege('regress_electra_filler', 'electra_progress', 'SELECT');
RESET search_path;
SET client_min_messages = error;
DROP SCHEMA backfill CASCADE;
DROP SERVER nowhere;
DROP FOREIGN DATA WRAPPER nowhere;
DROP ROLE regress_electra_filler;
SELECT electra_drop_preset('filled_short');
SELECT electra_forget_preset('filled_short');
