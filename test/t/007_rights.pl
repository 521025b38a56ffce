# What a plain user may do: embed and look, and change nothing; what he is
# granted, he may.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_electra_node('main');
my $directory = make_model_directory('model');

$node->safe_psql('postgres', "SELECT electra_load_preset('$directory', 'model'); CREATE ROLE plain LOGIN");

sub as_plain
{
	my ($statement) = @_;

	return sqlstate_of($node, "SET ROLE plain;\n$statement");
}

# Every function that is not declared free of side effects, from the catalogue,
# so that a new one cannot be forgotten here.
my @changing = split /\n/, $node->safe_psql('postgres', q{
	SELECT p.oid::regprocedure FROM pg_proc p
	JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'electra'
	WHERE NOT has_function_privilege('plain', p.oid, 'EXECUTE')});
foreach my $name (qw(electra_load_preset electra_drop_preset electra_forget_preset
	electra_set_default_preset electra_clean_images electra_stat_reset electra_create_preset
	electra_load_archive electra_preset_archive electra_grant_preset electra_revoke_preset))
{
	ok((grep { /^\Q$name\E\(/ } @changing), "$name is not for everybody");
}

is(as_plain("SELECT electra_load_preset('$directory', 'x')"), '42501', 'load');
is(as_plain("SELECT electra_drop_preset('model')"), '42501', 'drop');
is(as_plain("SELECT electra_forget_preset('model')"), '42501', 'forget');
is(as_plain("SELECT electra_set_default_preset('model')"), '42501', 'set default');
is(as_plain('SELECT electra_clean_images()'), '42501', 'clean images');
is(as_plain('SELECT electra_stat_reset()'), '42501', 'reset statistics');
is(as_plain("SELECT electra_create_preset('x', vocab_size => 9, num_layers => 1, num_heads => 1, hidden_dim => 4, intermediate_dim => 4)"),
	'42501', 'create');
is(as_plain("SELECT electra_load_archive('pg_class', 'x', repeat('0', 64))"), '42501', 'load an archive');
is(as_plain("SELECT electra_preset_archive('model')"), '42501', 'read an archive');
is(as_plain("SELECT electra_grant_preset('model', 'plain')"), '42501', 'grant');
is(as_plain("SELECT electra_revoke_preset('model', 'public')"), '42501', 'revoke');
is(as_plain("SELECT * FROM _electra.$_"), '42501', "read _electra.$_") foreach qw(preset preset_chunk default_preset);
is(as_plain("DELETE FROM _electra.$_"), '42501', "change _electra.$_") foreach qw(preset preset_chunk default_preset);
is(as_plain("SELECT electra_kernels(); SET electra.kernels = 'portable'"), '42501', 'set electra.kernels');

is(as_plain($_), '', $_) foreach (
	"SELECT electra_embed('x', 'model')", "SELECT electra_embed('x')",
	"SELECT * FROM electra_embed_batch(ARRAY['x'], 'model')", "SELECT electra_similarity('a', 'b', 'model')",
	"SELECT electra_tokenize('x', 'model')", 'SELECT * FROM electra_presets',
	"SELECT electra_preset_config('model')", 'SELECT * FROM electra_stat_presets',
	'SELECT * FROM electra_settings()', 'SELECT * FROM electra_kernels()', 'SELECT * FROM electra_stale');

# A granted function works without rights on the tables; server files need
# their own right.
$node->safe_psql('postgres', 'GRANT EXECUTE ON FUNCTION electra_load_preset TO plain;
	GRANT EXECUTE ON FUNCTION electra_drop_preset TO plain');
is(as_plain("SELECT electra_load_preset('$directory', 'mine')"), '42501', 'loading needs pg_read_server_files');
$node->safe_psql('postgres', 'GRANT pg_read_server_files TO plain');
is(as_plain("SELECT electra_load_preset('$directory', 'mine')"), '', 'with both he may load');
is($node->safe_psql('postgres', "SELECT loaded_by FROM electra_presets WHERE name = 'mine'"), 'plain', 'and is named for it');
is(as_plain("SELECT electra_drop_preset('mine')"), '', 'and drop');

$node->stop;
done_testing();
