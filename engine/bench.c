/* Measuring. What is measured uses the same session and scheduler as everything else. */
#include "engine/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/threads.h"
#include "engine/gguf.h"
#include "engine/session.h"
#include "engine/tokenizer/tokenizer.h"

enum { MAX_REPS = 101, ANSWERS = 3, DOC_TOKENS = 1000, REQUEST_TOKENS = 20, DEFAULT_ANSWER = 120 };
enum { STREAMS = 16, STREAM_STEPS = 24, STREAM_DOCS = (STREAMS + ANSWERS - 1) / ANSWERS };

static const uint32_t SIZES[] = {200, 400, 600, 800, 1000};

static const char *const QUESTIONS[] = {
    "Which river flows through Vienna?",
    "How many bones does an adult human have?",
    "Who wrote the opera The Magic Flute?",
    "What is the boiling point of water at sea level in degrees Celsius?",
    "In which year did the first people walk on the Moon?",
};

static const char SUMMARIZE[] =
    "Read the document below and summarize it in three sentences for a busy reader.\n\n";

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
    struct da_ids text; /* a request, then many tokens of TEXT */
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
    enum da_rc rc = encode(b, SUMMARIZE, &b->text);
    while (!rc && b->text.n < n) {
        rc = encode(b, TEXT, &b->text);
        if (rc)
            return rc;
    }
    return rc;
}

