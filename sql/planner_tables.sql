-- What the planner makes of the length of texts: costs, workers, parameters.
SET client_min_messages = error;
SELECT electra_create_preset('planner_preset', vocabulary => ARRAY['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'text', 'query', 'row'] ||
	ARRAY(SELECT prefix || digit FROM unnest(ARRAY['', '##']) AS prefix, generate_series(0, 9) AS digit ORDER BY prefix, digit),
	num_layers => 2, num_heads => 4, hidden_dim => 128, embedding_dim => 64, intermediate_dim => 512);
SET max_parallel_workers_per_gather = 0;
CREATE FUNCTION plan_cost(query text) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN (plan -> 0 -> 'Plan' ->> 'Total Cost')::double precision;
END $$;
-- the cost of calls alone, for a row
CREATE FUNCTION embed_cost(relation text, expression text, num_rows integer) RETURNS double precision
	LANGUAGE SQL AS $$ SELECT round(((plan_cost(format('SELECT %s FROM %s', expression, relation))
		- plan_cost(format('SELECT 1 FROM %s', relation))) / num_rows)::numeric, 3)::double precision $$;
CREATE FUNCTION encoder_runs() RETURNS bigint
	LANGUAGE SQL AS $$ SELECT coalesce(sum(texts), 0)::bigint FROM electra_stat_presets WHERE 'planner_preset' = ANY (names) $$;

-- 7, 800 and 1,200 bytes; 10 kB in the TOAST table, where a pointer of 18
-- bytes is all that the statistics have; never analyzed; no texts at all
CREATE TABLE texts_short (id integer, body text, preset text DEFAULT 'planner_preset');
CREATE TABLE texts_medium (LIKE texts_short INCLUDING ALL);
CREATE TABLE texts_long (LIKE texts_short INCLUDING ALL);
CREATE TABLE texts_toasted (LIKE texts_short INCLUDING ALL);
CREATE TABLE texts_unknown (LIKE texts_short INCLUDING ALL) WITH (autovacuum_enabled = off);
CREATE TABLE texts_null (LIKE texts_short INCLUDING ALL);
INSERT INTO texts_short SELECT i, 'text ' || i FROM generate_series(1, 300) AS i;
INSERT INTO texts_medium SELECT i, rpad('text ' || i || ' ', 800, 'and so on ') FROM generate_series(1, 300) AS i;
INSERT INTO texts_long SELECT i, rpad('text ' || i || ' ', 1200, 'and so on ') FROM generate_series(1, 300) AS i;
INSERT INTO texts_toasted
	SELECT i, (SELECT string_agg(md5(i || '.' || j), ' ') FROM generate_series(1, 300) AS j) FROM generate_series(1, 300) AS i;
INSERT INTO texts_null SELECT i FROM generate_series(1, 300) AS i;
ANALYZE texts_short, texts_medium, texts_long, texts_toasted, texts_null;
SELECT tablename, avg_width > 500 AS wide FROM pg_stats WHERE tablename LIKE 'texts\_%' AND attname = 'body' ORDER BY tablename COLLATE "C";

-- longer texts cost more, up to what the preset reads of them, and never
-- as much as 64
CREATE TEMP TABLE cost AS
	SELECT embed_cost('texts_short', 'electra_embed(body, ''planner_preset'')', 300) AS short,
		embed_cost('texts_medium', 'electra_embed(body, ''planner_preset'')', 300) AS medium,
		embed_cost('texts_long', 'electra_embed(body, ''planner_preset'')', 300) AS long,
		embed_cost('texts_toasted', 'electra_embed(body, ''planner_preset'')', 300) AS toasted,
		embed_cost('texts_null', 'electra_embed(body, ''planner_preset'')', 300) AS nothing,
		embed_cost('generate_series(1, 300) AS i', 'electra_embed(i::text, ''planner_preset'')', 300) AS number,
		embed_cost('(SELECT * FROM texts_medium LIMIT 300) AS s', 'electra_embed(body, ''planner_preset'')', 300) AS subquery,
		embed_cost('texts_medium', 'electra_embed(body || '' '' || body, ''planner_preset'')', 300) AS twice;
SELECT short > 0.1 AS something, short < nothing AS unknown_is_more, medium > 10 * short AS medium, long > medium AS long,
	toasted >= long AS toasted, toasted < 64 AS below_cap, abs(subquery - medium) < 0.1 AS through_subquery,
	twice > 1.3 * medium AS expression
FROM cost;

-- an array counts its elements, a constant its own length
SELECT embed_cost('texts_medium', 'electra_embed_batch(ARRAY[body, coalesce(body, '''')], ''planner_preset'')', 300) > 1.9 * medium AS columns,
	plan_cost('SELECT n FROM electra_embed_batch(ARRAY[repeat(''long '', 300)], ''planner_preset'')')
	> 5 * plan_cost('SELECT n FROM electra_embed_batch(ARRAY[''short''], ''planner_preset'')') AS constants
FROM cost;

-- of two texts, one that stays the same is embedded once, unless it is longer
-- than what is remembered
SELECT embed_cost('texts_short', 'electra_similarity(body, ''the same'', ''planner_preset'')', 300)
	< embed_cost('texts_short', 'electra_similarity(body, body, ''planner_preset'')', 300) AS remembered,
	embed_cost('texts_short', 'electra_similarity(body, repeat(''long '', 3000), ''planner_preset'')', 300) > long AS too_long
FROM cost;

-- a parent knows of its partitions
CREATE TABLE texts_parted (id integer, body text) PARTITION BY RANGE (id);
CREATE TABLE texts_part_1 PARTITION OF texts_parted FOR VALUES FROM (1) TO (101);
CREATE TABLE texts_part_2 PARTITION OF texts_parted FOR VALUES FROM (101) TO (301);
INSERT INTO texts_parted SELECT id, body FROM texts_medium;
ANALYZE texts_part_1, texts_part_2;
SELECT abs(embed_cost('texts_parted', 'electra_embed(body, ''planner_preset'')', 300) - medium) < 0.5 AS partitions FROM cost;

-- No query of 50 rows is worth compiling, whatever their length: also where
-- nobody has analyzed the table, and the planner takes it for a larger one.
INSERT INTO texts_unknown SELECT id, left(body, 400) FROM texts_medium WHERE id <= 50;
SELECT plan_cost('SELECT electra_embed(body, ''planner_preset'') FROM texts_unknown')
	< current_setting('jit_above_cost')::double precision AS not_compiled;

-- Workers: for long texts and not for short ones of the same number, and never
-- for ten rows.  How many, and whether at all, is decided by the table's own
-- pages: without parallel_workers, texts in a TOAST table do not count.
SET max_parallel_workers_per_gather = 2;
ALTER TABLE texts_short SET (parallel_workers = 2);
ALTER TABLE texts_medium SET (parallel_workers = 2);
CREATE TABLE texts_ten AS SELECT * FROM texts_toasted LIMIT 10;
ALTER TABLE texts_ten SET (parallel_workers = 2);
ANALYZE texts_ten;
EXPLAIN (COSTS OFF) SELECT electra_embed(body, 'planner_preset') FROM texts_medium;
EXPLAIN (COSTS OFF) SELECT electra_embed(body, 'planner_preset') FROM texts_short;
EXPLAIN (COSTS OFF) SELECT electra_embed(body, 'planner_preset') FROM texts_ten;
EXPLAIN (COSTS OFF) SELECT electra_embed(body, 'planner_preset') FROM texts_toasted;
ALTER TABLE texts_toasted SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT electra_embed(body, 'planner_preset') FROM texts_toasted;

-- 10 MB of texts need no setting; UPDATE and INSERT … SELECT have no workers
INSERT INTO texts_unknown SELECT i, rpad('text ' || i || ' ', 800, 'and so on ') FROM generate_series(51, 12000) AS i;
ANALYZE texts_unknown;
EXPLAIN (COSTS OFF) CREATE TABLE texts_embedded AS SELECT id, electra_embed(body, 'planner_preset') FROM texts_unknown;
EXPLAIN (COSTS OFF) INSERT INTO texts_short (body) SELECT electra_embed(body, 'planner_preset')::text FROM texts_unknown;
EXPLAIN (COSTS OFF) SELECT id FROM texts_unknown WHERE electra_embed(body, 'planner_preset') IS NULL;

-- A constant query text is embedded once, at planning, for all rows and all
-- executions of a prepared statement.
SET max_parallel_workers_per_gather = 0;
CREATE TABLE vectors AS
	SELECT i AS id, ARRAY(SELECT sin(i * 0.37 + j)::real FROM generate_series(1, 128) AS j) AS embedding
	FROM generate_series(1, 2000) AS i;
ANALYZE vectors;
SELECT encoder_runs() AS runs \gset
PREPARE constant AS SELECT id FROM vectors ORDER BY electra_cosine(embedding, electra_embed('the constant query', 'planner_preset')) DESC LIMIT 1;
CREATE TEMP TABLE constant_1 AS EXECUTE constant;
CREATE TEMP TABLE constant_2 AS EXECUTE constant;
SELECT encoder_runs() - :runs AS runs, (TABLE constant_1) = (TABLE constant_2) AS same;

-- A parameter is embedded once a query: folded into a custom plan, out of the
-- memo in a generic one, which is charged for one text and not for 2,000.
PREPARE search(text) AS SELECT id FROM vectors ORDER BY electra_cosine(embedding, electra_embed($1, 'planner_preset')) DESC LIMIT 1;
CREATE FUNCTION search_often(times integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	runs bigint := encoder_runs();
BEGIN
	FOR i IN 1 .. times LOOP
		EXECUTE format('EXECUTE search(%L)', format('query %s of %s', i, times));
	END LOOP;
	RETURN encoder_runs() - runs;
END $$;
SELECT search_often(7) AS runs;
SET plan_cache_mode = force_generic_plan;
SELECT search_often(8) AS runs;
SELECT plan_cost('EXECUTE search(''what does it cost?'')') < 1000 AS charged_once;
SELECT generic_plans FROM pg_prepared_statements WHERE name = 'search';

-- two texts of which one is a column
PREPARE pairs(text) AS SELECT max(electra_similarity(body, $1, 'planner_preset')) > 0.1 AS similar FROM texts_short WHERE id <= 20;
SELECT encoder_runs() AS runs \gset
EXECUTE pairs('compared with twenty');
SELECT encoder_runs() - :runs AS runs;
SET plan_cache_mode = force_custom_plan;
SELECT encoder_runs() AS runs \gset
EXECUTE pairs('compared with the same twenty');
SELECT encoder_runs() - :runs AS runs;
RESET plan_cache_mode;

-- a parameter that changes from row to row is no constant
SELECT encoder_runs() AS runs \gset
SELECT count(DISTINCT (SELECT electra_embed('row ' || t.id, 'planner_preset'))) FROM texts_short AS t WHERE id <= 20;
SELECT encoder_runs() - :runs AS runs;

DEALLOCATE ALL;
DROP TABLE texts_short, texts_medium, texts_long, texts_toasted, texts_unknown, texts_null, texts_parted, texts_ten, vectors;
DROP FUNCTION plan_cost(text), embed_cost(text, text, integer), encoder_runs(), search_often(integer);
SELECT electra_drop_preset('planner_preset');
SELECT electra_forget_preset('planner_preset');
