/*
 * browse CHROMIUM PAGE.html SCRIPT.js
 *
 * Opens a local page in headless Chromium, runs the script in it, prints the
 * string it returns, then one line for every console message, uncaught error
 * and request beyond file: and data:. Exit 0 when all of that could be done.
 * Speaks the DevTools protocol over --remote-debugging-pipe: messages are JSON
 * with a NUL behind; Chromium reads file descriptor 3 and writes 4.
 */

#define _XOPEN_SOURCE 700 /* realpath */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/json.h"

enum { TIME_LIMIT_S = 90, MAX_BYTES = 64 << 20 };

struct browser {
    pid_t pid;
    int to, from;
    int64_t next_id;
    char session[128];
    bool loaded;
    struct da_buf in;    /* bytes read, not yet handled */
    struct da_buf notes; /* what is printed at the end */
};

static void die(const char *what)
{
    fprintf(stderr, "browse: %s\n", what);
    exit(1);
}

static void check(enum da_rc rc, const struct da_err *err)
{
    if (rc != DA_OK) {
        die(err->msg);
    }
}

static void start(struct browser *b, const char *program, const char *profile)
{
    int down[2], up[2];
    char dir[512];
    snprintf(dir, sizeof dir, "--user-data-dir=%s", profile);
    if (pipe(down) || pipe(up)) {
        die("no pipe");
    }
    b->pid = fork();
    if (b->pid < 0) {
        die("no process");
    }
    if (b->pid == 0) {
        int in = fcntl(down[0], F_DUPFD, 10), out = fcntl(up[1], F_DUPFD, 10);
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 2);
        dup2(in, 3);
        dup2(out, 4);
        execl(program, program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
              "--disable-dev-shm-usage", "--disable-background-networking", "--disable-extensions",
              "--remote-debugging-pipe", dir, "about:blank", (char *)NULL);
        _exit(127);
    }
    close(down[0]);
    close(up[1]);
    b->to = down[1];
    b->from = up[0];
}

/* Next whole message; the caller frees it. */
static struct da_json *receive(struct browser *b)
{
    struct da_err err;
    struct da_json *j = NULL;
    char *end;
    while (!(end = memchr(b->in.p, 0, b->in.len))) {
        char chunk[65536];
        ssize_t n = read(b->from, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            die("the browser went away");
        }
        da_buf_add(&b->in, chunk, (size_t)n);
    }
    size_t len = (size_t)(end - b->in.p);
    check(da_json_parse(b->in.p, len, &j, &err), &err);
    memmove(b->in.p, end + 1, b->in.len - len - 1);
    da_buf_truncate(&b->in, b->in.len - len - 1);
    return j;
}

static void note(struct browser *b, const char *kind, const struct da_json *text)
{
    struct da_span s = {"?", 1};
    (void)da_json_str(text, &s);
    da_buf_addf(&b->notes, "%s: %.*s\n", kind, (int)s.len, s.p);
}

static void handle_event(struct browser *b, struct da_span method, const struct da_json *params)
{
    struct da_span url;
    if (da_span_is(method, "Page.loadEventFired")) {
        b->loaded = true;
    } else if (da_span_is(method, "Runtime.consoleAPICalled")) {
        note(b, "console", da_json_get(da_json_first(da_json_get(params, "args")), "value"));
    } else if (da_span_is(method, "Runtime.exceptionThrown")) {
        const struct da_json *d = da_json_get(params, "exceptionDetails");
        note(b, "error", da_json_get(da_json_get(d, "exception"), "description"));
    } else if (da_span_is(method, "Log.entryAdded")) {
        note(b, "log", da_json_get(da_json_get(params, "entry"), "text"));
    } else if (da_span_is(method, "Network.requestWillBeSent") &&
               da_json_str(da_json_get(da_json_get(params, "request"), "url"), &url) &&
               !da_span_starts(url, "file:") && !da_span_starts(url, "data:")) {
        note(b, "request", da_json_get(da_json_get(params, "request"), "url"));
    }
}

/* Sends a command (params: a JSON object) and handles events until its answer is there. */
static struct da_json *ask(struct browser *b, const char *method, const char *params)
{
    struct da_buf out;
    struct da_jw w;
    struct da_err err;
    int64_t id = ++b->next_id;
    da_buf_init(&out, 0);
    da_jw_init(&w, &out);
    da_jw_object(&w);
    da_jw_kint(&w, "id", id);
    da_jw_kcstr(&w, "method", method);
    if (b->session[0]) {
        da_jw_kcstr(&w, "sessionId", b->session);
    }
    da_jw_key(&w, "params");
    da_jw_raw(&w, params, strlen(params));
    da_jw_end(&w);
    check(da_io_write_all(b->to, out.p, out.len + 1, "browser", &err), &err);
    da_buf_release(&out);
    for (;;) {
        struct da_json *j = receive(b);
        struct da_span name;
        int64_t got;
        if (da_json_int(da_json_get(j, "id"), &got) && got == id) {
            return j;
        }
        if (da_json_str(da_json_get(j, "method"), &name)) {
            handle_event(b, name, da_json_get(j, "params"));
        }
        da_json_free(j);
    }
}

