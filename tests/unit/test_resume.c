/*
 * Resumable outputs: a child process is killed at random moments of a job and the
 * job run again until it ends; the outputs must equal an uninterrupted run's.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/io.h"
#include "common/resume.h"
#include "common/rng.h"
#include "tests/tap.h"

enum { N_INPUTS = 400 };

static char out_path[600], err_path[600];

/* Every third input "fails" and goes to the second output. */
static enum da_rc do_job(const char *options, bool restart, unsigned pause_us,
                         struct da_err *err)
{
    struct da_resume_opts opts = {.paths = {out_path, err_path},
                                  .options_hash = options,
                                  .restart = restart,
                                  .sync_every_ms = 1};
    struct da_resume *r = NULL;
    enum da_rc rc = da_resume_open(&r, &opts, err);
    int i;
    if (rc != DA_OK)
        return rc;
    for (i = 0; i < N_INPUTS; i++) {
        char key[32], text[64], note[DA_RESUME_MAX_NOTE];
        struct timespec t = {0, (long)pause_us * 1000};
        bool done;
        size_t n;
        (void)snprintf(key, sizeof key, "input-%d", i);
        rc = da_resume_next(r, da_span_str(key), &done, note, err);
        if (rc != DA_OK)
            break;
        if (done) {
            if (strcmp(note, i % 3 ? "ok" : "failed") != 0) {
                rc = da_fail(err, DA_EFORMAT, "note of %s is '%s'", key, note);
                break;
            }
            continue;
        }
        n = (size_t)snprintf(text, sizeof text, "{\"n\":%d}\n", i);
        rc = da_resume_write(r, i % 3 ? 0 : 1, text, n / 2, err);
        if (pause_us)
            (void)nanosleep(&t, NULL);
        if (rc == DA_OK)
            rc = da_resume_write(r, i % 3 ? 0 : 1, text + n / 2, n - n / 2, err);
        if (rc == DA_OK)
            rc = da_resume_commit(r, da_span_str(key), i % 3 ? "ok" : "failed", err);
        if (rc != DA_OK)
            break;
    }
    if (rc == DA_OK)
        return da_resume_finish(r, err);
    da_resume_close(r);
    return rc;
}

static void read_all(const char *path, struct da_buf *b)
{
    struct da_err err;
    da_buf_reset(b);
    if (da_io_read_file(path, 1 << 20, b, &err) != DA_OK)
        tap_ok(false, "%s", err.msg);
}

static void test_kills(void)
{
    struct da_buf want[2], got;
    struct da_rng rng;
    struct da_err err = {DA_OK, ""};
    int n_kills = 0, status, i;
    da_buf_init(&got, 0);
    tap_rc(do_job("abc", false, 0, &err), &err, "an uninterrupted run");
    for (i = 0; i < 2; i++) {
        da_buf_init(&want[i], 0);
        read_all(i ? err_path : out_path, &want[i]);
    }
    (void)unlink(out_path);
    (void)unlink(err_path);
    da_rng_init(&rng, 1);
    for (;;) {
        struct timespec t = {0, (long)da_rng_below(&rng, 9000000) + 200000};
        pid_t pid = fork();
        if (pid == 0)
            _exit(do_job("abc", false, 100, &err) == DA_OK ? 0 : 1);
        (void)nanosleep(&t, NULL);
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        if (WIFEXITED(status))
            break;
        n_kills++;
    }
    tap_ok(WEXITSTATUS(status) == 0 && n_kills > 3, "ends after being killed %d times", n_kills);
    for (i = 0; i < 2; i++) {
        read_all(i ? err_path : out_path, &got);
        tap_is_mem(got.p, got.len, want[i].p, want[i].len, "output %d is the same", i);
        da_buf_release(&want[i]);
    }
    da_buf_release(&got);
}

/* Leaves a journal by giving up in the middle. */
static void leave_half(void)
{
    struct da_resume_opts opts = {.paths = {out_path, err_path}, .options_hash = "abc"};
    struct da_resume *r = NULL;
    struct da_err err;
    bool done;
    char note[DA_RESUME_MAX_NOTE];
    tap_rc(da_resume_open(&r, &opts, &err), &err, "begins");
    (void)da_resume_next(r, da_span_str("input-0"), &done, note, &err);
    (void)da_resume_write(r, 1, "{\"n\":0}\n", 8, &err);
    (void)da_resume_commit(r, da_span_str("input-0"), "failed", &err);
    (void)da_resume_write(r, 0, "torn", 4, &err);
    da_resume_close(r);
}

static void test_mismatch(void)
{
    struct da_err err;
    struct da_buf b;
    struct da_resume_opts opts = {.paths = {out_path, err_path}, .options_hash = "abc"};
    struct da_resume *r = NULL;
    bool done;
    char note[DA_RESUME_MAX_NOTE];
    leave_half();
    tap_is_int(do_job("other", false, 0, &err), DA_EMISMATCH, "other options are refused");
    tap_ok(strstr(err.msg, "was begun with other options") != NULL, "%s", err.msg);
    tap_rc(da_resume_open(&r, &opts, &err), &err, "the same options are taken");
    tap_is_int(da_resume_next(r, da_span_str("input-9"), &done, note, &err), DA_EMISMATCH,
               "another input is refused");
    da_resume_close(r);
    tap_rc(do_job("other", true, 0, &err), &err, "--restart begins again");
    da_buf_init(&b, 0);
    read_all(err_path, &b);
    tap_ok(strncmp(b.p, "{\"n\":0}\n{\"n\":3}\n", 16) == 0, "with nothing left of the old run");
    da_buf_release(&b);
}

int main(void)
{
    (void)snprintf(out_path, sizeof out_path, "%s/out.jsonl", tap_tmpdir());
    (void)snprintf(err_path, sizeof err_path, "%s/err.jsonl", tap_tmpdir());
    test_kills();
    test_mismatch();
    return tap_done();
}
