# Where presets come from: electra.preset_path, the caches of the two hubs as
# their programs write them, and what must not be reached through them.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use File::Basename qw(dirname);
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = PostgreSQL::Test::Utils::tempdir();
my ($first, $second) = ("$root/first", "$root/second");
my $node = new_electra_node('main', conf => "electra.preset_path = '$first:$second'");

make_path($first, $second);

my $presets = 0;

# Loads a source under a name of its own; the digest, so that sources compare.
sub digest_of
{
	my ($source) = @_;
	my $name = 'preset-' . ++$presets;

	$node->safe_psql('postgres', "SELECT electra_load_preset('$source', '$name')");
	return $node->safe_psql('postgres', "SELECT digest FROM electra_presets WHERE name = '$name'");
}

# Everything that a failing load says.
sub refusal_of
{
	my ($source, $role) = @_;
	my $sql = "SELECT electra_load_preset('$source')";
	my ($result, $output, $errors) =
	  $node->psql('postgres', ($role ? "SET ROLE $role;\n" : '') . "\\set VERBOSITY verbose\n$sql");

	return $errors;
}

# Is a built-in preset there?
sub available
{
	my ($name) = @_;

	return $node->safe_psql('postgres', "SELECT available FROM electra_builtin_presets() WHERE name = '$name'");
}

sub write_text
{
	my ($path, $content) = @_;

	make_path(dirname($path));
	open(my $file, '>', $path) or die "$path: $!";
	print $file $content;
	close($file) or die "$path: $!";
}

# A model directory below the tests' own folder; its weights tell it from others.
sub place_model
{
	my ($path, $seed) = @_;

	make_path(dirname("$root/$path"));
	rename(make_model_directory('model', seed => $seed), "$root/$path") or die "$path: $!";
}

# A model directory as huggingface_hub keeps it: contents in blobs, links to
# them in a snapshot, the commit's name in refs.
sub hf_cache
{
	my ($cache, $owner, $name, $commit, $seed, @refs) = @_;
	my $repository = "$cache/models--$owner--$name";
	my $model = make_model_directory("plain-$commit", seed => $seed);

	make_path("$repository/blobs", "$repository/snapshots/$commit");
	foreach my $path (glob("$model/*"))
	{
		my ($file) = $path =~ m{([^/]*)$};

		rename($path, "$repository/blobs/$commit-$file") or die $!;
		symlink("../../blobs/$commit-$file", "$repository/snapshots/$commit/$file") or die $!;
	}
	write_text("$repository/refs/$_", $commit) foreach @refs;
}

# The digests of what is stored, by seed, loaded by absolute path.
my %model = map { $_ => digest_of(make_model_directory("seed-$_", seed => $_)) } (1 .. 6);

# Plain folders: by name, by owner and name; the first directory wins.
place_model('first/plain-name', 1);
place_model('second/plain-name', 2);
place_model('second/only-there', 2);
place_model('first/owner/model', 3);
is(digest_of('plain-name'), $model{1}, 'a name, in the first directory');
is(digest_of('only-there'), $model{2}, 'a name, in the second directory');
is(digest_of($_), $model{3}, $_) foreach ('owner/model', 'hf://owner/model');
like(refusal_of('owner/model@main'), qr{58P01: preset source "owner/model\@main" was not found},
	'a plain folder has no revision');
is($node->safe_psql('postgres', "SELECT electra_load_preset('owner/model')"), 'model', 'the last part is the name');
is($node->safe_psql('postgres', "SELECT source FROM electra_presets WHERE name = 'model'"), 'owner/model',
	'and the source is kept as it was given');

