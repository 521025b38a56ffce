-- What the planner knows of functions that embed.
SET client_min_messages = error;
CREATE FUNCTION plan_json(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan -> 0 -> 'Plan';
END $$;
CREATE FUNCTION plan_cost(query text) RETURNS double precision
	LANGUAGE SQL AS $$ SELECT (plan_json(query) ->> 'Total Cost')::double precision $$;
CREATE FUNCTION plan_rows(query text) RETURNS double precision
	LANGUAGE SQL AS $$ SELECT (plan_json(query) ->> 'Plan Rows')::double precision $$;

CREATE TABLE planner_texts (body text, preset text);
INSERT INTO planner_texts SELECT 'text ' || i, 'electra_mini_en_1' FROM generate_series(1, 50) AS i;

-- a call costs far more than other functions, but a small table, analyzed or
-- not, stays below jit_above_cost
SELECT plan_cost('SELECT electra_embed(body, ''electra_mini_en_1'') FROM planner_texts') BETWEEN 1000 AND 100000 AS not_analyzed;
ANALYZE planner_texts;
SELECT plan_cost('SELECT electra_embed(body, ''electra_mini_en_1'') FROM planner_texts') BETWEEN 10 AND 3200 AS analyzed;

-- with or without the preset's name, with another function, twice the texts
SELECT plan_cost('SELECT electra_embed(body) FROM planner_texts') = plan_cost('SELECT electra_embed(body, ''electra_mini_en_1'') FROM planner_texts') AS default_preset,
	plan_cost('SELECT electra_embed_query(body) FROM planner_texts') = plan_cost('SELECT electra_embed(body) FROM planner_texts') AS query,
	plan_cost('SELECT electra_similarity(body, body) FROM planner_texts') BETWEEN 1.5 * plan_cost('SELECT electra_embed(body) FROM planner_texts')
		AND 2 * plan_cost('SELECT electra_embed(body) FROM planner_texts') AS similarity;

-- what is not known at planning has the declared cost; nothing is an error
SELECT plan_cost('SELECT electra_embed(body, preset) FROM planner_texts') BETWEEN 2000 AND 2010 AS declared,
	plan_cost('SELECT electra_embed(body, ''no-such-preset'') FROM planner_texts') BETWEEN 2000 AND 2010 AS unknown,
	plan_cost('SELECT electra_embed(body, NULL) FROM planner_texts') BETWEEN 2000 AND 2010 AS null_preset;

-- rows and cost of a batch follow its array
SELECT plan_rows('SELECT * FROM electra_embed_batch(ARRAY[''a'', ''b'', ''c''])') AS constant,
	plan_rows('SELECT * FROM planner_texts, LATERAL electra_embed_batch(ARRAY[body, body, body, body])') / 50 AS expression,
	plan_rows('SELECT * FROM electra_embed_batch((SELECT array_agg(body) FROM planner_texts))') AS unknown;
SELECT plan_cost('SELECT * FROM electra_embed_batch(array_fill(''a''::text, ARRAY[1000]))') > 100 * plan_cost('SELECT * FROM electra_embed_batch(ARRAY[''a'', ''b''])') AS grows;

-- constants are folded: one call at planning
SELECT sum(calls) AS calls FROM electra_stat_presets \gset
SELECT count(*) FROM planner_texts WHERE electra_cosine(electra_embed('constant', 'electra_mini_en_1'), electra_embed('constant', 'electra_mini_en_1')) > 0.9;
SELECT sum(calls) - :calls AS calls FROM electra_stat_presets;

-- parallel workers give the same bits
CREATE TABLE planner_many AS SELECT i AS id, 'parallel text number ' || i AS body FROM generate_series(1, 400) AS i;
CREATE TABLE planner_serial AS SELECT id, electra_embed(body, 'electra_mini_en_1') AS embedding FROM planner_many;
ANALYZE planner_many;
SET parallel_setup_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) CREATE TABLE planner_parallel AS SELECT id, electra_embed(body, 'electra_mini_en_1') AS embedding FROM planner_many;
CREATE TABLE planner_parallel AS SELECT id, electra_embed(body, 'electra_mini_en_1') AS embedding FROM planner_many;
SELECT count(*), count(*) FILTER (WHERE s.embedding <> p.embedding) AS differ FROM planner_serial s JOIN planner_parallel p USING (id);

DROP TABLE planner_texts, planner_many, planner_serial, planner_parallel;
DROP FUNCTION plan_cost(text), plan_rows(text), plan_json(text);
