# Databases in other encodings: text is converted or refused, never misread.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_electra_node('main');
my $directory = make_model_directory('model');
my %encoding = (latin1 => 'LATIN1', ascii => 'SQL_ASCII');

foreach my $database (sort keys %encoding)
{
	$node->safe_psql('postgres', "CREATE DATABASE $database ENCODING '$encoding{$database}' LOCALE 'C' TEMPLATE template0");
	$node->safe_psql($database, 'CREATE EXTENSION electra');
}
$node->safe_psql($_, "SELECT electra_load_preset('$directory', 'model')") foreach ('postgres', keys %encoding);

# The same characters, each database's own way of writing them.
my $utf8 = q{U&'caf\00e9 stra\00dfe'};
my $latin1 = q{convert_from('\x636166e92073747261df65'::bytea, 'LATIN1')};
my $ascii = q{convert_from('\x636166c3a92073747261c39f65'::bytea, 'SQL_ASCII')};
my $embed = sub { return 'SELECT ' . bits_of("electra_embed($_[0], 'model')") };
my $expected = $node->safe_psql('postgres', $embed->($utf8));

is($node->safe_psql('latin1', $embed->($latin1)), $expected, 'LATIN1: the same vector');
is($node->safe_psql('ascii', $embed->($ascii)), $expected, 'SQL_ASCII: bytes are taken as UTF-8');
isnt($node->safe_psql('postgres', $embed->(q{'cafe strae'})), $expected, 'the accents and the sharp s count');

my $ids = sub { return "SELECT electra_token_ids($_[0], 'model')" };
my $expected_ids = $node->safe_psql('postgres', $ids->($utf8));
is($node->safe_psql('latin1', $ids->($latin1)), $expected_ids, 'LATIN1: the same ids');
is($node->safe_psql('ascii', $ids->($ascii)), $expected_ids, 'SQL_ASCII: the same ids');

my $tokens = sub { return "SELECT encode(convert_to(array_to_string(electra_tokenize($_[0], 'model'), ' '), 'UTF8'), 'hex')" };
is($node->safe_psql('latin1', $tokens->($latin1)), $node->safe_psql('postgres', $tokens->($utf8)),
	'LATIN1: tokens come back in the database encoding');
is($node->safe_psql('latin1', "SELECT count(*) FROM electra_embed_batch(ARRAY[$latin1, NULL, $latin1], 'model')
		WHERE " . bits_of('embedding') . " = '$expected'"), '2', 'LATIN1: a batch');

# What cannot be said is refused.
is(sqlstate_of($node, q{SELECT electra_embed(convert_from('\xe9', 'SQL_ASCII'), 'model')}, dbname => 'ascii'),
	'22021', 'SQL_ASCII: bytes that are no UTF-8');
my $chinese = $node->safe_psql('postgres', q{SELECT electra_token_ids(U&'\4e2d', 'model')});
is(sqlstate_of($node, "SELECT electra_detokenize('$chinese', 'model')", dbname => 'latin1'),
	'22P05', 'LATIN1: a token that it has no character for');
is($node->safe_psql('latin1', q{SELECT electra_detokenize(electra_token_ids('plain', 'model'), 'model')}), 'plain',
	'LATIN1: others come back');

# Names and prompts are text too.
is($node->safe_psql('latin1', "SELECT electra_load_preset('$directory', 'prompted', query_prompt => $latin1)"),
	'prompted', 'a prompt in LATIN1');
is($node->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'prompted', query_prompt => $utf8)"),
	'prompted', 'the same prompt in UTF-8');
my $digest = q{SELECT digest FROM electra_presets WHERE name = 'prompted'};
is($node->safe_psql('latin1', $digest), $node->safe_psql('postgres', $digest), 'gives the same digest');

$node->stop;
done_testing();
