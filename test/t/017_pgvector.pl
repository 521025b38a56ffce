# Generated columns beyond one server's SQL: dumps, logical replication, what
# differs between versions of PostgreSQL; and everything with pgvector's types
# and indexes, which is skipped where pgvector is not installed.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $preset = 'electra_mini_en_1';
my $runs = 'SELECT coalesce(sum(texts), 0) FROM electra_stat_presets';
# autovacuum would embed, too, where it analyzes an expression index
my $node = new_electra_node('main', streaming => 'logical', conf => 'autovacuum = off');
my $dimensions = $node->safe_psql('postgres', "SELECT electra_dimensions('$preset')");
my $version = $node->safe_psql('postgres', "SELECT current_setting('server_version_num')::int / 10000");
my $pgvector = $node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'");

# Counters are shared memory: sessions, workers and databases of a server add
# to the same.  Each statement is a session of its own, with an empty memo.
sub embeddings_of
{
	my ($server, $statement, $database) = @_;
	my $before = $server->safe_psql('postgres', $runs);

	$server->safe_psql($database || 'postgres', $statement);
	return $server->safe_psql('postgres', $runs) - $before;
}

sub create_document
{
	my ($server, $type) = @_;

	$server->safe_psql('postgres', "CREATE TABLE document (id int PRIMARY KEY, body text, views int DEFAULT 0,
		embedding $type GENERATED ALWAYS AS (electra_embed(body, '$preset')) STORED)");
}

# Rows whose embedding is not that of their text.
sub wrong_rows
{
	my ($server, $database) = @_;

	return $server->safe_psql($database || 'postgres',
		"SELECT count(*) FROM document WHERE embedding::real[] IS DISTINCT FROM electra_embed(body, '$preset')");
}

