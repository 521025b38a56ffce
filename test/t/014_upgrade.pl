# From 0.1.0 to 0.2.0, 0.3.0, 0.4.0 and 0.5.0: the new module with the old SQL, with archives
# that the old version made, and behind ALTER EXTENSION UPDATE; stored vectors
# stay, and the objects are those of a fresh installation.

use strict;
use warnings FATAL => 'all';

use Digest::SHA qw(sha256_hex);
use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_electra_node('main', bare => 1);
my $directory = make_model_directory('model');
my $other = make_model_directory('other', seed => 2);
my $vectors = 'SELECT string_agg(' . bits_of('embedding') . q{, ',' ORDER BY body) FROM document};

# What 0.1.0 made of a directory: the same archive without the metadata that
# came later, and the hashes of all files in its header.
sub old_archive
{
	my ($path) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/archive';

	system_or_bail('electra-import', $path, '-o', $file);
	my $archive = PostgreSQL::Test::Utils::slurp_file($file);
	my $size = unpack('Q<', $archive);
	my $header = substr($archive, 8, $size);
	my $data = substr($archive, 8 + $size);

	$header =~ s/,"weights\.sha256":\{[^{}]*\[(\d+),(\d+)\]\}// or die 'no tensor weights.sha256';
	my %hashes = reverse map { split / /, $_, 2 } split /\0/, substr($data, $1, $2 - $1, '');
	$header =~ /"__metadata__":\{(.*?)\},/ or die 'no metadata';
	my @metadata = sort(split(/(?<="),(?=")/, $1), map { qq("source.sha256.$_":"$hashes{$_}") } keys %hashes);
	substr($header, $-[1], $+[1] - $-[1], join ',', @metadata);
	foreach my $key (qw(config.dropout config.has_pooler tokenizer.special_tokens_in_strings))
	{
		$header =~ s/"\Q$key\E":"[^"]*",// or die "no metadata $key";
	}
	$header =~ s/ +$//;
	$header .= ' ' x (-(8 + length $header) % 64);
	return pack('Q<', length $header) . $header . $data;
}

# Puts an archive into the catalogue, as a restored dump does.
sub insert_preset
{
	my ($name, $archive) = @_;
	my $digest = sha256_hex($archive);
	my $n = 0;

	$node->safe_psql('postgres', "INSERT INTO _electra.preset (name, digest, source, loaded_by, loaded_at)
		VALUES ('$name', '\\x$digest', 'the old version', 'postgres', now())");
	foreach my $chunk (unpack('(a1048576)*', $archive))
	{
		my $hex = unpack('H*', $chunk);

		$node->safe_psql('postgres', "INSERT INTO _electra.preset_chunk VALUES ('\\x$digest', $n, '\\x$hex')");
		$n++;
	}
}

# Everything that belongs to the extension, with what it is.
sub objects_of
{
	my ($database) = @_;

	return $node->safe_psql($database, q{
SELECT object FROM (SELECT pg_describe_object(d.classid, d.objid, d.objsubid)
		|| coalesce(E'\n' || pg_get_functiondef(p.oid) || coalesce(p.proacl::text, '') || coalesce(obj_description(p.oid, 'pg_proc'), ''), '')
		|| coalesce(E'\n' || c.relkind::text || coalesce(c.relacl::text, '') || coalesce(obj_description(c.oid, 'pg_class'), '')
			|| coalesce(CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END, '')
			|| (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attstorage, l.collname), ', ' ORDER BY a.attnum)
				FROM pg_attribute a LEFT JOIN pg_collation l ON l.oid = a.attcollation WHERE a.attrelid = c.oid AND a.attnum > 0)
			|| coalesce((SELECT string_agg(t.tgname || t.tgenabled::text, ', ' ORDER BY t.tgname) FROM pg_trigger t WHERE t.tgrelid = c.oid), ''), '') AS object
FROM pg_depend d
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e' AND e.extname = 'electra'
LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid) s
ORDER BY object COLLATE "C"});
}

# The new module with the SQL of 0.1.0: what a package upgrade leaves.
$node->safe_psql('postgres', "CREATE EXTENSION electra VERSION '0.1.0'");
is($node->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'model', max_length => 64)"), 'model',
	'electra_load_preset as 0.1.0 declares it');
is($node->safe_psql('postgres', "SELECT pronargs FROM pg_proc WHERE proname = 'electra_load_preset'"), 10, 'with ten arguments');
insert_preset('old', old_archive($directory));
$node->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'new')");
is($node->safe_psql('postgres', 'SELECT ' . bits_of("electra_embed('a text', 'old')")),
	$node->safe_psql('postgres', 'SELECT ' . bits_of("electra_embed('a text', 'new')")), 'an archive of 0.1.0 gives the same vectors');
