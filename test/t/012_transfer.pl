# Presets over an ordinary connection, in and out: without files of the server,
# and nothing of what arrives incomplete.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_electra_node('main');
my $importer = 'electra-import';
my $directory = make_model_directory('model', seed => 1);
# Several pieces of 1 MB, as large presets have them.
my $large = make_model_directory('large', seed => 2, blank => 1, layers => 4, hidden => 256, embedding => 128,
	intermediate => 1024, heads => 4);
my $scratch = PostgreSQL::Test::Utils::tempdir();

# A shell command with the server in its environment: exit status, output, errors.
sub shell
{
	my ($command) = @_;
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	local $ENV{PGDATABASE} = 'postgres';
	local $ENV{PGOPTIONS} = '-c client_min_messages=notice';
	my ($output, $errors) = ('', '');
	IPC::Run::run([ 'bash', '-o', 'pipefail', '-c', $command ], '<', \undef, '>', \$output, '2>', \$errors);

	return ($? >> 8, $output, $errors);
}

sub digest_of
{
	my ($name) = @_;

	return $node->safe_psql('postgres', "SELECT encode(digest, 'hex') FROM _electra.preset WHERE name = '$name'");
}

sub count_of
{
	my ($table) = @_;

	return $node->safe_psql('postgres', "SELECT count(*) FROM _electra.$table");
}

# In: what the README says.
my ($status, $output, $errors) = shell("'$importer' '$directory' --sql | psql -X");
is($status, 0, 'electra-import --sql | psql') or diag($errors);
$node->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'by_path')");
is(digest_of('model'), digest_of('by_path'), 'gives the preset that the directory itself gives');
is($node->safe_psql('postgres', "SELECT source FROM _electra.preset WHERE name = 'model'"), 'electra_load_archive',
	'its source says how it came');
($status, $output, $errors) = shell("'$importer' '$directory' --sql | psql -X");
is($status, 0, 'a second time');
like($errors, qr/NOTICE:  preset "model" exists already, with the same content/, 'it is there already') or diag($output);
($status, $output, $errors) = shell("'$importer' '$large' --sql --name sent | psql -X");
is($status, 0, 'in several pieces') or diag($errors);
my $pieces = $node->safe_psql('postgres', "SELECT count(*) FROM electra_preset_archive('sent')");
ok($pieces > 3, "they are $pieces");

# A script that ends too early loads nothing, wherever it ends.
my ($presets, $chunks) = (count_of('preset'), count_of('preset_chunk'));
my $other = make_model_directory('other', seed => 3);
system_or_bail('bash', '-c', "'$importer' '$other' --sql >'$scratch/script'");
my $script = slurp_file("$scratch/script");
my $rows = index($script, 'FROM stdin;');
foreach my $length ($rows - 10, $rows + 100, int(length($script) / 2), index($script, "\\.\n"),
	index($script, 'electra_load_archive') + 5, rindex($script, 'COMMIT'))
{
	open(my $file, '>', "$scratch/short") or die $!;
	print $file substr($script, 0, $length);
	close $file;
	shell("psql -X -f '$scratch/short'");
	is(count_of('preset'), $presets, "nothing is loaded by its first $length characters");
}
is(count_of('preset_chunk'), $chunks, 'no chunk is left');
# A digit that is another one; the digest tells.
(my $changed = $script) =~ s/(\\x[0-9a-f]{20000})([0-9a-f])/$1 . ($2 eq '0' ? '1' : '0')/e;
isnt($changed, $script, 'a digit changes');
open(my $file, '>', "$scratch/changed") or die $!;
print $file $changed;
close $file;
($status, $output, $errors) = shell("psql -X -f '$scratch/changed'");
is($status, 3, 'psql stops at the error');
like($errors, qr/does not have the expected digest/, 'which names the digest');
is(count_of('preset'), $presets, 'and nothing is loaded');
# The importer fails in the middle.
my $broken = make_model_directory('broken', seed => 4);
truncate("$broken/model.safetensors", -s "$broken/model.safetensors" > 1000 ? 1000 : 0) or die $!;
($status, $output, $errors) = shell("'$importer' '$broken' --sql | psql -X");
isnt($status, 0, 'a directory that cannot be read is an error for psql, too');
is(count_of('preset'), $presets, 'and nothing is loaded');

