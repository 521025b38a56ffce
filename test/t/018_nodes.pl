# More than one machine: partitions behind postgres_fdw are embedded where they
# live, and electra_node_check names what differs between the nodes.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rows = 60;
my $center = new_electra_node('center');

plan skip_all => 'postgres_fdw is not installed'
  unless $center->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'");

my $directory = make_model_directory('model');
my $other_directory = make_model_directory('other', seed => 2);
my @nodes = map { new_electra_node("node$_") } 1 .. 2;

$_->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'model')") foreach $center, @nodes;
my $preset = $center->safe_psql('postgres', "SELECT 'model\@' || left(digest, 12) FROM electra_presets WHERE name = 'model'");
my $digest = $center->safe_psql('postgres', "SELECT digest FROM electra_presets WHERE name = 'model'");

$center->safe_psql('postgres', q{
CREATE EXTENSION postgres_fdw;
CREATE TABLE document (shard integer, id integer, body text, embedding real[]) PARTITION BY LIST (shard)});
foreach my $shard (1 .. 2)
{
	my $node = $nodes[ $shard - 1 ];
	my ($host, $port) = ($node->host, $node->port);

	$node->safe_psql('postgres', qq{
CREATE TABLE document (shard integer, id integer PRIMARY KEY, body text, embedding real[]);
INSERT INTO document SELECT $shard, n, 'text ' || n || ' of $shard' FROM generate_series(1, $rows) n;
ANALYZE document});
	$center->safe_psql('postgres', qq{
CREATE SERVER node$shard FOREIGN DATA WRAPPER postgres_fdw
	OPTIONS (host '$host', port '$port', dbname 'postgres', extensions 'electra');
CREATE USER MAPPING FOR postgres SERVER node$shard;
CREATE FOREIGN TABLE document_$shard PARTITION OF document FOR VALUES IN ($shard)
	SERVER node$shard OPTIONS (table_name 'document')});
}
$center->safe_psql('postgres', 'ANALYZE document');

# Texts that a server has embedded since its last reset.
sub texts_of
{
	my ($node) = @_;

	return $node->safe_psql('postgres', "SELECT coalesce(sum(texts), 0) FROM electra_stat_presets WHERE digest = '$digest'");
}

# Checks that both nodes get a statement that matches; that they embed at least
# their rows, and the center at most $here texts; and returns the result.
sub check_shipped
{
	my ($what, $query, $remote, $here) = @_;
	my $settings = 'SET enable_partitionwise_aggregate = on;';
	my $plan = $center->safe_psql('postgres', "$settings EXPLAIN (VERBOSE, COSTS OFF) $query");
	my @shipped = $plan =~ /Remote SQL: ($remote)/g;

	is(scalar(@shipped), 2, "$what: both nodes get it") or diag($plan);
	$_->safe_psql('postgres', 'SELECT electra_stat_reset()') foreach $center, @nodes;
	my $result = $center->safe_psql('postgres', "$settings $query");
	cmp_ok(texts_of($_), '>=', $rows, "$what: " . $_->name . ' embeds') foreach @nodes;
	cmp_ok(texts_of($center), '<=', $here, "$what: the center does not");
	return $result;
}

# A query text is embedded once by the planner, and once again in EXPLAIN's session.
my $call = "electra_embed(body, '$preset')";
my $distance = "electra_cosine($call, electra_embed('text 7 of 2', '$preset'))";