is($node->safe_psql('postgres', "SELECT electra_verify('old')"), 't', 'and is intact');
is($node->safe_psql('postgres', "SELECT electra_preset_config('old') ->> 'pooled_output'"), 'false', 'it has no pooler');
$node->safe_psql('postgres', "SELECT electra_load_preset('$other', 'gone'); SELECT electra_drop_preset('gone'); SELECT electra_drop_preset('new')");
is($node->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'new')"), 'new', 'a dropped preset comes back');
$node->safe_psql('postgres', "SELECT electra_set_default_preset('model'); CREATE ROLE plain LOGIN");

$node->safe_psql('postgres', q{
CREATE TABLE document (
	body text PRIMARY KEY,
	embedding real[] GENERATED ALWAYS AS (electra_embed(body, 'old')) STORED,
	by_default real[] GENERATED ALWAYS AS (electra_embed(body)) STORED
);
INSERT INTO document (body) SELECT 'text ' || n FROM generate_series(1, 30) n;
CREATE INDEX tokens ON document (electra_token_count(body, 'model'));
CREATE VIEW queries AS SELECT electra_embed_query(body) AS query FROM document;
CREATE MATERIALIZED VIEW batch AS SELECT * FROM electra_embed_batch(ARRAY['a', 'b'], 'model');
GRANT SELECT ON document TO plain});
my $stored = $node->safe_psql('postgres', $vectors);
my $session = $node->background_psql('postgres');
$session->query_safe("PREPARE search AS SELECT " . bits_of("electra_embed('a text', 'model')"));
my $constant = $session->query_safe('EXECUTE search');

# The update, with a session that keeps its plans.
$node->safe_psql('postgres', 'GRANT EXECUTE ON FUNCTION electra_load_preset TO plain');
my ($status, $output, $errors) = $node->psql('postgres', "SET client_min_messages = warning; ALTER EXTENSION electra UPDATE TO '0.2.0'");
like($errors, qr/WARNING:  rights on the function electra_load_preset end.*HINT:  GRANT EXECUTE ON FUNCTION electra_load_preset TO plain;/s,
	'the update says which rights end');
is($node->safe_psql('postgres', "SELECT extversion FROM pg_extension WHERE extname = 'electra'"), '0.2.0', 'updated');
is($session->query_safe('EXECUTE search'), $constant, 'a session with a plan goes on');
$session->quit;

