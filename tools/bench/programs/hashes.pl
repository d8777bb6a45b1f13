# Counts words in a hash of hashes, sorts the keys, builds strings from them.
# Argument: how many.
use strict;
use warnings;

my $seed = 1;
my (%count, %by_length);

for (1 .. $ARGV[0]) {
	$seed = ($seed * 1103515245 + 12345) & 0x7fffffff;
	my $word = "w" . ($seed % 60000);
	$count{$word}++;
	push @{ $by_length{ length $word }{$word} }, $_;
}
my @sorted = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
my @lines = map { "$_: $count{$_}" } @sorted;
print scalar(@lines), " ", length(join("\n", @lines)), "\n";