# The Hugging Face cache, as the directory itself and as its folder hub.
my ($old, $new, $pull) = ('0' x 39 . 'a', '1' x 39 . 'b', '2' x 39 . 'c');
hf_cache($first, 'some-org', 'some.model', $old, 1, 'v1.0');
hf_cache($first, 'some-org', 'some.model', $new, 2, 'main');
hf_cache($first, 'some-org', 'some.model', $pull, 3, 'refs/pr/1');
hf_cache("$second/hub", 'some-org', 'in-home', $old, 4, 'main');
is(digest_of('some-org/some.model'), $model{2}, 'main is the default');
is(digest_of('hf://some-org/some.model@main'), $model{2}, 'main by name');
is(digest_of('hf://some-org/some.model@v1.0'), $model{1}, 'a tag');
is(digest_of("hf://some-org/some.model\@$old"), $model{1}, 'a commit');
is(digest_of('hf://some-org/some.model@refs/pr/1'), $model{3}, 'a pull request');
is(digest_of('some-org/in-home'), $model{4}, 'below hub');
like(refusal_of('hf://some-org/some.model@v2'),
	qr{58P01: .*was not found.*models--some-org--some\.model/refs/v2.*hf download some-org/some\.model --revision v2 --cache-dir \Q$first\E}s,
	'a revision that is not there');
write_text("$first/models--some-org--some.model/refs/broken", "../../../etc\n");
like(refusal_of('hf://some-org/some.model@broken'), qr{58P01: .*was not found}, 'a reference that holds no commit');

# kagglehub's cache: the highest version, or the one that is asked for.
my $variation = 'models/keras/electra/keras/electra_small_discriminator_uncased_en';
is(available('electra_small_discriminator_uncased_en'), 'f', 'a built-in preset is not there');
place_model("second/$variation/2", 4);
place_model("second/$variation/10", 5);
write_text("$second/$variation/$_.complete", '') foreach (2, 10, 11);
is(available('electra_small_discriminator_uncased_en'), 't', 'and then it is');
is(digest_of('kaggle://keras/electra/keras/electra_small_discriminator_uncased_en'), $model{5}, 'the highest version');
is(digest_of('kaggle://keras/electra/keras/electra_small_discriminator_uncased_en/2'), $model{4}, 'an older one');
is(digest_of('electra_small_discriminator_uncased_en'), $model{5}, 'by its identifier');
like(refusal_of('kaggle://keras/electra/keras/electra_small_discriminator_uncased_en/11'), qr{58P01: .*was not found},
	'a marker is no version');
place_model("second/kagglehub/models/o/m/f/v/1", 6);
is(digest_of('kaggle://o/m/f/v'), $model{6}, 'below kagglehub');

# The other places of a built-in identifier.
hf_cache($first, 'keras', 'electra_base_generator_uncased_en', '3' x 40, 1, 'main');
is(digest_of('electra_base_generator_uncased_en'), $model{1}, 'an identifier in the Hugging Face cache');
place_model('first/electra_large_generator_uncased_en', 2);
is(digest_of('electra_large_generator_uncased_en'), $model{2}, 'an identifier as a plain folder');
is($node->safe_psql('postgres', q{SELECT string_agg(name, ' ' ORDER BY name COLLATE "C") FROM electra_builtin_presets() WHERE available}),
	'electra_base_generator_uncased_en electra_large_generator_uncased_en electra_small_discriminator_uncased_en',
	'three of the six are available');

# Links may not lead out, whatever they are called.
place_model('outside', 1);
symlink("$root/outside", "$first/linked") or die $!;
place_model('first/file-linked', 1);
unlink("$first/file-linked/vocab.txt");
symlink("$root/outside/vocab.txt", "$first/file-linked/vocab.txt") or die $!;
place_model('first/folder-linked', 1);
symlink("$first/plain-name", "$first/folder-linked/1_Pooling") or die $!;
make_path("$first/models--bad--ref/refs");
write_text("$root/stolen", $old);
symlink("$root/stolen", "$first/models--bad--ref/refs/main") or die $!;
symlink($root, "$first/models--bad--repository") or die $!;
like(refusal_of('linked'), qr{42501: preset source "linked" leads out of electra\.preset_path.*\Q$first/linked\E}s,
	'a directory outside');
