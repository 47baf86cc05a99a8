/* The crash wall against a helper that misbehaves (tests/tools/badhelper.c). */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/threads.h"
#include "ingest/helper.h"
#include "tests/tap.h"

static char tool[1024];

static enum da_rc extract(struct da_helper *h, const char *how, struct da_extracted *x)
{
    char path[1200];
    struct da_err err = {DA_OK, ""};
    struct da_request req;
    (void)snprintf(path, sizeof path, "%s/%s", tap_tmpdir(), how);
    (void)da_io_write_file(path, how, strlen(how), NULL);
    int fd = open(path, O_RDONLY);
    da_request_defaults(&req);
    req.wall_s = 1;
    enum da_rc rc = da_helper_extract(h, fd, &req, x, &err);
    (void)close(fd);
    return rc;
}

static void test_statuses(struct da_helper *h)
{
    static const struct {
        const char *how;
        enum da_status status;
    } cases[] = {
        {"ok", DA_ST_OK},          {"crash", DA_ST_CRASHED}, {"ok", DA_ST_OK},
        {"junk", DA_ST_CRASHED},   {"half", DA_ST_CRASHED},  {"late", DA_ST_CRASHED},
        {"text", DA_ST_CRASHED},   {"fact", DA_ST_CRASHED},  {"flood", DA_ST_CRASHED},
        {"oom", DA_ST_OUT_OF_MEMORY}, {"cpu", DA_ST_TIMEOUT}, {"code", DA_ST_CRASHED},
        {"pdf", DA_ST_CRASHED},
        {"ok", DA_ST_OK},          {"quit", DA_ST_CRASHED},  {"once", DA_ST_OK},
        {"ok", DA_ST_OK},
    };
    struct da_extracted x;
    da_extracted_init(&x);
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++) {
        tap_is_int(extract(h, cases[i].how, &x), DA_OK, "'%s' costs one document",
                   cases[i].how);
        tap_is_str(da_status_name(x.status), da_status_name(cases[i].status), "... its status");
        if (x.status == DA_ST_OK)
            tap_is_str(x.text.p, "All is well.", "... its text");
        else
            tap_ok(x.text.len == 0 && x.detail[0] != 0, "... no text, a detail: %s", x.detail);
    }
    da_extracted_release(&x);
}

/* Helpers that do not answer, side by side, since each takes its time. */
static const char *const waits[] = {"hang", "silent", "stopped"};

struct wait {
    enum da_rc rc, after;
    enum da_status status, next;
};

static void await(void *ctx, size_t i, unsigned worker)
{
    struct wait *w = (struct wait *)ctx + i;
    struct da_helper *h = NULL;
    struct da_extracted x;
    (void)worker;
    da_extracted_init(&x);
    w->rc = da_helper_open(&h, tool, true, NULL);
    if (w->rc == DA_OK) {
        w->rc = extract(h, waits[i], &x);
        w->status = x.status;
        w->after = extract(h, "ok", &x);
        w->next = x.status;
    }
    da_extracted_release(&x);
    da_helper_close(h);
}

static void test_silence(void)
{
    struct wait w[DA_ARRAY_LEN(waits)];
    memset(w, 0, sizeof w);
    da_parallel_for(DA_ARRAY_LEN(waits), DA_ARRAY_LEN(waits), await, w);
    for (size_t i = 0; i < DA_ARRAY_LEN(waits); i++) {
        tap_is_int(w[i].rc, DA_OK, "'%s' costs one document", waits[i]);
        tap_is_str(da_status_name(w[i].status), "timeout", "... its status");
        tap_is_int(w[i].after, DA_OK, "... and the next document starts another helper");
        tap_is_str(da_status_name(w[i].next), "ok", "... which reads it");
    }
}

int main(void)
{
    const char *build = getenv("DOCASSIST_BUILD");
    struct da_helper *h = NULL;
    struct da_err err = {DA_OK, ""};
    (void)snprintf(tool, sizeof tool, "%s/tests/tools/badhelper",
                   build != NULL ? build : "build/release");
    tap_is_int(da_helper_open(&h, "/nonexistent/helper", true, &err), DA_ENOTFOUND,
               "no helper there");
    tap_ok(strstr(err.msg, "/nonexistent/helper") != NULL, "... named");
    tap_rc(da_helper_open(&h, tool, true, &err), &err, "opens");
    if (h != NULL) {
        tap_is_str(da_helper_features(h), "bad", "features");
        test_statuses(h);
        test_silence();
    }
    da_helper_close(h);
    return tap_done();
}