is($node->safe_psql('postgres', $vectors), $stored, 'stored vectors stay');
$node->safe_psql('postgres', 'UPDATE document SET body = body');
is($node->safe_psql('postgres', $vectors), $stored, 'computed again they are the same');
is($node->safe_psql('postgres', "SET enable_seqscan = off; SELECT count(*) FROM document
	WHERE electra_token_count(body, 'model') = electra_token_count('text 7', 'model')"), 9, 'the index is used and right');
is($node->safe_psql('postgres', "SELECT count(*) FROM document WHERE by_default = electra_embed(body, 'model')"), 30, 'the default stays');
is($node->safe_psql('postgres', 'SELECT count(query) FROM queries'), 30, 'a view of 0.1.0');
$node->safe_psql('postgres', 'REFRESH MATERIALIZED VIEW batch; REINDEX TABLE document; ANALYZE document');
is($node->safe_psql('postgres', "SELECT string_agg(name || digest, ',' ORDER BY name) FROM electra_presets WHERE name = 'old'"),
	'old' . sha256_hex(old_archive($directory)), 'digests stay');
is(sqlstate_of($node, "SELECT electra_load_preset('$directory', 'gone')"), '42710', 'a dropped name stays bound');
is(sqlstate_of($node, 'SELECT electra_set_default_preset(\'old\')'), '2BP01', 'stored expressions of 0.1.0 are found');

# What is new.
is($node->safe_psql('postgres', "SELECT pronargs FROM pg_proc WHERE proname = 'electra_load_preset'"), 12, 'electra_load_preset has its new arguments');
is($node->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'seeded', load_weights => false, seed => 7)"), 'seeded', 'and takes them');
is($node->safe_psql('postgres', "SELECT count(*) FROM electra_sequence_output('a', 'old')"), 3, 'outputs of a preset of 0.1.0');
is($node->safe_psql('postgres', "SET ROLE plain; SELECT count(electra_embed(body, 'old')) FROM document"), 30, 'everyone may use the presets of 0.1.0');
$node->safe_psql('postgres', "SELECT electra_revoke_preset('old', 'public')");
is(sqlstate_of($node, "SET ROLE plain; SELECT electra_embed('x', 'old')"), '42501', 'until that is revoked');

# To 0.3.0.
$node->safe_psql('postgres', "ALTER EXTENSION electra UPDATE TO '0.3.0'");
is($node->safe_psql('postgres', $vectors), $stored, '0.3.0: stored vectors stay');
$node->safe_psql('postgres', 'UPDATE document SET body = body');
is($node->safe_psql('postgres', $vectors), $stored, '0.3.0: computed again they are the same');
is($node->safe_psql('postgres', "SELECT count(*) FROM electra_presets WHERE name = 'old' AND numerics_version = current_numerics_version"),
	1, '0.3.0: electra_presets tells the numerics');
is(sqlstate_of($node, "SET ROLE plain; SELECT * FROM electra_node_check('nowhere')"), '42501', '0.3.0: new functions are for those who are granted them');

# The new module with the SQL of 0.3.0, then 0.4.0.
is($node->safe_psql('postgres', "SELECT count(*) FROM electra_presets WHERE name = 'old'"), 1, '0.3.0: electra_presets of the new module');
($status, $output, $errors) = $node->psql('postgres', "SET client_min_messages = warning; ALTER EXTENSION electra UPDATE TO '0.4.0'");
is("$status $errors", '0 ', '0.4.0: no rights were granted, so there is nothing to say');
is($node->safe_psql('postgres', $vectors), $stored, '0.4.0: stored vectors stay');
$node->safe_psql('postgres', 'UPDATE document SET body = body');
is($node->safe_psql('postgres', $vectors), $stored, '0.4.0: computed again they are the same');
is($node->safe_psql('postgres', "SELECT pronargs FROM pg_proc WHERE proname = 'electra_load_preset'"), 13, '0.4.0: electra_load_preset takes min_cosine');
is($node->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'eight', dtype => 'int8', min_cosine => 0)"), 'eight', '0.4.0: a preset in int8');
is($node->safe_psql('postgres', "SELECT string_agg(name, ',' ORDER BY name) FROM electra_presets WHERE lowest_cosine <= mean_cosine AND NOT shipped"), 'eight',
	'0.4.0: electra_presets tells how near int8 is');
is(sqlstate_of($node, "SET ROLE plain; SELECT electra_load_preset('$directory', 'not mine')"), '42501', '0.4.0: loading is for those who are granted it');

# The new module with the SQL of 0.4.0, then 0.5.0, whose SQL is the same.
my $default = 'SELECT electra_default_preset(), ' . bits_of("electra_embed('a text')");
my $chosen = $node->safe_psql('postgres', $default);
$node->safe_psql('postgres', 'ALTER EXTENSION electra UPDATE');
is($node->safe_psql('postgres', $default), $chosen, '0.5.0: the default stays that of this database');
$node->safe_psql('postgres', 'UPDATE document SET body = body');
is($node->safe_psql('postgres', $vectors), $stored, '0.5.0: computed again they are the same');

# Straight from 0.1.0.
$node->safe_psql('postgres', 'CREATE DATABASE straight');
$node->safe_psql('straight', "CREATE EXTENSION electra VERSION '0.1.0'; ALTER EXTENSION electra UPDATE");

# A fresh installation has the same objects.
$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION electra');
is($node->safe_psql($_, "SELECT extversion FROM pg_extension WHERE extname = 'electra'"), '0.5.0', "$_: 0.5.0") foreach qw(postgres straight fresh);
my $objects = objects_of('fresh');
like($objects, qr/function electra_encode\(integer\[\],integer\[\],integer\[\],text\)/, 'the list of objects');
like($objects, qr/function electra_node_check\(name\)/, 'with those of 0.3.0');
like($objects, qr/function _electra.presets\(\)/, 'with those of 0.4.0');
is(objects_of($_), $objects, "$_: the same objects") foreach qw(postgres straight);
is($node->safe_psql($_, "SELECT array_agg(t::regclass::text ORDER BY n), extcondition FROM pg_extension, unnest(extconfig) WITH ORDINALITY u(t, n)
		WHERE extname = 'electra' GROUP BY extcondition"),
	'{_electra.preset,_electra.preset_chunk,_electra.default_preset}|{"","",""}', "what is dumped in $_") foreach qw(postgres straight fresh);

$node->stop;
done_testing();
