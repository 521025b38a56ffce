-- electra 0.1.0 to 0.2.0: every preset and every way in
\echo Use "ALTER EXTENSION electra UPDATE TO '0.2.0'" to load this file. \quit

-- Presets

-- roles that may use a preset; NULL: everyone
ALTER TABLE _electra.preset ADD COLUMN granted_to text[] COLLATE "C";

-- No stored expression can hold a volatile function: the new arguments may
-- replace it.  To PostgreSQL that is another function: rights on it do not pass.
DO $$
DECLARE
	grantees text;
BEGIN
	SELECT string_agg(DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, ', ')
		INTO grantees
		FROM pg_proc, aclexplode(proacl)
		WHERE pg_proc.oid = 'electra_load_preset(text, text, text, text, boolean, integer, integer, text, text, text)'::regprocedure AND grantee <> proowner;
	IF grantees IS NOT NULL THEN
		RAISE WARNING 'rights on the function electra_load_preset end with this update'
			USING DETAIL = 'Its arguments change, which makes it a new function.',
			HINT = format('GRANT EXECUTE ON FUNCTION electra_load_preset TO %s;', grantees);
	END IF;
END
$$;
DROP FUNCTION electra_load_preset(text, text, text, text, boolean, integer, integer, text, text, text);

CREATE FUNCTION electra_load_preset(
	source text,
	name text DEFAULT NULL,
	dtype text DEFAULT 'float32',
	pooling text DEFAULT NULL,
	"normalize" boolean DEFAULT NULL,
	max_length integer DEFAULT NULL,
	dimensions integer DEFAULT NULL,
	query_prompt text DEFAULT NULL,
	document_prompt text DEFAULT NULL,
	truncation text DEFAULT 'truncate',
	load_weights boolean DEFAULT true,
	seed bigint DEFAULT 0
) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION electra_load_preset(text, text, text, text, boolean, integer, integer, text, text, text, boolean, bigint)
	IS 'stores a model as a preset: a built-in identifier, kaggle://, hf://, a name in electra.preset_path, or a directory; returns its name';

CREATE FUNCTION electra_create_preset(
	name text,
	vocabulary text[] DEFAULT NULL,
	vocab_size integer DEFAULT NULL,
	num_layers integer DEFAULT NULL,
	num_heads integer DEFAULT NULL,
	hidden_dim integer DEFAULT NULL,
	embedding_dim integer DEFAULT NULL,
	intermediate_dim integer DEFAULT NULL,
	dropout double precision DEFAULT 0.1,
	max_sequence_length integer DEFAULT 512,
	num_segments integer DEFAULT 2,
	dtype text DEFAULT 'float32',
	seed bigint DEFAULT 0,
	vocabulary_size integer DEFAULT NULL
) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION electra_create_preset(text, text[], integer, integer, integer, integer, integer, integer, double precision, integer, integer, text, bigint, integer)
	IS 'makes a preset with random weights: the constructor of Keras-Hub''s ElectraBackbone; returns its name';

CREATE FUNCTION electra_load_archive(chunks regclass, name text, digest text) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION electra_load_archive(regclass, text, text)
	IS 'stores an archive as a preset out of a table (chunk_no integer, chunk bytea); what electra-import --sql calls; returns its name';

CREATE FUNCTION electra_preset_archive(name text) RETURNS SETOF bytea
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100;

COMMENT ON FUNCTION electra_preset_archive(text)
	IS 'a preset''s archive in pieces, in order; what electra-import --export reads';

CREATE FUNCTION electra_grant_preset(name text, role text) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
CREATE FUNCTION electra_revoke_preset(name text, role text) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION electra_grant_preset(text, text) IS 'lets a role, or public, use a preset';
COMMENT ON FUNCTION electra_revoke_preset(text, text) IS 'takes the use of a preset from a role, or from public';

