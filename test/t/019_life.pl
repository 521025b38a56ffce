# The life of a database: dumps whose tables come before the presets, the naive
# way and by the documented steps; templates; the end of the extension.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_electra_node('main');
my $directory = make_model_directory('model');
my $dumps = PostgreSQL::Test::Utils::tempdir();
my @steps = (
	[ '--section=pre-data' ],
	[ '--section=data', '-n', '_electra' ],
	[ '--section=data', '-N', '_electra', '-j4' ],
	[ '--section=post-data', '-j4' ]);
my $hint = qr/HINT:  Presets must be restored before the tables.*--section=pre-data; .*--section=data -n _electra; .*--section=data -N _electra; .*--section=post-data/;

sub vectors_of
{
	my ($database, $table) = @_;

	return $node->safe_psql($database, 'SELECT count(*), string_agg(' . bits_of('embedding') . qq{, ',' ORDER BY body) FROM $table});
}

sub presets_of
{
	my ($database) = @_;

	return $node->safe_psql($database, 'SELECT name, digest, source, is_default FROM electra_presets ORDER BY name');
}

# Databases with a table in a schema that sorts before the catalogue's: one
# names its preset, one leaves it to the default.
my %call = (named => "electra_embed(body, 'model')", unnamed => 'electra_embed(body)');
my (%presets, %vectors);
foreach my $database (sort keys %call)
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, qq{
CREATE EXTENSION electra;
SELECT electra_load_preset('$directory', 'model');
SELECT electra_set_default_preset('model');
CREATE SCHEMA "App";
CREATE TABLE "App"."Document" (
	body text PRIMARY KEY,
	embedding real[] GENERATED ALWAYS AS ($call{$database}) STORED
);
INSERT INTO "App"."Document" (body) SELECT 'text ' || n FROM generate_series(1, 50) n;
CREATE TABLE zoo AS SELECT body, embedding FROM "App"."Document";
CREATE INDEX ON zoo (($call{$database}))});
	$presets{$database} = presets_of($database);
	$vectors{$database} = vectors_of($database, '"App"."Document"');
	$node->command_ok([ 'pg_dump', '-d', $node->connstr($database), '-f', "$dumps/$database.sql" ], "$database: pg_dump");
	$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr($database), '-f', "$dumps/$database.dump" ], "$database: pg_dump -Fc");
}
is($vectors{unnamed}, $vectors{named}, 'the same vectors with and without a name');

my %message = (
	named => qr/preset "model" does not exist/,
	unnamed => qr/cannot restore the default preset "model" after rows that were computed with "electra_mini_en_1".*column embedding of table "App"\."Document"/s);
foreach my $database (sort keys %call)
{
	# The naive ways.
	$node->safe_psql('postgres', "CREATE DATABASE naive TEMPLATE template0");
	$node->command_checks_all(
		[ 'pg_restore', '--exit-on-error', '-d', $node->connstr('naive'), "$dumps/$database.dump" ],
		1, [], [ $message{$database}, $hint ], "$database: a plain pg_restore names the steps");
	$node->safe_psql('postgres', 'DROP DATABASE naive');
	$node->safe_psql('postgres', 'CREATE DATABASE naive TEMPLATE template0');
	$node->command_checks_all(
		[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('naive'), '-f', "$dumps/$database.sql" ],
		3, [], [ $message{$database}, $hint ], "$database: psql names the steps");
	$node->safe_psql('postgres', 'DROP DATABASE naive');

	# The documented one.
	$node->safe_psql('postgres', "CREATE DATABASE restored TEMPLATE template0");
	$node->command_ok([ 'pg_restore', '--exit-on-error', @$_, '-d', $node->connstr('restored'), "$dumps/$database.dump" ],
		"$database: pg_restore @$_") foreach @steps;
	is(presets_of('restored'), $presets{$database}, "$database: presets and default");
	is(vectors_of('restored', '"App"."Document"'), $vectors{$database}, "$database: generated vectors");
	is(vectors_of('restored', 'zoo'), $vectors{$database}, "$database: stored vectors");
	is($node->safe_psql('restored', "SET enable_seqscan = off; SELECT count(*) FROM zoo WHERE $call{$database} = (SELECT embedding FROM zoo WHERE body = 'text 7')"),
		1, "$database: the expression index");
	$node->safe_psql('postgres', 'DROP DATABASE restored');
}

# A replica's apply process brings a default as it comes.
$node->safe_psql('unnamed', "SET session_replication_role = replica; SET search_path = '';
	INSERT INTO _electra.default_preset (name) VALUES ('electra_mini_en_1'); INSERT INTO _electra.default_preset (name) VALUES ('model')");
is(presets_of('unnamed'), $presets{unnamed}, 'logical apply is no restore');

# A database as a template.
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE named');
is(presets_of('copy'), $presets{named}, 'CREATE DATABASE TEMPLATE: presets and default');
is(vectors_of('copy', '"App"."Document"'), $vectors{named}, 'CREATE DATABASE TEMPLATE: vectors');
$node->safe_psql('copy', q{UPDATE "App"."Document" SET body = body});
is(vectors_of('copy', '"App"."Document"'), $vectors{named}, 'CREATE DATABASE TEMPLATE: computed again they are the same');
my $other = make_model_directory('other', seed => 2);
$node->safe_psql('copy', "SELECT electra_load_preset('$other', 'later')");
is(presets_of('named'), $presets{named}, 'CREATE DATABASE TEMPLATE: the copy goes its own way');
$node->safe_psql('postgres', 'DROP DATABASE named');
$node->safe_psql('copy', 'SELECT electra_clean_images()');
is($node->safe_psql('copy', 'SELECT ' . bits_of("electra_embed('text 7', 'model')")),
	$node->safe_psql('copy', 'SELECT ' . bits_of('embedding') . q{ FROM "App"."Document" WHERE body = 'text 7'}),
	'CREATE DATABASE TEMPLATE: without the original');

# The end of the extension, in a session that has used it.
is(sqlstate_of($node, 'DROP EXTENSION electra', dbname => 'copy'), '2BP01', 'DROP EXTENSION: stored expressions depend on it');
my $session = $node->background_psql('copy', on_error_stop => 0);
$session->query_safe("PREPARE search AS SELECT electra_embed('text 7', 'model')");
$session->query_safe('EXECUTE search');
$session->query_safe('DROP EXTENSION electra CASCADE');
isnt(($session->query('EXECUTE search'))[1], 0, 'DROP EXTENSION CASCADE: plans are gone with it');
$session->{stderr} = '';
is($session->query_safe(q{SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '"App"."Document"'::regclass AND attnum > 0 AND NOT attisdropped}),
	'body', 'DROP EXTENSION CASCADE: so are generated columns');
is($session->query_safe('SELECT count(embedding) FROM zoo'), 50, 'DROP EXTENSION CASCADE: plain columns stay');
is($session->query_safe(q{SELECT count(*) FROM pg_namespace WHERE nspname = '_electra'}), 0, 'DROP EXTENSION CASCADE: and nothing else');
$session->query_safe('CREATE EXTENSION electra');
is($session->query_safe('SELECT name FROM electra_presets'), 'electra_mini_en_1', 'a new one is empty');
is($session->query_safe("SELECT electra_load_preset('$directory', 'model')"), 'model', 'and takes presets');
is($session->query_safe("SELECT count(*) FROM zoo WHERE embedding = electra_embed(body, 'model')"), 50, 'with the same vectors');
$session->quit;
is($node->safe_psql('unnamed', 'SELECT count(*) FROM electra_presets'), 2, 'other databases keep theirs');

$node->stop;
done_testing();
