# What the TAP tests share: small model directories made from a seed, servers
# with the extension, and a look at processes and image files.
package ElectraTest;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(usleep);

our @EXPORT = qw(
  make_model_directory new_electra_node bits_of
  image_files children_of process_alive wait_until server_is_back sqlstate_of start_session
);

# make_model_directory(name, seed => 1, …): a Hugging Face directory of a
# random ELECTRA; returns its path.  "blank" leaves the weights to a hole in
# the file: megabytes that cost nothing, for tests that never embed with them.
sub make_model_directory
{
	my ($name, %options) = @_;
	my %shape = (
		seed => 1, layers => 2, heads => 2, hidden => 32, embedding => 16,
		intermediate => 64, positions => 512, blank => 0, %options);
	my $directory = PostgreSQL::Test::Utils::tempdir() . "/$name";

	make_path($directory);
	my @vocabulary = (
		'[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]',
		(map { ($_, "##$_") } ('a' .. 'z', '0' .. '9', '.', ',', '!', '?')),
		# sharp s and the Chinese character for "middle", as bytes of UTF-8
		"\xc3\x9f", "##\xc3\x9f", "\xe4\xb8\xad");
	write_file("$directory/vocab.txt", join("\n", @vocabulary) . "\n");
	write_file("$directory/config.json", <<"END");
{"model_type": "electra", "vocab_size": @{[scalar @vocabulary]}, "embedding_size": $shape{embedding},
 "hidden_size": $shape{hidden}, "num_hidden_layers": $shape{layers},
 "num_attention_heads": $shape{heads}, "intermediate_size": $shape{intermediate},
 "hidden_act": "gelu", "max_position_embeddings": $shape{positions}, "type_vocab_size": 2,
 "layer_norm_eps": 1e-12, "pad_token_id": 0}
END
	write_file("$directory/tokenizer_config.json",
		'{"tokenizer_class": "ElectraTokenizer", "do_lower_case": true}');
	write_safetensors("$directory/model.safetensors", \%shape, scalar @vocabulary);
	chmod 0755, $directory;
	return $directory;
}

sub write_file
{
	my ($path, $content) = @_;

	open(my $file, '>', $path) or die "$path: $!";
	binmode $file;
	print $file $content;
	close($file) or die "$path: $!";
}

# Names and shapes of Hugging Face's ElectraModel.
sub electra_tensors
{
	my ($shape, $vocab_size) = @_;
	my ($H, $E, $I) = @{$shape}{qw(hidden embedding intermediate)};
	my @tensors = (
		[ 'electra.embeddings.word_embeddings.weight', $vocab_size, $E ],
		[ 'electra.embeddings.position_embeddings.weight', $shape->{positions}, $E ],
		[ 'electra.embeddings.token_type_embeddings.weight', 2, $E ],
		[ 'electra.embeddings.LayerNorm.weight', $E ],
		[ 'electra.embeddings.LayerNorm.bias', $E ]);

	push @tensors,
	  [ 'electra.embeddings_project.weight', $H, $E ], [ 'electra.embeddings_project.bias', $H ]
	  if $E != $H;
	foreach my $n (0 .. $shape->{layers} - 1)
	{
		my $layer = "electra.encoder.layer.$n";
		my @linears = (
			[ 'attention.self.query', $H, $H ], [ 'attention.self.key', $H, $H ],
			[ 'attention.self.value', $H, $H ], [ 'attention.output.dense', $H, $H ],
			[ 'intermediate.dense', $I, $H ], [ 'output.dense', $H, $I ]);

		push @tensors, [ "$layer.$_->[0].weight", $_->[1], $_->[2] ], [ "$layer.$_->[0].bias", $_->[1] ]
		  foreach @linears;
		push @tensors, [ "$layer.$_.weight", $H ], [ "$layer.$_.bias", $H ]
		  foreach ('attention.output.LayerNorm', 'output.LayerNorm');
	}
	return @tensors;
}

