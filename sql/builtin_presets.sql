-- The six presets of Keras-Hub's ElectraBackbone: its own table of shapes and
-- parameter counts.
\getenv sources ELECTRA_TEST_SOURCES
LOAD 'electra';
SET client_min_messages = warning;
SELECT name, num_layers, num_heads, hidden_dim, embedding_dim, intermediate_dim, parameters FROM electra_builtin_presets();
\pset format unaligned
SELECT name, description FROM electra_builtin_presets();
SELECT kaggle_handle, hf_handle FROM electra_builtin_presets();
\pset format aligned

-- the counts are those of an encoder with a pooler of that shape
SELECT name, parameters = 30522 * e + 512 * e + 2 * e + 2 * e + (CASE WHEN e = h THEN 0 ELSE e * h + h END)
	+ layers * (4 * (h * h + h) + 2 * h + h * f + f + f * h + h + 2 * h) + h * h + h AS same
FROM electra_builtin_presets() AS b,
	LATERAL (VALUES (b.num_layers::bigint, b.hidden_dim::bigint, b.embedding_dim::bigint, b.intermediate_dim::bigint)) AS v(layers, h, e, f);

-- nothing is there
SET electra.preset_path = '/nonexistent';
SELECT count(*) FROM electra_builtin_presets() WHERE available;
SET electra.preset_path = '';
SELECT count(*) FROM electra_builtin_presets() WHERE available;
SELECT set_config('electra.preset_path', :'sources', false) = :'sources' AS set;
SELECT count(*) FROM electra_builtin_presets() WHERE available;
RESET electra.preset_path;

-- everybody may look
CREATE ROLE regress_electra_plain;
SET ROLE regress_electra_plain;
SELECT count(*) FROM electra_builtin_presets();
RESET ROLE;
DROP ROLE regress_electra_plain;
