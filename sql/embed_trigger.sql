-- electra_embed_trigger: a column of embeddings that follows its sources.
\getenv sources ELECTRA_TEST_SOURCES
SET client_min_messages = warning;
SELECT electra_load_preset(:'sources' || '/bert_plain', 'kept');
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'kept_other');
SELECT electra_load_preset(:'sources' || '/bert_plain', 'kept_short', max_length => 8, truncation => 'error');
CREATE SCHEMA kept;
SET search_path = kept, public;
-- texts that the encoder has seen since the last question
CREATE FUNCTION embedded() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	result bigint := (SELECT coalesce(sum(texts), 0) FROM electra_stat_presets);
BEGIN
	PERFORM electra_stat_reset();
	RETURN result;
END $$;
-- what a statement that fails says
CREATE FUNCTION attempt(statement text) RETURNS TABLE (what text, said text) LANGUAGE plpgsql AS $$
DECLARE
	state text; message text; detail text; hint text; context text;
BEGIN
	EXECUTE statement;
	RETURN QUERY VALUES ('result', 'no error');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
	RETURN QUERY SELECT v.what, v.said
		FROM (VALUES ('error', state || ' ' || message), ('detail', detail), ('hint', hint),
			('context', substring(context FROM 'trigger "[^\n]*'))) AS v(what, said)
		WHERE v.said <> '';
END $$;

-- one source
CREATE TABLE docs (id int PRIMARY KEY, body text, other int DEFAULT 0, embedding real[]);
CREATE TRIGGER docs_embed BEFORE INSERT OR UPDATE ON docs FOR EACH ROW
	EXECUTE FUNCTION electra_embed_trigger('embedding', 'kept', 'body');
SELECT embedded() IS NOT NULL AS start;
INSERT INTO docs (id, body) VALUES (1, 'the first text'), (2, 'another one'), (3, NULL), (4, '');
SELECT embedded();
SELECT id, embedding = electra_embed(body, 'kept') AS same, embedding IS NULL AS is_null FROM docs ORDER BY id;
SELECT embedded() IS NOT NULL AS start;
-- what leaves the source as it is embeds nothing, a NULL source included
UPDATE docs SET other = other + 1;
UPDATE docs SET body = body;
UPDATE docs SET id = id, body = body || '', other = 5, embedding = embedding;
SELECT embedded();
-- another source does, once for each row that changed
UPDATE docs SET body = CASE id WHEN 1 THEN 'a changed text' WHEN 3 THEN 'no longer null' ELSE body END;
SELECT embedded();
UPDATE docs SET body = NULL WHERE id = 2;
SELECT embedded();
SELECT id, embedding = electra_embed(body, 'kept') AS same, embedding IS NULL AS is_null FROM docs ORDER BY id;
-- a target that is set to NULL is computed again
SELECT embedded() IS NOT NULL AS start;
SELECT electra_embed('forget what is remembered ' || i, 'kept') IS NULL AS forgotten FROM generate_series(1, 64) i GROUP BY 1;
SELECT embedded() IS NOT NULL AS start;
UPDATE docs SET embedding = NULL WHERE id IN (1, 2);
SELECT embedded();
SELECT id, embedding = electra_embed(body, 'kept') AS same, embedding IS NULL AS is_null FROM docs ORDER BY id;
-- an UPDATE that writes the target alone is believed, an INSERT and one that writes both are not
UPDATE docs SET embedding = '{1,2}' WHERE id = 4;
UPDATE docs SET other = 6 WHERE id = 4;
SELECT embedding FROM docs WHERE id = 4;
UPDATE docs SET body = 'both', embedding = '{1,2}' WHERE id = 4;
INSERT INTO docs (id, body, embedding) VALUES (5, 'given', '{1,2}'), (6, NULL, '{1,2}');
SELECT id, embedding = electra_embed(body, 'kept') AS same, embedding IS NULL AS is_null FROM docs WHERE id >= 4 ORDER BY id;
-- other ways to write
COPY docs (id, body) FROM stdin;
7	copied one
8	copied two
\.
INSERT INTO docs (id, body) VALUES (7, 'in conflict'), (9, 'not in conflict') ON CONFLICT (id) DO UPDATE SET body = excluded.body;
MERGE INTO docs USING (VALUES (8, 'merged'), (10, 'merged in')) AS v(id, body) ON docs.id = v.id
	WHEN MATCHED THEN UPDATE SET body = v.body WHEN NOT MATCHED THEN INSERT (id, body) VALUES (v.id, v.body);
