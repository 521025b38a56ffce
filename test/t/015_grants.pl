# A revoked preset is refused in every session at once, plans and remembered
# vectors included; grants survive a dump, and roles that a restore lacks do
# not stop it.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_electra_node('main', streaming => 1);
my $directory = make_model_directory('model');
my $dumps = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'model'); SELECT electra_load_preset('$directory', 'twin');
	CREATE ROLE reader; CREATE ROLE writer; CREATE TABLE texts AS SELECT 'text ' || n AS body FROM generate_series(1, 20) n;
	GRANT SELECT ON texts TO PUBLIC; SELECT electra_grant_preset('model', 'reader'); SELECT electra_revoke_preset('model', 'public')");

# One session as reader, with plans of every kind.
my $session = $node->background_psql('postgres', on_error_stop => 0);
my %statement = (
	'a folded constant' => 'EXECUTE folded',
	'a generic plan' => "EXECUTE generic('a text')",
	'a PL/pgSQL function' => 'SELECT cached()',
	'the default preset' => 'EXECUTE by_default',
	'a new statement' => "SELECT electra_embed('a text', 'model') IS NOT NULL",
	'a table' => "SELECT bool_and(electra_embed(body, 'model') IS NOT NULL) FROM texts");

$node->safe_psql('postgres', "SELECT electra_set_default_preset('model');
	CREATE FUNCTION cached() RETURNS bool LANGUAGE plpgsql AS \$\$BEGIN RETURN electra_embed('a text', 'model') IS NOT NULL; END\$\$");
$session->query_safe("SET plan_cache_mode = force_generic_plan; SET ROLE reader;
	PREPARE folded AS SELECT electra_embed('a text', 'model') IS NOT NULL;
	PREPARE generic(text) AS SELECT electra_embed(\$1, 'model') IS NOT NULL;
	PREPARE by_default AS SELECT electra_embed('a text') IS NOT NULL");

sub answers
{
	my ($expected, $when, @what) = @_;

	foreach my $what (@what ? @what : sort keys %statement)
	{
		is($session->query($statement{$what}) // '', $expected, "$when: $what");
		$session->{stderr} = '';
	}
}

answers('t', 'granted');
answers('t', 'granted, again');
$node->safe_psql('postgres', "SELECT electra_revoke_preset('model', 'reader')");
answers('', 'revoked');
is($session->query("SELECT electra_embed('a text', 'twin') IS NOT NULL"), 't', 'another name of the same content is another right');
$node->safe_psql('postgres', "BEGIN; SELECT electra_grant_preset('model', 'reader'); ROLLBACK");
answers('', 'a grant that was rolled back');
$node->safe_psql('postgres', "SELECT electra_grant_preset('model', 'reader')");
answers('t', 'granted once more');
$node->safe_psql('postgres', "UPDATE _electra.preset SET granted_to = '{}' WHERE name = 'model'");
answers('', 'revoked by direct DML');

# Membership counts as soon as it is there.  Plans, which may hold constants,
# do not hear of it, as they do not for EXECUTE on a function.
$node->safe_psql('postgres', "SELECT electra_grant_preset('model', 'writer'); GRANT writer TO reader");
answers('t', 'a member');
$node->safe_psql('postgres', 'REVOKE writer FROM reader');
answers('', 'a member no more', 'a new statement', 'a generic plan', 'a table');
$session->quit;

# On a standby the same rights hold.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
my $read = $standby->background_psql('postgres', on_error_stop => 0);
$read->query_safe('SET ROLE writer');
is($read->query("SELECT electra_embed('a text', 'model') IS NOT NULL"), 't', 'a standby: granted');
$node->safe_psql('postgres', "SELECT electra_revoke_preset('model', 'writer')");
$node->wait_for_catchup($standby);
is($read->query("SELECT electra_embed('a text', 'model') IS NOT NULL") // '', '', 'a standby: revoked');
$read->{stderr} = '';
$read->quit;
$standby->stop;

# Dumps: roles by name, and tombstones with what they had.
$node->safe_psql('postgres', "SELECT electra_grant_preset('model', 'reader'); SELECT electra_grant_preset('model', 'writer');
	SELECT electra_revoke_preset('twin', 'public'); SELECT electra_drop_preset('twin')");
my $grants = 'SELECT name, dropped, granted_to FROM _electra.preset ORDER BY name';
my $expected = $node->safe_psql('postgres', $grants);
is($expected, "model|f|{reader,writer}\ntwin|t|{}", 'before the dump');
$node->command_ok([ 'pg_dump', '-Fc', '--no-acl', '-d', $node->connstr('postgres'), '-f', "$dumps/custom" ], 'pg_dump');
$node->stop;

my $restored = new_electra_node('restored', bare => 1);
$restored->safe_psql('postgres', 'CREATE ROLE reader');
$restored->command_ok([ 'pg_restore', '--exit-on-error', '-d', $restored->connstr('postgres'), "$dumps/custom" ], 'pg_restore');
is($restored->safe_psql('postgres', $grants), $expected, 'the grants are back');
is($restored->safe_psql('postgres', "SET ROLE reader; SELECT electra_embed('a text', 'model') IS NOT NULL"), 't', 'a role that is here has its right');
$restored->safe_psql('postgres', 'CREATE ROLE somebody');
is(sqlstate_of($restored, "SET ROLE somebody; SELECT electra_embed('a text', 'model')"), '42501', 'others have none');
$restored->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'twin')");
is(sqlstate_of($restored, "SET ROLE reader; SELECT electra_embed('a text', 'twin')"), '42501', 'a dropped preset comes back as closed as it was');
$restored->stop;

done_testing();
