/* Measuring. What is measured uses the same session and scheduler as everything else. */
#include "engine/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/gguf.h"
#include "engine/session.h"
#include "engine/tokenizer/tokenizer.h"

enum { MAX_REPS = 101, ANSWERS = 3, DOC_TOKENS = 1000, REQUEST_TOKENS = 20, DEFAULT_ANSWER = 120 };

static const uint32_t SIZES[] = {200, 400, 600, 800, 1000};

static const char *const QUESTIONS[] = {
    "Which river flows through Vienna?",
    "How many bones does an adult human have?",
    "Who wrote the opera The Magic Flute?",
    "What is the boiling point of water at sea level in degrees Celsius?",
    "In which year did the first people walk on the Moon?",
};

/* Repeated until there are enough tokens; what it says does not matter, that it is prose does. */
static const char TEXT[] =
    "The harbour authority met on Tuesday to review the plan for the eastern quay. Three of the "
    "five cranes are older than thirty years, and repairs cost 1.4 million euros last winter. The "
    "engineers propose to replace two of them in 2026 and to strengthen the wall below the third. "
    "Fishing boats would move to the inner basin for nine weeks; their owners asked for a smaller "
    "fee during that time. A study of the currents, made by the university, shows that the basin "
    "fills with sand faster than expected, so dredging has to begin before the autumn storms. The "
    "council will decide in March. Until then the speed limit near the lock stays at four knots. ";

struct bench {
    const struct da_model *m;
    const struct da_bench_opts *o;
    struct da_tokenizer *tok;
    struct da_tok_scratch *scratch;
    struct da_ids text; /* many tokens of TEXT */
    struct da_err *err;
};

static double now_s(const struct bench *b)
{
    return (double)da_now_ns(b->o->clock) * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *v, uint32_t n, double *spread)
{
    qsort(v, n, sizeof *v, by_value);
    double mid = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
    if (spread)
        *spread = mid > 0 ? (v[n - 1] - v[0]) / mid : 0;
    return mid;
}

static enum da_rc encode(struct bench *b, const char *text, struct da_ids *out)
{
    if (b->tok)
        return da_tokenizer_encode(b->tok, b->scratch, da_span_str(text), 0, out, b->err);
    const uint32_t n_vocab = da_model_facts(b->m)->n_vocab;
    for (const char *p = text; *p; p += 4 < strlen(p) ? 4 : strlen(p)) /* no tokenizer: any ids */
        da_ids_add(out, (int32_t)((unsigned char)*p * 31u % n_vocab));
    return DA_OK;
}

static enum da_rc make_text(struct bench *b, size_t n)
{
    while (b->text.n < n) {
        enum da_rc rc = encode(b, TEXT, &b->text);
        if (rc)
            return rc;
    }
    return DA_OK;
}

struct timing {
    double ttft, decode, cpu;
};

/* One request from an empty sequence to its last token. */
static enum da_rc one_request(struct bench *b, struct da_session *s, const int32_t *ids, size_t n,
                              struct timing *t)
{
    struct da_row rows[DA_ENGINE_BATCH];
    const uint32_t batch = da_session_opts(s)->batch;
    uint32_t seq;
    enum da_rc rc = da_seq_open(s, &seq, b->err);
    if (rc)
        return rc;
    const uint64_t cpu0 = da_cpu_time_ns();
    const double t0 = now_s(b);
    for (size_t at = 0; at < n && !rc;) {
        uint32_t k = 0;
        for (; k < batch && at < n; k++, at++)
            rows[k] = (struct da_row){seq, ids[at], at + 1 == n};
        rc = da_session_step(s, rows, k, b->err);
    }
    int32_t id = rc ? 0 : da_logits_argmax(b->m, da_session_logits(s, 0));
    const double t1 = now_s(b);
    for (uint32_t i = 1; i < b->o->new_tokens && !rc; i++) {
        struct da_row r = {seq, id, true};
        rc = da_session_step(s, &r, 1, b->err);
        id = rc ? 0 : da_logits_argmax(b->m, da_session_logits(s, 0));
    }
    const double t2 = now_s(b);
    *t = (struct timing){t1 - t0, t2 - t1, (double)(da_cpu_time_ns() - cpu0) * 1e-9};
    da_seq_close(s, seq);
    return rc;
}

