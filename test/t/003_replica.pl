# A streaming replica embeds by itself, out of an image of its own, and follows
# its primary's presets and default.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_electra_node('primary', streaming => 1);
my $directory = make_model_directory('model');
my $first = 'SELECT ' . bits_of("electra_embed('to be or not to be', 'first')");
my $by_default = 'SELECT ' . bits_of("electra_embed('to be or not to be')");

$primary->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'first')");
my $expected = $primary->safe_psql('postgres', $first);

$primary->backup('base');
is_deeply([ glob($primary->backup_dir . '/base/electra/*') ], [], 'a base backup has no images');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

is($standby->safe_psql('postgres', $first), $expected, 'the same bits on the replica');
is(scalar(image_files($standby)), 1, 'out of its own image');
unlink(glob($standby->data_dir . '/electra/*'));
cmp_ok($standby->safe_psql('postgres', "SELECT electra_prewarm('first')"), '>', 0, 'electra_prewarm works on a replica');
is(scalar(image_files($standby)), 1, 'and builds the image');

# An open session on the replica sees what the primary does.
my $session = $standby->background_psql('postgres', on_error_stop => 0);
isnt($session->query_safe($by_default), $expected, 'the default is another preset');
$primary->safe_psql('postgres', "SELECT electra_set_default_preset('first')");
$primary->wait_for_catchup($standby);
is($session->query_safe($by_default), $expected, 'a session on the replica follows a changed default');

my $second = make_model_directory('second', seed => 2);
isnt(($session->query("SELECT electra_embed('x', 'second')"))[1], 0, 'a preset that is not there yet');
$session->{stderr} = '';
$primary->safe_psql('postgres', "SELECT electra_load_preset('$second', 'second')");
$primary->wait_for_catchup($standby);
is($session->query_safe('SELECT ' . bits_of("electra_embed('x', 'second')")),
	$primary->safe_psql('postgres', 'SELECT ' . bits_of("electra_embed('x', 'second')")),
	'the session finds it once it is replicated');

$primary->safe_psql('postgres', "SELECT electra_drop_preset('second')");
$primary->wait_for_catchup($standby);
isnt(($session->query("SELECT electra_embed('y', 'second')"))[1], 0, 'and no longer once it is dropped');
$session->quit;

is(sqlstate_of($standby, "SELECT electra_load_preset('$second', 'third')"), '25006', 'no loading on a replica');
is(sqlstate_of($standby, "SELECT electra_set_default_preset('first')"), '25006', 'no new default on a replica');

$standby->promote;
is($standby->safe_psql('postgres', $first), $expected, 'the same bits after promotion');
is($standby->safe_psql('postgres', "SELECT electra_load_preset('$second', 'third')"), 'third', 'and presets load');

$standby->stop;
$primary->stop;
done_testing();
