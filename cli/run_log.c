/* The run log: see run_log.h. The process has one run, so its state is the process's. */

#include "cli/run_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/command.h"
#include "common/clock.h"
#include "common/io.h"
#include "common/json.h"
#include "schemas/record.h"

enum { MAX_FACTS = 16 };

struct fact {
    const char *key, *text; /* text NULL: a number */
    double number;
};

static struct {
    const char *command, *output;
    int64_t started_ms;
    uint64_t start_ns;
    struct fact facts[MAX_FACTS];
    size_t n_facts;
} run;

void da_run_log_begin(const char *command, const char *output)
{
    run.command = command;
    run.output = output && strcmp(output, "-") != 0 ? output : NULL;
    run.started_ms = da_clock_system()->unix_ms(NULL);
    run.start_ns = da_now_ns(da_clock_system());
}

static void add(const char *key, const char *text, double number)
{
    if (run.n_facts < MAX_FACTS)
        run.facts[run.n_facts++] = (struct fact){key, text, number};
}

void da_run_log_int(const char *key, int64_t value)
{
    add(key, NULL, (double)value);
}

void da_run_log_double(const char *key, double value)
{
    add(key, NULL, value);
}

void da_run_log_text(const char *key, const char *text)
{
    add(key, text, 0);
}

static void write_host(struct da_jw *w)
{
    struct utsname u;
    if (uname(&u) != 0)
        return;
    da_jw_kcstr(w, "host", u.nodename);
    da_jw_kcstr(w, "system", u.sysname);
    da_jw_kcstr(w, "machine", u.machine);
}

static void write_line(struct da_buf *line, int exit_code)
{
    struct da_jw w;
    char started[21];
    size_t i;
    da_format_utc(run.started_ms / 1000, started);
    da_jw_init(&w, line);
    da_jw_object(&w);
    da_jw_kcstr(&w, "schema", "docassist.run/1");
    da_jw_kcstr(&w, "command", run.command);
    da_jw_kcstr(&w, "version", da_version());
    da_jw_kint(&w, "exit", exit_code);
    da_jw_kcstr(&w, "started", started);
    da_jw_key(&w, "duration_s");
    da_jw_fixed(&w, (double)(da_now_ns(da_clock_system()) - run.start_ns) / 1e9, 3);
    da_jw_key(&w, "cpu_s");
    da_jw_fixed(&w, (double)da_cpu_time_ns() / 1e9, 3);
    da_jw_kint(&w, "peak_rss_bytes", (int64_t)da_peak_rss_bytes());
    write_host(&w);
    da_jw_key(&w, "facts");
    da_jw_object(&w);
    for (i = 0; i < run.n_facts; i++) {
        if (run.facts[i].text)
            da_jw_kcstr(&w, run.facts[i].key, run.facts[i].text);
        else
            da_jw_kdouble(&w, run.facts[i].key, run.facts[i].number);
    }
    da_jw_end(&w);
    da_jw_end(&w);
    da_buf_add_char(line, '\n');
}

void da_run_log_end(int exit_code)
{
    struct da_buf path, line;
    struct da_err err = {DA_OK, ""};
    int fd;
    if (!run.output)
        return;
    da_buf_init(&path, 0);
    da_buf_init(&line, 0);
    da_buf_addf(&path, "%s.run.jsonl", run.output);
    write_line(&line, exit_code);
    fd = open(path.p, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0)
        (void)da_fail_errno(&err, DA_EIO, errno, "cannot open '%s'", path.p);
    else
        (void)da_io_write_all(fd, line.p, line.len, path.p, &err);
    if (fd >= 0)
        (void)close(fd);
    if (err.code != DA_OK)
        da_log_msg(da_cli_log(), DA_LOG_WARN, "no run log: %s", err.msg);
    da_buf_release(&path);
    da_buf_release(&line);
}
