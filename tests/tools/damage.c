/*
 * damage EVERY KIND FILE TARGET: cuts and flips FILE in place, systematically, and opens TARGET as
 * a model|embedder|tokenizer|import each time. The header is cut before each EVERY-th byte and has
 * every bit of each EVERY-th byte flipped (EVERY coprime to 8 reaches all fields); the data behind
 * it is damaged at 64 places. What must hold:
 *
 *   - nothing crashes, hangs, or needs more memory than the file's size and ROOM;
 *   - a cut file is refused;
 *   - what is refused names the tensor, key or member, in quotes, or the part of the file.
 *
 * A flipped file may be valid: then it is used, too. Prints one line of figures to stdout and what
 * does not hold to stderr (exit 1); with DAMAGE_SHOW each kind of message that names nothing.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/mem.h"
#include "engine/embedder.h"
#include "engine/gguf.h"
#include "engine/model/import.h"
#include "engine/model/model.h"
#include "engine/session.h"
#include "engine/tokenizer/tokenizer.h"

enum { SAMPLES = 64, SECONDS = 20, FIELD_BITS = 8, FIRST_NAME = 48, MAX_SHOWN = 12 };
/* What opening anything may take besides the file's own size: threads, tables, this program. */
#define ROOM ((size_t)96 << 20)

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

enum kind { MODEL, EMBEDDER, TOKENIZER, IMPORT };
static const char *const KINDS[] = {"model", "embedder", "tokenizer", "import"};

struct tally { /* shared with the child that does the work */
    size_t at;
    size_t n_cuts, n_flips, n_cut_accepted, n_flip_accepted, n_unnamed, n_failed;
    size_t peak_kib;
};

struct job {
    enum kind kind;
    const char *file, *target;
    char out[512];
    struct da_buf whole;
    size_t header;
    size_t every;
    struct tally *t;
};

/* --- opening and using ------------------------------------------------------------------ */

static enum da_rc use_model(const char *path, struct da_err *err)
{
    struct da_model *m = NULL;
    struct da_session *s = NULL;
    struct da_tokenizer *tok = NULL;
    uint32_t seq;
    const struct da_session_opts so = {.n_threads = 1, .batch = 4, .kv_max_bytes = 4 << 20};
    enum da_rc rc = da_model_open(&m, path, &(struct da_model_opts){.n_threads = 1}, err);
    if (rc)
        return rc;
    if (!(rc = da_tokenizer_open(&tok, path, err)) &&
        !(rc = da_session_new(&s, m, &so, err)) && !(rc = da_seq_open(s, &seq, err)))
        rc = da_session_step(s, &(struct da_row){.seq = seq, .id = 1, .want_logits = true}, 1, err);
    da_session_free(s);
    da_tokenizer_close(tok);
    da_model_close(m);
    return rc;
}

static enum da_rc use_embedder(const char *path, struct da_err *err)
{
    struct da_embedder *e;
    const struct da_span text = da_span_str("a river");
    enum da_rc rc = da_embedder_open(&e, path, &(struct da_embedder_opts){.n_threads = 1}, err);
    if (rc)
        return rc;
    float *v = da_malloc(da_embedder_dim(e) * sizeof *v);
    rc = da_embed(e, &text, 1, v, err);
    free(v);
    da_embedder_close(e);
    return rc;
}

static enum da_rc use_tokenizer(const char *path, struct da_err *err)
{
    static const char TEXT[] = "The river \xc3\xa9\xff  1234,\n\nin towns.";
    struct da_tokenizer *t;
    struct da_ids ids;
    enum da_rc rc = da_tokenizer_open(&t, path, err);
    if (rc)
        return rc;
    struct da_tok_scratch *s = da_tok_scratch_new();
    da_ids_init(&ids);
    rc = da_tokenizer_encode(t, s, da_span_str(TEXT), DA_TOK_ADD_SPECIAL | DA_TOK_PARSE_SPECIAL,
                             &ids, err);
    da_ids_release(&ids);
    da_tok_scratch_free(s);
    da_tokenizer_close(t);
    return rc;
}

