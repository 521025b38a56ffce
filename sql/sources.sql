-- What a source may say, and electra.preset_path.  The directories come from
-- test/import/make_directories.py; test/t/013_sources.pl has the hubs' caches.
\getenv sources ELECTRA_TEST_SOURCES
LOAD 'electra';
SHOW electra.preset_path;

-- Runs a statement; shows its error, SOURCES for the folder's path.
CREATE FUNCTION attempt_source(source text, sources text) RETURNS TABLE (what text, said text) LANGUAGE plpgsql AS $$
DECLARE
	state text; message text; detail text; hint text; result text;
BEGIN
	result := electra_load_preset(replace(source, 'SOURCES', sources), 'attempt');
	RETURN QUERY VALUES ('result', result);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN QUERY SELECT v.what, replace(v.said, sources, 'SOURCES')
		FROM (VALUES ('error', state || ' ' || message), ('detail', detail), ('hint', hint)) AS v(what, said)
		WHERE v.said <> '';
END $$;
CREATE TABLE source_path (folder text);
INSERT INTO source_path VALUES (:'sources');
GRANT SELECT ON source_path TO PUBLIC;
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on

-- found by name, with and without a handle's form
SELECT set_config('electra.preset_path', :'sources', false) = :'sources';
SELECT electra_load_preset('bert_plain');
SELECT electra_load_preset('bert_plain', 'again');
SELECT electra_load_preset(:'sources' || '/bert_plain', 'by_directory');
SELECT count(*), count(DISTINCT digest) FROM electra_presets WHERE name IN ('bert_plain', 'again', 'by_directory');
SELECT name, replace(source, :'sources', 'SOURCES') FROM electra_presets WHERE NOT shipped ORDER BY name COLLATE "C";

-- not found: what was looked at, and what to do
SELECT * FROM attempt_source('no-such-preset', :'sources');
SELECT * FROM attempt_source('electra_small_discriminator_uncased_en', :'sources');
SELECT * FROM attempt_source('hf://owner/name', :'sources');
SELECT * FROM attempt_source('owner/name', :'sources');
SELECT * FROM attempt_source('hf://owner/name@v1.0', :'sources');
SELECT * FROM attempt_source('kaggle://keras/electra/keras/electra_small_discriminator_uncased_en', :'sources');
SELECT * FROM attempt_source('kaggle://owner/model/keras/variation/3', :'sources');
SELECT * FROM attempt_source('SOURCES/nothing', :'sources');

-- near misses of the built-in identifiers
SELECT DISTINCT s, (SELECT said FROM attempt_source(s, :'sources') WHERE what = 'hint')
FROM unnest(ARRAY['electra_base_discriminator_en', 'Electra_Base_Generator_Uncased_En', 'electra-large-discriminator-uncased-en',
	'electra_small', 'electra_smal_discriminator_uncased', 'kaggle://keras/electra/keras/electra_large_generator_en',
	'hf://keras/electra_small_generator_uncased']) AS s ORDER BY s;

-- what cannot be a source
SELECT s, said FROM unnest(ARRAY['', ' ', './bert_plain', '../bert_plain', '~/bert_plain', '.', '..', 'sources/bert/plain', 'bert_plain/',
	'.hidden', '-option', 'two words', 'a..b', 'hf://', 'hf://name', 'hf://owner/name/more', 'hf://../name', 'hf://owner/-name',
	'hf://owner/name@', 'hf://owner/name@../../x', 'hf://owner/name@refs//pr', 'owner/na me', 'kaggle://', 'kaggle://owner/model',
	'kaggle://owner/model/framework/../3', 'kaggle://owner/model/framework/variation/latest', 'https://example.com/x', 'file:///x',
	'SOURCES/bert_plain/config.json', 'SOURCES/bert_plain/../nothing']) WITH ORDINALITY AS u(s, n),
	LATERAL attempt_source(s, :'sources') WHERE what = 'error' ORDER BY n;
SELECT said FROM attempt_source('./bert_plain', :'sources') WHERE what <> 'error';
SELECT said FROM attempt_source('hf://owner', :'sources') WHERE what <> 'error';
SELECT said FROM attempt_source('https://example.com/x', :'sources') WHERE what <> 'error';
SELECT said FROM attempt_source(repeat('x', 5000), :'sources');
SELECT said FROM attempt_source('/' || repeat('x', 5000), :'sources');

-- several directories; none
SELECT set_config('electra.preset_path', '/nonexistent/electra:' || :'sources', false) ~ '^/nonexistent';
SELECT * FROM attempt_source('no-such-preset', :'sources');
SELECT count(*) FROM attempt_source('bert_plain', :'sources') WHERE said = 'attempt';
SET electra.preset_path = '/odd '' name';
SELECT * FROM attempt_source('no-such-preset', :'sources');
SET electra.preset_path = '';
SELECT * FROM attempt_source('bert_plain', :'sources');
SET electra.preset_path = 'here';
SET electra.preset_path = '/here:there';
SET electra.preset_path = '/here:';
SET electra.preset_path = '$sharedir2/here';
SET electra.preset_path = '$sharedir/here:/there/';

-- who may load, but not read the setting, learns no path
CREATE ROLE regress_electra_plain;
GRANT EXECUTE ON FUNCTION electra_load_preset TO regress_electra_plain;
SELECT set_config('electra.preset_path', :'sources', false) = :'sources';
SET ROLE regress_electra_plain;
\set VERBOSITY sqlstate
SHOW electra.preset_path;
SET electra.preset_path = '/';
\set VERBOSITY default
SELECT name, setting IS NULL FROM electra_settings() WHERE name = 'electra.preset_path';
SELECT * FROM attempt_source('electra_large_generator_uncased_en', (SELECT folder FROM source_path));
SELECT * FROM attempt_source('SOURCES/bert_plain', (SELECT folder FROM source_path));
SELECT electra_load_preset('bert_plain', 'of_plain');
RESET ROLE;
GRANT pg_read_server_files TO regress_electra_plain;
SET ROLE regress_electra_plain;
SELECT count(*) FROM attempt_source('electra_large_generator_uncased_en', (SELECT folder FROM source_path)) WHERE said ~ 'SOURCES';
RESET ROLE;
REVOKE ALL ON FUNCTION electra_load_preset FROM regress_electra_plain;
DROP ROLE regress_electra_plain;

RESET electra.preset_path;
SELECT count(electra_drop_preset(name)) FROM electra_presets WHERE NOT shipped;
SELECT count(electra_forget_preset(name)) FROM _electra.preset;
DROP TABLE source_path;
DROP FUNCTION attempt_source;
