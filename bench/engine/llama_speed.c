/*
 * The same work done by llama.cpp, through its own library: one line of JSON for
 * each way of doing a test, with the seconds of every repetition.
 *
 *     llama_speed MODEL THREADS REPS TEST[:WAYS]...
 *
 * prefill   a prompt of 1,000 tokens
 * decode    one stream of NEW_TOKENS tokens behind 1,000
 * streams   16 streams, three to a document, behind 1,000 shared tokens each
 * job1      a document of 1,000 tokens with three answers of ANSWER tokens
 * job6      six such documents in one batch
 *
 * Every test runs with flash attention off and on; streams and jobs with one
 * buffer of keys and values for all sequences and with one for each; WAYS, digits,
 * picks some (bit 0: flash attention, bit 1: one buffer). Tokens are not chosen from
 * the logits, which spares the peer that work.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <llama.h>

enum {
    DOC = 1000,
    REQUEST = 20,
    NEW_TOKENS = 64,
    ANSWER = 120,
    STREAMS = 16,
    STREAM_TOKENS = 24,
    PER_DOC = 3,
    JOB_DOCS = 6,
    BATCH = 2048,
    UBATCH = 512
};

struct peer {
    struct llama_model *model;
    struct llama_context *ctx;
    struct llama_batch batch;
    int n_vocab, n_threads;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void quiet(enum ggml_log_level level, const char *text, void *ctx)
{
    (void)ctx;
    if (level == GGML_LOG_LEVEL_ERROR)
        fputs(text, stderr);
}

static void die(const char *what)
{
    fprintf(stderr, "llama_speed: %s\n", what);
    exit(1);
}

static void add(struct peer *p, int seq, int pos, bool logits)
{
    struct llama_batch *b = &p->batch;
    int i = b->n_tokens++;
    b->token[i] = (llama_token)((seq * 7919 + pos * 31 + 17) % (p->n_vocab - 300) + 260);
    b->pos[i] = pos;
    b->n_seq_id[i] = 1;
    b->seq_id[i][0] = seq;
    b->logits[i] = logits;
}

static void flush(struct peer *p)
{
    if (p->batch.n_tokens && llama_decode(p->ctx, p->batch) != 0)
        die("llama_decode failed");
    p->batch.n_tokens = 0;
}

static void feed(struct peer *p, int seq, int from, int to, bool last_logits)
{
    for (int pos = from; pos < to; pos++) {
        add(p, seq, pos, last_logits && pos + 1 == to);
        if (p->batch.n_tokens == UBATCH)
            flush(p);
    }
}

static void open_context(struct peer *p, int n_seqs, bool flash, bool unified)
{
    struct llama_context_params c = llama_context_default_params();
    c.n_ctx = (uint32_t)((DOC + REQUEST + ANSWER + 64) * n_seqs);
    c.n_batch = BATCH;
    c.n_ubatch = UBATCH;
    c.n_seq_max = (uint32_t)n_seqs;
    c.n_threads = c.n_threads_batch = p->n_threads;
    c.flash_attn_type = flash ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    c.kv_unified = unified;
    c.no_perf = true;
    p->ctx = llama_init_from_model(p->model, c);
    if (!p->ctx)
        die("no context");
}

/* Decodes n steps of sequences [0, n_seqs), all at position pos. */
static void decode(struct peer *p, int n_seqs, int pos, int n)
{
    for (int i = 0; i < n; i++) {
        for (int s = 0; s < n_seqs; s++)
            add(p, s, pos + i, true);
        flush(p);
    }
}

static double prefill(struct peer *p)
{
    double t0 = now();
    feed(p, 0, 0, DOC, true);
    flush(p);
    return now() - t0;
}

static double one_stream(struct peer *p)
{
    feed(p, 0, 0, DOC, true);
    flush(p);
    double t0 = now();
    decode(p, 1, DOC, NEW_TOKENS);
    return now() - t0;
}