# The function itself, on tables that are no archives.
my @refused = (
	[ "CREATE TEMP TABLE t (chunk bytea)", '42703', 'no column chunk_no' ],
	[ "CREATE TEMP TABLE t (chunk_no integer, chunks bytea)", '42703', 'no column chunk' ],
	[ "CREATE TEMP TABLE t (chunk_no bigint, chunk bytea)", '42804', 'chunk_no is no integer' ],
	[ "CREATE TEMP TABLE t (chunk_no integer, chunk text)", '42804', 'chunk is no bytea' ],
	[ "CREATE TEMP TABLE t (chunk_no integer, chunk bytea)", '22023', 'an empty table' ],
	[ "CREATE TEMP TABLE t AS SELECT 1 AS chunk_no, 'x'::bytea AS chunk", '22023', 'not from 0' ],
	[ "CREATE TEMP TABLE t AS SELECT n * 2 AS chunk_no, 'x'::bytea AS chunk FROM generate_series(0, 3) n", '22023', 'a gap' ],
	[ "CREATE TEMP TABLE t AS SELECT 0 AS chunk_no, 'x'::bytea AS chunk FROM generate_series(0, 3) n", '22023', 'a number twice' ],
	[ "CREATE TEMP TABLE t AS SELECT NULL::integer AS chunk_no, 'x'::bytea AS chunk", '22004', 'no number' ],
	[ "CREATE TEMP TABLE t AS SELECT 0 AS chunk_no, NULL::bytea AS chunk", '22004', 'no content' ],
	[ "CREATE TEMP TABLE t AS SELECT 0 AS chunk_no, decode(repeat('00', 1048577), 'hex') AS chunk", '54000', 'a piece of more than 1 MB' ],
	[ "CREATE TEMP TABLE t AS SELECT 0 AS chunk_no, 'x'::bytea AS chunk", '22P03', 'another digest' ]);
my $zeros = '0' x 64;
foreach my $case (@refused)
{
	is(sqlstate_of($node, "$case->[0]; SELECT electra_load_archive('t', 'x', '$zeros')"), $case->[1], "refused: $case->[2]");
}
my $valid = "CREATE TEMP TABLE t AS SELECT (row_number() OVER () - 1)::integer AS chunk_no, chunk FROM electra_preset_archive('model') chunk";
my $digest = digest_of('model');
is(sqlstate_of($node, "$valid; SELECT electra_load_archive('t', 'x', '$_->[0]')"), $_->[1], "digest $_->[2]")
  foreach ([ substr($digest, 1), '22023', 'too short' ], [ "${digest}0", '22023', 'too long' ],
	[ 'g' . substr($digest, 1), '22023', 'no digest' ], [ '', '22023', 'empty' ], [ uc $digest, '', 'in capitals' ]);
is(sqlstate_of($node, "$valid; SELECT electra_load_archive($_->[0])"), $_->[1], "arguments $_->[0]")
  foreach ([ "NULL, 'x', '$digest'", '22004' ], [ "'t', NULL, '$digest'", '22004' ], [ "'t', 'x', NULL", '22004' ],
	[ "'t', 'no name', '$digest'", '42602' ], [ "4294967295, 'x', '$digest'", '42P01' ],
	[ "'t', 'sent', '$digest'", '42710' ], [ "'t', 'by_path', '$digest'", '' ]);