static enum da_rc single_row(struct bench *b, struct da_session *s, const int32_t *const *ids,
                             const size_t *n, size_t n_prompts, struct da_bench_row *row)
{
    double itps[MAX_REPS], otps[MAX_REPS], ttft[MAX_REPS], run[MAX_REPS], cpu[MAX_REPS];
    size_t tokens = 0;
    for (size_t p = 0; p < n_prompts; p++)
        tokens += n[p];
    for (uint32_t r = 0; r <= b->o->n_reps; r++) { /* run 0 warms up and is overwritten */
        struct timing sum = {0, 0, 0};
        for (size_t p = 0; p < n_prompts; p++) {
            struct timing t;
            enum da_rc rc = one_request(b, s, ids[p], n[p], &t);
            if (rc)
                return rc;
            sum.ttft += t.ttft;
            sum.decode += t.decode;
            sum.cpu += t.cpu;
        }
        uint32_t i = r ? r - 1 : 0;
        double each = (double)n_prompts;
        itps[i] = (double)tokens / sum.ttft;
        otps[i] = each * (b->o->new_tokens - 1) / sum.decode;
        ttft[i] = sum.ttft / each;
        run[i] = (sum.ttft + sum.decode) / each;
        cpu[i] = sum.cpu / (sum.ttft + sum.decode);
    }
    const uint32_t reps = b->o->n_reps;
    row->prompt_tokens = (uint32_t)((tokens + n_prompts / 2) / n_prompts);
    row->new_tokens = b->o->new_tokens;
    row->threads = da_session_opts(s)->n_threads;
    row->itps = median(itps, reps, &row->itps_spread);
    row->otps = median(otps, reps, &row->otps_spread);
    row->ttft_s = median(ttft, reps, NULL);
    row->runtime_s = median(run, reps, NULL);
    row->cpu_use = median(cpu, reps, NULL);
    row->peak_rss_bytes = da_peak_rss_bytes();
    return DA_OK;
}

/* --- scoring ----------------------------------------------------------------------- */

struct workload {
    struct bench *b;
    uint32_t next, n;
    int32_t *ids; /* one prompt at a time: the engine copies it */
    char group[24], id[32];
    double first_s; /* when the first token came */
};

static enum da_rc next_request(void *ctx, struct da_request *req, bool *end, struct da_err *err)
{
    struct workload *w = ctx;
    (void)err;
    if (w->next == w->n) {
        *end = true;
        return DA_OK;
    }
    const uint32_t doc = w->next / ANSWERS, k = w->next % ANSWERS;
    const int32_t *text = w->b->text.p;
    /* a document differs from the others in its first token, a request in its last ones */
    memcpy(w->ids, text + doc % 64, DOC_TOKENS * sizeof *w->ids);
    memcpy(w->ids + DOC_TOKENS, text + 70 + k * REQUEST_TOKENS, REQUEST_TOKENS * sizeof *w->ids);
    snprintf(w->group, sizeof w->group, "%u", doc);
    snprintf(w->id, sizeof w->id, "%u/%u", doc, k);
    *req = (struct da_request){.id = da_span_str(w->id),
                               .group = da_span_str(w->group),
                               .ids = w->ids,
                               .n_ids = DOC_TOKENS + REQUEST_TOKENS,
                               .max_new = w->b->o->new_tokens};
    w->next++;
    return DA_OK;
}

static enum da_rc first_token(void *ctx, void *user, int32_t id, bool *stop, struct da_err *err)
{
    struct workload *w = ctx;
    (void)user;
    (void)id;
    (void)stop;
    (void)err;
    if (w->first_s == 0.0)
        w->first_s = now_s(w->b);
    return DA_OK;
}

static enum da_rc ignore_result(void *ctx, void *user, const struct da_result *res,
                                struct da_err *err)
{
    (void)ctx;
    (void)user;
    return res->finish == DA_FINISH_ERROR ? da_fail(err, res->rc, "%s", res->message) : DA_OK;
}

static enum da_rc scoring_row(struct bench *b, struct da_bench_row *row)
{
    const struct da_engine_opts eo = {.n_threads = b->o->n_threads,
                                      .kv = b->o->kv,
                                      .n_ctx = DOC_TOKENS + REQUEST_TOKENS + b->o->new_tokens,
                                      .n_parallel = b->o->n_parallel};
    struct workload w = {.b = b, .n = ANSWERS * b->o->n_documents};
    const struct da_engine_calls calls = {
        .ctx = &w, .next = next_request, .token = first_token, .done = ignore_result};
    struct da_engine *e;
    enum da_rc rc = da_engine_new(&e, b->m, &eo, b->err);
    if (rc)
        return rc;
    w.ids = da_calloc(DOC_TOKENS + REQUEST_TOKENS, sizeof *w.ids);
    const uint64_t cpu0 = da_cpu_time_ns();
    const double t0 = now_s(b);
    rc = da_engine_run(e, &calls, b->err);
    const double t = now_s(b) - t0;
    const struct da_engine_stats *st = da_engine_stats(e);
    snprintf(row->prompt, sizeof row->prompt, "scoring, %u documents x %d", b->o->n_documents,
             ANSWERS);
    row->prompt_tokens = DOC_TOKENS + REQUEST_TOKENS;
    row->new_tokens = b->o->new_tokens;
    row->threads = da_engine_opts(e)->n_threads;
    row->itps = (double)st->n_prompt_tokens / t;
    row->otps = (double)st->n_new_tokens / t;
    row->ttft_s = w.first_s - t0;
    row->runtime_s = t;
    row->cpu_use = (double)(da_cpu_time_ns() - cpu0) * 1e-9 / t;
    row->documents_per_minute = 60.0 * b->o->n_documents / t;
    row->peak_rss_bytes = da_peak_rss_bytes();
    free(w.ids);
    da_engine_free(e);
    return rc;
}

