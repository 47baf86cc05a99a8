/* The ledger: what is committed survives, what is not does not, sums are sums. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/ledger.h"
#include "common/io.h"
#include "tests/tap.h"

static struct da_ledger_key key_of(const char *text)
{
    struct da_ledger_key k;
    struct da_sha256 h;
    da_sha256_init(&h);
    da_sha256_add(&h, text, strlen(text));
    da_sha256_end(&h, k.b);
    return k;
}

static const char *path_of(const char *name)
{
    static char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", tap_tmpdir(), name);
    return path;
}

/* A request with one try that brought a reply. */
static int64_t add_answered(struct da_ledger *l, const char *item, const char *reply, int64_t cost,
                            struct da_err *err)
{
    struct da_ledger_key k = key_of(item);
    struct da_ledger_try t = {
        .endpoint = "http://x/v1", .started_ms = 1000, .max_tokens = 600, .cost_pusd = 99};
    int64_t id = 0;
    if (da_ledger_add_request(l, &k, "t", da_span_str(item), "m", &id, err))
        return 0;
    t.request_id = id;
    if (da_ledger_start_try(l, &t, err))
        return 0;
    t.outcome = DA_OUTCOME_REPLY;
    t.http_status = 200;
    t.note = "answer";
    t.prompt_tokens = 100;
    t.cached_tokens = 64;
    t.completion_tokens = 10;
    t.cost_pusd = cost;
    if (da_ledger_end_try(l, &t, da_span_str(reply), err) ||
        da_ledger_settle(l, id, DA_REQUEST_DONE, "", t.id, err))
        return 0;
    return id;
}

static void test_round_trip(void)
{
    struct da_ledger *l = NULL;
    struct da_ledger_request r;
    struct da_ledger_try t;
    struct da_ledger_totals sum;
    struct da_err err;
    struct da_buf body;
    struct da_ledger_key k = key_of("doc-1"), other = key_of("doc-2");
    da_buf_init(&body, 0);
    const char *path = path_of("a.ledger");
    if (!tap_rc(da_ledger_open(&l, path, &err), &err, "a new ledger"))
        return;
    tap_ok(add_answered(l, "doc-1", "{\"x\":1}", 7, &err) != 0, "an answered request");
    tap_rc(da_ledger_commit(l, &err), &err, "committed");
    da_ledger_close(l);
    tap_rc(da_ledger_open(&l, path, &err), &err, "opened again");
    tap_rc(da_ledger_find(l, &k, &r, &err), &err, "found");
    tap_is_int(r.state, DA_REQUEST_DONE, "it is done");
    tap_rc(da_ledger_get_reply(l, r.id, r.accepted_try, &t, &body, &err), &err, "its reply");
    tap_is_str(body.p, "{\"x\":1}", "is there");
    tap_is_int(t.max_tokens, 600, "with its budget");
    tap_rc(da_ledger_find(l, &other, &r, &err), &err, "another key");
    tap_is_int(r.state, DA_REQUEST_NEW, "is not known");
    tap_rc(da_ledger_totals(l, &sum, &err), &err, "totals");
    tap_is_int((long long)sum.n_done, 1, "one done");
    tap_is_int(sum.prompt_tokens, 100, "tokens");
    tap_is_int(sum.cost_pusd, 7, "cost");
    da_ledger_close(l);
    da_buf_release(&body);
}

static void test_uncommitted(void)
{
    struct da_ledger *l = NULL;
    struct da_ledger_request r;
    struct da_err err;
    struct da_ledger_key k = key_of("lost"), kept = key_of("kept");
    const char *path = path_of("b.ledger");
    pid_t child = fork();
    if (child == 0) {
        if (da_ledger_open(&l, path, &err) || !add_answered(l, "kept", "{}", 1, &err) ||
            da_ledger_commit(l, &err) || !add_answered(l, "lost", "{}", 1, &err))
            _exit(1);
        (void)kill(getpid(), SIGKILL);
    }
    int status = 0;
    (void)waitpid(child, &status, 0);
    tap_ok(WIFSIGNALED(status), "a writer was killed between commits");
    tap_rc(da_ledger_open(&l, path, &err), &err, "its ledger opens");
    tap_rc(da_ledger_find(l, &kept, &r, &err), &err, "what it committed");
    tap_is_int(r.state, DA_REQUEST_DONE, "is there");
    tap_rc(da_ledger_find(l, &k, &r, &err), &err, "what it had not committed");
    tap_is_int(r.state, DA_REQUEST_NEW, "is not");
    da_ledger_close(l);
}

