-- Loading presets.  The directories come from test/import/make_directories.py.
\getenv sources ELECTRA_TEST_SOURCES

-- Runs a statement in which SOURCES stands for that folder; shows its error.
CREATE FUNCTION attempt(statement text, sources text) RETURNS TABLE (what text, said text) LANGUAGE plpgsql AS $$
DECLARE
	state text; message text; detail text; hint text; result text;
BEGIN
	EXECUTE replace(statement, 'SOURCES', sources) INTO result;
	RETURN QUERY VALUES ('result', result);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN QUERY SELECT v.what, replace(v.said, sources, 'SOURCES')
		FROM (VALUES ('error', state || ' ' || message), ('detail', detail), ('hint', hint)) AS v(what, said)
		WHERE v.said <> '';
END $$;

-- its name is the directory's
SELECT electra_load_preset(:'sources' || '/electra_discriminator');
SELECT electra_load_preset(:'sources' || '/sentence_plain/', 'lib/Sentence.plain-1');
SELECT name, hidden_dim > 0 AS hidden, parameters > 0 AS parameters, dtype, pooling, dimensions = hidden_dim AS whole,
	archive_bytes > 0 AS archive, image_bytes > 0 AS image, cached,
	replace(source, :'sources', 'SOURCES') AS source, loaded_by = current_user AS by_me, loaded_at IS NOT NULL AS at,
	is_default, shipped, untrained
FROM electra_presets WHERE NOT shipped;

-- the SHA-256 of every file that was read, also of the weights
SELECT count(*) > 2 AS files, bool_or(key = 'source.sha256.model.safetensors') AS weights, bool_and(value = encode(sha256(
	pg_read_binary_file(:'sources' || '/electra_discriminator/' || substr(key, length('source.sha256.') + 1))), 'hex')) AS same
FROM jsonb_each_text(electra_preset_config('electra_discriminator') -> 'provenance') WHERE key LIKE 'source.sha256.%';

-- the archive is in pieces of 1 MB, and its SHA-256 is the preset's digest
SELECT p.name, encode(sha256(string_agg(c.data, '' ORDER BY c.chunk_no)), 'hex') = encode(p.digest, 'hex') AS same,
	max(octet_length(c.data)) <= 1048576 AS small, count(*) = max(c.chunk_no) + 1 AS dense
FROM _electra.preset p JOIN _electra.preset_chunk c USING (digest) GROUP BY p.name, p.digest ORDER BY p.name;

-- again: nothing to do; under another name: the archive and the image are shared
SELECT electra_load_preset(:'sources' || '/electra_discriminator');
SELECT electra_load_preset(:'sources' || '/electra_discriminator', name => 'other');
SELECT count(DISTINCT digest) AS digests FROM electra_presets WHERE name IN ('other', 'electra_discriminator');
SELECT count(DISTINCT digest) AS archives FROM _electra.preset_chunk;
SELECT electra_embed('one image', 'other') = electra_embed('one image', 'electra_discriminator') AS same;

-- each option is in the digest
SET client_min_messages = warning;
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'opt_pooling', pooling => 'cls,mean');
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'opt_normalize', "normalize" => true);
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'opt_length', max_length => 8);
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'opt_dimensions', dimensions => 4);
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'opt_query', query_prompt => 'query: ');
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'opt_document', document_prompt => 'passage: ');
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'opt_truncation', truncation => 'error');
RESET client_min_messages;
SELECT count(*) AS names, count(DISTINCT digest) AS digests FROM electra_presets
WHERE name LIKE 'opt\_%' OR name = 'electra_discriminator';
SELECT name, pooling, dimensions = hidden_dim AS whole, dimensions = 2 * hidden_dim AS twice, dimensions = 4 AS four, max_length
FROM electra_presets WHERE name LIKE 'opt\_%' ORDER BY name;
SELECT round(electra_cosine(a, a)::numeric, 5) AS one, round(sqrt((SELECT sum(x * x) FROM unnest(a) x))::numeric, 5) AS norm
FROM electra_embed('normalized', 'opt_normalize') a;
SELECT name, electra_preset_config(name) -> 'query_prompt' AS query, electra_preset_config(name) -> 'document_prompt' AS document,
	electra_preset_config(name) -> 'truncation' AS truncation