static enum da_rc use(const struct job *j, struct da_err *err)
{
    const struct da_import_opts io = {
        .type = DA_Q_F16, .no_tokenizer = true, .n_threads = 1, .name = "damaged"};
    switch (j->kind) {
    case MODEL:
        return use_model(j->target, err);
    case EMBEDDER:
        return use_embedder(j->target, err);
    case TOKENIZER:
        return use_tokenizer(j->target, err);
    case IMPORT:
        return da_import(j->target, j->out, &io, NULL, err);
    }
    return DA_OK;
}

/* --- damaging --------------------------------------------------------------------------- */

/* Damage i: false when there is no more. Cuts come first, from the end, then flips. */
static bool damage_of(const struct job *j, size_t i, bool *cut, size_t *at, unsigned *bit)
{
    const size_t len = j->whole.len, tail = len - j->header;
    const size_t n_samples = tail < SAMPLES ? tail : SAMPLES;
    const size_t n_head = (j->header + j->every - 1) / j->every;
    const size_t n_places = n_head + n_samples;
    *cut = i < n_places;
    size_t place = i;
    *bit = 0;
    if (*cut) {
        place = n_places - 1 - i;
    } else {
        place = (i - n_places) / FIELD_BITS;
        *bit = (unsigned)((i - n_places) % FIELD_BITS);
        if (place >= n_places)
            return false;
    }
    *at = place < n_head ? place * j->every
                         : j->header + (place - n_head) * tail / n_samples;
    return true;
}

static void put(int fd, const void *p, size_t n, size_t at)
{
    if (pwrite(fd, p, n, (off_t)at) != (ssize_t)n)
        abort();
}

/* Before the first name there is none to say, nor in a zip file without the directory at its end;
 * the message then tells the part of the file. */
static bool named(const char *msg, size_t at)
{
    return strchr(msg, '\'') || (at < FIRST_NAME && *msg) || strstr(msg, "not an archive");
}

static void judge(struct job *j, bool cut, size_t at, unsigned bit)
{
    struct tally *t = j->t;
    struct da_err err = {0};
    struct rusage ru;
    alarm(SECONDS);
    const enum da_rc rc = use(j, &err);
    alarm(0);
    (void)getrusage(RUSAGE_SELF, &ru);
    t->peak_kib = (size_t)ru.ru_maxrss > t->peak_kib ? (size_t)ru.ru_maxrss : t->peak_kib;
    *(cut ? &t->n_cuts : &t->n_flips) += 1;
    if (!rc) {
        *(cut ? &t->n_cut_accepted : &t->n_flip_accepted) += 1;
        if (cut && t->n_cut_accepted <= MAX_SHOWN)
            fprintf(stderr, "%s: cut at byte %zu of %zu, accepted\n", j->file, at, j->whole.len);
    } else if (!named(err.msg, at)) {
        t->n_unnamed++;
        if (t->n_unnamed <= MAX_SHOWN || getenv("DAMAGE_SHOW"))
            fprintf(stderr, "%s: %s %zu.%u, names nothing: %s\n", j->file, cut ? "cut" : "flip",
                    at, bit, err.msg);
    }
}

static void limit_memory(const struct job *j)
{
#ifndef SANITIZED
    struct rlimit r;
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f)
        return;
    char line[128];
    if (fgets(line, sizeof line, f))
        pages = strtoul(line, NULL, 10);
    (void)fclose(f);
    r.rlim_cur = r.rlim_max =
        (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + j->whole.len + ROOM;
    (void)setrlimit(RLIMIT_AS, &r);
#else
    (void)j; /* there ASan's own limit of an allocation holds, see the script */
#endif
}

