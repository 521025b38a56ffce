# pg_upgrade takes presets, the default and stored vectors along: from the
# server under test to PostgreSQL 16, and from there to 18.  Their bin folders,
# with electra installed, are in ELECTRA_PG16_BIN and ELECTRA_PG18_BIN.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @versions = grep { $ENV{"ELECTRA_PG${_}_BIN"} } (16, 18);

plan skip_all => 'pg_upgrade: ELECTRA_PG16_BIN and ELECTRA_PG18_BIN name no servers' unless @versions;

my $directory = make_model_directory('model');
my $other = make_model_directory('other', seed => 2);
my @initdb = ('--encoding=UTF8', '--locale=C.UTF-8');

# A stopped server of another version.
sub new_server
{
	my ($version) = @_;
	my $node = PostgreSQL::Test::Cluster->new("pg$version", install_path => dirname($ENV{"ELECTRA_PG${version}_BIN"}));

	# From 18 on checksums are the default; both sides must agree.
	$node->init(extra => [ @initdb, $version >= 18 ? '--no-data-checksums' : () ]);
	$node->append_conf('postgresql.conf', 'client_min_messages = error');
	return $node;
}

my $presets = 'SELECT name, digest, source, loaded_at, is_default FROM electra_presets ORDER BY name';
my $vectors = 'SELECT count(*), string_agg(' . bits_of('embedding') . ' || ' . bits_of('by_default') . q{, ',' ORDER BY body) FROM "App".document};

my $old = PostgreSQL::Test::Cluster->new('old');
$old->init(extra => \@initdb);
$old->append_conf('postgresql.conf', 'client_min_messages = error');
$old->start;
$old->safe_psql('postgres', qq{
CREATE EXTENSION electra;
SELECT electra_load_preset('$directory', 'model');
SELECT electra_load_preset('$other', 'gone');
SELECT electra_drop_preset('gone');
SELECT electra_set_default_preset('model');
CREATE SCHEMA "App";
CREATE TABLE "App".document (
	body text PRIMARY KEY,
	embedding real[] GENERATED ALWAYS AS (electra_embed(body, 'model')) STORED,
	by_default real[] GENERATED ALWAYS AS (electra_embed(body)) STORED
);
INSERT INTO "App".document (body) SELECT 'text ' || n FROM generate_series(1, 50) n;
CREATE INDEX tokens ON "App".document (electra_token_count(body, 'model'));
CREATE TABLE kept (body text PRIMARY KEY, embedding real[]);
CREATE TRIGGER embed BEFORE INSERT OR UPDATE ON kept
	FOR EACH ROW EXECUTE FUNCTION electra_embed_trigger('embedding', 'model', 'body')});
my $expected_presets = $old->safe_psql('postgres', $presets);
my $expected_vectors = $old->safe_psql('postgres', $vectors);
$old->stop;

sub check_upgraded
{
	my ($node, $version) = @_;

	is($node->safe_psql('postgres', $presets), $expected_presets, "$version: presets and default");
	is($node->safe_psql('postgres', $vectors), $expected_vectors, "$version: stored vectors");
	is($node->safe_psql('postgres', "SELECT electra_verify('model')"), 't', "$version: the archive is whole");
	$node->safe_psql('postgres', q{UPDATE "App".document SET body = body});
	is($node->safe_psql('postgres', $vectors), $expected_vectors, "$version: computed again they are the same");
	is($node->safe_psql('postgres', q{SET enable_seqscan = off;
			SELECT count(*) FROM "App".document WHERE electra_token_count(body, 'model') = electra_token_count('text 7', 'model')}),
		9, "$version: the index");
	is($node->safe_psql('postgres', "INSERT INTO kept VALUES ('text 7') ON CONFLICT (body) DO UPDATE SET embedding = NULL;
			SELECT k.embedding = d.embedding FROM kept k JOIN \"App\".document d USING (body)"), 't', "$version: the trigger");
	isnt(sqlstate_of($node, "SELECT electra_load_preset('$directory', 'gone')"), '', "$version: a dropped name stays bound");
}

# The column option that recent minor releases keep for themselves, pg_attver,
# stops the upgrade of any table to a minor release that is older than that.
my $has_attver = q{SELECT count(*) FROM pg_attribute WHERE attoptions::text LIKE '{pg_attver=%}'};

sub hide_attver
{
	my ($old_node, $new_node) = @_;

	$new_node->start;
	my $known = $new_node->safe_psql('postgres', "CREATE TABLE t (a integer); $has_attver; DROP TABLE t");
	$new_node->stop;
	return if $known;
	$old_node->start;
	if ($old_node->safe_psql('postgres', $has_attver))
	{
		note('the new server does not know the option pg_attver of the old one: removed');
		$old_node->safe_psql('postgres', q{UPDATE pg_attribute SET attoptions = NULL WHERE attoptions::text LIKE '{pg_attver=%}'});
	}
	$old_node->stop;
}

foreach my $version (@versions)
{
	my $new = new_server($version);

	hide_attver($old, $new);
	command_ok(
		[ $ENV{"ELECTRA_PG${version}_BIN"} . '/pg_upgrade', '--no-sync',
			'-d', $old->data_dir, '-D', $new->data_dir,
			'-b', $old->config_data('--bindir'), '-B', $new->config_data('--bindir'),
			'-s', $new->host, '-p', $old->port, '-P', $new->port ],
		"pg_upgrade to $version");
	$new->start;
	check_upgraded($new, $version);
	$new->stop;
	$old = $new;
}

done_testing();
