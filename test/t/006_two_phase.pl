# PREPARE TRANSACTION around a load: the preset is there when the transaction
# commits, also across a restart, and not before.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_electra_node('main', conf => 'max_prepared_transactions = 4');
my $directory = make_model_directory('model');
my $other = make_model_directory('other', seed => 2);

$node->safe_psql('postgres', "BEGIN; SELECT electra_load_preset('$directory', 'one');
	SELECT electra_embed('before', 'one'); PREPARE TRANSACTION 'load'");
isnt(sqlstate_of($node, "SELECT electra_embed('x', 'one')"), '', 'not there while it is prepared');
is(sqlstate_of($node, "SET lock_timeout = '200ms'; SELECT electra_load_preset('$other', 'one')"),
	'55P03', 'its name is taken');
$node->restart;
is(sqlstate_of($node, "SET lock_timeout = '200ms'; SELECT electra_load_preset('$other', 'one')"),
	'55P03', 'also after a restart');
$node->safe_psql('postgres', "COMMIT PREPARED 'load'");
is($node->safe_psql('postgres', "SELECT cardinality(electra_embed('x', 'one'))"), '32', 'there when it commits');
is($node->safe_psql('postgres', "SELECT electra_verify('one')"), 't', 'and intact');

$node->safe_psql('postgres', "BEGIN; SELECT electra_load_preset('$other', 'two'); PREPARE TRANSACTION 'load'");
$node->safe_psql('postgres', "ROLLBACK PREPARED 'load'");
is($node->safe_psql('postgres', "SELECT count(*) FROM _electra.preset WHERE name = 'two'"), '0', 'nothing after a rollback');
is($node->safe_psql('postgres', 'SELECT count(DISTINCT digest) FROM _electra.preset_chunk'), '1', 'no chunk either');

$node->safe_psql('postgres', "BEGIN; SELECT electra_set_default_preset('one'); PREPARE TRANSACTION 'default'");
my $session = $node->background_psql('postgres');
isnt($session->query_safe('SELECT electra_default_preset()'), 'one', 'the default is not changed yet');
$node->safe_psql('postgres', "COMMIT PREPARED 'default'");
is($session->query_safe('SELECT electra_default_preset()'), 'one', 'an open session sees the committed default');
$session->quit;

$node->stop;
done_testing();