sub dump_and_restore
{
	my ($database) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . "/$database.sql";
	my $before = $node->safe_psql('postgres', $runs);

	$node->run_log([ 'pg_dump', '-p', $node->port, '-h', $node->host, '-f', $file, 'postgres' ]);
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->run_log([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-p', $node->port, '-h', $node->host, '-d', $database, '-f', $file ]);
	return $node->safe_psql('postgres', $runs) - $before;
}

# A subscriber to everything that the node publishes of table document.
sub subscribe
{
	my ($subscriber, $name) = @_;
	my $connection = $node->connstr . ' dbname=postgres';

	$node->safe_psql('postgres', "CREATE PUBLICATION $name FOR TABLE document");
	$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION $name CONNECTION '$connection' PUBLICATION $name");
	$subscriber->wait_for_subscription_sync($node, $name);
}

# What the subscriber computes to follow a statement.
sub replicated_embeddings
{
	my ($subscriber, $name, $statement) = @_;
	my $before = $subscriber->safe_psql('postgres', $runs);

	$node->safe_psql('postgres', $statement);
	$node->wait_for_catchup($name);
	return $subscriber->safe_psql('postgres', $runs) - $before;
}

my $insert = q{INSERT INTO document (id, body) SELECT i, 'text number ' || i FROM generate_series(1, 20) AS i};

# real[]

create_document($node, 'real[]');
is(embeddings_of($node, $insert), 20, 'INSERT embeds each row');

# Before 16, an UPDATE inside another statement did not know which columns it
# changes.
is(embeddings_of($node, $insert =~ s/text number/proposed text/r . ' ON CONFLICT (id) DO UPDATE SET views = 1'), $version < 16 ? 40 : 20,
	'ON CONFLICT DO UPDATE embeds each proposed row, before 16 also each updated one');
is(embeddings_of($node, 'MERGE INTO document d USING generate_series(1, 20) AS i ON d.id = i
	WHEN MATCHED THEN UPDATE SET views = 2 WHEN NOT MATCHED THEN INSERT (id) VALUES (i)'), $version < 16 ? 20 : 0,
	'MERGE that updates another column embeds nothing, before 16 each row');

SKIP:
{
	skip '017_pgvector.pl: SET EXPRESSION is new in 17', 2 if $version < 17;
	is(embeddings_of($node, "ALTER TABLE document ALTER COLUMN embedding SET EXPRESSION AS (electra_embed('a ' || body, '$preset'))"),
		20, 'SET EXPRESSION embeds each row');
	$node->safe_psql('postgres', "ALTER TABLE document ALTER COLUMN embedding SET EXPRESSION AS (electra_embed(body, '$preset'))");
	is(wrong_rows($node), 0, 'and sets them right');
}

SKIP:
{
	skip '017_pgvector.pl: virtual generated columns are new in 18', 1 if $version < 18;
	isnt(sqlstate_of($node, "CREATE TABLE virtual (body text, e real[] GENERATED ALWAYS AS (electra_embed(body, '$preset')))"),
		'', 'a generated column without STORED is refused');
}

is(dump_and_restore('restored'), 20, 'a restore embeds each row');
is(wrong_rows($node, 'restored'), 0, 'with the same result');
is($node->safe_psql('restored', 'SELECT count(embedding) FROM document'), 20, 'in all rows');

# A subscriber computes its own column, and, because it is sent whole rows,
# also for UPDATEs of other columns.
my $subscriber = new_electra_node('subscriber');

create_document($subscriber, 'real[]');
my $before = $subscriber->safe_psql('postgres', $runs);
subscribe($subscriber, 'documents');
is($subscriber->safe_psql('postgres', $runs) - $before, 20, 'the first copy embeds each row');
is(replicated_embeddings($subscriber, 'documents', "INSERT INTO document (id, body) VALUES (21, 'another text')"), 1,
	'so does an applied INSERT');
is(replicated_embeddings($subscriber, 'documents', "UPDATE document SET body = 'changed text' WHERE id = 21"), 1,
	'an applied UPDATE of the text');
is(replicated_embeddings($subscriber, 'documents', 'UPDATE document SET views = 3'), 21,
	'and an applied UPDATE of another column');
is(replicated_embeddings($subscriber, 'documents', 'DELETE FROM document WHERE id = 20'), 0, 'not a DELETE');
is(wrong_rows($subscriber), 0, 'the subscriber has the embeddings of its texts');
is( $subscriber->safe_psql('postgres', 'SELECT md5(string_agg(array_send(embedding)::text, NULL ORDER BY id)) FROM document'),
	$node->safe_psql('postgres', 'SELECT md5(string_agg(array_send(embedding)::text, NULL ORDER BY id)) FROM document'),
	'and the publisher\'s bits');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION documents; DROP TABLE document');
$node->safe_psql('postgres', 'DROP PUBLICATION documents');

SKIP:
{
	skip '017_pgvector.pl: publish_generated_columns is new in 18', 2 if $version < 18;
	$subscriber->safe_psql('postgres', 'CREATE TABLE document (id int PRIMARY KEY, body text, views int, embedding real[])');
	$node->safe_psql('postgres', 'CREATE PUBLICATION ready FOR TABLE document WITH (publish_generated_columns = stored)');
	$subscriber->safe_psql('postgres',
		"CREATE SUBSCRIPTION ready CONNECTION '@{[$node->connstr]} dbname=postgres' PUBLICATION ready");
	$subscriber->wait_for_subscription_sync($node, 'ready');
	is(replicated_embeddings($subscriber, 'ready', 'UPDATE document SET views = 4'), 0,
		'a plain column that the publisher fills costs the subscriber nothing');
	is(wrong_rows($subscriber), 0, 'and is right');
	$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION ready; DROP TABLE document');
	$node->safe_psql('postgres', 'DROP PUBLICATION ready');
}
$node->safe_psql('postgres', 'DROP TABLE document; DROP DATABASE restored');

SKIP:
{
	skip '017_pgvector.pl: pgvector is not installed', 1 unless $pgvector;
	subtest 'pgvector' => \&test_pgvector;
}
done_testing();

# The first rows of a search through an index, as the index gives them.
sub nearest
{
	my ($from, $operand, %options) = @_;

	return $node->safe_psql('postgres', join(';', 'SET enable_seqscan = off', 'SET enable_sort = off', 'SET hnsw.ef_search = 200',
		($options{explain} ? 'EXPLAIN (COSTS OFF) ' : '') . "SELECT id FROM $from ORDER BY $operand LIMIT 5"));
}

# With ef_search far above the number of rows, HNSW finds what is there.
sub exact
{
	my ($from) = @_;

	return $node->safe_psql('postgres', "SELECT id FROM $from ORDER BY electra_cosine(electra_embed(body, '$preset'),
		electra_embed('text number 7 or so', '$preset')) DESC LIMIT 5");
}

sub test_pgvector
{
	my $query = "electra_embed('text number 7 or so', '$preset')";

	$node->safe_psql('postgres', 'CREATE EXTENSION vector');
	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_depend d JOIN pg_extension e ON d.objid = e.oid
		WHERE e.extname = 'electra' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'vector')"), 0,
		'electra does not depend on pgvector');

	foreach my $type ("vector($dimensions)", "halfvec($dimensions)")
	{
		my ($base) = $type =~ /^(\w+)/;

		create_document($node, $type);
		is(embeddings_of($node, $insert), 20, "$type: INSERT embeds each row");
		is(embeddings_of($node, 'UPDATE document SET views = 1'), 0, "$type: UPDATE of another column embeds nothing");
		is(embeddings_of($node, 'UPDATE document SET body = body'), 20, "$type: SET body = body embeds each row");
		is(embeddings_of($node, "CREATE INDEX ON document USING hnsw (embedding ${base}_cosine_ops)"), 0,
			"$type: an HNSW index embeds nothing");
		is($node->safe_psql('postgres', "SELECT count(*) FROM document
			WHERE embedding IS DISTINCT FROM electra_embed(body, '$preset')::$base"), 0, "$type: the right values");
		like(nearest('document', "embedding <=> $query\::$base", explain => 1), qr/Index Scan using document_embedding_idx/,
			"$type: a search uses it");
		is(nearest('document', "embedding <=> $query\::$base"), exact('document'), "$type: and finds what an exact one does");
		is(sqlstate_of($node, "SELECT id FROM document ORDER BY embedding <=> $query"), '42883',
			"$type: an operator needs the cast");
		is(embeddings_of($node, 'ANALYZE document; REINDEX TABLE document'), 0, "$type: ANALYZE and REINDEX embed nothing");
		is(dump_and_restore("restored_$base"), 20, "$type: a restore embeds each row");
		is( $node->safe_psql("restored_$base", 'SELECT md5(string_agg(embedding::text, NULL ORDER BY id)) FROM document'),
			$node->safe_psql('postgres', 'SELECT md5(string_agg(embedding::text, NULL ORDER BY id)) FROM document'),
			"$type: with the same result");

		$subscriber->safe_psql('postgres', 'CREATE EXTENSION IF NOT EXISTS vector');
		create_document($subscriber, $type);
		subscribe($subscriber, "documents_$base");
		is(replicated_embeddings($subscriber, "documents_$base", "UPDATE document SET body = 'changed text' WHERE id = 4"), 1,
			"$type: an applied UPDATE embeds its row");
		is($subscriber->safe_psql('postgres', "SELECT count(*), count(*) FILTER (WHERE embedding = electra_embed(body, '$preset')::$base) FROM document"),
			'20|20', "$type: the subscriber has the embeddings of its texts");
		$subscriber->safe_psql('postgres', "DROP SUBSCRIPTION documents_$base; DROP TABLE document");
		$node->safe_psql('postgres', "DROP PUBLICATION documents_$base");
		$node->safe_psql('postgres', "DROP DATABASE restored_$base");
		$node->safe_psql('postgres', 'DROP TABLE document');
	}

	# The cast written out, without a preset's name, changed from type to type.
	$node->safe_psql('postgres', "CREATE TABLE document (id int, body text,
		written vector($dimensions) GENERATED ALWAYS AS (electra_embed(body, '$preset')::vector($dimensions)) STORED,
		one vector($dimensions) GENERATED ALWAYS AS (electra_embed(body)) STORED,
		cast_one halfvec($dimensions) GENERATED ALWAYS AS (electra_embed(body)::halfvec($dimensions)) STORED)");
	$node->safe_psql('postgres', $insert);
	is($node->safe_psql('postgres', 'SELECT count(*) FROM document WHERE written = one AND cast_one = one::halfvec'), 20,
		'with and without cast and preset, vector and halfvec');
	is(embeddings_of($node, "ALTER TABLE document ALTER COLUMN one TYPE halfvec($dimensions)"), 0, 'ALTER TYPE converts what is there');
	is(embeddings_of($node, "UPDATE document SET body = 'x' || id"), 20, 'three columns of one preset embed a text once');
	is($node->safe_psql('postgres', "SELECT count(*) FROM document WHERE one = electra_embed(body, '$preset')::halfvec"), 20,
		'after ALTER TYPE, too');
	$node->safe_psql('postgres', "SELECT electra_create_preset('other', vocabulary => ARRAY['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'],
		num_layers => 1, num_heads => 1, hidden_dim => 16, intermediate_dim => 16)");
	like(($node->psql('postgres', "SELECT electra_set_default_preset('other')"))[2],
		qr/column cast_one of table document.*column one of table document/s, 'the default preset stays where a column depends on it');
	like(($node->psql('postgres', "CREATE TABLE narrow (body text, e vector(64) GENERATED ALWAYS AS (electra_embed(body, '$preset')) STORED);
		INSERT INTO narrow VALUES ('a text')"))[2], qr/expected 64 dimensions, not $dimensions/, 'another number of dimensions is an error');
	$node->safe_psql('postgres', 'DROP TABLE document; DROP TABLE narrow');

	# Partitions with an index on the parent, materialized views, CREATE TABLE AS.
	$node->safe_psql('postgres', "CREATE TABLE document (id int, body text,
			embedding vector($dimensions) GENERATED ALWAYS AS (electra_embed(body, '$preset')) STORED) PARTITION BY RANGE (id);
		CREATE TABLE low PARTITION OF document FOR VALUES FROM (1) TO (11);
		CREATE TABLE high PARTITION OF document FOR VALUES FROM (11) TO (31);
		CREATE INDEX ON document USING hnsw (embedding vector_cosine_ops)");
	is(embeddings_of($node, $insert), 20, 'partitions: INSERT embeds each row');
	is(embeddings_of($node, 'UPDATE document SET id = id + 20 WHERE id <= 10'), 10, 'partitions: a row that moves is embedded again');
	like(nearest('document', "embedding <=> $query\::vector", explain => 1),
		qr/Merge Append.*low_embedding_idx.*high_embedding_idx/s, 'partitions: a search uses the index of each');
	is(nearest('document', "embedding <=> $query\::vector"), exact('document'), 'partitions: and finds what an exact one does');
	is(embeddings_of($node, "CREATE MATERIALIZED VIEW meaning AS SELECT id, body, electra_embed(body, '$preset')::vector($dimensions) AS embedding
		FROM document; CREATE INDEX ON meaning USING hnsw (embedding vector_cosine_ops)"), 20, 'materialized view: embeds each row');
	is(embeddings_of($node, 'REFRESH MATERIALIZED VIEW meaning'), 20, 'materialized view: REFRESH embeds all again');
	is(nearest('meaning', "embedding <=> $query\::vector"), exact('meaning'), 'materialized view: searched');
	is(embeddings_of($node, "CREATE TABLE computed AS SELECT id, body, electra_embed(body, '$preset')::halfvec($dimensions) AS embedding FROM document"),
		20, 'CREATE TABLE AS embeds each row');
	$node->safe_psql('postgres', 'CREATE INDEX ON computed USING hnsw (embedding halfvec_cosine_ops)');
	is(nearest('computed', "embedding <=> $query\::halfvec"), exact('computed'), 'CREATE TABLE AS: searched');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM document d JOIN computed c USING (id) JOIN meaning m USING (id)
		WHERE d.embedding = m.embedding AND c.embedding = m.embedding::halfvec}), 20, 'all of them the same');
	$node->safe_psql('postgres', 'DROP TABLE computed; DROP MATERIALIZED VIEW meaning; DROP TABLE document');

	test_expression_index($query);
	test_parameter();

	$node->safe_psql('postgres', 'DROP EXTENSION vector');
	is($node->safe_psql('postgres', "SELECT array_length(electra_embed('still there', '$preset'), 1)"), $dimensions,
		'electra works without pgvector as before');
}

# An expression index computes what a column would have kept.
sub test_expression_index
{
	my ($query) = @_;
	my $expression = "(electra_embed(body, '$preset')::vector($dimensions))";

	$node->safe_psql('postgres', 'CREATE TABLE document (id int, body text, views int DEFAULT 0)');
	$node->safe_psql('postgres', $insert);
	is(embeddings_of($node, "CREATE INDEX document_expression ON document USING hnsw ($expression vector_cosine_ops)"), 20,
		'expression index: embeds each row');
	like(nearest('document', "$expression <=> $query\::vector", explain => 1), qr/Index Scan using document_expression/,
		'expression index: used');
	is(nearest('document', "$expression <=> $query\::vector"), exact('document'), 'expression index: finds what an exact search does');
	is(embeddings_of($node, "SET enable_seqscan = off; SELECT id FROM document ORDER BY $expression <=> $query\::vector LIMIT 5"), 6,
		'expression index: a search embeds the query and each row that it returns');
	is(embeddings_of($node, 'ANALYZE document'), 20, 'expression index: ANALYZE embeds its sample');
	is(embeddings_of($node, 'ALTER INDEX document_expression ALTER COLUMN 1 SET STATISTICS 0; ANALYZE document'), 0,
		'expression index: not with SET STATISTICS 0');
	$node->safe_psql('postgres', 'CREATE INDEX ON document (views)');
	is(embeddings_of($node, 'UPDATE document SET views = 1'), 20, 'expression index: an UPDATE that is not HOT embeds each row');
	$node->safe_psql('postgres', 'DROP TABLE document');
}

# A prepared search goes through the index and embeds its parameter once.
sub test_parameter
{
	$node->safe_psql('postgres', "CREATE TABLE document (id int, body text, embedding vector($dimensions)
		GENERATED ALWAYS AS (electra_embed(body, '$preset')) STORED)");
	$node->safe_psql('postgres', "INSERT INTO document (id, body) SELECT i, 'text number ' || i FROM generate_series(1, 200) AS i;
		CREATE INDEX ON document USING hnsw (embedding vector_cosine_ops); ANALYZE document");
	my $prepare = "PREPARE search(text) AS SELECT id FROM document
		ORDER BY embedding <=> electra_embed(\$1, '$preset')::vector LIMIT 5";

	foreach my $mode ('force_custom_plan', 'force_generic_plan')
	{
		foreach my $index ('on', 'off')
		{
			is(embeddings_of($node, "SET plan_cache_mode = $mode; SET enable_indexscan = $index; SET enable_seqscan = " .
				($index eq 'on' ? 'off' : 'on') . "; $prepare; EXECUTE search('a query in $mode $index')"), 1,
				"a parameter is embedded once: $mode, index scan $index");
		}
	}
	like($node->safe_psql('postgres', "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; $prepare;
		EXPLAIN (COSTS OFF) EXECUTE search('a query')"), qr/Index Scan using document_embedding_idx.*electra_embed\(\$1/s,
		'a generic plan uses the index');
	$node->safe_psql('postgres', 'DROP TABLE document');
}