# An archive that is complete, but none.
is(sqlstate_of($node, "CREATE TEMP TABLE t AS SELECT 0 AS chunk_no, decode(repeat('00', 200), 'hex') AS chunk;
	SELECT electra_load_archive('t', 'x2', encode(sha256(decode(repeat('00', 200), 'hex')), 'hex'))"), 'XX001', 'no archive');
# A table in pieces of another size is the same archive.
is($node->safe_psql('postgres', "CREATE TEMP TABLE t AS
		SELECT n AS chunk_no, substr(string_agg, n * 1000 + 1, 1000) AS chunk
		FROM (SELECT string_agg(chunk, '' ORDER BY n) FROM electra_preset_archive('model') WITH ORDINALITY a(chunk, n)) a,
			LATERAL generate_series(0, (length(string_agg) - 1) / 1000) n;
	SELECT electra_load_archive('t', 'small_pieces', '$digest')"), 'small_pieces', 'pieces of any size');
is(digest_of('small_pieces'), $digest, 'give the same preset');

# A view is read as it goes, so a cancel finds it.
is(sqlstate_of($node, "CREATE TEMP VIEW v AS SELECT n AS chunk_no, decode(repeat('00', 1000) || pg_sleep(0.2)::text, 'hex') AS chunk
		FROM generate_series(0, 1000) n;
	SET statement_timeout = '1s'; SELECT electra_load_archive('v', 'x', '$zeros')"), '57014', 'a cancel in the middle');

# Who may.
$node->safe_psql('postgres', 'CREATE ROLE plain LOGIN; GRANT CREATE ON SCHEMA public TO plain');
($status, $output, $errors) = shell("'$importer' '$directory' --sql --name plain1 | psql -X -U plain");
isnt($status, 0, 'a plain role may not');
like($errors, qr/permission denied for function electra_load_archive/, 'and is told so');
is(sqlstate_of($node, "SET ROLE plain; SELECT electra_preset_archive('model')"), '42501', 'nor take archives out');
$node->safe_psql('postgres', 'GRANT EXECUTE ON FUNCTION electra_load_archive TO plain');
($status, $output, $errors) = shell("'$importer' '$directory' --sql --name plain1 | psql -X -U plain");
is($status, 0, 'a role with EXECUTE may, without any right to server files') or diag($errors);
is($node->safe_psql('postgres', "SELECT loaded_by FROM electra_presets WHERE name = 'plain1'"), 'plain', 'and is named for it');
$node->safe_psql('postgres', "CREATE TABLE secret AS SELECT 0 AS chunk_no, 'x'::bytea AS chunk");
is(sqlstate_of($node, "SET ROLE plain; SELECT electra_load_archive('secret', 'x', '$zeros')"), '42501',
	'he cannot read tables with it that he cannot read');
$node->safe_psql('postgres', "GRANT EXECUTE ON FUNCTION electra_preset_archive TO plain;
	SELECT electra_revoke_preset('model', 'public')");
is(sqlstate_of($node, "SET ROLE plain; SELECT electra_preset_archive('model')"), '42501',
	'EXECUTE does not give away a preset that he may not use');
$node->safe_psql('postgres', "SELECT electra_grant_preset('model', 'public')");
is(sqlstate_of($node, "SET ROLE plain; SELECT electra_preset_archive('model')"), '', 'but one that he may use');

# Out, and in again.
($status, $output, $errors) =
  shell(qq{psql -XAtqc "SELECT electra_preset_archive('model')" | '$importer' --export '$scratch/out' -});
is($status, 0, 'psql | electra-import --export') or diag($errors);
like($output, qr/^\Q$digest\E  /, 'tells the digest');
ok(-f "$scratch/out/$_", "writes $_") foreach qw(config.json model.safetensors tokenizer.json vocab.txt);
is($node->safe_psql('postgres', "SELECT electra_load_preset('$scratch/out', 'back');
	SELECT @{[bits_of(q{electra_embed('a quick test.', 'back')})]} = @{[bits_of(q{electra_embed('a quick test.', 'model')})]}"),
	"back\nt", 'and gives the same vectors when it is loaded');
($status, $output, $errors) = shell(
	qq{psql -XAtq -v FETCH_COUNT=1 -c "SELECT electra_preset_archive('sent')" | '$importer' --export '$scratch/sent' -});
is($status, 0, 'piece by piece') or diag($errors);
like($output, qr/^@{[digest_of('sent')]}  /, 'with the same digest');
($status, $output, $errors) =
  shell(qq{psql -XAtqc "SELECT electra_preset_archive('none')" | '$importer' --export '$scratch/none' -});
isnt($status, 0, 'an unknown preset');
like($errors, qr/standard input is empty/, 'leaves nothing to read');
ok(!-e "$scratch/none", 'and no directory');
is($node->safe_psql('postgres', "SELECT encode(sha256(string_agg(chunk, '' ORDER BY n)), 'hex') = digest
	FROM electra_preset_archive(electra_default_preset()) WITH ORDINALITY a(chunk, n), electra_presets WHERE name = electra_default_preset()
	GROUP BY digest"), 't', 'the preset that comes with electra comes out, too');
is($node->safe_psql('postgres', "SELECT max(length(chunk)) <= 1048576 AND min(length(chunk)) > 0 FROM electra_preset_archive('sent') chunk"),
	't', 'in pieces of at most 1 MB');

# Damage is found before anything is given away.
$node->safe_psql('postgres', "UPDATE _electra.preset_chunk SET data = set_byte(data, 500000, 1)
	WHERE digest = (SELECT digest FROM _electra.preset WHERE name = 'sent') AND chunk_no = 1");
($status, $output, $errors) = shell(qq{psql -XAtqc "SELECT electra_preset_archive('sent')"});
isnt($status, 0, 'a damaged archive');
is($output, '', 'is not given out');
like($errors, qr/archive of preset "sent" is damaged/, 'but named');

$node->stop;
done_testing();
