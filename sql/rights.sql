-- What a plain user may do, and what he may not.
\getenv sources ELECTRA_TEST_SOURCES
SET client_min_messages = warning;
SELECT electra_load_preset(:'sources' || '/bert_plain', 'rights');
RESET client_min_messages;
CREATE ROLE regress_electra_plain;

SET ROLE regress_electra_plain;
SELECT electra_load_preset(:'sources' || '/bert_plain', 'mine');
SELECT electra_drop_preset('rights');
SELECT electra_forget_preset('rights');
SELECT electra_set_default_preset('rights');
SELECT electra_clean_images();
SELECT electra_stat_reset();
SELECT count(*) FROM _electra.preset;
DELETE FROM _electra.preset_chunk;

-- embedding and looking are for everybody; the server's paths are not
SELECT cardinality(electra_embed('a text', 'rights')) = electra_dimensions('rights') AS embeds;
SELECT name, source IS NULL AS hidden FROM electra_presets WHERE NOT shipped;
SELECT electra_preset_config('rights') ->> 'name' AS name, electra_default_preset() AS default;
SELECT electra_verify('rights'), electra_prewarm('rights') > 0 AS prewarmed;
RESET ROLE;

-- functions that are granted need no rights on the tables, but server files do
GRANT EXECUTE ON FUNCTION electra_load_preset, electra_drop_preset, electra_forget_preset, electra_set_default_preset
	TO regress_electra_plain;
SET ROLE regress_electra_plain;
SELECT electra_load_preset(:'sources' || '/bert_plain', 'mine');
RESET ROLE;
GRANT pg_read_server_files TO regress_electra_plain;
SET ROLE regress_electra_plain;
SELECT electra_load_preset(:'sources' || '/bert_plain', 'mine');
SELECT loaded_by FROM electra_presets WHERE name = 'mine';
SELECT electra_set_default_preset('mine');
SELECT electra_set_default_preset('electra_mini_en_1');
SELECT electra_drop_preset('mine');
SELECT electra_forget_preset('mine');
RESET ROLE;

TRUNCATE _electra.default_preset;
SELECT electra_drop_preset('rights');
SELECT electra_forget_preset('rights');
DROP OWNED BY regress_electra_plain;
DROP ROLE regress_electra_plain;