sub write_safetensors
{
	my ($path, $shape, $vocab_size) = @_;
	my ($offset, @entries, @counts) = (0);
	my $state = $shape->{seed};

	foreach my $tensor (electra_tensors($shape, $vocab_size))
	{
		my ($name, @dims) = @$tensor;
		my $count = 1;

		$count *= $_ foreach @dims;
		push @entries, sprintf('"%s":{"dtype":"F32","shape":[%s],"data_offsets":[%d,%d]}',
			$name, join(',', @dims), $offset, $offset + 4 * $count);
		push @counts, [ $count, $name =~ /LayerNorm\.weight$/ ? 1.0 : 0.0 ];
		$offset += 4 * $count;
	}
	my $header = '{' . join(',', @entries) . '}';
	$header .= ' ' x (-length($header) % 8);

	open(my $file, '>', $path) or die "$path: $!";
	binmode $file;
	print $file pack('Q<', length($header)), $header;
	if ($shape->{blank})
	{
		truncate($file, 8 + length($header) + $offset) or die "$path: $!";
	}
	else
	{
		foreach my $entry (@counts)
		{
			my ($count, $centre) = @$entry;
			my @values;

			# A linear congruential generator of 32 bits: the same on every machine.
			foreach (1 .. $count)
			{
				$state = ($state * 1664525 + 1013904223) & 0xffffffff;
				push @values, $centre + ($state / 4294967296 - 0.5) * 0.4;
			}
			print $file pack('f<*', @values);
		}
	}
	close($file) or die "$path: $!";
}

# A running server in UTF-8 with the extension in database postgres.
sub new_electra_node
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(
		allows_streaming => $options{streaming} || 0,
		extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
	$node->append_conf('postgresql.conf', <<"END");
client_min_messages = error
restart_after_crash = on
log_error_verbosity = verbose
@{[$options{conf} || '']}
END
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION electra') unless $options{bare};
	return $node;
}

# An SQL expression: the exact bits of a vector, as text.
sub bits_of
{
	my ($expression) = @_;

	return "md5(array_send($expression))";
}

# Names of a server's images, those that are still being written included; not
# of the lock files and marks beside them.
sub image_files
{
	my ($node) = @_;
	my @files = sort grep { /_v\d+(\.\d+\.tmp)?$/ } map { s{.*/}{}r } glob($node->data_dir . '/electra/*');

	return @files;
}

# The processes that a process has started, with their command lines.
sub children_of
{
	my ($parent) = @_;
	my @children;

	foreach my $stat (glob('/proc/[0-9]*/stat'))
	{
		open(my $file, '<', $stat) or next;
		my $line = <$file>;
		next unless defined $line && $line =~ /^(\d+) \((.*)\) (\S) (\d+) /s;
		push @children, { pid => $1, name => $2 } if $4 == $parent && $3 ne 'Z';
	}
	return @children;
}

# A session that runs one statement and is not waited for; the session and its
# backend's process id.
sub start_session
{
	my ($node, $statement) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $session->query_safe('SELECT pg_backend_pid()');

	$session->{stdin} .= "$statement;\n";
	$session->{run}->pump_nb();
	return ($session, $pid);
}

# Zombies wait for somebody to read their status; they do nothing any more.
sub process_alive
{
	my ($pid) = @_;

	open(my $file, '<', "/proc/$pid/stat") or return 0;
	my $line = <$file>;
	return defined $line && $line =~ /\) (\S) \d+ / && $1 ne 'Z';
}

# Calls the code until it returns something true, for at most $seconds.
sub wait_until
{
	my ($code, $seconds) = @_;
	my $result;

	foreach (1 .. ($seconds || 60) * 500)
	{
		$result = $code->();
		return $result if $result;
		usleep(2000);
	}
	return undef;
}

# Waits for a server that restarts after a crash.  A psql that finds none is gone
# before it is told what to ask, which poll_query_until takes for an error.
sub server_is_back
{
	my ($node) = @_;

	return wait_until(sub { (eval { $node->safe_psql('postgres', 'SELECT true') } // '') eq 't' });
}

# Runs a statement that should fail; returns its SQLSTATE, or '' if it did not.
sub sqlstate_of
{
	my ($node, $statement, %options) = @_;
	my ($result, $output, $errors) =
	  $node->psql($options{dbname} || 'postgres', "\\set VERBOSITY sqlstate\n$statement", %options);

	return $errors =~ /ERROR:  ([0-9A-Z]{5})/ ? $1 : '';
}

1;
