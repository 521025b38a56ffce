-- complain if the script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION electra" to load this file. \quit

-- The catalogue.  Plain CREATE everywhere: an object that is there already
-- belongs to somebody else.

CREATE SCHEMA _electra;

COMMENT ON SCHEMA _electra IS 'catalogue of the electra extension: use the functions electra_*';

-- A name is bound to a digest for good: dropping a preset leaves its row.
CREATE TABLE _electra.preset (
	name text COLLATE "C" PRIMARY KEY,
	digest bytea NOT NULL CHECK (pg_catalog.octet_length(digest) OPERATOR(pg_catalog.=) 32),
	dropped boolean NOT NULL DEFAULT false,
	source text NOT NULL,
	loaded_by text NOT NULL,
	loaded_at timestamptz NOT NULL
);

-- The archives, in pieces of 1 MB; presets with the same digest share them.
CREATE TABLE _electra.preset_chunk (
	digest bytea NOT NULL,
	chunk_no integer NOT NULL,
	data bytea NOT NULL,
	PRIMARY KEY (digest, chunk_no)
);

ALTER TABLE _electra.preset_chunk ALTER COLUMN data SET STORAGE EXTERNAL;

-- At most one row; without it the default is the preset shipped with electra.
CREATE TABLE _electra.default_preset (
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	name text COLLATE "C" NOT NULL
);

-- Backends cache what they read here.  Direct DML, COPY of a restore and
-- logical apply must reach them too, hence triggers that always fire.
CREATE FUNCTION _electra.catalog_changed() RETURNS trigger
	AS 'MODULE_PATHNAME', 'electra_catalog_changed' LANGUAGE C;

CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE OR DELETE ON _electra.preset
	FOR EACH ROW EXECUTE FUNCTION _electra.catalog_changed();
CREATE TRIGGER catalog_truncated AFTER TRUNCATE ON _electra.preset
	FOR EACH STATEMENT EXECUTE FUNCTION _electra.catalog_changed();
CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE OR DELETE ON _electra.preset_chunk
	FOR EACH ROW EXECUTE FUNCTION _electra.catalog_changed();
CREATE TRIGGER catalog_truncated AFTER TRUNCATE ON _electra.preset_chunk
	FOR EACH STATEMENT EXECUTE FUNCTION _electra.catalog_changed();
CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE OR DELETE ON _electra.default_preset
	FOR EACH ROW EXECUTE FUNCTION _electra.catalog_changed();
CREATE TRIGGER catalog_truncated AFTER TRUNCATE ON _electra.default_preset
	FOR EACH STATEMENT EXECUTE FUNCTION _electra.catalog_changed();

-- A restore replaces the row that is there.
CREATE FUNCTION _electra.default_preset_replace() RETURNS trigger
	AS 'MODULE_PATHNAME', 'electra_default_preset_replace' LANGUAGE C;

CREATE TRIGGER replace BEFORE INSERT ON _electra.default_preset
	FOR EACH ROW EXECUTE FUNCTION _electra.default_preset_replace();

ALTER TABLE _electra.preset ENABLE ALWAYS TRIGGER catalog_changed;
ALTER TABLE _electra.preset ENABLE ALWAYS TRIGGER catalog_truncated;
ALTER TABLE _electra.preset_chunk ENABLE ALWAYS TRIGGER catalog_changed;
ALTER TABLE _electra.preset_chunk ENABLE ALWAYS TRIGGER catalog_truncated;
ALTER TABLE _electra.default_preset ENABLE ALWAYS TRIGGER catalog_changed;
ALTER TABLE _electra.default_preset ENABLE ALWAYS TRIGGER catalog_truncated;
ALTER TABLE _electra.default_preset ENABLE ALWAYS TRIGGER replace;

REVOKE ALL ON FUNCTION _electra.catalog_changed() FROM PUBLIC;
REVOKE ALL ON FUNCTION _electra.default_preset_replace() FROM PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('_electra.preset', '');
SELECT pg_catalog.pg_extension_config_dump('_electra.preset_chunk', '');
SELECT pg_catalog.pg_extension_config_dump('_electra.default_preset', '');