/* Joules for 1,000 tokens since before; 0 when nothing tells. */
static double joules_per_1000(const struct bench *b, double before, double n_tokens)
{
    return (da_energy_joules(b->o->energy) - before) / n_tokens * 1000.0;
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
            rows[k] = (struct da_row){.seq = seq, .id = ids[at], .want_logits = at + 1 == n};
        rc = da_session_step(s, rows, k, b->err);
    }
    int32_t id = rc ? 0 : da_session_top(s, 0);
    const double t1 = now_s(b);
    for (uint32_t i = 1; i < b->o->new_tokens && !rc; i++) {
        struct da_row r = {.seq = seq, .id = id, .want_logits = true};
        rc = da_session_step(s, &r, 1, b->err);
        id = rc ? 0 : da_session_top(s, 0);
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
    double energy = 0;
    for (size_t p = 0; p < n_prompts; p++)
        tokens += n[p];
    for (uint32_t r = 0; r <= b->o->n_reps; r++) { /* run 0 warms up and is overwritten */
        if (r == 1)
            energy = da_energy_joules(b->o->energy);
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
    row->joules_per_1000 = joules_per_1000(
        b, energy, ((double)tokens + (double)n_prompts * b->o->new_tokens) * reps);
    return DA_OK;
}

/* --- many streams ------------------------------------------------------------------ */

static enum da_rc read_document(struct bench *b, struct da_session *s, uint32_t doc, uint32_t *seq)
{
    struct da_row rows[DA_ENGINE_BATCH];
    const uint32_t batch = da_session_opts(s)->batch;
    enum da_rc rc = da_seq_open(s, seq, b->err);
    for (uint32_t at = 0; at < DOC_TOKENS && !rc;) {
        uint32_t k = 0;
        for (; k < batch && at < DOC_TOKENS; k++, at++)
            rows[k] = (struct da_row){.seq = *seq, .id = b->text.p[doc + at]};
        rc = da_session_step(s, rows, k, b->err);
    }
    return rc;
}

/* Seconds that STREAM_STEPS tokens of all streams take. */
static enum da_rc decode_streams(struct bench *b, struct da_session *s, const uint32_t *docs,
                                 double *seconds)
{
    struct da_row rows[STREAMS];
    uint32_t n = 0;
    enum da_rc rc = DA_OK;
    for (; n < STREAMS && !rc; n++) {
        rows[n] = (struct da_row){.id = b->text.p[n], .want_logits = true};
        rc = da_seq_fork(s, docs[n / ANSWERS], DOC_TOKENS, &rows[n].seq, b->err);
    }
    const double t0 = now_s(b);
    for (uint32_t i = 0; i < STREAM_STEPS && !rc; i++) {
        rc = da_session_step(s, rows, STREAMS, b->err);
        for (uint32_t k = 0; k < STREAMS && !rc; k++)
            rows[k].id = da_session_top(s, k);
    }
    *seconds = now_s(b) - t0;
    for (uint32_t k = 0; k < n; k++)
        da_seq_close(s, rows[k].seq);
    return rc;
}

static enum da_rc streams_row(struct bench *b, struct da_bench_row *row)
{
    const struct da_session_opts so = {.n_threads = b->o->n_threads,
                                       .kv = b->o->kv,
                                       .n_ctx = DOC_TOKENS + STREAM_STEPS,
                                       .n_seqs = STREAMS + STREAM_DOCS};
    double otps[MAX_REPS], run[MAX_REPS];
    uint32_t docs[STREAM_DOCS];
    struct da_session *s;
    enum da_rc rc = da_session_new(&s, b->m, &so, b->err);
    if (rc)
        return rc;
    for (uint32_t d = 0; d < STREAM_DOCS && !rc; d++)
        rc = read_document(b, s, d, &docs[d]);
    double energy = 0;
    const uint64_t cpu0 = da_cpu_time_ns();
    const double t0 = now_s(b);
    for (uint32_t r = 0; r <= b->o->n_reps && !rc; r++) { /* run 0 warms up */
        double t;
        if (r == 1)
            energy = da_energy_joules(b->o->energy);
        rc = decode_streams(b, s, docs, &t);
        otps[r ? r - 1 : 0] = STREAMS * STREAM_STEPS / t;
        run[r ? r - 1 : 0] = t;
    }
    if (!rc) {
        row->cpu_use = (double)(da_cpu_time_ns() - cpu0) * 1e-9 / (now_s(b) - t0);
        snprintf(row->prompt, sizeof row->prompt, "%d streams, %d a document", STREAMS, ANSWERS);
        row->prompt_tokens = DOC_TOKENS;
        row->new_tokens = STREAM_STEPS;
        row->threads = da_session_opts(s)->n_threads;
        row->otps = median(otps, b->o->n_reps, &row->otps_spread);
        row->runtime_s = median(run, b->o->n_reps, NULL);
        row->peak_rss_bytes = da_peak_rss_bytes();
        row->joules_per_1000 =
            joules_per_1000(b, energy, (double)STREAMS * STREAM_STEPS * b->o->n_reps);
    }
    da_session_free(s);
    return rc;
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
    const double energy = da_energy_joules(b->o->energy);
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
    row->joules_per_1000 =
        joules_per_1000(b, energy, (double)(st->n_prompt_tokens + st->n_new_tokens));
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

/* A summary of a document, request included. */
static enum da_rc document_row(struct bench *b, struct da_session *s, size_t n,
                               struct da_bench_row *row)
{
    const int32_t *ids = b->text.p;
    return single_row(b, s, &ids, &n, 1, row);
}

/* The longest document with other threads or another batch. */
static enum da_rc sweep_row(struct bench *b, unsigned n_threads, uint32_t batch,
                            struct da_bench_row *row)
{
    struct da_session *s;
    const struct da_session_opts so = {.n_threads = n_threads,
                                       .kv = b->o->kv,
                                       .n_ctx = DOC_TOKENS + b->o->new_tokens,
                                       .batch = batch};
    enum da_rc rc = da_session_new(&s, b->m, &so, b->err);
    if (rc)
        return rc;
    if (batch)
        snprintf(row->prompt, sizeof row->prompt, "1000 tokens in steps of %u", batch);
    else
        snprintf(row->prompt, sizeof row->prompt, "1000 tokens, %u thread%s", n_threads,
                 n_threads == 1 ? "" : "s");
    rc = document_row(b, s, DOC_TOKENS, row);
    da_session_free(s);
    return rc;
}

struct giver {
    enum da_rc (*fn)(void *ctx, const struct da_bench_row *row, struct da_err *err);
    void *ctx;
};

static enum da_rc single_rows(struct bench *b, const struct giver *give)
{
    struct da_session *s;
    const struct da_session_opts so = {.n_threads = b->o->n_threads,
                                       .kv = b->o->kv,
                                       .n_ctx = DOC_TOKENS + b->o->new_tokens};
    struct da_bench_row row = {0};
    enum da_rc rc = da_session_new(&s, b->m, &so, b->err);
    if (rc)
        return rc;
    if ((b->o->rows & DA_BENCH_QUESTION) &&
        ((rc = question_row(b, s, &row)) || (rc = give->fn(give->ctx, &row, b->err))))
        goto out;
    for (size_t i = 0; i < DA_ARRAY_LEN(SIZES); i++) {
        if (!(b->o->rows & DA_BENCH_200 << i))
            continue;
        if (SIZES[i] + b->o->new_tokens > da_session_opts(s)->n_ctx)
            break;
        row = (struct da_bench_row){0};
        snprintf(row.prompt, sizeof row.prompt, "document of %u tokens", SIZES[i]);
        if ((rc = document_row(b, s, SIZES[i], &row)) || (rc = give->fn(give->ctx, &row, b->err)))
            break;
    }
out:
    da_session_free(s);
    return rc;
}

static enum da_rc sweeps(struct bench *b, const struct giver *give)
{
    static const uint32_t BATCHES[] = {1, 8, 32, 128, 512};
    const unsigned most = b->o->n_threads ? b->o->n_threads : da_threads_available();
    enum da_rc rc = DA_OK;
    for (unsigned n = 1; (b->o->rows & DA_BENCH_THREADS) && !rc; n = 2 * n < most ? 2 * n : most) {
        struct da_bench_row row = {0};
        if (!(rc = sweep_row(b, n, 0, &row)))
            rc = give->fn(give->ctx, &row, b->err);
        if (n == most)
            break;
    }
    for (size_t i = 0; (b->o->rows & DA_BENCH_BATCH) && i < DA_ARRAY_LEN(BATCHES) && !rc; i++) {
        struct da_bench_row row = {0};
        if (!(rc = sweep_row(b, b->o->n_threads, BATCHES[i], &row)))
            rc = give->fn(give->ctx, &row, b->err);
    }
    return rc;
}

/* Rows whose prompts the model's context holds. */
static enum da_rc all_rows(struct bench *b, const struct giver *give)
{
    const uint32_t rows = b->o->rows, n_ctx = da_model_facts(b->m)->n_ctx;
    enum da_rc rc = DA_OK;
    if (rows & (DA_BENCH_QUESTION | DA_BENCH_200 | DA_BENCH_400 | DA_BENCH_600 | DA_BENCH_800 |
                DA_BENCH_1000))
        rc = single_rows(b, give);
    if (!rc && (rows & DA_BENCH_STREAMS) && DOC_TOKENS + STREAM_STEPS <= n_ctx) {
        struct da_bench_row row = {0};
        if (!(rc = streams_row(b, &row)))
            rc = give->fn(give->ctx, &row, b->err);
    }
    if (!rc && (rows & DA_BENCH_SCORING) && b->o->n_documents &&
        DOC_TOKENS + REQUEST_TOKENS + b->o->new_tokens <= n_ctx) {
        struct da_bench_row row = {0};
        if (!(rc = scoring_row(b, &row)))
            rc = give->fn(give->ctx, &row, b->err);
    }
    if (!rc && DOC_TOKENS + b->o->new_tokens <= n_ctx)
        rc = sweeps(b, give);
    return rc;
}

uint32_t da_bench_row_named(struct da_span name)
{
    static const char *const NAMES[] = {"question", "200",     "400",     "600",     "800",
                                        "1000",     "streams", "scoring", "threads", "batch"};
    for (uint32_t i = 0; i < DA_ARRAY_LEN(NAMES); i++)
        if (da_span_is(name, NAMES[i]))
            return 1u << i;
    return 0;
}

enum da_rc da_bench_run(const struct da_model *m, const struct da_bench_opts *opts,
                        enum da_rc (*give)(void *ctx, const struct da_bench_row *row,
                                           struct da_err *err),
                        void *ctx, struct da_err *err)
{
    struct da_bench_opts o = *opts;
    o.new_tokens = o.new_tokens < 2 ? DEFAULT_ANSWER : o.new_tokens;
    o.n_reps = !o.n_reps ? 5 : o.n_reps > MAX_REPS ? MAX_REPS : o.n_reps;
    o.rows = o.rows ? o.rows : DA_BENCH_DEFAULT;
    struct bench b = {.m = m, .o = &o, .err = err};
    const struct giver giver = {give, ctx};
    enum da_rc rc = DA_OK;
    da_ids_init(&b.text);
    b.scratch = da_tok_scratch_new();
    if (da_gguf_find(da_model_gguf(m), "tokenizer.ggml.model"))
        rc = da_tokenizer_open_gguf(&b.tok, da_model_gguf(m), err);
    if (!rc && !(rc = make_text(&b, DOC_TOKENS + 256)))
        rc = all_rows(&b, &giver);
    da_tokenizer_close(b.tok);
    da_tok_scratch_free(b.scratch);
    da_ids_release(&b.text);
    return rc;
}
