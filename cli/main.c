/* The program: finds the command, runs it, and makes sure that stdout was written. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/opt.h"
#include "cli/run_log.h"

static const struct da_command commands[] = {
#define DA_COMMAND(name, fn, group, summary) {name, group, summary, fn},
#include "cli/commands.def"
#undef DA_COMMAND
};

static int show_help(FILE *to)
{
    const char *group = "";
    size_t i;
    (void)fprintf(to, "usage: docassist <command> [options] [--] [file...]\n\n"
                      "Builds document-assistance corpora and scores small language models on "
                      "them.\n");
    for (i = 0; i < DA_ARRAY_LEN(commands); i++) {
        if (strcmp(group, commands[i].group) != 0)
            (void)fprintf(to, "\n%s:\n", commands[i].group);
        group = commands[i].group;
        (void)fprintf(to, "  %-13s %s\n", commands[i].name, commands[i].summary);
    }
    (void)fprintf(to, "\n'docassist <command> --help' lists a command's options; "
                      "'man docassist' has the rest.\n");
    return to == stdout ? DA_EXIT_OK : DA_EXIT_USAGE;
}

static int unknown_command(const char *word)
{
    const char *names[DA_ARRAY_LEN(commands)];
    const char *near;
    size_t i;
    for (i = 0; i < DA_ARRAY_LEN(commands); i++)
        names[i] = commands[i].name;
    near = da_opt_nearest(word, names, DA_ARRAY_LEN(commands));
    (void)fprintf(stderr, "docassist: unknown command '%s'", word);
    if (near)
        (void)fprintf(stderr, "; did you mean '%s'?", near);
    (void)fprintf(stderr, "\nTry 'docassist --help'.\n");
    return DA_EXIT_USAGE;
}

static int run(int argc, char **argv)
{
    size_t i;
    if (argc < 2)
        return show_help(stderr);
    if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "help") == 0)
        return show_help(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("docassist %s\n", DA_VERSION);
        return DA_EXIT_OK;
    }
    for (i = 0; i < DA_ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, argv[1]) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return unknown_command(argv[1]);
}

int main(int argc, char **argv)
{
    int rc = run(argc, argv);
    da_run_log_end(rc);
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fprintf(stderr, "docassist: cannot write to stdout: %s\n",
                      errno ? strerror(errno) : "output error");
        return rc == DA_EXIT_OK ? DA_EXIT_FAILED : rc;
    }
    return rc;
}