-- Presets

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
	truncation text DEFAULT 'truncate'
) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION electra_load_preset(text, text, text, text, boolean, integer, integer, text, text, text)
	IS 'reads a model directory on the server and stores it as a preset; returns its name';

CREATE FUNCTION electra_drop_preset(name text) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION electra_drop_preset(text)
	IS 'removes a preset; its name stays bound to its digest';

CREATE FUNCTION electra_forget_preset(name text) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION electra_forget_preset(text)
	IS 'frees the name of a dropped preset for another digest';

CREATE FUNCTION electra_set_default_preset(name text, force boolean DEFAULT false) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION electra_set_default_preset(text, boolean)
	IS 'makes a preset the one that functions without a preset argument use';

CREATE FUNCTION electra_clean_images() RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION electra_clean_images()
	IS 'removes image files that no preset of any database needs; returns the bytes freed';

CREATE FUNCTION electra_stat_reset() RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION electra_stat_reset()
	IS 'sets the counters of electra_stat_presets to zero';

-- Everything that changes something is for those who are granted it.
REVOKE ALL ON FUNCTION electra_load_preset(text, text, text, text, boolean, integer, integer, text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION electra_drop_preset(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION electra_forget_preset(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION electra_set_default_preset(text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION electra_clean_images() FROM PUBLIC;
REVOKE ALL ON FUNCTION electra_stat_reset() FROM PUBLIC;

CREATE FUNCTION electra_default_preset() RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION electra_default_preset()
	IS 'the preset that functions without a preset argument use';

CREATE FUNCTION electra_dimensions(preset text) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION electra_dimensions(text)
	IS 'number of components of a preset''s embeddings';

CREATE FUNCTION electra_preset_config(preset text) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION electra_preset_config(text)
	IS 'configuration, tokenizer settings, pipeline and provenance of a preset';

CREATE FUNCTION electra_verify(preset text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION electra_verify(text)
	IS 'compares a preset''s stored archive and this server''s image with their digests';

CREATE FUNCTION electra_prewarm(preset text) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION electra_prewarm(text)
	IS 'makes a preset''s image if need be and reads it into memory; returns its bytes';

CREATE FUNCTION _electra.list_presets(
	OUT name text, OUT digest text,
	OUT num_layers integer, OUT num_heads integer, OUT hidden_dim integer,
	OUT embedding_dim integer, OUT intermediate_dim integer, OUT vocab_size integer,
	OUT parameters bigint, OUT dtype text, OUT pooling text, OUT dimensions integer,
	OUT max_length integer, OUT archive_bytes bigint, OUT image_bytes bigint,
	OUT cached boolean, OUT shipped boolean, OUT untrained boolean, OUT numerics_version integer,
	OUT source text, OUT loaded_by text, OUT loaded_at timestamptz, OUT is_default boolean
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'electra_list_presets' LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE VIEW electra_presets AS
	SELECT name, digest, num_layers, num_heads, hidden_dim, embedding_dim, intermediate_dim,
		vocab_size, parameters, dtype, pooling, dimensions, max_length,
		archive_bytes, image_bytes, cached, source, loaded_by, loaded_at, is_default,
		shipped, untrained
	FROM _electra.list_presets();

COMMENT ON VIEW electra_presets IS 'the presets of this database and those shipped with electra';

CREATE FUNCTION _electra.current_numerics() RETURNS integer
	AS 'MODULE_PATHNAME', 'electra_current_numerics' LANGUAGE C STABLE PARALLEL SAFE;

CREATE VIEW electra_stale AS
	SELECT name, digest, numerics_version, _electra.current_numerics() AS current_numerics_version
	FROM _electra.list_presets()
	WHERE numerics_version OPERATOR(pg_catalog.<) _electra.current_numerics();

COMMENT ON VIEW electra_stale
	IS 'presets whose vectors follow older numerics than this version''s newest';

GRANT USAGE ON SCHEMA _electra TO PUBLIC;
GRANT SELECT ON electra_presets, electra_stale TO PUBLIC;

-- Embeddings

CREATE FUNCTION _electra.embed_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'electra_embed_support' LANGUAGE C STRICT;

CREATE FUNCTION electra_embed(text text) RETURNS real[]
	AS 'MODULE_PATHNAME', 'electra_embed' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	COST 16000 SUPPORT _electra.embed_support;

CREATE FUNCTION electra_embed(text text, preset text) RETURNS real[]
	AS 'MODULE_PATHNAME', 'electra_embed' LANGUAGE C IMMUTABLE PARALLEL SAFE
	COST 16000 SUPPORT _electra.embed_support;

COMMENT ON FUNCTION electra_embed(text) IS 'embedding of a text with the default preset';
COMMENT ON FUNCTION electra_embed(text, text) IS 'embedding of a text with a preset';

CREATE FUNCTION electra_embed_query(text text) RETURNS real[]
	AS 'MODULE_PATHNAME', 'electra_embed_query' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	COST 16000 SUPPORT _electra.embed_support;

CREATE FUNCTION electra_embed_query(text text, preset text) RETURNS real[]
	AS 'MODULE_PATHNAME', 'electra_embed_query' LANGUAGE C IMMUTABLE PARALLEL SAFE
	COST 16000 SUPPORT _electra.embed_support;

COMMENT ON FUNCTION electra_embed_query(text) IS 'embedding of a search query: the default preset''s query prompt comes first';
COMMENT ON FUNCTION electra_embed_query(text, text) IS 'embedding of a search query: the preset''s query prompt comes first';

CREATE FUNCTION electra_embed_document(text text) RETURNS real[]
	AS 'MODULE_PATHNAME', 'electra_embed_document' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	COST 16000 SUPPORT _electra.embed_support;

CREATE FUNCTION electra_embed_document(text text, preset text) RETURNS real[]
	AS 'MODULE_PATHNAME', 'electra_embed_document' LANGUAGE C IMMUTABLE PARALLEL SAFE
	COST 16000 SUPPORT _electra.embed_support;

COMMENT ON FUNCTION electra_embed_document(text) IS 'embedding of a stored text: the default preset''s document prompt comes first';
COMMENT ON FUNCTION electra_embed_document(text, text) IS 'embedding of a stored text: the preset''s document prompt comes first';

CREATE FUNCTION electra_embed_batch(texts text[], OUT n bigint, OUT embedding real[]) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'electra_embed_batch' LANGUAGE C IMMUTABLE PARALLEL SAFE
	COST 1600000 ROWS 100 SUPPORT _electra.embed_support;

CREATE FUNCTION electra_embed_batch(texts text[], preset text, OUT n bigint, OUT embedding real[]) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'electra_embed_batch' LANGUAGE C IMMUTABLE PARALLEL SAFE
	COST 1600000 ROWS 100 SUPPORT _electra.embed_support;

COMMENT ON FUNCTION electra_embed_batch(text[]) IS 'embeddings of many texts with the default preset, in order; NULL for NULL';
COMMENT ON FUNCTION electra_embed_batch(text[], text) IS 'embeddings of many texts, in order; NULL for NULL';

CREATE FUNCTION electra_similarity(a text, b text) RETURNS real
	AS 'MODULE_PATHNAME', 'electra_similarity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	COST 24000 SUPPORT _electra.embed_support;

CREATE FUNCTION electra_similarity(a text, b text, preset text) RETURNS real
	AS 'MODULE_PATHNAME', 'electra_similarity' LANGUAGE C IMMUTABLE PARALLEL SAFE
	COST 24000 SUPPORT _electra.embed_support;

COMMENT ON FUNCTION electra_similarity(text, text) IS 'cosine of two texts'' embeddings with the default preset';
COMMENT ON FUNCTION electra_similarity(text, text, text) IS 'cosine of two texts'' embeddings';

CREATE FUNCTION electra_cosine(a real[], b real[]) RETURNS real
	AS 'MODULE_PATHNAME', 'electra_cosine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;

COMMENT ON FUNCTION electra_cosine(real[], real[]) IS 'cosine of the angle between two vectors';

-- Text

CREATE FUNCTION electra_tokenize(text text) RETURNS text[]
	AS 'MODULE_PATHNAME', 'electra_tokenize_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION electra_tokenize(text text, preset text) RETURNS text[]
	AS 'MODULE_PATHNAME', 'electra_tokenize_sql' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
CREATE FUNCTION electra_token_ids(text text) RETURNS integer[]
	AS 'MODULE_PATHNAME', 'electra_token_ids' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION electra_token_ids(text text, preset text) RETURNS integer[]
	AS 'MODULE_PATHNAME', 'electra_token_ids' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
CREATE FUNCTION electra_token_count(text text) RETURNS integer
	AS 'MODULE_PATHNAME', 'electra_token_count' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION electra_token_count(text text, preset text) RETURNS integer
	AS 'MODULE_PATHNAME', 'electra_token_count' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
CREATE FUNCTION electra_detokenize(token_ids integer[]) RETURNS text
	AS 'MODULE_PATHNAME', 'electra_detokenize_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION electra_detokenize(token_ids integer[], preset text) RETURNS text
	AS 'MODULE_PATHNAME', 'electra_detokenize_sql' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;

COMMENT ON FUNCTION electra_tokenize(text) IS 'the tokens that the default preset''s encoder sees';
COMMENT ON FUNCTION electra_tokenize(text, text) IS 'the tokens that the preset''s encoder sees';
COMMENT ON FUNCTION electra_token_ids(text) IS 'the token ids that the default preset''s encoder sees';
COMMENT ON FUNCTION electra_token_ids(text, text) IS 'the token ids that the preset''s encoder sees';
COMMENT ON FUNCTION electra_token_count(text) IS 'tokens of the whole text, special ones included, nothing cut';
COMMENT ON FUNCTION electra_token_count(text, text) IS 'tokens of the whole text, special ones included, nothing cut';
COMMENT ON FUNCTION electra_detokenize(integer[]) IS 'text of token ids, special tokens left out';
COMMENT ON FUNCTION electra_detokenize(integer[], text) IS 'text of token ids, special tokens left out';

-- Watching

CREATE FUNCTION _electra.stat_presets(
	OUT digest text, OUT calls bigint, OUT texts bigint, OUT tokens bigint, OUT truncated bigint,
	OUT errors bigint, OUT tokenizer_ms double precision, OUT encoder_ms double precision,
	OUT stats_reset timestamptz
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'electra_stat_presets' LANGUAGE C VOLATILE PARALLEL SAFE;

-- Counters belong to digests: presets that share one share its line.
CREATE VIEW electra_stat_presets AS
	SELECT p.names, s.digest, s.calls, s.texts, s.tokens, s.truncated, s.errors,
		s.tokenizer_ms, s.encoder_ms, s.stats_reset
	FROM _electra.stat_presets() s
	LEFT JOIN (SELECT l.digest, pg_catalog.array_agg(l.name ORDER BY l.name USING OPERATOR(pg_catalog.<)) AS names
			   FROM _electra.list_presets() l GROUP BY l.digest) p
		ON p.digest OPERATOR(pg_catalog.=) s.digest;

COMMENT ON VIEW electra_stat_presets IS 'what each preset has done on this server since the last reset';

GRANT SELECT ON electra_stat_presets TO PUBLIC;

CREATE FUNCTION electra_settings(OUT name text, OUT setting text, OUT description text) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL SAFE;

COMMENT ON FUNCTION electra_settings() IS 'versions, settings and places that this server uses';

CREATE FUNCTION electra_kernels(OUT kernels text, OUT available boolean, OUT chosen boolean) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'electra_kernels_sql' LANGUAGE C VOLATILE PARALLEL SAFE;

COMMENT ON FUNCTION electra_kernels() IS 'instruction sets of the kernels: what this machine has and what is in use; all give the same bits';
