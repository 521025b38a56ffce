-- electra_embed_batch_trigger: all rows of a statement, embedded at once.
CREATE TABLE batch_docs (id int PRIMARY KEY, title text, body text, embedding real[]);
CREATE TRIGGER embed_inserted AFTER INSERT ON batch_docs REFERENCING NEW TABLE AS inserted
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', 'electra_mini_en_1', 'title', 'body');
CREATE TRIGGER embed_updated AFTER UPDATE ON batch_docs REFERENCING OLD TABLE AS "Old rows" NEW TABLE AS "New rows"
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', 'electra_mini_en_1', 'title', 'body');
-- rows, those that lack an embedding, and those whose embedding is not that of their text
CREATE FUNCTION batch_check(OUT total bigint, OUT missing bigint, OUT wrong bigint) LANGUAGE sql AS $$
	SELECT count(*), count(*) FILTER (WHERE embedding IS NULL AND concat_ws('', title, body) <> ''),
		count(*) FILTER (WHERE embedding IS DISTINCT FROM
			electra_embed(CASE WHEN title IS NULL THEN body WHEN body IS NULL THEN title ELSE title || E'\n' || body END, 'electra_mini_en_1'))
	FROM batch_docs
$$;
-- texts embedded by a statement
CREATE FUNCTION embedded_by(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint = (SELECT sum(texts) FROM electra_stat_presets);
BEGIN
	EXECUTE statement;
	RETURN (SELECT sum(texts) FROM electra_stat_presets) - before;
END $$;

-- many rows, more than a batch; NULL sources are left out; a vector that comes
-- with an INSERT is not believed
INSERT INTO batch_docs SELECT n, 'title ' || n, 'body of number ' || n FROM generate_series(1, 600) n;
SELECT * FROM batch_check();
INSERT INTO batch_docs VALUES (1001, NULL, 'only a body', NULL), (1002, 'only a title', NULL, '{1,2,3}'), (1003, NULL, NULL, NULL), (1004, NULL, NULL, '{4}'), (1005, '', '', NULL);
SELECT * FROM batch_check();
SELECT id, embedding IS NULL AS is_null FROM batch_docs WHERE id > 1000 ORDER BY id;
INSERT INTO batch_docs SELECT n, '', 'never' FROM generate_series(1, 0) n;

-- COPY
COPY batch_docs (id, title, body) FROM stdin;
2001	copied	first
2002	\N	second
2003	copied	\N
\.
SELECT * FROM batch_check();

-- an UPDATE embeds what changed, and no more
SELECT embedded_by('UPDATE batch_docs SET body = body || '' changed'' WHERE id <= 5') AS embedded;
SELECT embedded_by('UPDATE batch_docs SET title = NULL WHERE id = 6') AS embedded;
SELECT embedded_by('UPDATE batch_docs SET title = NULL, body = NULL WHERE id = 7') AS embedded;
SELECT embedded_by('UPDATE batch_docs SET body = body') AS embedded;
SELECT embedded_by('UPDATE batch_docs SET title = title, body = body, embedding = embedding') AS embedded;
SELECT embedded_by('UPDATE batch_docs SET body = ''seven'' WHERE id BETWEEN 7 AND 8') AS embedded;
SELECT * FROM batch_check();
SELECT embedding IS NULL AS is_null FROM batch_docs WHERE id = 1003;

-- a target set to NULL is computed again; another one is believed
SELECT embedded_by('UPDATE batch_docs SET embedding = NULL WHERE id <= 10') AS embedded;
SELECT * FROM batch_check();
SELECT embedded_by('UPDATE batch_docs SET embedding = ''{1,2}'' WHERE id = 11') AS embedded;
SELECT embedding FROM batch_docs WHERE id = 11;
SELECT embedded_by('UPDATE batch_docs SET embedding = NULL WHERE id = 11') AS embedded;

-- a key that changes counts as a row that changed, with other rows beside it
SELECT embedded_by('UPDATE batch_docs SET id = id + 100000 WHERE id IN (12, 13)') AS embedded;
SELECT embedded_by('UPDATE batch_docs SET id = id - 100000, body = ''moved'' WHERE id > 100000') AS embedded;
SELECT * FROM batch_check();

-- UPDATE ... FROM, writable CTEs, ON CONFLICT, MERGE
UPDATE batch_docs d SET body = v.body FROM (VALUES (14, 'from'), (15, 'a list')) v(id, body) WHERE d.id = v.id;
WITH a AS (INSERT INTO batch_docs VALUES (3001, 'one', 'of two') RETURNING id), b AS (UPDATE batch_docs SET body = 'at once' WHERE id = 16)
INSERT INTO batch_docs SELECT 3002, 'two', 'of two' FROM a;
SELECT * FROM batch_check();
SELECT embedded_by($$INSERT INTO batch_docs VALUES (17, 'conflict', 'updated'), (3003, 'conflict', 'inserted'), (18, 'title 18', 'body of number 18')
	ON CONFLICT (id) DO UPDATE SET title = excluded.title, body = excluded.body$$) AS embedded;
INSERT INTO batch_docs VALUES (17, 'not', 'taken'), (3004, 'was', 'taken') ON CONFLICT DO NOTHING;
SELECT embedded_by($$MERGE INTO batch_docs d USING (VALUES (19, 'merge'), (20, 'delete'), (3005, 'insert')) v(id, body) ON d.id = v.id
	WHEN MATCHED AND v.body = 'delete' THEN DELETE
	WHEN MATCHED THEN UPDATE SET body = v.body
	WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'merged', v.body)$$) AS embedded;
