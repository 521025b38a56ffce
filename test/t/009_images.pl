# Images are one for the whole server: databases share them, and
# electra_clean_images() removes what no database needs any more.

use strict;
use warnings FATAL => 'all';

use ElectraTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_electra_node('main');
my $shared = make_model_directory('shared', seed => 1);
my $own = make_model_directory('own', seed => 2);
my $clean = 'SELECT electra_clean_images()';

$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION electra');
$node->safe_psql($_, "SELECT electra_load_preset('$shared', 'of_$_')") foreach qw(postgres second);
my @bits = map { $node->safe_psql($_, 'SELECT ' . bits_of("electra_embed('one image', 'of_$_')")) } qw(postgres second);
is($bits[0], $bits[1], 'two databases, the same bits');
is(scalar(image_files($node)), 1, 'out of one image');

$node->safe_psql('postgres', "SELECT electra_load_preset('$shared', 'again')");
is($node->safe_psql('postgres', 'SELECT count(DISTINCT digest) FROM electra_presets WHERE NOT shipped'), '1',
	'another name for the same source shares the digest');
is($node->safe_psql('postgres', 'SELECT count(DISTINCT digest) FROM _electra.preset_chunk'), '1', 'and the chunks');

$node->safe_psql('postgres', "SELECT electra_load_preset('$own', 'own'); SELECT electra_prewarm('own')");
is(scalar(image_files($node)), 2, 'another source is another image');
is($node->safe_psql('postgres', $clean), '0', 'nothing to clean while all are used');

$node->safe_psql('postgres', "SELECT electra_drop_preset('own')");
cmp_ok($node->safe_psql('postgres', $clean), '>', 0, 'a dropped preset\'s image is cleaned');
is(scalar(image_files($node)), 1, 'and no other');

$node->safe_psql('postgres', "SELECT electra_drop_preset('of_postgres'); SELECT electra_drop_preset('again')");
is($node->safe_psql('postgres', 'SELECT count(*) FROM _electra.preset_chunk'), '0', 'chunks go with the last name');
is($node->safe_psql('postgres', $clean), '0', 'an image that another database needs stays');
is(scalar(image_files($node)), 1, 'it is there');
is($node->safe_psql('second', 'SELECT ' . bits_of("electra_embed('one image', 'of_second')")), $bits[1], 'and works');

# A load that is rolled back leaves an image at most, which cleaning removes.
$node->safe_psql('postgres', "BEGIN; SELECT electra_load_preset('$own', 'undone');
	SELECT electra_embed('x', 'undone'); ROLLBACK");
$node->safe_psql('postgres', $clean);
is(scalar(image_files($node)), 1, 'a rolled back load leaves no image behind the cleaning');

# A damaged image is noticed and made again.
my ($image) = image_files($node);
my $path = $node->data_dir . "/electra/$image";
unlink($path);
open(my $file, '>', $path) or die "$path: $!";
print $file 'this is no image';
close($file);
is($node->safe_psql('second', 'SELECT ' . bits_of("electra_embed('one image', 'of_second')")), $bits[1],
	'a damaged file is replaced');
is($node->safe_psql('second', "SELECT electra_verify('of_second')"), 't', 'by an intact image');

$node->stop;
done_testing();
