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
CREATE TABLE settings_texts AS
	SELECT i AS id, repeat('word' || i % 7 || ' ', i * i % 60) || left(i::text, 1) AS body FROM generate_series(1, 12) AS i;
CREATE TABLE settings_vectors AS SELECT 'auto' AS kernels, n, embedding
	FROM electra_embed_batch((SELECT array_agg(body ORDER BY id) FROM settings_texts), 'electra-untrained-tiny');
DO $$
DECLARE
	k text;
BEGIN
	FOR k IN SELECT kernels FROM electra_kernels() WHERE available LOOP
		PERFORM set_config('electra.kernels', k, false);
		IF (SELECT kernels FROM electra_kernels() WHERE chosen) <> k THEN
			RAISE EXCEPTION 'kernels "%" are not in use', k;
		END IF;
		INSERT INTO settings_vectors SELECT k, n, embedding
			FROM electra_embed_batch((SELECT array_agg(body ORDER BY id) FROM settings_texts), 'electra-untrained-tiny');
	END LOOP;
END $$;
RESET electra.kernels;
SELECT count(*) >= 24 AS computed FROM settings_vectors;
SELECT n, count(DISTINCT embedding::text) FROM settings_vectors GROUP BY n HAVING count(DISTINCT embedding::text) > 1;

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

DROP TABLE settings_texts, settings_vectors;
