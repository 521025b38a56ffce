# OpenBLAS for comparison: close to our own vectors, never stored, never
# remembered, and no backend gets a second thread.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_electra_node('main');
# A sum over so many k is cut into parts by OpenBLAS, which are rounded on their own; a short one has our bits.
my $directory = make_model_directory('model', hidden => 64, intermediate => 2048);
my ($status, $output, $error) = $node->psql('postgres', "LOAD 'electra'; SET electra.gemm = 'openblas'");

if ($status != 0 || $error ne '')
{
	like($error, qr/OpenBLAS is not installed.*HINT/s, 'a missing library is named, with a hint');
	done_testing();
	exit;
}

$node->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'model')");
$node->safe_psql('postgres', 'CREATE TABLE kept (v real[])');

my $text = "repeat('some words and more ', 12)";
my $embed = "electra_embed($text, 'model')";
my $openblas = "SET electra.gemm = 'openblas'; SET default_transaction_read_only = on;";

# psql's exit status, output and errors of statements in one session.
sub run
{
	my @result = $node->psql('postgres', join(' ', @_));

	return @result;
}

# Reading.
my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query_safe('SELECT pg_backend_pid()');

sub num_threads
{
	my @tasks = glob("/proc/$pid/task/*");

	return scalar @tasks;
}

my $exact = $session->query_safe("SELECT $embed");
is(num_threads(), 1, 'a backend is one thread');
$session->query("SET client_min_messages = warning; $openblas");
my $other = $session->query("SELECT $embed");
like($session->{stderr}, qr/WARNING:.*OpenBLAS computes the vectors of this session/, 'a warning');
$session->{stderr} = '';
is(num_threads(), 1, 'OpenBLAS starts no thread');
isnt($other, $exact, 'other bits, so OpenBLAS has computed them and not the memo');
is($session->query("SELECT electra_cosine('$exact', '$other') > 0.99999"), 't', 'but close');
$session->query("SELECT $embed");
is($session->{stderr}, '', 'one warning a session');

# A plan that holds the vector, and the memo, do not outlive the setting.
$session->query("PREPARE folded AS SELECT $embed; SET plan_cache_mode = force_generic_plan; EXECUTE folded");
$session->query('RESET electra.gemm; RESET default_transaction_read_only');
is($session->query('EXECUTE folded'), $exact, 'a prepared statement is planned anew');
is($session->query("SELECT $embed"), $exact, 'and nothing is remembered');
$session->quit;

# Storing.
my $refused = qr/electra.gemm = 'openblas' works in read-only transactions without temporary tables only/;
(undef, undef, $error) = run("SET electra.gemm = 'openblas';", "INSERT INTO kept SELECT $embed");
like($error, $refused, 'INSERT is refused');
(undef, undef, $error) = run("SET electra.gemm = 'openblas';", "SELECT $embed");
like($error, $refused, 'so is SELECT where one could be stored');
(undef, undef, $error) = run('CREATE TEMP TABLE t (v real[]);', $openblas, "INSERT INTO t SELECT $embed");
like($error, $refused, 'a temporary table takes none');
(undef, undef, $error) = run(
	"CREATE TEMP TABLE t (body text, v real[] GENERATED ALWAYS AS (electra_embed(body, 'model')) STORED);",
	$openblas, "INSERT INTO t VALUES ('a text')");
like($error, $refused, 'nor by a generated column');
is($node->safe_psql('postgres', 'SELECT count(*) FROM kept'), '0', 'nothing is stored');

# Parallel workers take the setting along, and its rule.
(undef, $output) = run($openblas,
	'SET client_min_messages = error; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;',
	"SELECT count(electra_embed(relname::text, 'model')) > 0 FROM pg_class WHERE oid < 1300");
is($output, 't', 'parallel workers');

# Who may.
$node->safe_psql('postgres', 'CREATE ROLE plain LOGIN');
(undef, undef, $error) = run("LOAD 'electra'; SET ROLE plain; SET electra.gemm = 'openblas'");
like($error, qr/permission denied to set parameter "electra.gemm"/, 'a plain user may not');
(undef, undef, $error) = run("LOAD 'electra'; ALTER SYSTEM SET electra.gemm = 'openblas'");
like($error, qr/cannot be changed|cannot be set/, 'nor does it stand in a file');

$node->stop;
done_testing();
