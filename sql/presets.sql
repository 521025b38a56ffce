-- Presets by name, by name and digest, and what is to be seen of them.
\getenv sources ELECTRA_TEST_SOURCES
SET client_min_messages = warning;
SELECT electra_load_preset(:'sources' || '/electra_discriminator', 'first');
SELECT electra_load_preset(:'sources' || '/bert_plain', 'second');
RESET client_min_messages;
SELECT digest AS first FROM electra_presets WHERE name = 'first' \gset
SELECT digest AS second FROM electra_presets WHERE name = 'second' \gset

-- name@digest
SELECT electra_embed('x', 'first@' || left(:'first', 8)) = electra_embed('x', 'first') AS prefix,
	electra_embed('x', 'first@' || :'first') = electra_embed('x', 'first') AS whole,
	electra_embed('x', 'first@' || upper(left(:'first', 12))) = electra_embed('x', 'first') AS upper;
DO $$
BEGIN
	PERFORM electra_embed('x', 'first@' || left((SELECT digest FROM electra_presets WHERE name = 'second'), 10));
EXCEPTION WHEN undefined_object THEN
	RAISE NOTICE '%', SQLERRM;
END $$;
SELECT electra_embed('x', 'first@1234567');
SELECT electra_embed('x', 'first@nonsense');
SELECT electra_embed('x', 'first@');

-- names that are none; whoever swaps the arguments does not find the text in the log
SELECT electra_embed('x', 'third');
SELECT electra_embed('x', '');
SELECT electra_embed('first', 'a text, not a name');
SELECT electra_embed('x', NULL);
SELECT electra_dimensions(NULL);
SELECT electra_dimensions('third');
SELECT electra_preset_config('third');
SELECT electra_verify('third');
SELECT electra_prewarm(NULL);
SELECT electra_drop_preset(NULL);
SELECT electra_drop_preset('third');
SELECT electra_drop_preset('electra_mini_en_1');
SELECT electra_forget_preset('third');
SELECT electra_forget_preset('first');

-- the preset that comes with electra has no row
SELECT name, is_default, shipped, untrained, source, loaded_by, loaded_at, cached IS NOT NULL AS cached
FROM electra_presets WHERE shipped;
-- nor does it ever change
SELECT digest FROM electra_presets WHERE name = 'electra_mini_en_1';
SELECT count(*) FROM _electra.preset WHERE name = 'electra_mini_en_1';
SELECT electra_dimensions('electra_mini_en_1'), electra_verify('electra_mini_en_1'),
	electra_prewarm('electra_mini_en_1') = (SELECT image_bytes FROM electra_presets WHERE shipped) AS prewarmed;
SELECT jsonb_pretty(electra_preset_config('electra_mini_en_1') - 'digest' - 'provenance' - 'lowest_cosine' - 'mean_cosine');
SELECT electra_preset_config('first') ->> 'digest' = :'first' AS digest,
	(SELECT count(*) > 0 FROM jsonb_object_keys(electra_preset_config('first') -> 'provenance')) AS provenance;

-- images come and go, presets stay
SELECT electra_embed('the same', 'first') AS before \gset
SELECT electra_clean_images() >= 0 AS cleaned;
SELECT electra_clean_images();
SELECT electra_drop_preset('second');
SELECT electra_clean_images() > 0 AS freed;
SELECT count(*) FROM pg_ls_dir('electra') f WHERE f LIKE '%' || :'second' || '%';
SELECT electra_embed('the same', 'first') = :'before' AS same, electra_verify('first');

-- direct changes of the catalogue reach this session
SELECT cardinality(electra_embed('x', 'first')) > 0 AS there;
BEGIN;
UPDATE _electra.preset SET dropped = true WHERE name = 'first';
SELECT electra_embed('x', 'first');
ROLLBACK;
BEGIN;
TRUNCATE _electra.preset;
SELECT electra_embed('x', 'first');
ROLLBACK;
SELECT cardinality(electra_embed('x', 'first')) > 0 AS there;

-- damage is found
BEGIN;
UPDATE _electra.preset_chunk SET data = set_byte(data, 1000, get_byte(data, 1000) # 1)
	WHERE digest = (SELECT digest FROM _electra.preset WHERE name = 'first');
SELECT electra_verify('first');
ROLLBACK;
BEGIN;
DELETE FROM _electra.preset_chunk;
SELECT electra_verify('first');
ROLLBACK;
SELECT electra_verify('first');

-- parallel workers read the catalogue and the image, too
CREATE TABLE presets_texts AS SELECT 'text ' || n AS body FROM generate_series(1, 200) n;
ANALYZE presets_texts;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT bool_and(cardinality(electra_embed(body, 'first')) = electra_dimensions('first')) AS all_right FROM presets_texts;
DROP TABLE presets_texts;

SELECT electra_drop_preset('first');
SELECT electra_forget_preset(name) FROM _electra.preset ORDER BY name;
