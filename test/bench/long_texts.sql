-- Time against the length of a text at fixed max_length: the text, its first
-- 7,900 characters, and what PostgreSQL takes only to detoast it.
\pset footer off
SET client_min_messages = error;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE long_plain (kind text, bytes bigint, body text);
CREATE TABLE long_pglz (LIKE long_plain);
CREATE TABLE long_lz4 (LIKE long_plain);
ALTER TABLE long_plain ALTER body SET STORAGE EXTERNAL;
ALTER TABLE long_pglz ALTER body SET COMPRESSION pglz;
ALTER TABLE long_lz4 ALTER body SET COMPRESSION lz4;
WITH sizes AS (SELECT unnest(ARRAY[1000, 1000000, 100000000]) AS n),
prose AS (
	SELECT string_agg(w[1 + (hashint4(i) & 31)], ' ' ORDER BY i) || ' ' AS body
	FROM generate_series(1, 200000) i, string_to_array('the quick brown fox jumps over a lazy dog while seven wizards make toxic brew for evil queen and jack tree river stone house light music paper garden index query probe', ' ') w
)
INSERT INTO long_plain
SELECT 'prose', n, left(repeat(body, n / length(body) + 1), n) FROM prose, sizes
UNION ALL SELECT 'one word', n, repeat('abcdefghij', n / 10) FROM sizes
UNION ALL SELECT 'one word, not ASCII', n, repeat('äöüßéèêóçà', n / 20) FROM sizes;
INSERT INTO long_pglz SELECT kind, bytes, body || '' FROM long_plain;
INSERT INTO long_lz4 SELECT kind, bytes, body || '' FROM long_plain;
CREATE TABLE short AS SELECT kind, left(body, 7900) AS body FROM long_plain WHERE bytes = 1000000;

CREATE FUNCTION milliseconds(query text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	start timestamptz;
	best float8 := 'infinity';
BEGIN
	FOR i IN 1..3 LOOP
		start := clock_timestamp();
		EXECUTE query;
		best := least(best, extract(epoch FROM clock_timestamp() - start) * 1e3);
	END LOOP;
	RETURN round(best::numeric, 2);
END $$;

SELECT kind, stored, bytes, tokens AS "ms", cut AS "ms of its beginning", tokens - cut AS more, detoast AS "ms to detoast",
	round(bytes / 1e6 / nullif(greatest(tokens - cut, 0), 0), 2) AS "GB/s"
FROM unnest(ARRAY['prose', 'one word', 'one word, not ASCII']) kind, unnest(ARRAY['plain', 'pglz', 'lz4']) stored,
	unnest(ARRAY[1000, 1000000, 100000000]) bytes,
	milliseconds(format('SELECT count(electra_token_ids(body)) FROM long_%s WHERE kind = %L AND bytes = %s', stored, kind, bytes)) tokens,
	milliseconds(format('SELECT count(electra_token_ids(left(body, %s))) FROM short WHERE kind = %L', bytes, kind)) cut,
	milliseconds(format('SELECT count(ascii(body)) FROM long_%s WHERE kind = %L AND bytes = %s', stored, kind, bytes)) detoast
ORDER BY kind, stored, bytes;
