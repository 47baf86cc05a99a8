/* The process's log, interrupts and environment: the state that only cli/ may hold. */

#include "cli/output.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

static struct da_log process_log;
static volatile sig_atomic_t interrupted;

const char *da_cli_env(const char *name)
{
    const char *v = getenv(name);
    return v && *v ? v : NULL;
}

void da_cli_setup_output(bool quiet, bool verbose, bool progress, bool no_progress,
                         bool no_color)
{
    bool tty = isatty(STDERR_FILENO) == 1;
    const char *term = da_cli_env("TERM");
    bool dumb = term && strcmp(term, "dumb") == 0;
    da_log_init(&process_log, stderr,
                quiet ? DA_LOG_ERROR : verbose ? DA_LOG_DEBUG : DA_LOG_INFO);
    process_log.progress = !quiet && !no_progress && (progress || (tty && !dumb));
    process_log.colour = tty && !dumb && !no_color && !da_cli_env("NO_COLOR");
}

struct da_log *da_cli_log(void)
{
    if (!process_log.out)
        da_cli_setup_output(false, false, false, true, true);
    return &process_log;
}

int da_cli_exit_code(enum da_rc code)
{
    switch (code) {
    case DA_OK: return DA_EXIT_OK;
    case DA_EUSAGE: return DA_EXIT_USAGE;
    case DA_ESERVICE: return DA_EXIT_UNAVAILABLE;
    case DA_EINTR: return DA_EXIT_INTERRUPTED;
    default: return DA_EXIT_FAILED;
    }
}

int da_cli_fail(const struct da_err *err)
{
    da_progress_end(da_cli_log());
    da_log_msg(da_cli_log(), DA_LOG_ERROR, "%s", err->msg);
    return da_cli_exit_code(err->code);
}

static void on_interrupt(int sig)
{
    (void)sig;
    if (interrupted)
        _exit(DA_EXIT_INTERRUPTED);
    interrupted = 1;
}

const volatile sig_atomic_t *da_cli_catch_interrupt(void)
{
    struct sigaction sa;
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_interrupt;
    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    return &interrupted;
}

const char *da_cli_program_dir(void)
{
    static char dir[4096];
    ssize_t n = readlink("/proc/self/exe", dir, sizeof dir - 1);
    char *slash;
    if (n <= 0)
        return "";
    dir[n] = 0;
    slash = strrchr(dir, '/');
    if (slash)
        *slash = 0;
    return dir;
}
