-- Who may use a preset.
\getenv sources ELECTRA_TEST_SOURCES
SET client_min_messages = warning;
SELECT electra_load_preset(:'sources' || '/bert_plain', 'open');
SELECT electra_load_preset(:'sources' || '/bert_plain', 'guarded');
RESET client_min_messages;
CREATE ROLE regress_electra_reader;
CREATE ROLE regress_electra_member;
CREATE ROLE regress_electra_admin;
GRANT regress_electra_reader TO regress_electra_member;
SELECT * FROM electra_preset_grants ORDER BY name, role;

-- a plain user neither grants nor revokes
SET ROLE regress_electra_reader;
SELECT electra_grant_preset('guarded', 'public');
SELECT electra_revoke_preset('guarded', 'public');
RESET ROLE;

-- what cannot be granted or revoked
SELECT electra_grant_preset(NULL, 'public');
SELECT electra_grant_preset('guarded', NULL);
SELECT electra_grant_preset('nobody', 'public');
SELECT electra_grant_preset('a name with blanks', 'public');
SELECT electra_grant_preset('guarded', 'regress_electra_nobody');
SELECT electra_revoke_preset('guarded', 'regress_electra_nobody');
SELECT electra_revoke_preset('guarded', 'regress_electra_reader');
SELECT electra_grant_preset('electra_mini_en_1', 'regress_electra_reader');
SELECT electra_revoke_preset('electra_mini_en_1', 'public');
SELECT electra_grant_preset('guarded', 'public');

-- a grant while everyone may use it says so, and counts from the revocation on
SELECT electra_grant_preset('guarded', 'regress_electra_reader');
SELECT electra_grant_preset('guarded', 'regress_electra_reader');
SELECT * FROM electra_preset_grants ORDER BY name, role;
SELECT electra_revoke_preset('guarded', 'regress_electra_reader');
SELECT electra_revoke_preset('guarded', 'public');
SELECT electra_revoke_preset('guarded', 'public');
SELECT electra_revoke_preset('guarded', 'regress_electra_reader');
SELECT * FROM electra_preset_grants ORDER BY name, role;

-- superusers always may
SELECT cardinality(electra_embed('a text', 'guarded')) AS dimensions;
SELECT digest AS guarded FROM electra_presets WHERE name = 'guarded' \gset

-- every function that takes a preset asks; what the backend remembers of the
-- text does not help, nor does the digest
SET ROLE regress_electra_reader;
SELECT cardinality(electra_embed('a text', 'open')) AS dimensions;
SELECT electra_embed('a text', 'guarded');
SELECT electra_embed('a text', 'guarded@' || left(:'guarded', 8));
DO $$
DECLARE
	call text;
BEGIN
	FOREACH call IN ARRAY ARRAY[
		$c$electra_embed('a', 'guarded')$c$,
		$c$electra_embed_query('a', 'guarded')$c$,
		$c$electra_embed_document('a', 'guarded')$c$,
		$c$electra_embed_batch(ARRAY['a'], 'guarded')$c$,
		$c$electra_similarity('a', 'b', 'guarded')$c$,
		$c$electra_tokenize('a', 'guarded')$c$,
		$c$electra_token_ids('a', 'guarded')$c$,
		$c$electra_token_count('a', 'guarded')$c$,
		$c$electra_detokenize(ARRAY[1], 'guarded')$c$,
		$c$electra_encode(ARRAY[1], NULL, NULL, 'guarded')$c$,
		$c$electra_pooled('a', 'guarded')$c$,
		$c$electra_pooled('a', 'guarded', 'b')$c$,
		$c$electra_sequence_output('a', 'guarded')$c$,
		$c$electra_sequence_output('a', 'guarded', 'b')$c$,
		$c$electra_token_embedding(1, 'guarded')$c$,
		$c$electra_token_pair('a', 'b', 'guarded')$c$,
		$c$electra_dimensions('guarded')$c$,
		$c$electra_preset_config('guarded')$c$,
		$c$electra_verify('guarded')$c$,
		$c$electra_prewarm('guarded')$c$]
	LOOP
		BEGIN
			EXECUTE 'SELECT ' || call;
			RAISE NOTICE '% is not refused', call;
		EXCEPTION WHEN insufficient_privilege THEN
			IF SQLERRM <> 'permission denied for preset "guarded"' THEN
				RAISE NOTICE '%: %', call, SQLERRM;
			END IF;
		END;
	END LOOP;
END $$;
-- its name is no secret
SELECT name FROM electra_presets WHERE NOT shipped ORDER BY name;
RESET ROLE;

-- no function with a preset is forgotten above
SELECT proname, count(*) FROM pg_proc
WHERE 'preset' = ANY (proargnames) AND proname LIKE 'electra%'
GROUP BY proname ORDER BY proname COLLATE "C";

-- administrators by EXECUTE, without rights on the tables
GRANT EXECUTE ON FUNCTION electra_grant_preset, electra_revoke_preset, electra_set_default_preset TO regress_electra_admin;
SET ROLE regress_electra_admin;
SELECT electra_set_default_preset('guarded');
SELECT electra_grant_preset('guarded', 'regress_electra_reader');
RESET ROLE;

-- the role, its members, and nobody else
SET ROLE regress_electra_reader;
SELECT cardinality(electra_embed('a text', 'guarded')) AS dimensions;
SET ROLE regress_electra_member;
SELECT cardinality(electra_embed('a text', 'guarded')) AS dimensions;
SET ROLE regress_electra_admin;
SELECT electra_embed('a text', 'guarded');
RESET ROLE;

