-- electra 0.2.0 to 0.3.0: tables that keep themselves embedded
\echo Use "ALTER EXTENSION electra UPDATE TO '0.3.0'" to load this file. \quit

-- Triggers

CREATE FUNCTION electra_embed_trigger() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION electra_embed_trigger()
	IS 'row trigger (target_column, preset or empty, source_column, ...): keeps a column of embeddings up to date';

CREATE FUNCTION electra_embed_batch_trigger() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION electra_embed_batch_trigger()
	IS 'statement trigger (target_column, preset or empty, source_column, ...): embeds all changed rows of a statement at once';

-- Existing tables

CREATE PROCEDURE electra_backfill(
	relation regclass, source text, target text, preset text DEFAULT '',
	batch_size integer DEFAULT 100, pause_ms integer DEFAULT 0
)
	AS 'MODULE_PATHNAME' LANGUAGE C;

COMMENT ON PROCEDURE electra_backfill(regclass, text, text, text, integer, integer)
	IS 'fills a column of embeddings where it is NULL, in primary-key order, with a commit for each batch';

CREATE PROCEDURE electra_backfill(
	relation regclass, source text[], target text, preset text DEFAULT '',
	batch_size integer DEFAULT 100, pause_ms integer DEFAULT 0
)
	AS 'MODULE_PATHNAME' LANGUAGE C;

COMMENT ON PROCEDURE electra_backfill(regclass, text[], text, text, integer, integer)
	IS 'the same from several columns, joined as electra_embed_trigger does';

CREATE FUNCTION _electra.progress(
	OUT pid integer, OUT datname name, OUT relation regclass, OUT preset text, OUT phase text,
	OUT rows_done bigint, OUT rows_failed bigint, OUT rows_total bigint,
	OUT rows_per_second double precision, OUT seconds_left double precision, OUT started_at timestamptz
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'electra_progress_sql' LANGUAGE C VOLATILE PARALLEL SAFE;

CREATE VIEW electra_progress AS SELECT * FROM _electra.progress();

COMMENT ON VIEW electra_progress IS 'running calls of electra_backfill on this server';

GRANT SELECT ON electra_progress TO PUBLIC;

-- Search without pgvector

CREATE FUNCTION electra_search(
	relation regclass, target text, query text, k integer,
	OUT key jsonb, OUT score real
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'electra_search' LANGUAGE C STABLE PARALLEL SAFE COST 100000 ROWS 10;
CREATE FUNCTION electra_search(
	relation regclass, target text, query text, k integer, preset text,
	OUT key jsonb, OUT score real
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'electra_search' LANGUAGE C STABLE PARALLEL SAFE COST 100000 ROWS 10;

COMMENT ON FUNCTION electra_search(regclass, text, text, integer)
	IS 'the k rows of a table whose real[] column is nearest to a query, by cosine, with the default preset';
COMMENT ON FUNCTION electra_search(regclass, text, text, integer, text)
	IS 'the k rows of a table whose real[] column is nearest to a query, by cosine';

-- More than one machine

-- What another node reads through postgres_fdw tells the numerics, too.
CREATE OR REPLACE VIEW electra_presets AS
	SELECT name, digest, num_layers, num_heads, hidden_dim, embedding_dim, intermediate_dim,
		vocab_size, parameters, dtype, pooling, dimensions, max_length,
		archive_bytes, image_bytes, cached, source, loaded_by, loaded_at, is_default,
		shipped, untrained, numerics_version, _electra.current_numerics() AS current_numerics_version
	FROM _electra.list_presets();

CREATE FUNCTION electra_node_check(
	server name,
	OUT preset text, OUT problem text, OUT here text, OUT there text
) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION electra_node_check(name)
	IS 'differences between the presets here and on another node, read through a postgres_fdw server; no row means none';

REVOKE ALL ON FUNCTION electra_node_check(name) FROM PUBLIC;
