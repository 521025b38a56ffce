# The same text and preset give the same bits: one by one, in a batch, in
# parallel workers, after a restart, out of a new image.  And no backend has a
# second thread.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_electra_node('main');
my $directory = $ENV{ELECTRA_MINILM_DIR} || make_model_directory('model');

is($node->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'model')"),
	'model', 'a directory loads');
$node->safe_psql('postgres', <<'END');
CREATE TABLE text_row (id int PRIMARY KEY, body text);
INSERT INTO text_row
SELECT n, repeat('text number ' || n || ' ', 1 + n % 9) || repeat('!', n % 3)
FROM generate_series(1, 200) n;
INSERT INTO text_row VALUES (0, ''), (-1, '   '), (-2, repeat('a long one ', 400));
ALTER TABLE text_row SET (parallel_workers = 4);
END

# One digest over all rows, however they were computed.
sub fingerprint
{
	my ($source, $settings) = @_;

	return $node->safe_psql('postgres', ($settings || '') . qq{
SELECT md5(string_agg(id || ':' || bits, ',' ORDER BY id)) FROM ($source) s});
}

my $one_by_one = 'SELECT id, ' . bits_of("electra_embed(body, 'model')") . ' AS bits FROM text_row OFFSET 0';
my $serial = 'SET max_parallel_workers_per_gather = 0;';
my $parallel = 'SET max_parallel_workers_per_gather = 4; SET parallel_setup_cost = 0;'
  . 'SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;';
my $expected = fingerprint($one_by_one, $serial);

is(fingerprint($one_by_one, $serial . 'SET jit = off;'), $expected, 'a second session');

my $batch = q{
SELECT ids[n] AS id, md5(array_send(embedding)) AS bits
FROM (SELECT array_agg(id ORDER BY id DESC) AS ids, array_agg(body ORDER BY id DESC) AS bodies
	  FROM text_row) a,
	 electra_embed_batch(bodies, 'model')};
is(fingerprint($batch, $serial), $expected, 'a batch');

my $scan = "SELECT id, electra_embed(body, 'model') AS embedding FROM text_row";
like($node->safe_psql('postgres', "$parallel EXPLAIN (ANALYZE, COSTS OFF) $scan"),
	qr/Workers Launched: 4/, 'four workers compute');
$node->safe_psql('postgres', "$parallel CREATE TABLE parallel_row AS $scan");
is(fingerprint('SELECT id, md5(array_send(embedding)) AS bits FROM parallel_row'),
	$expected, 'four parallel workers');

my @before = image_files($node);
is(scalar(@before), 1, 'one image') or diag("@before");
like($before[0], qr/^pgsql_tmp_/, 'an image has a name that base backups skip');

$node->restart;
is(fingerprint($one_by_one, $serial), $expected, 'after a restart');
is_deeply([ image_files($node) ], \@before, 'the image outlives the restart');

# A session that has mapped an image keeps it; a new one makes it again.
my $session = $node->background_psql('postgres');
my $sample = 'SELECT ' . bits_of("electra_embed('a sample', 'model')");
my $sample_bits = $node->safe_psql('postgres', $sample);
$session->query_safe("SELECT electra_embed('something else', 'model')");
unlink($node->data_dir . "/electra/$before[0]") or die "cannot remove the image: $!";
is($session->query_safe($sample), $sample_bits, 'a mapped image works on when its file is gone');
is(fingerprint($one_by_one, $serial), $expected, 'a deleted image is made again');
is_deeply([ image_files($node) ], \@before, 'under the same name');
is($node->safe_psql('postgres', "SELECT electra_verify('model')"), 't', 'archive and image are intact');

my $pid = $session->query_safe('SELECT pg_backend_pid()');
my @threads = glob("/proc/$pid/task/*");
is(scalar(@threads), 1, 'a backend that embeds has one thread');
$session->quit;

$node->stop;
done_testing();