static void copy_result(struct browser *b, const char *method, const char *params, const char *key,
                        char *out, size_t size)
{
    struct da_json *j = ask(b, method, params);
    struct da_span s;
    if (!da_json_str(da_json_get(da_json_get(j, "result"), key), &s)) {
        die(method);
    }
    snprintf(out, size, "%.*s", (int)s.len, s.p);
    da_json_free(j);
}

static void object1(struct da_buf *out, const char *key, const char *value, const char *flag)
{
    struct da_jw w;
    da_buf_reset(out);
    da_jw_init(&w, out);
    da_jw_object(&w);
    da_jw_kcstr(&w, key, value);
    if (flag) {
        da_jw_kbool(&w, flag, true);
    }
    da_jw_end(&w);
}

static void open_page(struct browser *b, const char *path)
{
    struct da_buf params;
    char target[128], session[sizeof b->session], url[4200], frame[128];
    da_buf_init(&params, 0);
    copy_result(b, "Target.createTarget", "{\"url\":\"about:blank\"}", "targetId", target,
                sizeof target);
    object1(&params, "targetId", target, "flatten");
    copy_result(b, "Target.attachToTarget", params.p, "sessionId", session, sizeof session);
    memcpy(b->session, session, sizeof session);
    const char *domains[] = {"Page.enable", "Runtime.enable", "Log.enable", "Network.enable"};
    for (size_t i = 0; i < DA_ARRAY_LEN(domains); i++) {
        da_json_free(ask(b, domains[i], "{}"));
    }
    char *whole = realpath(path, NULL);
    if (!whole) {
        die("the page does not exist");
    }
    snprintf(url, sizeof url, "file://%.4096s", whole);
    free(whole);
    object1(&params, "url", url, NULL);
    copy_result(b, "Page.navigate", params.p, "frameId", frame, sizeof frame);
    while (!b->loaded) {
        struct da_json *j = receive(b);
        struct da_span name;
        if (da_json_str(da_json_get(j, "method"), &name)) {
            handle_event(b, name, da_json_get(j, "params"));
        }
        da_json_free(j);
    }
    da_buf_release(&params);
}

/* Runs the script; false when it throws. */
static bool run(struct browser *b, const char *script_path)
{
    struct da_buf script, params;
    struct da_err err;
    struct da_jw w;
    da_buf_init(&script, 0);
    da_buf_init(&params, 0);
    check(da_io_read_file(script_path, MAX_BYTES, &script, &err), &err);
    da_jw_init(&w, &params);
    da_jw_object(&w);
    da_jw_key(&w, "expression");
    da_jw_str(&w, script.p, script.len);
    da_jw_kbool(&w, "awaitPromise", true);
    da_jw_kbool(&w, "returnByValue", true);
    da_jw_end(&w);
    struct da_json *j = ask(b, "Runtime.evaluate", params.p);
    const struct da_json *result = da_json_get(j, "result");
    const struct da_json *thrown = da_json_get(result, "exceptionDetails");
    struct da_span text = {"", 0};
    if (thrown) {
        note(b, "error", da_json_get(da_json_get(thrown, "exception"), "description"));
    } else if (da_json_str(da_json_get(da_json_get(result, "result"), "value"), &text)) {
        printf("%.*s\n", (int)text.len, text.p);
    }
    bool ok = !thrown;
    da_json_free(j);
    da_buf_release(&script);
    da_buf_release(&params);
    return ok;
}

int main(int argc, char **argv)
{
    struct browser b = {.next_id = 0};
    char profile[] = "/tmp/browse-XXXXXX";
    if (argc != 4 || !mkdtemp(profile)) {
        die("usage: browse CHROMIUM PAGE.html SCRIPT.js");
    }
    signal(SIGPIPE, SIG_IGN);
    alarm(TIME_LIMIT_S);
    da_buf_init(&b.in, MAX_BYTES);
    da_buf_init(&b.notes, 0);
    start(&b, argv[1], profile);
    open_page(&b, argv[2]);
    bool ok = run(&b, argv[3]);
    b.session[0] = 0;
    da_json_free(ask(&b, "Browser.close", "{}"));
    waitpid(b.pid, NULL, 0);
    fputs(b.notes.p, stdout);
    da_buf_release(&b.in);
    da_buf_release(&b.notes);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", profile, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
    return ok ? 0 : 1;
}
