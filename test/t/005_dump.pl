# Dumps: presets, the default and generated columns come back in an empty
# cluster, by psql and by pg_restore, and by the documented steps for a table
# whose schema sorts before the catalogue's.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $source = new_electra_node('source');
my $directory = make_model_directory('model');
my $dumps = PostgreSQL::Test::Utils::tempdir();
my $presets = 'SELECT name, digest, source, is_default FROM electra_presets ORDER BY name';

sub vectors_of
{
	my ($table) = @_;

	return 'SELECT string_agg(' . bits_of('embedding') . qq{, ',' ORDER BY body) FROM $table};
}

sub fill
{
	my ($table) = @_;

	$source->safe_psql('postgres', qq{
CREATE TABLE $table (
	body text PRIMARY KEY,
	embedding real[] GENERATED ALWAYS AS (electra_embed(body, 'model')) STORED
);
INSERT INTO $table (body) SELECT 'text ' || n FROM generate_series(1, 50) n;
CREATE INDEX ON $table ((electra_token_count(body, 'model')))});
}

$source->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'model')");
$source->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'gone', max_length => 64)");
$source->safe_psql('postgres', "SELECT electra_drop_preset('gone')");
$source->safe_psql('postgres', "SELECT electra_set_default_preset('model')");
fill('public.document');
my $expected_presets = $source->safe_psql('postgres', $presets);
my $expected_vectors = $source->safe_psql('postgres', vectors_of('document'));

my @dump = ('pg_dump', '-d', $source->connstr('postgres'));
$source->command_ok([ @dump, '-f', "$dumps/plain.sql" ], 'pg_dump');
$source->command_ok([ @dump, '-Fc', '-f', "$dumps/custom" ], 'pg_dump -Fc');
fill('"Sales".document') if $source->safe_psql('postgres', 'CREATE SCHEMA "Sales"; SELECT true');
$source->command_ok([ @dump, '-Fc', '-f', "$dumps/sales" ], 'pg_dump -Fc with a schema that sorts first');
my $expected_sales = $source->safe_psql('postgres', vectors_of('"Sales".document'));
$source->stop;

sub check_restored
{
	my ($node, $how) = @_;

	is($node->safe_psql('postgres', $presets), $expected_presets, "$how: presets and default");
	is($node->safe_psql('postgres', vectors_of('document')), $expected_vectors, "$how: vectors");
	isnt(sqlstate_of($node, "SELECT electra_load_preset('$directory', 'gone')"), '', "$how: a dropped name stays bound");
	is($node->safe_psql('postgres', 'SELECT ' . bits_of("electra_embed('text 7')") . '
			= ' . bits_of('embedding') . " FROM document WHERE body = 'text 7'"),
		't', "$how: new vectors fit the restored ones");
}

my $plain = new_electra_node('plain', bare => 1);
$plain->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $plain->connstr('postgres'),
		'-o', '/dev/null', '-f', "$dumps/plain.sql" ], 'psql restores');
check_restored($plain, 'psql');
$plain->stop;

my $custom = new_electra_node('custom', bare => 1);
$custom->command_ok([ 'pg_restore', '--exit-on-error', '-d', $custom->connstr('postgres'), "$dumps/custom" ],
	'pg_restore');
check_restored($custom, 'pg_restore');
$custom->stop;

# The steps of the README.
my $steps = new_electra_node('steps', bare => 1);
foreach my $step (
	[ '--section=pre-data' ],
	[ '--section=data', '-n', '_electra' ],
	[ '--section=data', '-N', '_electra', '-j', '2' ],
	[ '--section=post-data', '-j', '2' ])
{
	$steps->command_ok(
		[ 'pg_restore', '--exit-on-error', @$step, '-d', $steps->connstr('postgres'), "$dumps/sales" ],
		"pg_restore @$step");
}
check_restored($steps, 'steps');
is($steps->safe_psql('postgres', vectors_of('"Sales".document')), $expected_sales, 'steps: vectors in the other schema');
$steps->stop;

done_testing();
