-- The default preset, and what depends on it.
\getenv sources ELECTRA_TEST_SOURCES
SET client_min_messages = warning;
SELECT electra_load_preset(:'sources' || '/bert_plain', 'plain');
SELECT electra_load_preset(:'sources' || '/bert_plain', 'same');
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'other');
RESET client_min_messages;

SELECT electra_default_preset();
SELECT electra_set_default_preset('nobody');
SELECT electra_set_default_preset('a name with blanks');
SELECT electra_set_default_preset(NULL);
SELECT electra_set_default_preset('plain', NULL);
SELECT electra_set_default_preset('plain');
SELECT electra_default_preset();
SELECT name FROM electra_presets WHERE is_default;
SELECT electra_embed('a text') = electra_embed('a text', 'plain') AS follows;
SELECT electra_drop_preset('plain');

-- plans that hold a folded constant follow
PREPARE folded AS SELECT electra_embed('a text') = electra_embed('a text', 'plain') AS plain;
EXECUTE folded;
SELECT electra_set_default_preset('other');
EXECUTE folded;
BEGIN;
SELECT electra_set_default_preset('plain');
EXECUTE folded;
ROLLBACK;
EXECUTE folded;
UPDATE _electra.default_preset SET name = 'plain';
EXECUTE folded;
INSERT INTO _electra.default_preset (name) VALUES ('other');
EXECUTE folded;
SELECT * FROM _electra.default_preset;
SELECT electra_set_default_preset('plain');

-- what stores the encoder's outputs that depend on it
CREATE SCHEMA dependent;
SET search_path = dependent, public;
CREATE TABLE o (ids int[], body text, first real[] GENERATED ALWAYS AS (electra_token_embedding(ids[1])) STORED,
	named real[] GENERATED ALWAYS AS (electra_token_embedding(ids[1], 'plain')) STORED);
CREATE INDEX o_pooled ON o (cardinality(electra_pooled(body)));
CREATE INDEX o_named_pooled ON o (cardinality(electra_pooled(body, 'plain')));
CREATE INDEX o_named_pair ON o (cardinality(electra_pooled(body, 'plain', 'pair')));
ALTER TABLE o ADD CONSTRAINT o_pair CHECK ((electra_token_pair(body, 'pair')).segment_ids IS NOT NULL);
CREATE MATERIALIZED VIEW o_encoded AS SELECT e.* FROM o, electra_encode(ids) e;
CREATE MATERIALIZED VIEW o_segments AS SELECT e.* FROM o, electra_encode(ids, ids) e;
CREATE MATERIALIZED VIEW o_outputs AS SELECT s.* FROM o, electra_sequence_output(body) s;
CREATE MATERIALIZED VIEW o_named AS SELECT e.sequence_output, s.embedding, p.token_ids
	FROM o, electra_encode(ids, NULL, NULL, 'plain') e, electra_sequence_output(body, 'plain') s, electra_token_pair(body, body, 'plain') p;
DO $$
DECLARE
	detail text;
BEGIN
	PERFORM electra_set_default_preset('other');
EXCEPTION WHEN dependent_objects_still_exist THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RAISE NOTICE '%', (SELECT string_agg(line, E'\n' ORDER BY line) FROM string_to_table(detail, E'\n') line);
END $$;
SET client_min_messages = error;
DROP SCHEMA dependent CASCADE;
RESET client_min_messages;
RESET search_path;

-- what stores values that depend on it
CREATE SCHEMA dependent;
SET search_path = dependent, public;
CREATE TABLE t (id int, body text, embedding real[] GENERATED ALWAYS AS (electra_embed(body)) STORED,
	named real[] GENERATED ALWAYS AS (electra_embed(body, 'plain')) STORED,
	plain_default real[] DEFAULT electra_embed('a default is no stored value'));
SELECT electra_set_default_preset('other');
SELECT electra_set_default_preset('same');
SELECT electra_set_default_preset('plain');

CREATE INDEX t_index ON t (electra_token_count(body));
CREATE INDEX t_named ON t (electra_token_count(body, 'plain'));
ALTER TABLE t ADD CONSTRAINT t_short CHECK (electra_token_count(body) < 100);
CREATE STATISTICS t_statistics ON (electra_token_count(body)), id FROM t;
CREATE FUNCTION wrapped(text) RETURNS int IMMUTABLE BEGIN ATOMIC SELECT electra_token_count($1); END;
CREATE TABLE parts (body text) PARTITION BY RANGE (wrapped(body));
CREATE VIEW v AS SELECT id, electra_embed(body) AS e FROM t;
CREATE VIEW w AS SELECT * FROM v;
CREATE MATERIALIZED VIEW m AS SELECT * FROM w;
CREATE MATERIALIZED VIEW named_m AS SELECT electra_embed(body, 'plain') FROM t;
CREATE TABLE guarded (body text);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON guarded USING (electra_token_count(body) < 5);
DO $$
DECLARE
	detail text; hint text;
BEGIN
	PERFORM electra_set_default_preset('other');
EXCEPTION WHEN dependent_objects_still_exist THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RAISE NOTICE '%', SQLERRM;
	RAISE NOTICE '%', (SELECT string_agg(line, E'\n' ORDER BY line) FROM string_to_table(detail, E'\n') line);
	RAISE NOTICE '%', hint;
END $$;
SELECT electra_default_preset();

-- more than are listed
DO $$ BEGIN FOR i IN 1 .. 12 LOOP EXECUTE format('CREATE INDEX t_more_%s ON t (electra_token_count(body))', i); END LOOP; END $$;
DO $$
DECLARE
	detail text;
BEGIN
	PERFORM electra_set_default_preset('other');
EXCEPTION WHEN dependent_objects_still_exist THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RAISE NOTICE '% lines, the last: %', (SELECT count(*) FROM string_to_table(detail, E'\n')), regexp_replace(detail, E'.*\n', '');
END $$;

-- by force
SET client_min_messages = error;
SELECT electra_set_default_preset('other', force => true);
RESET client_min_messages;
SELECT electra_default_preset();
SET client_min_messages = error;
DROP SCHEMA dependent CASCADE;
RESET client_min_messages;
RESET search_path;
SELECT electra_set_default_preset('plain');

-- a REPEATABLE READ transaction sees what is committed, not what was
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT electra_default_preset();
COMMIT;
BEGIN READ ONLY;
SELECT electra_set_default_preset('other');
ROLLBACK;

-- a default that is not there
BEGIN;
UPDATE _electra.default_preset SET name = 'gone';
SELECT electra_embed('a text');
ROLLBACK;

-- back to how it was
SELECT electra_set_default_preset('electra_mini_en_1');
SELECT name FROM electra_presets WHERE is_default;
TRUNCATE _electra.default_preset;
SELECT electra_default_preset();
SELECT electra_drop_preset(name) FROM electra_presets WHERE NOT shipped;
SELECT electra_forget_preset(name) FROM _electra.preset ORDER BY name;
