# Cancel in the importer, while an image is built and in the middle of an
# encoder run, on a preset of 335 million parameters.  The directory takes
# 1.3 GB, archive and image as much each, so the test runs where
# ELECTRA_LARGE_DIR names the directory that test/bench/make_random_directory.py
# has written.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $directory = $ENV{ELECTRA_LARGE_DIR};
plan skip_all => 'ELECTRA_LARGE_DIR names no directory of 335 million parameters' unless $directory;

my $node = new_electra_node('main', conf => "fsync = off\nmax_wal_size = 8GB");

# How long after its timeout a statement ended, in ms: the least of up to three
# trials, since a virtual machine that is halted makes any statement late.
sub lateness
{
	my $least;

	foreach my $trial (1 .. 3)
	{
		my $late = lateness_once(@_);
		$least = $late if !defined $least || $late < $least;
		last if $least <= 100;
	}
	return $least;
}

# The same of one trial, in a session of its own.
sub lateness_once
{
	my ($timeout, $prepare, $statement) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0);

	$session->query_safe($prepare) if $prepare;
	$session->query_safe("SET statement_timeout = $timeout");
	my $start = time();
	my ($output, $failed) = $session->query($statement);
	my $late = 1000 * (time() - $start) - $timeout;

	like($session->{stderr}, qr/canceling statement due to statement timeout/, "canceled after $timeout ms");
	$session->{stderr} = '';
	is($session->query('SELECT 1'), '1', 'the session goes on');
	$session->quit;
	return $late;
}

foreach my $timeout (50, 400, 1500)
{
	my $late = lateness($timeout, undef, "SELECT electra_load_preset('$directory', 'large')");
	cmp_ok($late, '<=', 100, sprintf('a load canceled after %d ms ends %.0f ms later', $timeout, $late));
	is($node->safe_psql('postgres', 'SELECT count(*) FROM _electra.preset'), '0', 'no preset is left');
}
ok(wait_until(sub { return !grep { $_->{name} =~ /electra-import/ } map { children_of($_) } backends() }, 5),
	'no importer is left');

sub backends
{
	return split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE backend_type = \'client backend\'');
}

$node->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'large')", timeout => 600);
unlink(glob($node->data_dir . '/electra/*'));
my $late = lateness(300, undef, "SELECT electra_prewarm('large')");
cmp_ok($late, '<=', 100, sprintf('building an image canceled: %.0f ms', $late));
is_deeply([ image_files($node) ], [], 'half an image does not stay');
$node->safe_psql('postgres', "SELECT electra_prewarm('large')", timeout => 600);

my $long = "repeat('word ' || 7 || ' ', 600)";
cmp_ok($node->safe_psql('postgres', "SELECT electra_token_count($long, 'large')"), '>=', 512, 'the text fills 512 tokens');
foreach my $timeout (60, 200, 500)
{
	$late = lateness($timeout, "SELECT electra_embed('first', 'large')", "SELECT electra_embed($long, 'large')");
	cmp_ok($late, '<=', 100, sprintf('an embedding canceled after %d ms ends %.0f ms later', $timeout, $late));
}
$late = lateness(700, "SELECT electra_embed('first', 'large')",
	"SELECT count(*) FROM electra_embed_batch(ARRAY[$long, $long, $long, $long], 'large')");
cmp_ok($late, '<=', 100, sprintf('a batch canceled: %.0f ms', $late));

$node->stop;
done_testing();