-- Everything that changes something, or gives weights away, is for those who
-- are granted it.
REVOKE ALL ON FUNCTION electra_load_preset(text, text, text, text, boolean, integer, integer, text, text, text, boolean, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION electra_create_preset(text, text[], integer, integer, integer, integer, integer, integer, double precision, integer, integer, text, bigint, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION electra_load_archive(regclass, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION electra_preset_archive(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION electra_grant_preset(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION electra_revoke_preset(text, text) FROM PUBLIC;

CREATE VIEW electra_preset_grants AS
	SELECT p.name, g.role
	FROM _electra.preset p
	LEFT JOIN LATERAL pg_catalog.unnest(coalesce(p.granted_to, ARRAY['public'])) AS g(role) ON true
	WHERE NOT p.dropped;

COMMENT ON VIEW electra_preset_grants
	IS 'roles that may use each loaded preset; NULL where only superusers may';

GRANT SELECT ON electra_preset_grants TO PUBLIC;

CREATE FUNCTION electra_builtin_presets(
	OUT name text, OUT description text,
	OUT num_layers integer, OUT num_heads integer, OUT hidden_dim integer,
	OUT embedding_dim integer, OUT intermediate_dim integer, OUT parameters bigint,
	OUT kaggle_handle text, OUT hf_handle text, OUT available boolean
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'electra_builtin_presets_sql' LANGUAGE C VOLATILE PARALLEL SAFE ROWS 6;

COMMENT ON FUNCTION electra_builtin_presets()
	IS 'the six presets of Keras-Hub''s ElectraBackbone, and whether this server finds them';

-- The encoder's outputs

CREATE FUNCTION electra_encode(
	token_ids integer[], segment_ids integer[] DEFAULT NULL, padding_mask integer[] DEFAULT NULL,
	OUT sequence_output real[], OUT pooled_output real[]
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'electra_encode_sql' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 16000 ROWS 1;
CREATE FUNCTION electra_encode(
	token_ids integer[], segment_ids integer[], padding_mask integer[], preset text,
	OUT sequence_output real[], OUT pooled_output real[]
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'electra_encode_sql' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 16000 ROWS 1;

COMMENT ON FUNCTION electra_encode(integer[], integer[], integer[])
	IS 'sequence_output and pooled_output of a sequence of token ids, or of each of a batch, with the default preset';
COMMENT ON FUNCTION electra_encode(integer[], integer[], integer[], text)
	IS 'sequence_output and pooled_output of a sequence of token ids, or of each of a batch';

CREATE FUNCTION electra_pooled(text text) RETURNS real[]
	AS 'MODULE_PATHNAME', 'electra_pooled' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 16000;
CREATE FUNCTION electra_pooled(text text, preset text) RETURNS real[]
	AS 'MODULE_PATHNAME', 'electra_pooled' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 16000;
CREATE FUNCTION electra_pooled(text text, preset text, pair text) RETURNS real[]
	AS 'MODULE_PATHNAME', 'electra_pooled' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 24000;

COMMENT ON FUNCTION electra_pooled(text) IS 'pooled_output of a text with the default preset';
COMMENT ON FUNCTION electra_pooled(text, text) IS 'pooled_output of a text';
COMMENT ON FUNCTION electra_pooled(text, text, text) IS 'pooled_output of a pair of texts, in segments 0 and 1';

CREATE FUNCTION electra_sequence_output(
	text text,
	OUT "position" integer, OUT token_id integer, OUT token text, OUT embedding real[]
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'electra_sequence_output' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 16000 ROWS 30;
CREATE FUNCTION electra_sequence_output(
	text text, preset text,
	OUT "position" integer, OUT token_id integer, OUT token text, OUT embedding real[]
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'electra_sequence_output' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 16000 ROWS 30;
CREATE FUNCTION electra_sequence_output(
	text text, preset text, pair text,
	OUT "position" integer, OUT token_id integer, OUT token text, OUT embedding real[]
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'electra_sequence_output' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 24000 ROWS 60;

COMMENT ON FUNCTION electra_sequence_output(text) IS 'sequence_output of a text with the default preset, a row a token';
COMMENT ON FUNCTION electra_sequence_output(text, text) IS 'sequence_output of a text, a row a token';
COMMENT ON FUNCTION electra_sequence_output(text, text, text) IS 'sequence_output of a pair of texts in segments 0 and 1, a row a token';

CREATE FUNCTION electra_token_embedding(token_id integer) RETURNS real[]
	AS 'MODULE_PATHNAME', 'electra_token_embedding' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
CREATE FUNCTION electra_token_embedding(token_id integer, preset text) RETURNS real[]
	AS 'MODULE_PATHNAME', 'electra_token_embedding' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;

COMMENT ON FUNCTION electra_token_embedding(integer) IS 'row of the default preset''s table of token embeddings';
COMMENT ON FUNCTION electra_token_embedding(integer, text) IS 'row of a preset''s table of token embeddings';

CREATE FUNCTION electra_token_pair(a text, b text, OUT token_ids integer[], OUT segment_ids integer[])
	AS 'MODULE_PATHNAME', 'electra_token_pair' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION electra_token_pair(a text, b text, preset text, OUT token_ids integer[], OUT segment_ids integer[])
	AS 'MODULE_PATHNAME', 'electra_token_pair' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;

COMMENT ON FUNCTION electra_token_pair(text, text) IS 'token and segment ids of a pair of texts with the default preset';
COMMENT ON FUNCTION electra_token_pair(text, text, text) IS 'token and segment ids of a pair of texts';