-- constants that a plan holds go with the right
PREPARE folded AS SELECT electra_embed('a constant', 'guarded') IS NOT NULL AS there;
SET plan_cache_mode = force_generic_plan;
SET ROLE regress_electra_reader;
EXECUTE folded;
RESET ROLE;
SELECT electra_revoke_preset('guarded', 'regress_electra_reader');
SET ROLE regress_electra_reader;
EXECUTE folded;
RESET ROLE;
BEGIN;
SELECT electra_grant_preset('guarded', 'regress_electra_reader');
SET LOCAL ROLE regress_electra_reader;
EXECUTE folded;
ROLLBACK;
SET ROLE regress_electra_reader;
EXECUTE folded;
RESET ROLE;
RESET plan_cache_mode;
DEALLOCATE folded;

-- as the default preset
SELECT electra_set_default_preset('guarded');
SET ROLE regress_electra_reader;
SELECT electra_embed('a text');
SELECT electra_set_default_preset('open');
RESET ROLE;
SELECT electra_set_default_preset('electra_mini_en_1');

-- the owner's right is that of his SECURITY DEFINER functions, not of his views
CREATE FUNCTION grants_embed(text) RETURNS real[] LANGUAGE sql SECURITY DEFINER AS $$ SELECT electra_embed($1, 'guarded') $$;
CREATE VIEW grants_view AS SELECT electra_embed('a text', 'guarded') AS embedding;
GRANT SELECT ON grants_view TO regress_electra_reader;
SET ROLE regress_electra_reader;
SELECT cardinality(grants_embed('a text')) AS dimensions;
SELECT * FROM grants_view;
RESET ROLE;
DROP FUNCTION grants_embed;
DROP VIEW grants_view;

-- parallel workers ask as well
CREATE TABLE grants_texts AS SELECT 'text ' || n AS body FROM generate_series(1, 50) n;
ANALYZE grants_texts;
GRANT SELECT ON grants_texts TO regress_electra_reader;
SELECT electra_grant_preset('guarded', 'regress_electra_reader');
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET ROLE regress_electra_reader;
SELECT count(electra_embed(body, 'guarded')) FROM grants_texts;
RESET ROLE;
SELECT electra_revoke_preset('guarded', 'regress_electra_reader');
SET ROLE regress_electra_reader;
SELECT count(electra_embed(body, 'guarded')) FROM grants_texts;
RESET ROLE;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
DROP TABLE grants_texts;

-- loading again changes no grants, nor does a drop
SELECT electra_grant_preset('guarded', 'regress_electra_reader');
SELECT electra_load_preset(:'sources' || '/bert_plain', 'guarded');
SELECT * FROM electra_preset_grants ORDER BY name, role;
SELECT electra_drop_preset('guarded');
SELECT * FROM electra_preset_grants ORDER BY name, role;
SELECT electra_grant_preset('guarded', 'public');
SET client_min_messages = warning;
SELECT electra_load_preset(:'sources' || '/bert_plain', 'guarded');
RESET client_min_messages;
SELECT * FROM electra_preset_grants ORDER BY name, role;
SET ROLE regress_electra_admin;
SELECT electra_embed('a text', 'guarded');
RESET ROLE;

-- only forgetting does
SELECT electra_drop_preset('guarded');
SELECT electra_forget_preset('guarded');
SET client_min_messages = warning;
SELECT electra_load_preset(:'sources' || '/bert_plain', 'guarded');
RESET client_min_messages;
SELECT * FROM electra_preset_grants ORDER BY name, role;

-- entries are names: a renamed role loses its own, the entry can still be revoked
SELECT electra_revoke_preset('guarded', 'public');
SELECT electra_grant_preset('guarded', 'regress_electra_admin');
ALTER ROLE regress_electra_admin RENAME TO regress_electra_renamed;
SET ROLE regress_electra_renamed;
SELECT electra_embed('a text', 'guarded');
RESET ROLE;
SELECT electra_revoke_preset('guarded', 'regress_electra_admin');
SELECT * FROM electra_preset_grants ORDER BY name, role;

-- direct changes of the catalogue reach this session
SET ROLE regress_electra_reader;
SELECT electra_embed('a text', 'guarded');
RESET ROLE;
UPDATE _electra.preset SET granted_to = ARRAY['regress_electra_reader', NULL] WHERE name = 'guarded';
SET ROLE regress_electra_reader;
SELECT cardinality(electra_embed('a text', 'guarded')) AS dimensions;
RESET ROLE;
UPDATE _electra.preset SET granted_to = NULL WHERE name = 'guarded';
SET ROLE regress_electra_renamed;
SELECT cardinality(electra_embed('a text', 'guarded')) AS dimensions;
RESET ROLE;

BEGIN READ ONLY;
SELECT electra_grant_preset('guarded', 'regress_electra_reader');
ROLLBACK;

TRUNCATE _electra.default_preset;
SELECT electra_drop_preset(name) FROM electra_presets WHERE NOT shipped ORDER BY name;
SELECT electra_forget_preset(name) FROM _electra.preset ORDER BY name;
DROP OWNED BY regress_electra_renamed;
DROP ROLE regress_electra_reader, regress_electra_member, regress_electra_renamed;