FROM electra_presets WHERE name IN ('opt_query', 'opt_document', 'opt_truncation') ORDER BY name;

-- a name stays with its content
SELECT said ~ '^42710 preset "other" exists already' AS refused FROM attempt(
	$$SELECT electra_load_preset('SOURCES/electra_discriminator', 'other', max_length => 8)$$, :'sources') WHERE what = 'error';

-- what is wrong with the arguments
SELECT * FROM attempt($$SELECT electra_load_preset(NULL)$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', dtype => NULL)$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', truncation => NULL)$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('')$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', '')$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', 'a name with blanks')$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', 'name@01234567')$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', repeat('x', 129))$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/blank here')$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('/')$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', 'electra_mini_en_1')$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('electra_mini_en_1')$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', dtype => 'float99')$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', dtype => 'int4')$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', pooling => 'best')$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', max_length => 0)$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', max_length => 100000)$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', dimensions => -1)$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', dimensions => 100000)$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', query_prompt => repeat('x', 3000))$$, :'sources');
SELECT * FROM attempt($$SELECT electra_load_preset('SOURCES/bert_plain', truncation => 'sometimes')$$, :'sources');
BEGIN READ ONLY;
SELECT electra_load_preset(:'sources' || '/bert_plain');
ROLLBACK;

-- what is rolled back was never there, the image neither
SELECT electra_clean_images() >= 0 AS cleaned;
SELECT count(*) AS images FROM pg_ls_dir('electra') f WHERE f ~ '_v\d+$' \gset before_
BEGIN;
SELECT electra_load_preset(:'sources' || '/bert_plain', 'undone');
SELECT cardinality(electra_embed('inside', 'undone')) > 0 AS works;
ROLLBACK;
SELECT electra_embed('outside', 'undone');
BEGIN;
SAVEPOINT s;
SELECT electra_load_preset(:'sources' || '/bert_plain', 'undone');
ROLLBACK TO s;
SELECT electra_load_preset(:'sources' || '/bert_plain', 'done');
COMMIT;
SELECT name FROM _electra.preset WHERE name LIKE '%done' ORDER BY name;
SELECT count(*) - :before_images AS new_images FROM pg_ls_dir('electra') f WHERE f ~ '_v\d+$';

-- a dropped name comes back with the same content only, until it is forgotten
SELECT electra_drop_preset('done');
SELECT electra_embed('x', 'done');
SELECT electra_drop_preset('done');
SELECT count(*) AS chunks FROM _electra.preset_chunk c WHERE NOT EXISTS (SELECT FROM _electra.preset p WHERE p.digest = c.digest AND NOT p.dropped);
SELECT what, regexp_replace(said, '[0-9a-f]{64}', 'DIGEST', 'g') AS said FROM attempt(
	$$SELECT electra_load_preset('SOURCES/electra_discriminator', 'done')$$, :'sources');
SELECT electra_load_preset(:'sources' || '/bert_plain', 'done');
SELECT cardinality(electra_embed('x', 'done')) > 0 AS back;
SELECT electra_forget_preset('done');
SELECT electra_drop_preset('done');
SELECT electra_forget_preset('done');
SELECT electra_forget_preset('done');
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'done');

SELECT electra_drop_preset(name) FROM electra_presets WHERE NOT shipped;
SELECT electra_forget_preset(name) FROM _electra.preset;
SELECT count(*) FROM _electra.preset_chunk;
SELECT electra_clean_images() > 0 AS freed;
DROP FUNCTION attempt;
