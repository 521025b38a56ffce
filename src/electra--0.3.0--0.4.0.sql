-- electra 0.3.0 to 0.4.0: int8
\echo Use "ALTER EXTENSION electra UPDATE TO '0.4.0'" to load this file. \quit

-- Presets

-- No stored expression can hold a volatile function: the new argument may
-- replace it.  To PostgreSQL that is another function: rights on it do not pass.
DO $$
DECLARE
	grantees text;
BEGIN
	SELECT string_agg(DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, ', ')
		INTO grantees
		FROM pg_proc, aclexplode(proacl)
		WHERE pg_proc.oid = 'electra_load_preset(text, text, text, text, boolean, integer, integer, text, text, text, boolean, bigint)'::regprocedure AND grantee <> proowner;
	IF grantees IS NOT NULL THEN
		RAISE WARNING 'rights on the function electra_load_preset end with this update'
			USING DETAIL = 'Its arguments change, which makes it a new function.',
			HINT = format('GRANT EXECUTE ON FUNCTION electra_load_preset TO %s;', grantees);
	END IF;
END
$$;
DROP FUNCTION electra_load_preset(text, text, text, text, boolean, integer, integer, text, text, text, boolean, bigint);

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
	seed bigint DEFAULT 0,
	min_cosine real DEFAULT 0.999
) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION electra_load_preset(text, text, text, text, boolean, integer, integer, text, text, text, boolean, bigint, real)
	IS 'stores a model as a preset: a built-in identifier, kaggle://, hf://, a name in electra.preset_path, or a directory; returns its name';

REVOKE ALL ON FUNCTION electra_load_preset(text, text, text, text, boolean, integer, integer, text, text, text, boolean, bigint, real) FROM PUBLIC;

-- How near int8 is to float32 stands with the presets.
CREATE FUNCTION _electra.presets(
	OUT name text, OUT digest text,
	OUT num_layers integer, OUT num_heads integer, OUT hidden_dim integer,
	OUT embedding_dim integer, OUT intermediate_dim integer, OUT vocab_size integer,
	OUT parameters bigint, OUT dtype text, OUT pooling text, OUT dimensions integer,
	OUT max_length integer, OUT archive_bytes bigint, OUT image_bytes bigint, OUT cached boolean,
	OUT shipped boolean, OUT untrained boolean, OUT numerics_version integer,
	OUT source text, OUT loaded_by text, OUT loaded_at timestamptz, OUT is_default boolean,
	OUT lowest_cosine double precision, OUT mean_cosine double precision
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'electra_list_presets' LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE OR REPLACE VIEW electra_presets AS
	SELECT name, digest, num_layers, num_heads, hidden_dim, embedding_dim, intermediate_dim,
		vocab_size, parameters, dtype, pooling, dimensions, max_length,
		archive_bytes, image_bytes, cached, source, loaded_by, loaded_at, is_default,
		shipped, untrained, numerics_version, _electra.current_numerics() AS current_numerics_version,
		lowest_cosine, mean_cosine
	FROM _electra.presets();