UPDATE docs SET body = v.body FROM (VALUES (9, 'from another')) AS v(id, body) WHERE docs.id = v.id RETURNING docs.embedding = electra_embed(docs.body, 'kept') AS returned;
SELECT id, body, embedding = electra_embed(body, 'kept') AS same FROM docs WHERE id >= 7 ORDER BY id;

-- long texts, out of line: not fetched where they are not touched, read no further than needed
ALTER TABLE docs ALTER COLUMN body SET STORAGE EXTERNAL;
INSERT INTO docs (id, body) VALUES (20, repeat('water and fire ', 10000));
SELECT embedded() IS NOT NULL AS start;
UPDATE docs SET other = 7 WHERE id = 20;
UPDATE docs SET body = body WHERE id = 20;
UPDATE docs SET body = repeat('water and fire ', 10000) WHERE id = 20;
SELECT embedded();
UPDATE docs SET body = repeat('water and fire ', 9999) || 'water and five ' WHERE id = 20;
SELECT embedded();
SELECT embedding = electra_embed(body, 'kept') AS same FROM docs WHERE id = 20;

-- several sources, joined by a newline, NULL ones left out; every type that is a text
CREATE DOMAIN title AS varchar(40);
CREATE TABLE joined (id int PRIMARY KEY, "Big Title" title, part char(12), tag name, letter "char", body text, vector double precision[]);
CREATE TRIGGER joined_embed BEFORE INSERT OR UPDATE ON joined FOR EACH ROW
	EXECUTE FUNCTION electra_embed_trigger('vector', 'kept', 'Big Title', 'part', 'tag', 'letter', 'body');
INSERT INTO joined VALUES (1, 'A Title', 'padded', 'a name', 'x', 'and a body'), (2, NULL, 'padded', NULL, NULL, 'and a body'),
	(3, NULL, NULL, NULL, NULL, 'alone'), (4, NULL, 'alone', NULL, NULL, NULL), (5, NULL, NULL, NULL, NULL, NULL), (6, '', NULL, NULL, NULL, '');
SELECT j.id, vector = electra_embed(t.body, 'kept')::float8[] AS same, vector IS NULL AS is_null
FROM joined j LEFT JOIN (VALUES (1, E'A Title\npadded\na name\nx\nand a body'), (2, E'padded\nand a body'), (3, 'alone'), (4, 'alone'), (6, E'\n')) AS t(id, body) USING (id)
ORDER BY j.id;
SELECT embedded() IS NOT NULL AS start;
UPDATE joined SET part = part, tag = tag, letter = letter, body = body;
SELECT embedded();
UPDATE joined SET letter = 'y' WHERE id = 1;
UPDATE joined SET tag = 'named' WHERE id = 5;
SELECT embedded();
SELECT j.id, vector = electra_embed(t.body, 'kept')::float8[] AS same
FROM joined j JOIN (VALUES (1, E'A Title\npadded\na name\ny\nand a body'), (5, 'named')) AS t(id, body) USING (id) ORDER BY id;
UPDATE joined SET "Big Title" = NULL, part = NULL, tag = NULL, letter = NULL, body = NULL;
SELECT count(*) AS rows, count(vector) AS vectors FROM joined;

-- domains over the target's type are enforced
CREATE DOMAIN short_vector AS real[] CHECK (cardinality(VALUE) < 3);
CREATE DOMAIN some_vector AS real[] NOT NULL;
CREATE TABLE constrained (body text, short short_vector, never_null some_vector DEFAULT '{}');
CREATE TRIGGER one BEFORE INSERT OR UPDATE OF short ON constrained FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('short', 'kept', 'body');
SELECT * FROM attempt($$INSERT INTO constrained VALUES ('a text')$$);
DROP TRIGGER one ON constrained;
CREATE TRIGGER two BEFORE INSERT OR UPDATE ON constrained FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('never_null', 'kept', 'body');
SELECT * FROM attempt($$INSERT INTO constrained VALUES (NULL)$$);
INSERT INTO constrained VALUES ('a text');
SELECT never_null = electra_embed(body, 'kept') AS same FROM constrained;

