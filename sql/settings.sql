-- Versions, settings, kernels.
SELECT name, description FROM electra_settings();
SELECT name, setting FROM electra_settings() WHERE name IN ('image_directory', 'default_preset', 'shipped_default_preset', 'electra.kernels', 'statistics');
SELECT setting = extversion AS library_and_extension_agree FROM electra_settings(), pg_extension WHERE name = 'version' AND extname = 'electra';
SELECT s.setting = k.kernels AS same_kernels FROM electra_settings() s, electra_kernels() k WHERE s.name = 'kernels' AND k.chosen;
SELECT kernels FROM electra_kernels();
SELECT count(*) FILTER (WHERE chosen) AS chosen, bool_and(available OR NOT chosen) AS chosen_is_available,
	bool_or(available AND kernels = 'portable') AS portable_is_available FROM electra_kernels();

-- every set of kernels that this machine has gives the same bits
SET client_min_messages = error;
SELECT electra_create_preset('settings_float32', vocabulary => ARRAY['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'word',
	'1', '2', '3', '4', '5', '6', '7', '8', '9', '##0', '##1', '##2', '##3', '##4', '##5', '##6'],
	num_layers => 2, num_heads => 4, hidden_dim => 128, embedding_dim => 64, intermediate_dim => 512);
CREATE TABLE settings_texts AS
	SELECT i AS id, repeat('word' || i % 7 || ' ', i * i % 60) || left(i::text, 1) AS body FROM generate_series(1, 12) AS i;
CREATE TABLE settings_presets AS SELECT unnest(ARRAY['electra_mini_en_1', 'settings_float32']) AS preset;
CREATE TABLE settings_vectors AS SELECT 'auto' AS kernels, preset, n, embedding
	FROM settings_presets, electra_embed_batch((SELECT array_agg(body ORDER BY id) FROM settings_texts), preset);
DO $$
DECLARE
	k text;
BEGIN
	FOR k IN SELECT kernels FROM electra_kernels() WHERE available LOOP
		PERFORM set_config('electra.kernels', k, false);
		IF (SELECT kernels FROM electra_kernels() WHERE chosen) <> k THEN
			RAISE EXCEPTION 'kernels "%" are not in use', k;
		END IF;
		INSERT INTO settings_vectors SELECT k, preset, n, embedding
			FROM settings_presets, electra_embed_batch((SELECT array_agg(body ORDER BY id) FROM settings_texts), preset);
	END LOOP;
END $$;
RESET electra.kernels;
SELECT count(*) >= 48 AS computed FROM settings_vectors;
SELECT preset, n, count(DISTINCT embedding::text) FROM settings_vectors GROUP BY preset, n HAVING count(DISTINCT embedding::text) > 1;

-- the setting
SHOW electra.kernels;
SET electra.kernels = 'sse9';
DO $$
DECLARE
	k text; detail text; refused integer := 0;
BEGIN
	FOR k IN SELECT kernels FROM electra_kernels() WHERE NOT available LOOP
		BEGIN
			PERFORM set_config('electra.kernels', k, false);
		EXCEPTION WHEN invalid_parameter_value THEN
			GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
			IF detail <> format('This machine cannot run the kernels "%s".', k) THEN
				RAISE EXCEPTION 'detail of kernels "%": %', k, detail;
			END IF;
			refused := refused + 1;
		END;
	END LOOP;
	IF refused <> (SELECT count(*) FROM electra_kernels() WHERE NOT available) THEN
		RAISE EXCEPTION 'kernels that this machine does not have were accepted';
	END IF;
END $$;
SET electra.no_such_setting = 1;
CREATE ROLE regress_electra_plain;
SET ROLE regress_electra_plain;
SET electra.kernels = 'portable';
RESET ROLE;
DROP ROLE regress_electra_plain;

DROP TABLE settings_texts, settings_presets, settings_vectors;
SELECT electra_drop_preset('settings_float32');
SELECT electra_forget_preset('settings_float32');
