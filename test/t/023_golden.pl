# The default preset gives the golden file's bits to everybody: sessions at the
# same time, workers of a parallel query, a second database, a server without
# images, a replica.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $golden = 'test/parity/golden/electra_mini_en_1.tsv';
my $node = new_electra_node('main', streaming => 1);

# A table of the golden texts: number, SHA-256 of the vector's bits, first components, text.
sub fill_golden
{
	my ($database) = @_;

	$node->safe_psql($database, "
CREATE TABLE golden (n int PRIMARY KEY, sha256 text, first real[], body text) WITH (parallel_workers = 4);
\\copy golden FROM '$golden' WITH (HEADER, ENCODING 'UTF8')");
}

# Numbers of the texts whose bits differ, of a query that gives n and embedding.
sub differing
{
	my ($query) = @_;

	return "SELECT coalesce(string_agg(n::text, ',' ORDER BY n), 'none') || ' of ' || count(*) FROM golden LEFT JOIN ($query) s USING (n)
		WHERE encode(sha256(array_send(embedding)), 'hex') IS DISTINCT FROM sha256";
}

my $one_by_one = differing('SELECT n, electra_embed(body) AS embedding FROM golden OFFSET 0');
my $none = 'none of 0';

fill_golden('postgres');
is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT body) FROM golden'), '200|200', '200 texts');

# The first use makes the image, in two sessions at once.
is(scalar(image_files($node)), 0, 'no image yet');
my @sessions = map { $node->background_psql('postgres') } 1 .. 2;
foreach my $session (@sessions)
{
	$session->query_safe("SET max_parallel_workers_per_gather = 0");
	$session->{stdin} .= "CREATE TEMP TABLE vectors AS SELECT n, electra_embed(body) AS embedding FROM golden;\n";
	$session->{run}->pump_nb();
}
is($_->query_safe(differing('SELECT * FROM vectors')), $none, 'a session beside another') foreach @sessions;
$_->quit foreach @sessions;
is(scalar(image_files($node)), 1, 'one image for both');

my $workers = 'SET max_parallel_workers_per_gather = 4; SET parallel_leader_participation = off; SET parallel_setup_cost = 0;'
  . 'SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;';
my $scan = 'SELECT n, electra_embed(body) AS embedding FROM golden';
like($node->safe_psql('postgres', "$workers EXPLAIN (ANALYZE, COSTS OFF) $scan"), qr/Workers Launched: 4/, 'four workers compute');
$node->safe_psql('postgres', "$workers CREATE TABLE by_workers AS $scan");
is($node->safe_psql('postgres', differing('TABLE by_workers')), $none, 'parallel workers');

my $batch = 'SELECT ids[b.n] AS n, b.embedding FROM (SELECT array_agg(n ORDER BY n DESC) AS ids, array_agg(body ORDER BY n DESC) AS bodies
	FROM golden) a, electra_embed_batch(bodies) b';
is($node->safe_psql('postgres', differing($batch)), $none, 'a batch');

# Another database of the server, and one whose image is gone.
$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION electra');
fill_golden('second');
is($node->safe_psql('second', $one_by_one), $none, 'a second database');
is(scalar(image_files($node)), 1, 'the image is the same');
$node->stop;
unlink($node->data_dir . "/electra/$_") or die "cannot remove the image: $!" foreach image_files($node);
$node->start;
is($node->safe_psql('postgres', $one_by_one), $none, 'a new image');

# A replica reads the archive of its own installation.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', $one_by_one), $none, 'a replica');
$standby->stop;

$node->stop;
done_testing();