-- a NOT NULL target, a trigger before ours, a CHECK and a generated column after it
CREATE TABLE strict (id int, body text, embedding real[] NOT NULL CHECK (cardinality(embedding) = 8), dims int GENERATED ALWAYS AS (cardinality(embedding)) STORED);
CREATE FUNCTION trim_body() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.body := btrim(NEW.body); RETURN NEW; END $$;
CREATE TRIGGER a_first BEFORE INSERT OR UPDATE ON strict FOR EACH ROW EXECUTE FUNCTION trim_body();
CREATE TRIGGER b_embed BEFORE INSERT OR UPDATE ON strict FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('embedding', 'kept', 'body');
INSERT INTO strict VALUES (1, '  blanks around  ');
SELECT embedded() IS NOT NULL AS start;
UPDATE strict SET body = ' blanks around';
SELECT embedded();
SELECT body, dims, embedding = electra_embed('blanks around', 'kept') AS same FROM strict;
SELECT * FROM attempt($$UPDATE strict SET body = NULL$$) WHERE what = 'error';

-- two targets in one table; UPDATE OF and WHEN as usual
CREATE TABLE twice (body text, one real[], other real[]);
CREATE TRIGGER one BEFORE INSERT OR UPDATE OF body ON twice FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('one', 'kept', 'body');
CREATE TRIGGER other BEFORE INSERT OR UPDATE ON twice FOR EACH ROW WHEN (NEW.body LIKE 'w%') EXECUTE FUNCTION electra_embed_trigger('other', 'kept_other', 'body');
INSERT INTO twice VALUES ('water'), ('fire');
SELECT body, one = electra_embed(body, 'kept') AS one, other = electra_embed(body, 'kept_other') AS other FROM twice ORDER BY body;

-- partitions and heirs, whose columns have other numbers
CREATE TABLE parts (id int, body text, embedding real[]) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 (dropped int, embedding real[], gone text, body text, id int);
ALTER TABLE part_2 DROP COLUMN dropped, DROP COLUMN gone;
ALTER TABLE parts ATTACH PARTITION part_2 FOR VALUES FROM (10) TO (20);
CREATE TRIGGER parts_embed BEFORE INSERT OR UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('embedding', 'kept', 'body');
INSERT INTO parts VALUES (1, 'in one'), (11, 'in two'), (2, 'in one again'), (12, 'in two again');
UPDATE parts SET body = body || ' changed' WHERE id IN (2, 12);
UPDATE parts SET id = id + 10 WHERE id = 1;
SELECT tableoid::regclass, id, embedding = electra_embed(body, 'kept') AS same FROM parts ORDER BY id, body;
CREATE TABLE parent (body text, embedding real[]);
CREATE TABLE heir (added int, extra text) INHERITS (parent);
CREATE TABLE far_heir (embedding real[], body text);
ALTER TABLE far_heir INHERIT parent;
CREATE TRIGGER e BEFORE INSERT OR UPDATE ON parent FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('embedding', 'kept', 'body');
CREATE TRIGGER e BEFORE INSERT OR UPDATE ON heir FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('embedding', 'kept', 'body');
CREATE TRIGGER e BEFORE INSERT OR UPDATE ON far_heir FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('embedding', 'kept', 'body');
INSERT INTO parent VALUES ('of the parent');
INSERT INTO heir VALUES ('of the heir');
INSERT INTO far_heir (body) VALUES ('of the far heir');
UPDATE parent SET body = body || ', changed';
SELECT tableoid::regclass, embedding = electra_embed(body, 'kept') AS same FROM parent ORDER BY 1;

-- columns added, dropped and changed under it; within one transaction too
BEGIN;
ALTER TABLE docs DROP COLUMN other, ALTER COLUMN embedding TYPE double precision[];
UPDATE docs SET body = 'after the change' WHERE id = 1;
SELECT embedding = electra_embed(body, 'kept')::float8[] AS same FROM docs WHERE id = 1;
ALTER TABLE docs ALTER COLUMN embedding TYPE real[];
COMMIT;
-- a source that an old row has only as a default
ALTER TABLE docs ADD COLUMN added text DEFAULT 'a default';
CREATE TRIGGER docs_embed_2 BEFORE UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('embedding', 'kept', 'added');
UPDATE docs SET embedding = NULL WHERE id = 2;
SELECT embedding = electra_embed('a default', 'kept') AS same FROM docs WHERE id = 2;
DROP TRIGGER docs_embed_2 ON docs;
ALTER TABLE docs RENAME COLUMN body TO text;
SELECT * FROM attempt($$UPDATE docs SET text = 'renamed'$$);
SELECT * FROM attempt($$UPDATE docs SET added = 'any column'$$) WHERE what = 'error';
ALTER TABLE docs RENAME COLUMN text TO body;