/* Documents in the first sequence of each three, copied to the other two. */
static void documents(struct peer *p, int n_seqs)
{
    for (int s = 0; s < n_seqs; s += PER_DOC)
        feed(p, s, 0, DOC, false);
    flush(p);
    for (int s = 0; s < n_seqs; s++)
        if (s % PER_DOC)
            llama_memory_seq_cp(llama_get_memory(p->ctx), s - s % PER_DOC, s, -1, -1);
}

static double streams(struct peer *p)
{
    documents(p, STREAMS);
    double t0 = now();
    decode(p, STREAMS, DOC, STREAM_TOKENS);
    return now() - t0;
}

static double job(struct peer *p, int n_docs)
{
    const int n = n_docs * PER_DOC;
    double t0 = now();
    documents(p, n);
    for (int s = 0; s < n; s++)
        feed(p, s, DOC, DOC + REQUEST, true);
    flush(p);
    decode(p, n, DOC + REQUEST, ANSWER - 1);
    return now() - t0;
}

static double once(struct peer *p, const char *test)
{
    llama_memory_clear(llama_get_memory(p->ctx), true);
    if (strcmp(test, "prefill") == 0)
        return prefill(p);
    if (strcmp(test, "decode") == 0)
        return one_stream(p);
    if (strcmp(test, "streams") == 0)
        return streams(p);
    return job(p, strcmp(test, "job1") == 0 ? 1 : JOB_DOCS);
}

/* What a second of the test is worth: tokens, or documents for a minute. */
static double worth(const char *test)
{
    if (strcmp(test, "prefill") == 0)
        return DOC;
    if (strcmp(test, "decode") == 0)
        return NEW_TOKENS;
    if (strcmp(test, "streams") == 0)
        return STREAMS * STREAM_TOKENS;
    return 60.0 * (strcmp(test, "job1") == 0 ? 1 : JOB_DOCS);
}

static void run(struct peer *p, const char *test, const char *ways, int n_seqs, int reps, bool warm)
{
    for (int way = 0; way < (n_seqs > 1 ? 4 : 2); way++) {
        if (*ways && !strchr(ways, '0' + way))
            continue;
        const bool flash = way & 1, unified = way & 2;
        open_context(p, n_seqs, flash, unified);
        if (warm)
            (void)once(p, test);
        printf("{\"test\":\"%s\",\"flash\":%s,\"unified\":%s,\"worth\":%g,\"seconds\":[", test,
               flash ? "true" : "false", unified ? "true" : "false", worth(test));
        for (int r = 0; r < reps; r++)
            printf("%s%.6f", r ? "," : "", once(p, test));
        printf("]}\n");
        fflush(stdout);
        llama_free(p->ctx);
    }
}

int main(int argc, char **argv)
{
    struct peer p = {0};
    if (argc < 5)
        die("usage: llama_speed MODEL THREADS REPS TEST...");
    llama_log_set(quiet, NULL);
    llama_backend_init();
    p.n_threads = (int)strtol(argv[2], NULL, 10);
    p.model = llama_model_load_from_file(argv[1], llama_model_default_params());
    if (!p.model)
        die("cannot load the model");
    p.n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(p.model));
    p.batch = llama_batch_init(BATCH, 0, 1);
    printf("{\"system\":\"%s\"}\n", llama_print_system_info());
    for (int i = 4; i < argc; i++) {
        char test[32] = "";
        size_t n = strcspn(argv[i], ":");
        const char *ways = argv[i][n] ? argv[i] + n + 1 : "";
        memcpy(test, argv[i], n < sizeof test - 1 ? n : sizeof test - 1);
        int n_seqs = strcmp(test, "streams") == 0 ? STREAMS
                     : strcmp(test, "job1") == 0  ? PER_DOC
                     : strcmp(test, "job6") == 0  ? JOB_DOCS * PER_DOC
                                                  : 1;
        run(&p, test, ways, n_seqs, (int)strtol(argv[3], NULL, 10), n_seqs == 1);
    }
    llama_batch_free(p.batch);
    llama_model_free(p.model);
    llama_backend_free();
    return 0;
}