SELECT * FROM batch_check();
DELETE FROM batch_docs WHERE id = 3005;

-- texts stored out of line: a part of them is read, the rest compared
ALTER TABLE batch_docs ALTER body SET STORAGE EXTERNAL;
SELECT embedded_by('INSERT INTO batch_docs SELECT 4000 + n, ''long'', repeat(''many words '', 1000 * n) FROM generate_series(1, 20) n') AS embedded;
SELECT embedded_by('UPDATE batch_docs SET title = title WHERE id > 4000') AS embedded;
SELECT embedded_by('UPDATE batch_docs SET body = body || '''' WHERE id > 4000') AS embedded;
SELECT embedded_by('UPDATE batch_docs SET title = ''longer'' WHERE id > 4000') AS embedded;
SELECT * FROM batch_check();
DELETE FROM batch_docs WHERE id > 500;

-- statements larger than work_mem
SET work_mem = '64kB';
SELECT embedded_by('INSERT INTO batch_docs SELECT n, ''t'', ''number '' || n FROM generate_series(5001, 6100) n') AS embedded;
SELECT embedded_by('UPDATE batch_docs SET body = body') AS embedded;
SELECT embedded_by('UPDATE batch_docs SET title = ''u'' WHERE id > 6000') AS embedded;
SELECT * FROM batch_check();
RESET work_mem;
DELETE FROM batch_docs WHERE id > 500;

-- other triggers: a row trigger that changes a source afterwards, one that
-- changes the row on its way, one that counts statements
CREATE FUNCTION batch_shout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.title = 'shout' THEN
		UPDATE batch_docs SET title = 'SHOUTED', body = upper(body) WHERE id = NEW.id;
	END IF;
	RETURN NULL;
END $$;
CREATE FUNCTION batch_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.title := coalesce(NEW.title, 'untitled');
	RETURN NEW;
END $$;
CREATE TRIGGER a_shout AFTER INSERT ON batch_docs FOR EACH ROW EXECUTE FUNCTION batch_shout();
CREATE TRIGGER a_stamp BEFORE INSERT OR UPDATE ON batch_docs FOR EACH ROW EXECUTE FUNCTION batch_stamp();
INSERT INTO batch_docs VALUES (601, 'shout', 'loud'), (602, NULL, 'quiet'), (603, 'shout', 'louder');
SELECT id, title, body FROM batch_docs WHERE id > 600 ORDER BY id;
SELECT * FROM batch_check();
DROP TRIGGER a_shout ON batch_docs;
DROP TRIGGER a_stamp ON batch_docs;
-- a statement trigger that removes rows, or changes their keys
CREATE FUNCTION batch_sweep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM batch_docs WHERE title = 'sweep';
	UPDATE batch_docs SET id = id + 1000 WHERE title = 'shift' AND id < 1000;
	RETURN NULL;
END $$;
CREATE TRIGGER a_sweep AFTER INSERT ON batch_docs FOR EACH STATEMENT EXECUTE FUNCTION batch_sweep();
INSERT INTO batch_docs VALUES (604, 'sweep', 'away'), (605, 'shift', 'further'), (606, 'stay', 'here');
SELECT id, title, body FROM batch_docs WHERE id > 603 ORDER BY id;
SELECT * FROM batch_check();
DROP TRIGGER a_sweep ON batch_docs;

-- a second target: each text once
ALTER TABLE batch_docs ADD title_embedding double precision[];
CREATE TRIGGER title_inserted AFTER INSERT ON batch_docs REFERENCING NEW TABLE AS new_rows
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('title_embedding', 'electra_mini_en_1', 'title');
CREATE TRIGGER title_updated AFTER UPDATE ON batch_docs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('title_embedding', 'electra_mini_en_1', 'title');
SELECT embedded_by('INSERT INTO batch_docs SELECT n, ''title '' || n, ''twice'' FROM generate_series(701, 705) n') AS embedded;
SELECT embedded_by('UPDATE batch_docs SET body = ''body alone'' WHERE id BETWEEN 701 AND 705') AS embedded;
SELECT embedded_by('UPDATE batch_docs SET title = ''both'' WHERE id = 701') AS embedded;
SELECT count(*), count(*) FILTER (WHERE title_embedding::real[] IS DISTINCT FROM electra_embed(title, 'electra_mini_en_1')) AS wrong FROM batch_docs WHERE id BETWEEN 701 AND 705;
SELECT * FROM batch_check();
DROP TRIGGER title_inserted ON batch_docs;
DROP TRIGGER title_updated ON batch_docs;

-- subtransactions that fail leave nothing behind
DO $$
BEGIN
	INSERT INTO batch_docs VALUES (801, 'kept', 'row');
	BEGIN
		INSERT INTO batch_docs VALUES (802, 'lost', 'row'), (803, 'lost', 'row');
		RAISE EXCEPTION 'no';
	EXCEPTION WHEN raise_exception THEN
		UPDATE batch_docs SET body = 'row, and kept' WHERE id = 801;
	END;
END $$;
SELECT * FROM batch_check();

-- keys of any type and name, columns of any name; a table's own operators and
-- the search_path do not matter
CREATE SCHEMA "Batch schema";
CREATE TYPE batch_pair AS (a int, b text);
CREATE DOMAIN batch_code AS varchar(10) CHECK (VALUE <> '');
CREATE TABLE "Batch schema"."Odd ""table""" (
	"The id" int[], pair batch_pair, code batch_code, "day" date, name name, amount numeric, "Text" varchar(40), "char" char(8), "Vec" real[],
	"dropped" int, PRIMARY KEY (pair, "The id", code, "day", name, amount) INCLUDE ("Text"));
ALTER TABLE "Batch schema"."Odd ""table""" DROP "dropped";
CREATE TRIGGER i AFTER INSERT ON "Batch schema"."Odd ""table""" REFERENCING NEW TABLE AS electra_batch
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('Vec', 'electra_mini_en_1', 'Text', 'char');
CREATE TRIGGER u AFTER UPDATE ON "Batch schema"."Odd ""table""" REFERENCING NEW TABLE AS n OLD TABLE AS t
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('Vec', 'electra_mini_en_1', 'Text', 'char');
CREATE FUNCTION "Batch schema".never(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT false $$;
CREATE OPERATOR "Batch schema".= (LEFTARG = text, RIGHTARG = text, FUNCTION = "Batch schema".never);
SET search_path = "Batch schema", public, pg_catalog;
INSERT INTO "Odd ""table""" VALUES ('{1,2}', (1, 'x'), 'c', '2024-01-01', 'n', 1.50, 'first', 'ab'), ('{}', (1, NULL), 'c', 'infinity', 'n', 'NaN', NULL, 'ab'), ('{NULL}', (2, ''), 'd', '-infinity', 'N', 0, 'third', NULL);
UPDATE "Odd ""table""" SET "Text" = 'changed' WHERE code OPERATOR(pg_catalog.=) 'd';
RESET search_path;
SELECT "Text", "Vec" = electra_embed(concat_ws(E'\n', "Text", "char"::text), 'electra_mini_en_1') AS same FROM "Batch schema"."Odd ""table""" ORDER BY 1;
DROP SCHEMA "Batch schema" CASCADE;
DROP TYPE batch_pair;
DROP DOMAIN batch_code;

-- renamed columns: an error until the trigger is made again
ALTER TABLE batch_docs RENAME title TO heading;
INSERT INTO batch_docs VALUES (901, 'a', 'b');
ALTER TABLE batch_docs RENAME heading TO title;
ALTER TABLE batch_docs RENAME id TO number;
INSERT INTO batch_docs VALUES (901, 'a', 'b');
ALTER TABLE batch_docs RENAME number TO id;
SELECT * FROM batch_check();
DROP TABLE batch_docs;

-- partitions: whatever their columns' order, rows that move, rows kept out
CREATE TABLE batch_parts (region text, id bigint, body text, embedding real[], PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE batch_parts_a PARTITION OF batch_parts FOR VALUES IN ('a');
CREATE TABLE batch_parts_b (junk int, embedding real[], body text, id bigint NOT NULL, region text NOT NULL);
ALTER TABLE batch_parts_b DROP junk;
ALTER TABLE batch_parts ATTACH PARTITION batch_parts_b FOR VALUES IN ('b', 'c');
CREATE TRIGGER i AFTER INSERT ON batch_parts REFERENCING NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', 'electra_mini_en_1', 'body');
CREATE TRIGGER u AFTER UPDATE ON batch_parts REFERENCING OLD TABLE AS o NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', 'electra_mini_en_1', 'body');
CREATE FUNCTION parts_check(OUT total bigint, OUT wrong bigint) LANGUAGE sql AS $$
	SELECT count(*), count(*) FILTER (WHERE embedding IS DISTINCT FROM electra_embed(body, 'electra_mini_en_1')) FROM batch_parts
$$;
INSERT INTO batch_parts SELECT CASE n % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' ELSE 'c' END, n, 'part ' || n FROM generate_series(1, 60) n;
SELECT * FROM parts_check();
COPY batch_parts (region, id, body) FROM stdin;
a	61	copied
b	62	copied too
\.
SELECT * FROM parts_check();
SELECT embedded_by('UPDATE batch_parts SET body = body || '' again'' WHERE id <= 6') AS embedded;
SELECT embedded_by('UPDATE batch_parts SET body = body') AS embedded;
SELECT embedded_by('UPDATE batch_parts SET region = ''b'', body = ''moved'' WHERE region = ''a'' AND id <= 9') AS embedded;
SELECT * FROM parts_check();
SELECT embedded_by($$MERGE INTO batch_parts p USING (VALUES ('a', 12, 'merged'), ('a', 70, 'new')) v(region, id, body) ON p.id = v.id AND p.region = v.region
	WHEN MATCHED THEN UPDATE SET body = v.body WHEN NOT MATCHED THEN INSERT VALUES (v.region, v.id, v.body)$$) AS embedded;
CREATE FUNCTION parts_keep_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id % 2 = 0 THEN RETURN NULL; END IF; RETURN NEW; END $$;
CREATE TRIGGER keep_out BEFORE INSERT ON batch_parts_a FOR EACH ROW EXECUTE FUNCTION parts_keep_out();
UPDATE batch_parts SET region = 'a', body = 'moved back ' || id WHERE region = 'b' AND id < 30;
SELECT * FROM parts_check();
DROP TABLE batch_parts;

-- a deferrable key may hold duplicates for a while: each row gets its own vector
CREATE TABLE batch_deferred (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, body text, embedding real[]);
CREATE TRIGGER i AFTER INSERT ON batch_deferred REFERENCING NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', 'electra_mini_en_1', 'body');
CREATE TRIGGER u AFTER UPDATE ON batch_deferred REFERENCING OLD TABLE AS o NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', 'electra_mini_en_1', 'body');
BEGIN;
INSERT INTO batch_deferred VALUES (1, 'one'), (1, 'another one'), (2, 'two');
UPDATE batch_deferred SET id = 3 - id WHERE body IN ('one', 'two');
UPDATE batch_deferred SET id = 3 WHERE body = 'another one';
COMMIT;
SELECT id, body, embedding = electra_embed(body, 'electra_mini_en_1') AS same FROM batch_deferred ORDER BY id;
DROP TABLE batch_deferred;

-- child tables share keys with their parents
CREATE TABLE batch_parent (id int PRIMARY KEY, body text, embedding real[]);
CREATE TABLE batch_child (extra int) INHERITS (batch_parent);
INSERT INTO batch_child VALUES (1, 'of the child');
CREATE TRIGGER i AFTER INSERT ON batch_parent REFERENCING NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', 'electra_mini_en_1', 'body');
CREATE TRIGGER u AFTER UPDATE ON batch_parent REFERENCING OLD TABLE AS o NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', 'electra_mini_en_1', 'body');
INSERT INTO batch_parent VALUES (1, 'of the parent');
SELECT body, embedding = electra_embed(body, 'electra_mini_en_1') AS same FROM batch_parent ORDER BY body;
UPDATE batch_parent SET body = body || ', changed';
SELECT body, embedding = electra_embed(body, 'electra_mini_en_1') AS same FROM batch_parent ORDER BY body;
DROP TABLE batch_parent CASCADE;

-- a temporary table, a stored generated source, a serializable transaction; a
-- constraint trigger that waits for COMMIT sees both writes
CREATE FUNCTION batch_report() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '% %', TG_OP, NEW.embedding IS NULL; RETURN NULL; END $$;
CREATE TEMPORARY TABLE batch_temp (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), body text, clean text GENERATED ALWAYS AS (lower(body)) STORED, embedding real[]);
CREATE TRIGGER i AFTER INSERT ON batch_temp REFERENCING NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', 'electra_mini_en_1', 'clean');
CREATE TRIGGER u AFTER UPDATE ON batch_temp REFERENCING OLD TABLE AS o NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', 'electra_mini_en_1', 'clean');
CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON batch_temp DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION batch_report();
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO batch_temp (body) VALUES ('Upper');
SELECT embedded_by('UPDATE batch_temp SET body = ''UPPER''') AS embedded;
SELECT embedded_by('UPDATE batch_temp SET body = ''LOWER''') AS embedded;
COMMIT;
SELECT embedding = electra_embed('lower', 'electra_mini_en_1') AS same FROM batch_temp;
DROP TABLE batch_temp;
DROP FUNCTION batch_report();

