-- The vectors of the default preset, bit for bit, of 200 texts: one by one, in
-- a batch, on every set of kernels, in workers.
CREATE TABLE golden (n int PRIMARY KEY, sha256 text, first real[], body text) WITH (parallel_workers = 2);
\copy golden FROM 'test/parity/golden/electra_mini_en_1.tsv' WITH (HEADER, ENCODING 'UTF8')
SELECT count(*), count(DISTINCT body) AS different FROM golden;
SELECT electra_default_preset();

CREATE TABLE golden_vectors (how text, n int, embedding real[]);
INSERT INTO golden_vectors SELECT 'one by one', n, electra_embed(body) FROM golden;
INSERT INTO golden_vectors SELECT 'by name', n, electra_embed(body, 'electra_mini_en_1') FROM golden;
INSERT INTO golden_vectors SELECT 'batch', b.n, b.embedding
	FROM electra_embed_batch((SELECT array_agg(body ORDER BY n) FROM golden)) b;
DO $$
DECLARE
	k text;
BEGIN
	FOR k IN SELECT kernels FROM electra_kernels() WHERE available LOOP
		PERFORM set_config('electra.kernels', k, false);
		INSERT INTO golden_vectors SELECT k, n, electra_embed(body) FROM golden;
	END LOOP;
	PERFORM set_config('electra.kernels', 'auto', false);
END $$;

SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
EXPLAIN (COSTS OFF) CREATE TABLE golden_workers AS SELECT n, electra_embed(body) AS embedding FROM golden;
CREATE TABLE golden_workers AS SELECT n, electra_embed(body) AS embedding FROM golden;
INSERT INTO golden_vectors SELECT 'workers', n, embedding FROM golden_workers;

-- none differs; of one that does, how far off its first components are
SELECT how, n, (SELECT max(abs(f - e)) FROM unnest(first, embedding[1:4]) AS u(f, e)) AS off, first, embedding[1:4] AS found
FROM golden JOIN golden_vectors v USING (n)
WHERE encode(sha256(array_send(embedding)), 'hex') IS DISTINCT FROM sha256 ORDER BY n, how LIMIT 20;
SELECT count(DISTINCT how) >= 5 AS ways, count(*) = 200 * count(DISTINCT how) AS all_texts FROM golden_vectors;
DROP TABLE golden, golden_vectors, golden_workers;