like(refusal_of('file-linked'), qr{42501: .*leads out of electra\.preset_path.*\Q$first/file-linked/vocab.txt\E}s, 'a file outside');
like(refusal_of('folder-linked'), qr{42501: .*leads out of electra\.preset_path}, 'a linked folder');
like(refusal_of('bad/ref'), qr{42501: .*leads out of electra\.preset_path}, 'a reference outside');
like(refusal_of("hf://bad/repository\@$old"), qr{58P01: .*was not found}, 'a repository outside that has no snapshot');
symlink("$root/outside/nothing", "$first/dangling") or die $!;
like(refusal_of('dangling'), qr{58P01: .*was not found}, 'a link to nothing');
is(refusal_of('linked') =~ /\Q$root\E\/outside/ ? 'shown' : 'not shown', 'not shown', 'where a link leads is not told');

# Not there is told from not readable.
SKIP:
{
	skip 'root may read everything', 4 if $> == 0;
	place_model('first/locked', 1);
	chmod 0, "$first/locked";
	like(refusal_of('locked'), qr{42501: preset source "locked" cannot be read.*\Q$first/locked\E.*chmod}s, 'a name that cannot be read');
	like(refusal_of("$first/locked"), qr{42501: directory "\Q$first/locked\E" cannot be read: Permission denied}, 'nor its directory');
	chmod 0, "$first/models--some-org--some.model";
	like(refusal_of('some-org/some.model'), qr{42501: .*cannot be read}, 'a cache that cannot be read');
	chmod 0755, "$first/models--some-org--some.model", "$first/locked";
	is(digest_of('locked'), $model{1}, 'and then it can');
}
like(refusal_of("$first/nothing"), qr{58P01: directory "\Q$first/nothing\E" does not exist}, 'a directory that is not there');

# A plain user who may load: what lies in the path, and nothing about it.
$node->safe_psql('postgres', 'CREATE ROLE plain; GRANT EXECUTE ON FUNCTION electra_load_preset TO plain');
is(sqlstate_of($node, "SET ROLE plain;\nSELECT electra_load_preset('plain-name', 'mine')"), '', 'he loads by name');
like(refusal_of("$first/plain-name", 'plain'), qr{42501: permission denied to load a preset from a directory}, 'not by directory');
like(refusal_of("$root/nothing", 'plain'), qr{42501: permission denied}, 'nor does he learn what is there');
foreach my $source ('nothing', 'linked', 'file-linked', 'electra_base_discriminator_uncased_en', 'hf://a/b@c')
{
	my $refusal = refusal_of($source, 'plain');

	like($refusal, qr{ERROR:  (58P01|42501): preset source "\Q$source\E"}, "$source is refused");
	unlike($refusal, qr{\Q$root\E}, 'without a path');
}
is(sqlstate_of($node, "LOAD 'electra';\nSET ROLE plain;\nSHOW electra.preset_path"), '42501', 'he does not see the path');
is(sqlstate_of($node, "LOAD 'electra';\nSET ROLE plain;\nSET electra.preset_path = '/'"), '42501', 'nor sets it');
is($node->safe_psql('postgres', "SET ROLE plain; SELECT setting IS NULL FROM electra_settings() WHERE name = 'electra.preset_path'"),
	't', 'nor does electra_settings() tell');

# The setting.
is(sqlstate_of($node, "LOAD 'electra';\nSET electra.preset_path = 'relative'"), '22023', 'directories are absolute');
is(sqlstate_of($node, "LOAD 'electra';\nSET electra.preset_path = '/a::/b'"), '22023', 'and not empty');
my ($result, $output, $errors) = $node->psql('postgres',
	"LOAD 'electra';\nSET electra.preset_path = '\$sharedir/x:/y';\nSELECT electra_load_preset('nothing')");
like($errors, qr{/x/nothing\n\s*/y/nothing\n}, '$sharedir is expanded');
unlike($errors, qr{\$sharedir}, 'everywhere');

$node->stop;
done_testing();