/* --- all ----------------------------------------------------------------------------- */

static enum da_rc question_row(struct bench *b, struct da_session *s, struct da_bench_row *row)
{
    enum { N = DA_ARRAY_LEN(QUESTIONS) };
    struct da_ids ids[N];
    const int32_t *p[N];
    size_t n[N];
    enum da_rc rc = DA_OK;
    for (size_t i = 0; i < N; i++)
        da_ids_init(&ids[i]);
    for (size_t i = 0; i < N && !rc; i++) {
        rc = encode(b, QUESTIONS[i], &ids[i]);
        p[i] = ids[i].p;
        n[i] = ids[i].n;
    }
    snprintf(row->prompt, sizeof row->prompt, "question");
    if (!rc)
        rc = single_row(b, s, p, n, N, row);
    for (size_t i = 0; i < N; i++)
        da_ids_release(&ids[i]);
    return rc;
}

static enum da_rc all_rows(struct bench *b, struct da_session *s,
                           enum da_rc (*give)(void *ctx, const struct da_bench_row *row,
                                              struct da_err *err),
                           void *ctx)
{
    struct da_bench_row row = {0};
    enum da_rc rc = question_row(b, s, &row);
    if (rc || (rc = give(ctx, &row, b->err)))
        return rc;
    for (size_t i = 0; i < DA_ARRAY_LEN(SIZES); i++) {
        const int32_t *ids = b->text.p;
        size_t n = SIZES[i];
        if (n + b->o->new_tokens > da_session_opts(s)->n_ctx)
            break;
        row = (struct da_bench_row){0};
        snprintf(row.prompt, sizeof row.prompt, "document of %u tokens", SIZES[i]);
        if ((rc = single_row(b, s, &ids, &n, 1, &row)) || (rc = give(ctx, &row, b->err)))
            return rc;
    }
    return DA_OK;
}

enum da_rc da_bench_run(const struct da_model *m, const struct da_bench_opts *opts,
                        enum da_rc (*give)(void *ctx, const struct da_bench_row *row,
                                           struct da_err *err),
                        void *ctx, struct da_err *err)
{
    struct da_bench_opts o = *opts;
    o.new_tokens = o.new_tokens < 2 ? DEFAULT_ANSWER : o.new_tokens;
    o.n_reps = !o.n_reps ? 5 : o.n_reps > MAX_REPS ? MAX_REPS : o.n_reps;
    struct bench b = {.m = m, .o = &o, .err = err};
    struct da_session *s = NULL;
    const struct da_session_opts so = {.n_threads = o.n_threads,
                                       .kv = o.kv,
                                       .n_ctx = SIZES[DA_ARRAY_LEN(SIZES) - 1] + o.new_tokens};
    enum da_rc rc;
    da_ids_init(&b.text);
    b.scratch = da_tok_scratch_new();
    if (da_gguf_find(da_model_gguf(m), "tokenizer.ggml.model") &&
        (rc = da_tokenizer_open_gguf(&b.tok, da_model_gguf(m), err)))
        goto out;
    if ((rc = make_text(&b, DOC_TOKENS + 256)) || (rc = da_session_new(&s, m, &so, err)) ||
        (rc = all_rows(&b, s, give, ctx)))
        goto out;
    da_session_free(s);
    s = NULL;
    if (o.n_documents && DOC_TOKENS + REQUEST_TOKENS + o.new_tokens <= da_model_facts(m)->n_ctx) {
        struct da_bench_row row = {0};
        if (!(rc = scoring_row(&b, &row)))
            rc = give(ctx, &row, err);
    }
out:
    da_session_free(s);
    da_tokenizer_close(b.tok);
    da_tok_scratch_free(b.scratch);
    da_ids_release(&b.text);
    return rc;
}
