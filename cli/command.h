#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

/*
 * To add a command: write cli/cmd_NAME.c with da_cmd_NAME, add its line to
 * cli/commands.def, write docs/man/docassist-NAME.1 and tests/cli/NAME.t.
 */

#include <signal.h>
#include <stdbool.h>

#include "common/err.h"
#include "common/log.h"

enum da_exit {
    DA_EXIT_OK = 0,
    DA_EXIT_FAILED = 1,
    DA_EXIT_USAGE = 2,
    DA_EXIT_PARTIAL = 3,     /* finished, but some records failed */
    DA_EXIT_UNAVAILABLE = 4, /* a service is unavailable, try again */
    DA_EXIT_INTERRUPTED = 130
};

struct da_command {
    const char *name;
    const char *group;   /* heading in `docassist --help` */
    const char *summary; /* one line, lower case */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};

#define DA_COMMAND(name, fn, group, summary) int fn(int argc, char **argv);
#include "cli/commands.def"
#undef DA_COMMAND

/* Prints "docassist: <msg>" on stderr and returns the exit code that belongs to err->code. */
int da_cli_fail(const struct da_err *err);
int da_cli_exit_code(enum da_rc code);

/* The process's message sink, set up from -q, -v, --progress and the terminal. */
struct da_log *da_cli_log(void);

/* Environment variable, or NULL when unset or empty. The only reader of the environment. */
const char *da_cli_env(const char *name);

/* After this the first Ctrl-C (or SIGTERM) sets the returned flag, the second ends the process
 * with 130. */
const volatile sig_atomic_t *da_cli_catch_interrupt(void);

/* Path of the running program's folder ("" when unknown), for finding docassist-extract. */
const char *da_cli_program_dir(void);

#endif