/* The child: from t->at on, until done or dead. */
static void work(struct job *j)
{
    bool cut;
    size_t at;
    unsigned bit;
    const int fd = open(j->file, O_RDWR);
    if (fd < 0)
        abort();
    limit_memory(j);
    put(fd, j->whole.p, j->whole.len, 0);
    for (size_t len = 0; damage_of(j, j->t->at, &cut, &at, &bit); j->t->at++) {
        const char good = j->whole.p[at];
        const char bad = (char)(good ^ (1 << bit));
        if (cut && ftruncate(fd, (off_t)(len = at)) != 0)
            abort();
        if (!cut && len < j->whole.len)
            put(fd, j->whole.p, len = j->whole.len, 0);
        if (!cut)
            put(fd, &bad, 1, at);
        judge(j, cut, at, bit);
        if (!cut)
            put(fd, &good, 1, at);
    }
    (void)close(fd);
}

static void run(struct job *j)
{
    bool cut;
    size_t at;
    unsigned bit;
    struct da_err err;
    while (damage_of(j, j->t->at, &cut, &at, &bit)) {
        int status = 0;
        const pid_t pid = fork();
        if (pid == 0) {
            work(j);
            _exit(0);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
            abort();
        if (status == 0)
            break;
        (void)damage_of(j, j->t->at, &cut, &at, &bit);
        fprintf(stderr, "%s: %s %zu.%u: %s %d\n", j->file, cut ? "cut" : "flip", at, bit,
                WIFSIGNALED(status) ? "killed by signal" : "exit code",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        j->t->n_failed++;
        j->t->at++;
    }
    (void)da_io_write_file(j->file, j->whole.p, j->whole.len, &err);
}

/* Bytes before the data: a table of tensors, where the format has one. */
static size_t header_of(const struct job *j)
{
    struct da_gguf *g;
    uint64_t n = 0;
    if (da_gguf_open_memory(&g, j->whole.p, j->whole.len, j->file, NULL) == DA_OK) {
        const size_t len = da_gguf_header_bytes(g).len;
        da_gguf_close(g);
        return len;
    }
    if (!strstr(j->file, ".safetensors") || strstr(j->file, ".json") || j->whole.len < 8)
        return j->whole.len;
    for (int i = 0; i < 8; i++)
        n |= (uint64_t)(unsigned char)j->whole.p[i] << (8 * i);
    return n < j->whole.len - 8 ? (size_t)n + 8 : j->whole.len;
}

int main(int argc, char **argv)
{
    struct job j = {.every = 1};
    struct da_err err;
    size_t kind = 0;
    if (argc != 5 || (j.every = strtoul(argv[1], NULL, 10)) == 0)
        return 2;
    while (kind < DA_ARRAY_LEN(KINDS) && strcmp(argv[2], KINDS[kind]) != 0)
        kind++;
    if (kind == DA_ARRAY_LEN(KINDS))
        return 2;
    j.kind = (enum kind)kind;
    j.file = argv[3];
    j.target = argv[4];
    snprintf(j.out, sizeof j.out, "%s.damaged.gguf", argv[3]);
    da_buf_init(&j.whole, 0);
    j.t = mmap(NULL, sizeof *j.t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (j.t == MAP_FAILED || da_io_read_file(j.file, SIZE_MAX / 2, &j.whole, &err)) {
        fprintf(stderr, "damage: %s\n", err.msg);
        return 2;
    }
    if (use(&j, &err)) { /* whole, it must be right */
        fprintf(stderr, "damage: %s\n", err.msg);
        return 2;
    }
    while (j.whole.p[0] == '{' && j.whole.p[j.whole.len - 1] == '\n')
        da_buf_truncate(&j.whole, j.whole.len - 1); /* nobody misses the end of a line of JSON */
    j.header = header_of(&j);
    run(&j);
    const struct tally *t = j.t;
    printf("%zu cuts, %zu accepted; %zu flips, %zu accepted; %zu errors name nothing; %zu crashed "
           "or hung; at most %zu MiB\n",
           t->n_cuts, t->n_cut_accepted, t->n_flips, t->n_flip_accepted, t->n_unnamed, t->n_failed,
           t->peak_kib >> 10);
    (void)unlink(j.out);
    da_buf_release(&j.whole);
    return t->n_cut_accepted || t->n_unnamed || t->n_failed ? 1 : 0;
}
