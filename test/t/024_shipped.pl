# The archive that comes with electra: whatever lies in its place, the error
# names the file, and nothing is made of it; an image made before works on.

use strict;
use warnings FATAL => 'all';

use Digest::SHA qw(sha256_hex);
use ElectraTest;
use File::Copy qw(copy);
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $name = 'electra_mini_en_1';
my $node = new_electra_node('main');
my %there = map { $_ => $node->config_data("--$_") } qw(bindir sharedir pkglibdir);
my $intact = PostgreSQL::Test::Utils::slurp_file("$there{sharedir}/electra/shipped/$name.safetensors");
my $digest = $node->safe_psql('postgres', "SELECT digest FROM electra_presets WHERE name = '$name'");

is(sha256_hex($intact), $digest, 'the installed archive has the digest of the module');
is($node->safe_psql('postgres', "SELECT bool_and(electra_verify(name)) FROM electra_presets WHERE shipped"), 't', 'all that is shipped is intact');
$node->stop;

# A server finds its share directory beside its program: a copy of the program
# has one of its own, here with links to all but the archive.
my $prefix = PostgreSQL::Test::Utils::tempdir() . '/installation';
my $common = (map { s{/[^/]*\z}{/}r } (join("\0", @there{qw(bindir sharedir pkglibdir)}) =~ /^([^\0]*)[^\0]*\0\g1[^\0]*\0\g1/))[0];
my %here = map { $_ => $prefix . substr($there{$_}, length($common) - 1) } keys %there;
my $archive = "$here{sharedir}/electra/shipped/$name.safetensors";

make_path($here{bindir}, "$here{sharedir}/electra/shipped", $here{pkglibdir} =~ s{/[^/]*\z}{}r);
copy("$there{bindir}/postgres", "$here{bindir}/postgres") or die "postgres: $!";
chmod 0755, "$here{bindir}/postgres";
symlink($_, "$here{sharedir}/" . s{.*/}{}r) foreach grep { !m{/electra\z} } glob("$there{sharedir}/*");
symlink($there{pkglibdir}, $here{pkglibdir}) or die "pkglibdir: $!";

# Runs a statement without a server, with this content in the archive's place.
sub ask
{
	my ($statement, $content) = @_;
	my ($output, $errors);

	unlink($archive);
	ElectraTest::write_file($archive, $content) if defined $content;
	IPC::Run::run([ "$here{bindir}/postgres", '--single', '-D', $node->data_dir, 'postgres' ], '<', \"$statement\n", '>', \$output, '2>', \$errors);
	return ($output, $errors);
}

sub fails_with
{
	my ($what, $content, $message) = @_;
	my ($output, $errors) = ask("SELECT electra_embed('a text')", $content);

	like($errors, qr/ERROR:  \w{5}: $message/, $what);
	unlike($output, qr/ 1: electra_embed = /, "$what: no vector");
	is(scalar(image_files($node)), 0, "$what: no image");
}

my $bits = 'SELECT ' . bits_of("electra_embed('a text')") . ' AS bits';
my ($expected) = (ask($bits, $intact))[0] =~ /bits = "(\w+)"/;
ok($expected, 'a server with a share directory of its own');

# The image outlives what it was made of.
like((ask($bits, undef))[0], qr/bits = "$expected"/, 'no file, but an image: the same bits');
like((ask("SELECT electra_verify('$name')", "$intact and more"))[1], qr/archive of preset "$name" is damaged.*Install electra again/s,
	'electra_verify looks at the file');
unlink(glob($node->data_dir . '/electra/*'));

my $refused = qr/\Qfile "$archive" is not the archive that comes with electra\E/;
my $hint = qr/HINT:  Install electra again/;
my $other = $intact;
substr($other, -100, 1) ^= "\x01";
my $other_digest = sha256_hex($other);
fails_with('no file', undef, qr/could not open file "\Q$archive\E".*DETAIL: .*preset "$name", which comes with electra.*HINT:  Install electra/s);
fails_with('another file', $other, qr/$refused.*DETAIL: .*[Ee]xpected $digest, found $other_digest.*$hint/s);
fails_with('a file cut short', substr($intact, 0, -1000), qr/$refused.*DETAIL: .*$hint/s);
fails_with('a file cut short in its header', substr($intact, 0, 1000), qr/$refused.*DETAIL: .*$hint/s);
fails_with('an empty file', '', qr/$refused.*DETAIL: .*$hint/s);
fails_with('a pointer to the file', "version https://git-lfs.github.com/spec/v1\noid sha256:$digest\nsize 5641138\n", qr/$refused.*DETAIL: .*$hint/s);

# Once it is right again, so is everything else.
like((ask($bits, $intact))[0], qr/bits = "$expected"/, 'the right file again: the same bits');
$node->start;
is($node->safe_psql('postgres', $bits), $expected, 'and those of the installation');
$node->stop;

done_testing();
