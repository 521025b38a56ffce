# Presets of every dtype: the same bits one by one, in a batch and in workers,
# behind a crash, on a replica and out of a dump; what is told of int8 comes
# along; images of other versions are made again.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @dtypes = qw(float32 float16 bfloat16 int8);
my $node = new_electra_node('main', streaming => 1);
my $directory = make_model_directory('model', hidden => 64, embedding => 64, intermediate => 128);
my $presets = 'SELECT name, digest, dtype, lowest_cosine, mean_cosine FROM electra_presets WHERE NOT shipped ORDER BY name';

foreach my $dtype (@dtypes)
{
	is($node->safe_psql('postgres', "SELECT electra_load_preset('$directory', '$dtype', dtype => '$dtype', min_cosine => 0)"),
		$dtype, "$dtype loads");
}
$node->safe_psql('postgres', q{
CREATE TABLE text_row (id int PRIMARY KEY, body text) WITH (parallel_workers = 2);
INSERT INTO text_row SELECT n, repeat('text number ' || n || ' ', 1 + n % 9) FROM generate_series(1, 100) n;
INSERT INTO text_row VALUES (0, ''), (-1, 'a'), (-2, repeat('a long one ', 100000))});

# One digest over all rows of a query (id, embedding).
sub fingerprint
{
	my ($server, $query, $settings) = @_;

	return $server->safe_psql('postgres', ($settings || '') . "
SELECT md5(string_agg(id || ':' || bits, ',' ORDER BY id)) FROM (SELECT id, " . bits_of('embedding') . " AS bits FROM ($query) s) b");
}

my %one_by_one = map { $_ => "SELECT id, electra_embed(body, '$_') AS embedding FROM text_row OFFSET 0" } @dtypes;
my %expected = map { $_ => fingerprint($node, $one_by_one{$_}, 'SET max_parallel_workers_per_gather = 0;') } @dtypes;
my %different = reverse %expected;
is(scalar(keys %different), scalar(@dtypes), 'each dtype has its own vectors');

my $workers = 'SET max_parallel_workers_per_gather = 2; SET parallel_leader_participation = off; SET parallel_setup_cost = 0;'
  . 'SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;';
foreach my $dtype (@dtypes)
{
	my $scan = "SELECT id, electra_embed(body, '$dtype') AS embedding FROM text_row";

	is(fingerprint($node, "SELECT ids[n] AS id, embedding
		FROM (SELECT array_agg(id) AS ids, array_agg(body) AS bodies FROM text_row) a, electra_embed_batch(bodies, '$dtype')"),
		$expected{$dtype}, "$dtype: a batch");
	like($node->safe_psql('postgres', "$workers EXPLAIN (ANALYZE, COSTS OFF) $scan"), qr/Workers Launched: 2/, "$dtype: two workers");
	$node->safe_psql('postgres', "$workers CREATE TABLE by_workers AS $scan");
	is(fingerprint($node, 'TABLE by_workers'), $expected{$dtype}, "$dtype: and their vectors");
	$node->safe_psql('postgres', 'DROP TABLE by_workers');
}

# A backend dies while it embeds in int8.
my ($session, $pid) = start_session($node, "SELECT count(electra_embed(body || n, 'int8')) FROM text_row, generate_series(1, 100000) n");
ok($node->poll_query_until('postgres', "SELECT state = 'active' FROM pg_stat_activity WHERE pid = $pid"), 'a backend embeds');
kill 'KILL', $pid;
eval { $session->quit };
ok(server_is_back($node), 'the server is back');
is(fingerprint($node, $one_by_one{int8}), $expected{int8}, 'int8: the same bits behind a crash');
is($node->safe_psql('postgres', "SELECT electra_verify('int8')"), 't', 'int8: archive and image are intact');

# Images of versions before and behind this one are left alone until they are
# cleaned away; one that says another version inside is made again.
my ($image) = grep { !/\.tmp$/ } image_files($node);
my $path = $node->data_dir . "/electra/$image";
my ($version) = $image =~ /_v(\d+)$/;
my %others = map { $_ => $path =~ s/_v\d+$/_v$_/r } ($version - 1, $version + 1);
foreach my $other (values %others)
{
	system_or_bail('cp', '-p', $path, $other);
}
cmp_ok($node->safe_psql('postgres', 'SELECT electra_clean_images()'), '>', 0, 'images of other versions are cleaned away');
is(scalar(grep { -e $_ } values %others), 0, 'all of them');
open(my $file, '+<:raw', $path) or die "$path: $!";
seek($file, 16, 0) or die "$path: $!";	# behind the magic
print $file pack('L<', $version - 1);
close($file) or die "$path: $!";
is(fingerprint($node, $one_by_one{$_}), $expected{$_}, "$_: the same bits, whatever the image said") foreach @dtypes;
is($node->safe_psql('postgres', "SELECT bool_and(electra_verify(name)) FROM electra_presets WHERE NOT shipped"), 't', 'all images are intact');

# A replica makes its own images.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is(fingerprint($standby, $one_by_one{$_}), $expected{$_}, "$_: the same bits on a replica") foreach @dtypes;
is($standby->safe_psql('postgres', $presets), $node->safe_psql('postgres', $presets), 'the replica tells the same of them');
$standby->stop;

# A dump in an empty cluster.
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
my $restored = new_electra_node('restored', bare => 1);
my $told = $node->safe_psql('postgres', $presets);
like($told, qr/^int8\|\w+\|int8\|0\.\d+\|0\.\d+$/m, 'how near int8 is');
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr('postgres'), '-f', $dump ], 'pg_dump');
$restored->command_ok([ 'pg_restore', '--exit-on-error', '-d', $restored->connstr('postgres'), $dump ], 'pg_restore');
is($restored->safe_psql('postgres', $presets), $told, 'presets come back');
is(fingerprint($restored, $one_by_one{$_}), $expected{$_}, "$_: the same bits out of a dump") foreach @dtypes;

$restored->stop;
$node->stop;
done_testing();