-- rights are those of the caller
CREATE TABLE batch_rights (id int PRIMARY KEY, owner text DEFAULT current_user, body text, embedding real[]);
CREATE TRIGGER i AFTER INSERT ON batch_rights REFERENCING NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', 'electra_mini_en_1', 'body');
CREATE ROLE regress_electra_batch;
GRANT INSERT ON batch_rights TO regress_electra_batch;
SET ROLE regress_electra_batch;
INSERT INTO batch_rights VALUES (1, DEFAULT, 'may not');
RESET ROLE;
GRANT SELECT (id, body), UPDATE (embedding) ON batch_rights TO regress_electra_batch;
SET ROLE regress_electra_batch;
INSERT INTO batch_rights VALUES (1, DEFAULT, 'may');
RESET ROLE;
SELECT id, embedding = electra_embed(body, 'electra_mini_en_1') AS same FROM batch_rights;
-- row-level security shows its policies' rows, or warns
ALTER TABLE batch_rights ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON batch_rights USING (owner = current_user);
CREATE POLICY add ON batch_rights FOR INSERT WITH CHECK (true);
SET ROLE regress_electra_batch;
INSERT INTO batch_rights VALUES (2, DEFAULT, 'my own');
INSERT INTO batch_rights VALUES (3, 'somebody', 'not mine'), (4, DEFAULT, 'mine');
RESET ROLE;
SELECT id, embedding = electra_embed(body, 'electra_mini_en_1') AS same FROM batch_rights ORDER BY id;
DROP TABLE batch_rights;
DROP ROLE regress_electra_batch;

