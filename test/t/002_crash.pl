# Backends that die in the middle of loading a preset or building an image, and
# sessions that load the same thing at once: nothing half, and it works again.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_electra_node('main');
my $small = make_model_directory('small', seed => 1);
my $other = make_model_directory('other', seed => 2);

# 120 MB: long enough to be met at work.
my $large = make_model_directory('large',
	layers => 3, hidden => 1024, embedding => 1024, heads => 16, intermediate => 3072, blank => 1);

sub wait_for_restart
{
	ok(server_is_back($node), 'the server is back');
}

# kill -9 while the importer works. It is met after its exec: a child that is
# stopped before it has asked for its parent's death signal would stay for ever.
my ($session, $pid) = start_session($node, "SELECT electra_load_preset('$large', 'large')");
my $importer = wait_until(sub {
	my ($child) = grep { $_->{name} =~ /^electra-import/ } children_of($pid);
	return $child ? $child->{pid} : undef;
});
ok($importer, 'the importer is a process of its own');
kill 'STOP', $importer;
kill 'KILL', $pid;
ok(wait_until(sub { return !process_alive($importer) }), 'the importer goes with its backend');
eval { $session->quit };
wait_for_restart();
is($node->safe_psql('postgres', 'SELECT count(*) FROM _electra.preset'), '0', 'no half preset');
is($node->safe_psql('postgres', 'SELECT count(*) FROM _electra.preset_chunk'), '0', 'no chunk');
is_deeply([ image_files($node) ], [], 'no image');

# kill -9 while an image is built
is($node->safe_psql('postgres', "SELECT electra_load_preset('$large', 'large')"), 'large', 'the load works again');
$node->safe_psql('postgres', 'SELECT electra_clean_images()');
unlink(glob($node->data_dir . '/electra/*'));
($session, $pid) = start_session($node, "SELECT electra_prewarm('large')");
my $met = wait_until(sub { return scalar(image_files($node)) });
kill 'KILL', $pid;
ok($met, 'an image is being built');
eval { $session->quit };
wait_for_restart();
cmp_ok($node->safe_psql('postgres', "SELECT electra_prewarm('large')"), '>', 0, 'the image is built again');
is($node->safe_psql('postgres', "SELECT electra_verify('large')"), 't', 'and it is intact');
is(scalar(image_files($node)), 1, 'what the dead backend left is swept');
$node->safe_psql('postgres', "SELECT electra_drop_preset('large')");

# Two sessions, one name, one source: the second waits and has nothing to do.
my $first = $node->background_psql('postgres');
$first->query_safe('BEGIN');
$first->query_safe("SELECT electra_load_preset('$small', 'shared')");
($session, $pid) = start_session($node, "SELECT electra_load_preset('$small', 'shared')");
ok($node->poll_query_until('postgres',
		"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid"),
	'the second session waits for the name');
is_deeply([ children_of($pid) ], [], 'and does not import meanwhile');
$first->query_safe('COMMIT');
is($session->query("SELECT 'after'"), "shared\nafter", 'the second session gets the preset');
$session->quit;

# Another source under that name is refused, at once or after waiting.
isnt(sqlstate_of($node, "SELECT electra_load_preset('$other', 'shared')"), '', 'a name stays with its bits');
$first->query_safe('BEGIN');
$first->query_safe("SELECT electra_load_preset('$small', 'contested')");
($session, $pid) = start_session($node, "SELECT electra_load_preset('$other', 'contested')");
ok($node->poll_query_until('postgres',
		"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid"),
	'another source waits too');
$first->query_safe('ROLLBACK');
is($session->query("SELECT 'after'"), "contested\nafter", 'it has the name when the first gives up');
$session->quit;
is($node->safe_psql('postgres', q{
		SELECT count(DISTINCT digest) FROM electra_presets WHERE name IN ('shared', 'contested')}),
	'2', 'two names, two digests');

# Four sessions need an image that is not there.
my $expected = $node->safe_psql('postgres', 'SELECT ' . bits_of("electra_embed('all at once', 'shared')"));
unlink(glob($node->data_dir . '/electra/*'));
my @sessions = map { (start_session($node, 'SELECT ' . bits_of("electra_embed('all at once', 'shared')")))[0] } 1 .. 4;
is($_->query("SELECT 'after'"), "$expected\nafter", 'one of four builds, all embed') foreach @sessions;
$_->quit foreach @sessions;
is(scalar(image_files($node)), 1, 'one image and nothing else');

$first->quit;
$node->stop;
done_testing();