static void test_orphans(void)
{
    struct da_ledger *l = NULL;
    struct da_ledger_totals sum;
    struct da_err err;
    struct da_ledger_key k = key_of("doc");
    struct da_ledger_try t = {.endpoint = "e", .max_tokens = 1, .cost_pusd = 500};
    uint64_t n = 0;
    (void)da_ledger_open(&l, path_of("c.ledger"), &err);
    (void)da_ledger_add_request(l, &k, "t", da_span_str("doc"), "m", &t.request_id, &err);
    (void)da_ledger_start_try(l, &t, &err);
    (void)da_ledger_commit(l, &err);
    tap_rc(da_ledger_close_orphans(l, &n, &err), &err, "tries nobody heard of");
    tap_is_int((long long)n, 1, "are found");
    (void)da_ledger_totals(l, &sum, &err);
    tap_is_int(sum.cost_pusd, 500, "their worst case stays charged");
    tap_is_int(sum.estimated_pusd, 500, "and is marked as an estimate");
    tap_is_int((long long)sum.n_lost, 1, "as lost");
    (void)da_ledger_close_orphans(l, &n, &err);
    tap_is_int((long long)n, 0, "once");
    da_ledger_close(l);
}

static void test_refused(void)
{
    struct da_ledger *a = NULL, *b = NULL;
    struct da_err err;
    const char *path = path_of("d.ledger");
    tap_rc(da_ledger_open(&a, path, &err), &err, "one run");
    pid_t child = fork();
    if (child == 0) /* a lock belongs to a process */
        _exit(da_ledger_open(&b, path, &err) == DA_EIO && strstr(err.msg, "another run") ? 0 : 1);
    int status = 1;
    (void)waitpid(child, &status, 0);
    tap_is_int(status, 0, "keeps a second one out");
    tap_rc(da_ledger_open_readonly(&b, path, &err), &err, "but not a look");
    da_ledger_close(b);
    da_ledger_close(a);
    (void)da_io_write_file(path_of("e.ledger"), "not a database at all, but long enough for one",
                           46, NULL);
    tap_ok(da_ledger_open(&a, path_of("e.ledger"), &err) != DA_OK, "other files are refused: %s",
           err.msg);
    tap_is_int(da_ledger_open_readonly(&a, path_of("none"), &err), DA_ENOTFOUND,
               "a missing one is named");
}

static void count_cause(void *ctx, const char *cause, uint64_t n)
{
    struct da_buf *b = ctx;
    da_buf_addf(b, "%s=%llu ", cause, (unsigned long long)n);
}

static void test_causes_and_facts(void)
{
    struct da_ledger *l = NULL;
    struct da_err err;
    struct da_buf b;
    uint64_t n = 0;
    int64_t id;
    da_buf_init(&b, 0);
    (void)da_ledger_open(&l, path_of("f.ledger"), &err);
    for (int i = 0; i < 5; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "d%d", i);
        struct da_ledger_key k = key_of(name);
        (void)da_ledger_add_request(l, &k, "t", da_span_str(name), "m", &id, &err);
        (void)da_ledger_settle(l, id, DA_REQUEST_FAILED, i < 3 ? "refused" : "length", 0, &err);
    }
    (void)da_ledger_set_fact(l, "batch", da_span_str("one"), &err);
    (void)da_ledger_set_fact(l, "batch", da_span_str("two"), &err);
    (void)da_ledger_commit(l, &err);
    (void)da_ledger_causes(l, count_cause, &b, &err);
    tap_is_str(b.p, "refused=3 length=2 ", "causes by number");
    da_buf_reset(&b);
    (void)da_ledger_get_fact(l, "batch", &b, &err);
    tap_is_str(b.p, "two", "a fact is replaced");
    da_buf_reset(&b);
    tap_rc(da_ledger_get_fact(l, "none", &b, &err), &err, "a missing fact");
    tap_is_str(b.p, "", "is nothing");
    (void)da_ledger_reopen_failed(l, &n, &err);
    tap_is_int((long long)n, 5, "failed requests can be opened again");
    da_ledger_close(l);
    da_buf_release(&b);
}

int main(void)
{
    test_round_trip();
    test_uncommitted();
    test_orphans();
    test_refused();
    test_causes_and_facts();
    return tap_done();
}
