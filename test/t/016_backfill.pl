# electra_backfill under kill -9, beside writers and beside itself: in the end
# every row is right, none that was committed was written again, and nobody has
# waited for longer than a batch.  ELECTRA_BACKFILL_KILLS (6) backends die.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $kills = $ENV{ELECTRA_BACKFILL_KILLS} || 6;
my $node = new_electra_node('main', conf => "autovacuum = off\nmax_connections = 20");
my $directory = make_model_directory('model');


# More rows than the paced calls can fill before the last of them is killed: of
# 20, a batch and its pause take 20 ms or so.
my $rows = 2500 * $kills;
my $call = "CALL electra_backfill('doc', ARRAY['title', 'body'], 'embedding', 'model', batch_size => 20)";
my $paced = $call =~ s/\)$/, pause_ms => 10)/r;
my $unfinished = 'SELECT count(*) FROM doc WHERE embedding IS NULL';

$node->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'model')");
# The trigger counts how often a row's embedding was written since it was empty.
$node->safe_psql('postgres', <<"END");
CREATE TABLE doc (id int, kind text, title text, body text, embedding real[], written int NOT NULL DEFAULT 0,
	seen int NOT NULL DEFAULT 0, PRIMARY KEY (kind, id));
CREATE FUNCTION count_write() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
	IF new.embedding IS DISTINCT FROM old.embedding AND new.embedding IS NOT NULL THEN
		new.written := old.written + 1;
	ELSIF new.embedding IS NULL THEN
		new.written := 0;
	END IF;
	RETURN new;
END \$\$;
CREATE TRIGGER count_write BEFORE UPDATE ON doc FOR EACH ROW EXECUTE FUNCTION count_write();
INSERT INTO doc SELECT n, CASE n % 2 WHEN 0 THEN 'even' ELSE 'odd' END, 'title ' || n,
	repeat('some words of text ' || n || ' ', 1 + n % 12) FROM generate_series(1, $rows) AS n;
END

# Rows whose vector is not that of their text, and rows written more than once.
my $wrong = q{SELECT count(*) FROM doc WHERE array_send(embedding) IS DISTINCT FROM
	array_send(electra_embed(concat_ws(E'\n', title, body), 'model'))};
my $twice = 'SELECT count(*) FROM doc WHERE written > 1';

# A writer: inserts rows, and changes texts, which empties the embedding.
my $writer = q{
DO $$
BEGIN
	FOR i IN 1 .. 100000 LOOP
		INSERT INTO doc VALUES (%d * 1000000 + i, CASE i %% 2 WHEN 0 THEN 'even' ELSE 'odd' END, 'new', 'new text ' || i);
		UPDATE doc SET body = body || ' changed', embedding = NULL WHERE id = 1 + (random() * %d)::int;
		COMMIT;
		PERFORM pg_sleep(0.005);
	END LOOP;
END $$};

# Starts the calls and the writer, kills one of the calls, waits for the server.
sub kill_one
{
	my ($round) = @_;
	my @calls = map { [ start_session($node, $paced) ] } 1 .. 2;
	my ($writing) = start_session($node, sprintf($writer, $round, $rows - 1));

	usleep(100_000 + rand(700_000));
	my $alive = process_alive($calls[ $round % 2 ][1]);
	kill 'KILL', $calls[ $round % 2 ][1];
	foreach my $session ((map { $_->[0] } @calls), $writing)
	{
		eval { $session->quit };
	}
	ok(server_is_back($node), "kill $round: the server is back");
	return $alive;
}

my $killed = 0;
foreach my $round (1 .. $kills)
{
	$killed += kill_one($round) ? 1 : 0;
	is($node->safe_psql('postgres', $twice), '0', "kill $round: no committed row was written again");
}
is($killed, $kills, 'all were killed at work');
is($node->safe_psql('postgres', 'SELECT count(*) FROM electra_progress'), '0', 'no slot of the dead is left');
my $left = $node->safe_psql('postgres', $unfinished);
cmp_ok($left, '>', 0, 'there is something left to do');
cmp_ok($node->safe_psql('postgres', 'SELECT count(embedding) FROM doc'), '>', $kills, 'and something was done');
is($node->safe_psql('postgres', "SELECT count(*) FROM ($wrong AND embedding IS NOT NULL) w WHERE count <> 0"),
	'0', 'what is there is right');

# Two at once share the rest, while a third session watches and measures.
my @calls = map { [ start_session($node, $paced) ] } 1 .. 2;
my ($writing, $writer_pid) = start_session($node, sprintf($writer, 999, $rows - 1));
my ($longest, $watched, $shared) = (0, 0, 0);
while (grep { $node->safe_psql('postgres', "SELECT state = 'active' FROM pg_stat_activity WHERE pid = $_->[1]") eq 't' } @calls)
{
	my $start = time;
	my $id = 1 + int(rand($rows));

	$node->safe_psql('postgres', "UPDATE doc SET seen = seen + 1 WHERE id = $id");
	my $seconds = time - $start;
	$longest = $seconds if $seconds > $longest;
	my $running = $node->safe_psql('postgres', q{
		SELECT count(*), coalesce(bool_and(relation = 'doc'::regclass AND preset = 'model' AND rows_done >= 0
			AND rows_failed = 0 AND rows_total > 0 AND rows_per_second >= 0), true)
		FROM electra_progress WHERE rows_total IS NOT NULL});
	like($running, qr/\|t$/, 'the view says something sensible') if $watched++ % 20 == 0;
	$shared = 1 if $running =~ /^2/;
	last if $watched == 60;
}
ok($shared, 'two calls were seen at work at the same time');
# A batch of 20 rows takes about 20 ms here; the client program some 30 ms.
cmp_ok($longest, '<', 2, 'an update beside them waits for a batch at most');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($writer_pid)");
eval { $writing->quit };
$_->[0]->quit foreach @calls;

