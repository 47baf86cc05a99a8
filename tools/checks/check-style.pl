#!/usr/bin/perl
# What STYLE asks of source files and a few regular expressions can see. Prints a line for each
# violation, exit 1 when there is one; a line beginning with "warning" does not count.
#
#   check-style.pl [ROOT]    default: the repository this script is in
use strict;
use warnings;
use File::Basename qw(dirname basename);
use File::Find qw(find);

my $root = shift // dirname($0) . '/../..';
chdir $root or die "check-style: $root: $!\n";

my $MAX_COLUMNS = 100;
my $MAX_FILE_LINES = 800;
my $WARN_FUNCTION_LINES = 80;
my $MAX_FUNCTION_LINES = 120;

my @BANNED = qw(strcpy strcat strncpy strncat sprintf vsprintf strtok atoi atol atof gets sscanf
    rand srand localtime gmtime ctime asctime mktemp tmpnam system popen alloca setlocale);
my @ALLOCATE = qw(malloc calloc realloc strdup strndup);    # common/mem.h does this
my %allocate = map { $_ => 1 } @ALLOCATE;
my %ALLOCATES = map { $_ => 1 } qw(common/mem.c tests/unit/test_engine_alloc.c);

# Inputs and expected outputs: their bytes are what they are.
my $DATA = qr{^(examples/docs|tests/goldens?|tests/fuzz/corpus|tests/cli/(data|office)
             |tests/unit/data)/
             |(^|/)(LICENSE|COPYING)}x;

# Unrolled by nature, with a type for a vector in each variant.
my $KERNELS = qr{^engine/kernels/};

my $bad = 0;

sub fail
{
    my ($where, $why) = @_;
    print STDERR "$where: $why\n";
    $bad = 1;
}

# Blanks comments, strings and character constants, keeping every line where it is.
sub strip_c
{
    my ($text) = @_;
    $text =~ s{(/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')}
              { my $s = $1; my $q = substr($s, 0, 1);
                $q eq '/' ? $s =~ s/[^\n]/ /gr : $q . ' ' x (length($s) - 2) . $q }gse;
    return $text;
}

sub check_lines
{
    my ($path, $text, $generated) = @_;
    my $todo = $path !~ m{^(tools/checks|docs|tests/cli/checks)};
    my $n = 0;
    for my $line (split /\n/, $text, -1) {
        $n++;
        my $at = "$path:$n";
        fail($at, 'carriage return') if $line =~ /\r/;
        fail($at, 'trailing space') if $line =~ /[ \t]$/;
        fail($at, 'TODO without an issue number, as in TODO(#12)')
            if $todo && $line =~ /\b(TODO|FIXME|XXX)\b(?!\(#\d+\))/;
        next if $path !~ /\.([ch]|def|sh|t|pl)$/ || $generated;
        # Expected output is what it is, and a row of a table of texts is not easier to read
        # when it is broken.
        fail($at, length($line) . " columns, at most $MAX_COLUMNS")
            if length $line > $MAX_COLUMNS && $path !~ /\.t$/ && $line !~ /^[\s{(]*(u8)?"/;
        fail($at, 'tab') if $line =~ /\t/;
    }
    fail($path, 'no line feed at the end') if length $text && $text !~ /\n\z/;
    fail($path, 'empty lines at the end') if $text =~ /\n\n\z/;
}

sub check_c
{
    my ($path, $text, $generated) = @_;
    my $code = strip_c($text);
    my @lines = split /\n/, $code;
    my @raw = split /\n/, $text;
    my $banned = join '|', @BANNED, $ALLOCATES{$path} ? () : @ALLOCATE;
    my $start = 0;
    for my $i (0 .. $#lines) {
        my $at = "$path:" . ($i + 1);
        my $line = $lines[$i];
        fail($at, "$1 is banned" . ($allocate{$1} ? ', see common/mem.h' : ''))
            if $line =~ /(?<![\w.>])($banned)\s*\(/;
        fail($at, "structs are not typedef'd")
            if $line =~ /^\s*typedef\s+(struct|union|enum)\b[^(]*$/ && $path !~ $KERNELS;
        $start = $i + 1 if $line =~ /^\{/;
        next unless $line =~ /^\}/ && $start;
        my $length = $i + 1 - $start + 1;
        $start = 0;
        next if $generated || $path =~ $KERNELS;
        if ($length > $MAX_FUNCTION_LINES) {
            fail($at, "a function of $length lines ends here, at most $MAX_FUNCTION_LINES");
        } elsif ($length > $WARN_FUNCTION_LINES) {
            print STDERR "warning: $at: a function of $length lines ends here\n";
        }
    }
    my $comment = $text =~ s{"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|/\*.*?\*/}
                            { $& =~ s/[^\n]/ /gr }gser;
    my $n = 0;
    for (split /\n/, $comment) {
        $n++;
        fail("$path:$n", 'comments are /* */') if m{//};
    }
    my $count = scalar @raw;
    fail($path, "$count lines, at most $MAX_FILE_LINES")
        if $count > $MAX_FILE_LINES && !$generated && $path !~ $KERNELS;
}

sub check_guard
{
    my ($path, $text) = @_;
    return if $path =~ $KERNELS && $text =~ /\bNot a header of its own\b/;
    my $guard = uc($path) =~ s/[^A-Z0-9]/_/gr;
    fail($path, "the guard is not $guard")
        unless $text =~ /^#ifndef \Q$guard\E\n#define \Q$guard\E$/m
        && $text =~ /^#endif\b[^\n]*\n\z/m;
}

my (%seen, @paths);
find({ no_chdir => 1, wanted => sub {
    my $path = s{^\./}{}r;
    if (-d) {
        $File::Find::prune = 1 if $path =~ m{^(build|\.git|\.venv)$|(^|/)__pycache__$};
        return;
    }
    push @paths, $path if -f && !-l;
} }, '.');

for my $path (sort @paths) {
    next if $path eq '.git';
    fail($path, 'odd characters in the name') if $path !~ m{^[A-Za-z0-9_.+/-]+$};
    fail($path, 'a test must be executable') if $path =~ m{^tests/.*\.t$} && !-x $path;
    if ($path =~ m{([^/]+\.[ch])$} && $1 ne "main.c" && $path !~ m{^tests/fuzz/}) {
        my $name = $1;
        fail($path, "the name is taken by $seen{$name}") if $seen{$name};
        $seen{$name} = $path;
    }
    next if $path =~ $DATA || !-T $path || $path =~ /\.(jsonl|svg|diff|patch)$/;
    open my $in, '<:raw', $path or die "check-style: $path: $!\n";
    my $text = do { local $/; <$in> } // '';
    close $in;
    if (!utf8::decode($text)) {
        fail($path, 'not UTF-8');
        next;
    }
    my $generated = substr($text, 0, 400) =~ /\bGenerated by\b/;
    check_lines($path, $text, $generated);
    if ($path =~ /\.[ch]$/) {
        check_c($path, $text, $generated);
        check_guard($path, $text) if $path =~ /\.h$/;
    } elsif ($text =~ m{\A#!/bin/sh} && system('sh', '-n', $path) != 0) {
        fail($path, 'the shell cannot read it');
    }
}
exit $bad;
