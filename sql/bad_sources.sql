-- Directories that are refused: a clear error each, and nothing is left.  The
-- directories come from test/import/make_directories.py, whose own test has
-- many more of them.
\getenv sources ELECTRA_TEST_SOURCES

CREATE FUNCTION attempt_load(directory text) RETURNS TABLE (directory_name text, what text, said text) LANGUAGE plpgsql AS $$
DECLARE
	state text; message text; detail text; hint text;
BEGIN
	PERFORM electra_load_preset(directory);
	RETURN QUERY VALUES (regexp_replace(directory, '.*/', ''), 'loaded', '');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN QUERY SELECT regexp_replace(directory, '.*/', ''), v.what,
			replace(v.said, regexp_replace(directory, '/[^/]*$', ''), 'SOURCES')
		FROM (VALUES ('error', state || ' ' || message), ('detail', detail), ('hint', hint)) AS v(what, said)
		WHERE v.said <> '';
END $$;

\pset format unaligned
SELECT a.* FROM unnest(ARRAY['not_there', 'config_missing', 'config_nonsense', 'config_heads', 'judge_bpe', 'judge_roberta',
	'judge_no_tokenizer', 'weights_none', 'weights_truncated', 'weights_missing', 'weights_unknown', 'weights_shape',
	'weights_not_finite', 'vocabulary_larger', 'torch_os_system', 'torch_eval_legacy', 'torch_nested_reduce', 'torch_cycle_list',
	'torch_zip_bomb', 'keras_external_link', 'keras_external_file', 'keras_bomb', 'keras_class_gemma', 'keras_policy_int8', 'keras_lfs']) AS bad,
	attempt_load(:'sources' || '/' || bad) AS a;
\pset format aligned
SELECT count(*) AS presets FROM _electra.preset;
SELECT count(*) AS chunks FROM _electra.preset_chunk;
DROP FUNCTION attempt_load;