is(check_shipped('WHERE', "SELECT shard, id FROM document WHERE $distance > 0.9999999",
		qr/SELECT .* WHERE .*electra_cosine\(public\.electra_embed\(body, '\Q$preset\E'::text\), '\{.*/, 2),
	'2|7', 'WHERE: the row');
is(check_shipped('WHERE with two texts', "SELECT shard, id FROM document WHERE electra_similarity(body, 'text 7 of 2', '$preset') > 0.9999999",
		qr/SELECT .* WHERE .*electra_similarity\(body, 'text 7 of 2'::text, '\Q$preset\E'::text\).*/, 0),
	'2|7', 'WHERE with two texts: the row');

# Merging the nodes' sorted rows takes the keys of those that are read: five
# and one more of each node.
is(check_shipped('ORDER BY', "SELECT shard, id FROM document ORDER BY $distance DESC LIMIT 5",
		qr/SELECT shard, id, body FROM public\.document ORDER BY public\.electra_cosine\(public\.electra_embed\(body, '\Q$preset\E'.* DESC.*/, 9),
	$nodes[0]->safe_psql('postgres', "SELECT 2, 7") . "\n" . $center->safe_psql('postgres', qq{
SELECT shard, id FROM (SELECT shard, id, body FROM document OFFSET 0) d ORDER BY $distance DESC OFFSET 1 LIMIT 4}),
	'ORDER BY: the rows');

# An expression in a plain SELECT list is computed where the rows arrive: that
# is postgres_fdw.  In an aggregate it is shipped, and so is a view's column.
like($center->safe_psql('postgres', "EXPLAIN (VERBOSE, COSTS OFF) SELECT id, $call FROM document_1"),
	qr/Output: id, electra_embed.*Remote SQL: SELECT id, body FROM/s, 'SELECT: a plain list is computed here');
my $greatest = check_shipped('SELECT of an aggregate', "SELECT shard, max($call) FROM document GROUP BY shard ORDER BY shard",
	qr/SELECT shard, max\(public\.electra_embed\(body, '\Q$preset\E'::text\)\) FROM .*/, 0);
foreach my $shard (1 .. 2)
{
	$nodes[ $shard - 1 ]->safe_psql('postgres', "CREATE VIEW embedded AS SELECT shard, id, $call AS embedding FROM document");
	$center->safe_psql('postgres', qq{
CREATE TABLE IF NOT EXISTS embedded (shard integer, id integer, embedding real[]) PARTITION BY LIST (shard);
CREATE FOREIGN TABLE embedded_$shard PARTITION OF embedded FOR VALUES IN ($shard) SERVER node$shard OPTIONS (table_name 'embedded')});
}
my $vectors = check_shipped("SELECT of a view's column",
	'SELECT shard, id, ' . bits_of('embedding') . ' FROM embedded ORDER BY shard, id', qr/SELECT shard, id, embedding FROM public\.embedded.*/, 0);
is($vectors, $center->safe_psql('postgres', "SELECT shard, id, " . bits_of($call) . ' FROM document ORDER BY shard, id'),
	"SELECT of a view's column: the vectors are those of the center");
is($greatest, $center->safe_psql('postgres', 'SELECT shard, max(embedding) FROM embedded GROUP BY shard ORDER BY shard'),
	'SELECT of an aggregate: the vectors are those of the view');

check_shipped('UPDATE', "UPDATE document SET embedding = $call",
	qr/UPDATE public\.document SET embedding = public\.electra_embed\(body, '\Q$preset\E'::text\)/, 0);
is($center->safe_psql('postgres', 'SELECT shard, id, ' . bits_of('embedding') . ' FROM document ORDER BY shard, id'),
	$vectors, 'UPDATE: the vectors are those of the center');

# A column that the nodes keep.
$_->safe_psql('postgres', "CREATE TRIGGER embed BEFORE INSERT OR UPDATE ON document
	FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('embedding', '$preset', 'body')") foreach @nodes;
$_->safe_psql('postgres', 'SELECT electra_stat_reset()') foreach $center, @nodes;
$center->safe_psql('postgres', "INSERT INTO document (shard, id, body) SELECT 1 + n % 2, 1000 + n, 'new ' || n FROM generate_series(1, 10) n");
is(join(' ', map { texts_of($_) } $center, @nodes), '0 5 5', 'INSERT: the nodes embed what arrives');
is($center->safe_psql('postgres', "SELECT count(*) FROM document WHERE id > 1000 AND embedding = electra_embed(body, 'model')"), 10,
	'INSERT: the vectors');

# A node that does not have those bits says so.
$nodes[1]->safe_psql('postgres', "SELECT electra_load_preset('$other_directory', 'twin')");
$center->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'twin')");
my $twin = $preset =~ s/model/twin/r;
my ($status, $output, $errors) = $center->psql('postgres', "SELECT id FROM document_2 WHERE electra_embed(body, '$twin') IS NULL");
like($errors, qr/preset "twin" has another digest/, 'name@digest is checked on the node');

# electra_node_check
sub differences
{
	my ($server) = @_;

	return $center->safe_psql('postgres', "SELECT preset, problem, here, there FROM electra_node_check('$server')");
}

my $other = $nodes[1]->safe_psql('postgres', "SELECT digest FROM electra_presets WHERE name = 'twin'");
is(differences('node2'), "twin|other digest|$digest|$other", 'another digest');
is(differences('node1'), "twin|missing there|$digest|", 'a preset that is not there');
$nodes[0]->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'twin')");
is(differences('node1'), '', 'no difference');
$nodes[0]->safe_psql('postgres', "SELECT electra_load_preset('$other_directory', 'more')");
is(differences('node1'), "more|missing here||$other", 'a preset that is not here');
is($center->safe_psql('postgres', "SELECT s.srvname, c.preset, c.problem FROM pg_foreign_server s, electra_node_check(s.srvname) c ORDER BY 1"),
	"node1|more|missing here\nnode2|twin|other digest", 'all servers in one query');
$nodes[0]->safe_psql('postgres', "SELECT electra_drop_preset('more')");

$nodes[0]->safe_psql('postgres', "SELECT electra_set_default_preset('model')");
is($center->safe_psql('postgres', "SELECT preset IS NULL, problem, here = electra_default_preset() || '\@' || d.digest, there
		FROM electra_node_check('node1'), electra_presets d WHERE d.is_default"),
	"t|other default preset|t|model\@$digest", 'another default');
$center->safe_psql('postgres', "SELECT electra_set_default_preset('twin', force => true)");
is(differences('node1'), '', 'defaults of other names and the same content');

# A release with newer numerics, and a catalogue without its archives.
$nodes[0]->safe_psql('postgres', "CREATE OR REPLACE FUNCTION _electra.current_numerics() RETURNS integer STABLE LANGUAGE sql AS 'SELECT 99'");
is(differences('node1'), '|other newest numerics|1|99', 'other numerics');
is($nodes[0]->safe_psql('postgres', "SELECT count(*) FROM electra_stale WHERE name = 'model' AND current_numerics_version = 99"), 1,
	'electra_stale tells the presets of older numerics');
$nodes[0]->safe_psql('postgres', "CREATE OR REPLACE VIEW electra_presets AS
	SELECT name, digest, num_layers, num_heads, hidden_dim, embedding_dim, intermediate_dim, vocab_size, parameters, dtype, pooling,
		CASE WHEN name <> 'twin' THEN dimensions END AS dimensions, max_length, archive_bytes, image_bytes, cached, source, loaded_by,
		loaded_at, is_default, shipped, untrained, 1 + (name = 'model')::int AS numerics_version, 1 AS current_numerics_version,
		lowest_cosine, mean_cosine
	FROM _electra.presets()");
is(differences('node1'), "model|other numerics|1|2\ntwin|archive unreadable there|$digest|$digest",
	'presets of other numerics, or whose archive cannot be read');
$nodes[0]->safe_psql('postgres', 'DROP EXTENSION electra CASCADE');

# Nodes with older SQL, and in a schema of their own.
sub check_error
{
	my ($what, $statement, $sqlstate, $message) = @_;
	my ($status, $output, $errors) = $center->psql('postgres', "\\set VERBOSITY verbose\n$statement");

	like($errors, qr/ERROR:  $sqlstate: $message/, $what);
}

check_error('no extension there', "SELECT * FROM electra_node_check('node1')", '42704', 'extension "electra" is not installed on server "node1"');
$nodes[0]->safe_psql('postgres', qq{CREATE SCHEMA "Extra ' Schema"; CREATE EXTENSION electra VERSION '0.2.0' SCHEMA "Extra ' Schema"});
like(differences('node1'), qr/^model\|missing there\|$digest\|\ntwin\|missing there\|$digest\|\n\|other default preset\|twin\@$digest\|electra/,
	'a node with older SQL in a schema of its own');

# Nothing stays, with a transaction around it either.
is($center->safe_psql('postgres', q{BEGIN; SELECT count(*) FROM electra_node_check('node2');
		SELECT count(*) FROM pg_class WHERE relname LIKE 'electra_node_check%'; COMMIT}), "2\n0", 'no table stays');
is($center->safe_psql('postgres', q{SET search_path = ''; SELECT problem FROM public.electra_node_check('node2') LIMIT 1}), 'other digest', 'without a search_path');

# Errors.
$center->safe_psql('postgres', q{
CREATE FOREIGN DATA WRAPPER other;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER other;
CREATE SERVER "Nobody's" FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '/nowhere');
CREATE SERVER down FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '/nowhere');
CREATE USER MAPPING FOR PUBLIC SERVER down});
check_error('no server', "SELECT * FROM electra_node_check('absent')", '42704', 'server "absent" does not exist');
check_error('another wrapper', "SELECT * FROM electra_node_check('elsewhere')", '42809', 'server "elsewhere" is not a postgres_fdw server');
check_error('no user mapping', "SELECT * FROM electra_node_check('Nobody''s')", '42704', 'role "postgres" has no user mapping for server "Nobody\'s"');
check_error('no connection', "SELECT * FROM electra_node_check('down')", '08001', 'could not connect to server "down"');
check_error('no name', 'SELECT * FROM electra_node_check(NULL)', '22004', 'argument "server" must not be null');
check_error('a read-only transaction', "SET default_transaction_read_only = on; SELECT * FROM electra_node_check('node2')", '25006', 'cannot execute electra_node_check');

# The caller's rights.
$center->safe_psql('postgres', 'CREATE ROLE plain LOGIN');
check_error('a plain role', "SET ROLE plain; SELECT * FROM electra_node_check('node2')", '42501', 'permission denied for function electra_node_check');
$center->safe_psql('postgres', q{
GRANT EXECUTE ON FUNCTION electra_node_check TO plain;
CREATE USER MAPPING FOR plain SERVER node2 OPTIONS (user 'postgres', password_required 'false')});
check_error('a plain role without the server', "SET ROLE plain; SELECT * FROM electra_node_check('node2')", '42501', 'permission denied for foreign server node2');
$center->safe_psql('postgres', 'GRANT USAGE ON FOREIGN SERVER node2 TO plain');
is($center->safe_psql('postgres', "SET ROLE plain; SELECT preset FROM electra_node_check('node2') WHERE problem = 'other digest'"), 'twin', 'a plain role with all it needs');

$_->stop foreach $center, @nodes;
done_testing();