-- presets: a digest that must fit, one that does not exist, one that refuses long texts, the default one
SELECT left(digest, 12) AS prefix FROM electra_presets WHERE name = 'kept' \gset
CREATE TABLE presets (body text, embedding real[]);
CREATE FUNCTION use_preset(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE OR REPLACE TRIGGER p BEFORE INSERT OR UPDATE ON kept.presets FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger(%L, %L, %L)', 'embedding', name, 'body');
END $$;
SELECT use_preset('kept@' || :'prefix');
INSERT INTO presets VALUES ('a text');
SELECT embedding = electra_embed(body, 'kept') AS same FROM presets;
SELECT use_preset('kept@000000000000');
SELECT what, regexp_replace(said, '[0-9a-f]{64}', 'DIGEST') AS said FROM attempt($$INSERT INTO presets VALUES ('a text')$$) WHERE what IN ('error', 'context');
SELECT use_preset('nobody');
SELECT * FROM attempt($$INSERT INTO presets VALUES ('a text')$$) WHERE what IN ('error', 'context');
SELECT * FROM attempt($$INSERT INTO presets VALUES (NULL)$$);
SELECT use_preset('kept_short');
SELECT embedded() IS NOT NULL AS start;
SELECT * FROM attempt($$INSERT INTO presets VALUES ('a text that has more than eight tokens in it')$$);
SELECT errors, truncated FROM electra_stat_presets;
TRUNCATE presets;

-- rights are those of who writes
CREATE ROLE regress_electra_writer;
GRANT USAGE ON SCHEMA kept TO regress_electra_writer;
GRANT SELECT, INSERT, UPDATE ON presets, docs TO regress_electra_writer;
SELECT use_preset('kept_other');
SELECT electra_revoke_preset('kept_other', 'public');
SET ROLE regress_electra_writer;
INSERT INTO presets VALUES ('by a plain user');
UPDATE docs SET body = 'by a plain user' WHERE id = 1;
RESET ROLE;
SELECT electra_grant_preset('kept_other', 'regress_electra_writer');
SET ROLE regress_electra_writer;
INSERT INTO presets VALUES ('by a plain user');
SELECT count(*) AS rows FROM presets;
RESET ROLE;
SELECT embedding = electra_embed(body, 'kept_other') AS same FROM presets;

-- an empty preset is the default one, which may not change while the trigger is there
SELECT electra_set_default_preset('kept');
CREATE TABLE follows (body text, embedding real[], id int) PARTITION BY LIST (id);
CREATE TABLE follows_1 PARTITION OF follows FOR VALUES IN (1);
CREATE TRIGGER names_one BEFORE INSERT OR UPDATE ON follows FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('embedding', 'kept', 'body');
SELECT electra_set_default_preset('kept_other');
SELECT electra_set_default_preset('kept');
CREATE TRIGGER names_none BEFORE INSERT OR UPDATE ON follows FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('embedding', '', 'body');
INSERT INTO follows VALUES ('with the default', NULL, 1);
SELECT embedding = electra_embed(body, 'kept') AS same FROM follows;
SELECT electra_set_default_preset('kept_other');
SELECT electra_default_preset();
SELECT electra_set_default_preset('kept_other', true);
SELECT electra_set_default_preset('kept', true);
DROP TRIGGER names_none ON follows;
CREATE TABLE follows_2 (id int PRIMARY KEY, body text, embedding real[]);
CREATE TRIGGER batch_names_one AFTER INSERT ON follows_2 REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
	EXECUTE FUNCTION electra_embed_batch_trigger('embedding', 'kept', 'body');
CREATE TRIGGER batch_names_none AFTER INSERT ON follows_2 REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
	EXECUTE FUNCTION electra_embed_batch_trigger('embedding', '', 'body');
SELECT electra_set_default_preset('kept_other');
DROP TABLE follows_2;
SELECT electra_set_default_preset('kept_other');
SELECT electra_set_default_preset('electra_mini_en_1');

-- wrong triggers
CREATE TABLE wrong (id int, body text, upper text GENERATED ALWAYS AS (upper(body)) STORED, data json, numbers int[], embedding real[],
	made real[] GENERATED ALWAYS AS (ARRAY[id]::real[]) STORED, "Odd ""one""" text);
CREATE VIEW wrong_view AS SELECT id, body, embedding FROM wrong;
INSERT INTO wrong VALUES (1, 'a text');
CREATE FUNCTION wrong_trigger(definition text, statement text DEFAULT 'INSERT INTO kept.wrong VALUES (1, ''a text'')')
RETURNS TABLE (what text, said text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'CREATE TRIGGER w ' || definition;
	RETURN QUERY SELECT * FROM attempt(statement);
	EXECUTE format('DROP TRIGGER w ON kept.%I', CASE WHEN definition LIKE '%wrong_view%' THEN 'wrong_view' ELSE 'wrong' END);
END $$;
SELECT * FROM wrong_trigger($$AFTER INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('embedding', 'kept', 'body')$$);
SELECT * FROM wrong_trigger($$BEFORE INSERT ON wrong FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_trigger('embedding', '', 'Odd "one"', 'it''s')$$);
SELECT * FROM wrong_trigger($$BEFORE DELETE ON wrong FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('embedding', 'kept', 'body')$$, 'DELETE FROM wrong');
SELECT * FROM wrong_trigger($$BEFORE TRUNCATE ON wrong FOR EACH STATEMENT EXECUTE FUNCTION electra_embed_trigger('embedding', 'kept', 'body')$$, 'TRUNCATE wrong') WHERE what = 'error';
SELECT * FROM wrong_trigger($$INSTEAD OF INSERT ON wrong_view FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('embedding', 'kept', 'body')$$, 'INSERT INTO wrong_view VALUES (1)');
SELECT * FROM wrong_trigger($$BEFORE INSERT OR UPDATE OR DELETE ON wrong FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('embedding', 'kept', 'body')$$,
	'MERGE INTO wrong USING (VALUES (1), (2)) AS v(id) ON wrong.id = v.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id) VALUES (v.id)') WHERE what = 'error';
CREATE FUNCTION wrong_arguments(VARIADIC arguments text[]) RETURNS TABLE (what text, said text) LANGUAGE sql AS $$
	SELECT * FROM wrong_trigger('BEFORE INSERT OR UPDATE ON kept.wrong FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger(' ||
		(SELECT string_agg(quote_literal(a), ', ') FROM unnest(arguments) a) || ')') $$;
SELECT * FROM wrong_trigger($$BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger()$$);
SELECT * FROM wrong_arguments('embedding', 'body');
SELECT * FROM wrong_arguments('nothing', 'kept', 'body');
SELECT * FROM wrong_arguments('embedding', 'kept', 'body', 'Body');
SELECT * FROM wrong_arguments('embedding', 'kept', 'ctid') WHERE what = 'error';
SELECT * FROM wrong_arguments('embedding', 'kept', '') WHERE what = 'error';
SELECT * FROM wrong_arguments('embedding', 'kept', 'embedding');
SELECT * FROM wrong_arguments('embedding', 'kept', 'body', 'body');
SELECT * FROM wrong_arguments('made', 'kept', 'body');
SELECT * FROM wrong_arguments('embedding', 'kept', 'upper');
SELECT * FROM wrong_arguments('embedding', 'kept', 'data');
SELECT * FROM wrong_arguments('embedding', 'kept', 'id') WHERE what <> 'hint';
SELECT * FROM wrong_arguments('numbers', 'kept', 'body');
SELECT * FROM wrong_arguments('Odd "one"', 'kept', 'body') WHERE what <> 'hint';
SELECT electra_embed_trigger();

SET client_min_messages = error;
RESET search_path;
DROP SCHEMA kept CASCADE;
DROP ROLE regress_electra_writer;
SELECT electra_drop_preset(name) FROM unnest(ARRAY['kept', 'kept_other', 'kept_short']) AS name;
SELECT electra_forget_preset(name) FROM unnest(ARRAY['kept', 'kept_other', 'kept_short']) AS name;