-- what is refused, and the statement that would have been right
CREATE TABLE batch_bad (id int, body text, n int, embedding real[], g real[] GENERATED ALWAYS AS (ARRAY[1::real]) STORED);
CREATE TRIGGER t AFTER INSERT ON batch_bad REFERENCING NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', '', 'body');
INSERT INTO batch_bad VALUES (1, 'no key');
ALTER TABLE batch_bad ADD PRIMARY KEY (id);
INSERT INTO batch_bad VALUES (1, 'a key');
SELECT embedding = electra_embed(body) AS same FROM batch_bad;
CREATE OR REPLACE TRIGGER t BEFORE INSERT ON batch_bad
	FOR EACH ROW EXECUTE FUNCTION electra_embed_batch_trigger('embedding', 'electra_mini_en_1', 'body');
INSERT INTO batch_bad VALUES (2, 'row');
CREATE OR REPLACE TRIGGER t BEFORE UPDATE ON batch_bad
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', 'it''s', 'body');
UPDATE batch_bad SET body = 'before';
CREATE OR REPLACE TRIGGER t AFTER INSERT ON batch_bad
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', '', 'body');
INSERT INTO batch_bad VALUES (2, 'no transition table');
CREATE OR REPLACE TRIGGER t AFTER UPDATE ON batch_bad REFERENCING NEW TABLE AS "New"
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', '', 'body');
UPDATE batch_bad SET body = 'no old rows';
CREATE OR REPLACE TRIGGER t AFTER DELETE ON batch_bad REFERENCING OLD TABLE AS o
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', '', 'body');
DELETE FROM batch_bad WHERE id = 1;
CREATE OR REPLACE TRIGGER t AFTER INSERT ON batch_bad REFERENCING NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('embedding', '');
INSERT INTO batch_bad VALUES (2, 'arguments');
CREATE FUNCTION batch_bad_arguments(VARIADIC arguments text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'CREATE OR REPLACE TRIGGER t AFTER INSERT ON batch_bad REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_batch_trigger('
		|| (SELECT string_agg(quote_literal(a), ', ' ORDER BY o) FROM unnest(arguments) WITH ORDINALITY AS u(a, o)) || ')';
	INSERT INTO batch_bad VALUES (2, 'arguments');
	RAISE EXCEPTION 'is not refused';
EXCEPTION WHEN OTHERS THEN
	RAISE NOTICE '% %', SQLSTATE, SQLERRM;
END $$;
SELECT batch_bad_arguments('nowhere', '', 'body');
SELECT batch_bad_arguments('embedding', '', 'nowhere');
SELECT batch_bad_arguments('embedding', '', 'embedding');
SELECT batch_bad_arguments('n', '', 'body');
SELECT batch_bad_arguments('g', '', 'body');
SELECT batch_bad_arguments('embedding', '', 'n');
SELECT batch_bad_arguments('embedding', 'no-such-preset', 'body');
SELECT electra_embed_batch_trigger();
DROP TABLE batch_bad;
DROP FUNCTION batch_bad_arguments(text[]), batch_check(), parts_check(), parts_keep_out(), embedded_by(text), batch_shout(), batch_stamp(), batch_sweep();
