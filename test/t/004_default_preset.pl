# A changed default preset reaches every session, its snapshots and its plans.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_electra_node('main');
my %directory = map { $_ => make_model_directory($_, seed => ord($_)) } qw(a b);
my $constant = 'SELECT ' . bits_of("electra_embed('a constant')");

$node->safe_psql('postgres', "SELECT electra_load_preset('$directory{$_}', '$_')") foreach qw(a b);
my %bits = map { $_ => $node->safe_psql('postgres', 'SELECT ' . bits_of("electra_embed('a constant', '$_')")) } qw(a b);
isnt($bits{a}, $bits{b}, 'two presets, two vectors');

sub set_default
{
	my ($name, $session) = @_;
	my $statement = "SELECT electra_set_default_preset('$name', force => true)";

	return $session ? $session->query($statement) : $node->safe_psql('postgres', $statement);
}

set_default('a');
my $session = $node->background_psql('postgres', on_error_stop => 0);
my $changer = $node->background_psql('postgres');

# A REPEATABLE READ transaction that spans the change must not fill the
# session's cache with the past.
$session->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
is($session->query_safe($constant), $bits{a}, 'the default before');
set_default('b', $changer);
is($session->query_safe("SELECT name FROM _electra.default_preset"), 'a', 'the snapshot is of before the change');
is($session->query_safe($constant), $bits{b}, 'functions follow the catalogue, not the snapshot');
$session->query_safe('COMMIT');
is($session->query_safe($constant), $bits{b}, 'and so they do after the transaction');

# Constants that a plan has folded.
$session->query_safe("PREPARE folded AS $constant");
$session->query_safe("CREATE FUNCTION cached() RETURNS text LANGUAGE plpgsql AS
	\$\$BEGIN RETURN md5(array_send(electra_embed('a constant'))); END\$\$");
foreach (1 .. 7)
{
	$session->query_safe('EXECUTE folded');
	$session->query_safe('SELECT cached()');
}
set_default('a', $changer);
is($session->query_safe('EXECUTE folded'), $bits{a}, 'a prepared statement follows');
is($session->query_safe('SELECT cached()'), $bits{a}, 'a PL/pgSQL function follows');

# A change that is not committed, seen from inside and from outside.
$changer->query_safe('BEGIN');
set_default('b', $changer);
is($changer->query_safe($constant), $bits{b}, 'a transaction sees its own change');
is($session->query_safe('EXECUTE folded'), $bits{a}, 'others do not');
$changer->query_safe('ROLLBACK');
is($changer->query_safe($constant), $bits{a}, 'it ends with the transaction');
$changer->query_safe('BEGIN');
$changer->query_safe('SAVEPOINT s');
set_default('b', $changer);
$changer->query_safe($constant);
$changer->query_safe('ROLLBACK TO s');
is($changer->query_safe($constant), $bits{a}, 'and with a subtransaction');
$changer->query_safe('COMMIT');

# Changes that do not come through our functions, as in a restore or an apply worker.
$node->safe_psql('postgres', "UPDATE _electra.default_preset SET name = 'b'");
is($session->query_safe('EXECUTE folded'), $bits{b}, 'direct DML reaches plans');
$node->safe_psql('postgres', "SET session_replication_role = replica;
	INSERT INTO _electra.default_preset (name) VALUES ('a')");
is($session->query_safe('EXECUTE folded'), $bits{a}, 'an INSERT as a replica replaces the row');
$node->safe_psql('postgres', 'TRUNCATE _electra.default_preset');
is($session->query_safe('SELECT electra_default_preset()'),
	$node->safe_psql('postgres', 'SELECT name FROM electra_presets WHERE shipped'), 'so does TRUNCATE');

# A name that is forgotten and bound again.
$session->query_safe("PREPARE named AS SELECT md5(array_send(electra_embed('a constant', 'b')))");
is($session->query_safe('EXECUTE named'), $bits{b}, 'a folded call with a name') foreach 1 .. 6;
$node->safe_psql('postgres', "SELECT electra_drop_preset('b')");
isnt(($session->query('EXECUTE named'))[1], 0, 'the plan goes with the preset');
$session->{stderr} = '';
isnt(sqlstate_of($node, "SELECT electra_load_preset('$directory{a}', 'b')"), '', 'a dropped name stays bound');
$node->safe_psql('postgres', "SELECT electra_forget_preset('b')");
$node->safe_psql('postgres', "SELECT electra_load_preset('$directory{a}', 'b')");
is($session->query_safe('EXECUTE named'), $bits{a}, 'a forgotten name may be bound again, and plans follow');

$session->quit;
$changer->quit;
$node->stop;
done_testing();
