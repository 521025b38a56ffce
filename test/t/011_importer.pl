# The importer as a process: what it holds, and that whatever happens to it is
# an error of one statement and nothing more.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_electra_node('main');

# 120 MB: long enough to be met at work.
my $large = make_model_directory('large',
	layers => 3, hidden => 1024, embedding => 1024, heads => 16, intermediate => 3072, blank => 1);
my $load = "SELECT electra_load_preset('$large', 'large')";

# A load whose importer has been stopped in the middle: session, backend, importer.
sub stopped_import
{
	my ($session, $pid) = start_session($node, $load);
	my $importer = wait_until(sub {
		my ($child) = grep { $_->{name} =~ /^electra-import/ } children_of($pid);
		return $child && $child->{pid};
	});

	kill 'STOP', $importer;
	return ($session, $pid, $importer);
}

# Nothing of a load may be left, and the session goes on.
sub nothing_left
{
	my ($session, $importer, $what) = @_;

	is($session->query('SELECT 1'), '1', "$what: the session goes on");
	$session->quit;
	ok(!process_alive($importer), "$what: no process is left");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM _electra.preset_chunk'), '0', "$what: no chunk");
	is_deeply([ image_files($node) ], [], "$what: no image");
}

my ($session, $pid, $importer) = stopped_import();
my %open = map { $_ => readlink($_) // '' } glob("/proc/$importer/fd/*");
is_deeply([ grep { /^socket:/ } values %open ], [], 'the importer has no socket');
my $data_dir = $node->data_dir;
is_deeply([ grep { index($_, $data_dir) == 0 } values %open ], [], 'no file of the server');
is((grep { m{/fd/0$} && $open{$_} eq '/dev/null' } keys %open), 1, 'an empty standard input');
like(slurp_file("/proc/$importer/status"), qr/^NoNewPrivs:\s+1$/m, 'no way to new privileges');
is_deeply([ sort split /\0/, slurp_file("/proc/$importer/environ") ], [ 'LC_ALL=C', 'PATH=/usr/bin:/bin' ],
	'and an environment of its own');

# It crashes.
kill 'SEGV', $importer;
kill 'CONT', $importer;
$session->query('SELECT 0');
like($session->{stderr}, qr/program "electra-import" was ended by signal 11/, 'a crash is named');
like($session->{stderr}, qr/HINT: /, 'with a hint');
$session->{stderr} = '';
nothing_left($session, $importer, 'crash');

# It hangs, and somebody cancels.
($session, $pid, $importer) = stopped_import();
ok($node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)") eq 't', 'canceled while the importer hangs');
$session->query('SELECT 0');
like($session->{stderr}, qr/canceling statement due to user request/, 'and that is what the session is told');
$session->{stderr} = '';
nothing_left($session, $importer, 'cancel');

# The backend is asked to go.
($session, $pid, $importer) = stopped_import();
is($node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 10000)"), 't', 'the backend ends while the importer hangs');
ok(wait_until(sub { return !process_alive($importer) }, 10), 'and takes the importer with it');
eval { $session->quit };

is($node->safe_psql('postgres', $load), 'large', 'undisturbed, the same load works');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC/, 'no backend crashed in all this');

$node->stop;
done_testing();