# The writer's last rows may lie behind the place where the calls were.
my ($result, $output, $notices) = $node->psql('postgres', "SET client_min_messages = notice; $call");
like($notices, qr/electra_backfill: \d+ rows embedded, 0 failed\n?$/, 'the count is the last line');
is($node->safe_psql('postgres', $unfinished), '0', 'no row is left');
is($node->safe_psql('postgres', $wrong), '0', 'every vector is that of its text');
is($node->safe_psql('postgres', $twice), '0', 'and was written once');

# A row that another transaction keeps locked is named at the end, and the call
# does not wait for ever; one that becomes free in time is filled.
$node->safe_psql('postgres', "UPDATE doc SET embedding = NULL WHERE id BETWEEN 11 AND 60");
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN');
$holder->query_safe('SELECT 1 FROM doc WHERE id = 17 FOR UPDATE');
($result, $output, $notices) = $node->psql('postgres', "SET client_min_messages = notice; $call");
like($notices, qr/WARNING:  electra_backfill: 1 rows of "doc" were locked.*49 rows embedded, 0 failed\n?$/s,
	'a row that stays locked is left, with a word');
my ($session, $pid) = start_session($node, $call);
ok(wait_until(sub {
		return $node->safe_psql('postgres', "SELECT phase FROM electra_progress WHERE pid = $pid") =~ /waiting/;
	}), 'a call waits for it');
$holder->query_safe("UPDATE doc SET body = 'changed under lock' WHERE id = 17");
$holder->query_safe('COMMIT');
is($session->query("SELECT 'after'"), 'after', 'and comes to its end');
is($node->safe_psql('postgres', $wrong), '0', 'with the text as it was committed');

# Cancel is served within 100 ms and leaves whole batches.
$node->safe_psql('postgres', 'UPDATE doc SET embedding = NULL');
foreach my $pause (0, 60_000)
{
	my ($victim, $victim_pid) = start_session($node, "$call" =~ s/\)$/, pause_ms => $pause)/r);
	ok($node->poll_query_until('postgres', "SELECT rows_done > 0 FROM electra_progress WHERE pid = $victim_pid"),
		'a call is at work');
	my $start = time;
	$holder->query_safe("SELECT pg_cancel_backend($victim_pid)");
	while ($holder->query_safe("SELECT state FROM pg_stat_activity WHERE pid = $victim_pid") eq 'active')
	{
		usleep(1000);
		last if time - $start > 10;
	}
	cmp_ok(time - $start, '<', 0.5, "a call with a pause of $pause ms is canceled at once");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM electra_progress'), '0', 'and is gone from the view');
	$victim->{stderr} = '';
	eval { $victim->quit };
}
is($node->safe_psql('postgres', 'SELECT count(embedding) % 20 FROM doc'), '0', 'whole batches were committed');

# A backend that is terminated gives its slot back, too.
($session, $pid) = start_session($node, $call);
ok($node->poll_query_until('postgres', "SELECT rows_done > 0 FROM electra_progress WHERE pid = $pid"), 'a call is at work');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
ok($node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM electra_progress'), 'its slot is free');
eval { $session->quit };

# What others change between batches ends a call, and no row gets a wrong vector.
sub change_meanwhile
{
	my ($name, $change, $message) = @_;

	$node->safe_psql('postgres', q{CREATE TABLE changing (id int PRIMARY KEY, body text, embedding real[]);
		INSERT INTO changing SELECT n, 'text ' || n FROM generate_series(1, 100) AS n});
	my ($changed, $changed_pid) = start_session($node,
		"CALL electra_backfill('changing', 'body', 'embedding', 'changed', batch_size => 5, pause_ms => 20)");
	ok($node->poll_query_until('postgres', "SELECT rows_done > 0 FROM electra_progress WHERE pid = $changed_pid"),
		"$name: a call is at work");
	$node->safe_psql('postgres', $change);
	ok($node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM electra_progress'), "$name: the call has ended");
	$changed->{run}->pump_nb();
	ok(wait_until(sub { $changed->{run}->pump_nb(); return $changed->{stderr} =~ $message }, 10), "$name: with a word");
	$changed->{stderr} = '';
	is($changed->query_safe('SELECT 1'), 1, "$name: the session goes on");
	$changed->quit;
}

my $other = make_model_directory('other', seed => 2);
$node->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'changed')");
my @types = (
	[ 'a source of another type', 'ALTER TABLE changing ALTER body TYPE int USING 1', 'body' ],
	[ 'a key of another type', 'ALTER TABLE changing ALTER id TYPE numeric', 'id' ]);
foreach my $type (@types)
{
	change_meanwhile($type->[0], $type->[1], qr/column "$type->[2]" of table "changing" has been given another type/);
	$node->safe_psql('postgres', 'DROP TABLE changing');
}
change_meanwhile('another preset of the name', "BEGIN; SELECT electra_drop_preset('changed');
	SELECT electra_forget_preset('changed'); SELECT electra_load_preset('$other', 'changed'); COMMIT",
	qr/preset "changed" has another digest/);
is($node->safe_psql('postgres', "SELECT count(*) FROM changing WHERE embedding <> electra_embed(body, 'model')"), '0',
	'another preset of the name: no mixture of vectors');

$holder->quit;
$node->stop;
done_testing();
