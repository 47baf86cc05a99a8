/* docassist ingest PATH...: documents in, document records out. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/opt.h"
#include "cli/run_log.h"
#include "common/io.h"
#include "common/threads.h"
#include "ingest/ingest.h"

enum { MAX_PASSWORD_FILE = 65536 };

static const struct da_cmd_help help = {
    "ingest", "[options] [--] PATH...",
    "Reads files and folders, and writes one document record (JSON Lines) for each file with\n"
    "text: cleaned, cut to --max-tokens, with a table of chunks.",
    "Every file ends up in exactly one place: as a record in the output, or as a line with\n"
    "path, status and detail in --errors. Exit status 3 says that some did not give a record."};

struct settings {
    const char *out, *errors, *tokenizer, *meta, *password_file, *shard, *ocr_languages;
    int64_t max_tokens, chunk_tokens, jobs, max_file_mib, memory_mib, timeout_s;
    int cut, html, sandbox, longer, pii, ocr;
    bool count_source, keep_headers, filter, stats, json, restart;
};

static void defaults(struct settings *s)
{
    struct da_request req;
    da_request_defaults(&req);
    *s = (struct settings){.out = "-", .tokenizer = "o200k_base", .max_tokens = 1000,
                           .chunk_tokens = 200};
    s->max_file_mib = req.max_file_bytes >> 20;
    s->memory_mib = req.max_mem_bytes >> 20;
    s->timeout_s = req.cpu_s;
}

static int parse(struct settings *s, int argc, char **argv, struct da_args *args)
{
    const struct da_opt opts[] = {
        DA_OPT_GROUP_OF("Output"),
        DA_OPT_STR_OF('o', "output", &s->out, "FILE", "write records to FILE (default: stdout)"),
        DA_OPT_STR_OF(0, "errors", &s->errors, "FILE", "write files without a record to FILE"),
        DA_OPT_FLAG_OF(0, "stats", &s->stats,
                       "print a table of tokens before and after, types, statuses"),
        DA_OPT_FLAG_OF(0, "json", &s->json, "print it as JSON (implies --stats)"),
        DA_OPT_FLAG_OF(0, "restart", &s->restart, "throw away what an earlier run left"),
        DA_OPT_GROUP_OF("Cutting"),
        DA_OPT_INT_OF(0, "max-tokens", &s->max_tokens, 1, 10000000, "N",
                      "cut documents at N tokens (default: 1000)"),
        DA_OPT_INT_OF(0, "chunk-tokens", &s->chunk_tokens, 16, 1000000, "N",
                      "chunks of at most N tokens (default: 200)"),
        DA_OPT_STR_OF(0, "tokenizer", &s->tokenizer, "NAME|FILE",
                      "o200k_base (default), cl100k_base, a GGUF file or a tokenizer.json"),
        DA_OPT_CHOICE_OF(0, "cut", &s->cut, "sentence|hard",
                         "where to cut: at a sentence end (default) or at exactly the limit"),
        DA_OPT_CHOICE_OF(0, "long", &s->longer, "truncate|segments",
                         "long documents: the beginning (default), or a record for each part"),
        DA_OPT_FLAG_OF(0, "count-source", &s->count_source,
                       "read to the end, so that n_tokens_source is exact"),
        DA_OPT_GROUP_OF("Cleaning"),
        DA_OPT_CHOICE_OF(0, "pii", &s->pii, "keep|mask",
                         "mask: replace e-mail addresses, phone numbers, IPs, cards and keys"),
        DA_OPT_FLAG_OF(0, "filter", &s->filter,
                       "leave out texts that are no prose (Gopher's rules)"),
        DA_OPT_GROUP_OF("Reading"),
        DA_OPT_FLAG_OF(0, "keep-headers", &s->keep_headers,
                       "keep running heads, feet and page numbers"),
        DA_OPT_CHOICE_OF(0, "html", &s->html, "main|full",
                         "the main content of web pages (default) or all of it"),
        DA_OPT_CHOICE_OF(0, "ocr", &s->ocr, "auto|off|force",
                         "read pictures of text where there is none (default), never,\n"
                         "or every page as a picture"),
        DA_OPT_STR_OF(0, "ocr-languages", &s->ocr_languages, "LIST",
                      "tesseract's names, joined by '+' (default: eng)"),
        DA_OPT_STR_OF(0, "password-file", &s->password_file, "FILE",
                      "passwords to try, one a line"),
        DA_OPT_STR_OF(0, "meta", &s->meta, "FILE",
                      "JSON Lines with \"path\" and members for the record's meta"),
        DA_OPT_GROUP_OF("Running"),
        DA_OPT_INT_OF('j', "jobs", &s->jobs, 1, DA_THREADS_MAX, "N",
                      "documents at a time (default: one a processor)"),
        DA_OPT_STR_OF(0, "shard", &s->shard, "I/N", "only part I (from 0) of N of the files"),
        DA_OPT_INT_OF(0, "timeout", &s->timeout_s, 1, 86400, "S",
                      "CPU seconds for one document (default: 30)"),
        DA_OPT_INT_OF(0, "memory", &s->memory_mib, 64, 1 << 20, "MIB",
                      "memory for one document (default: 1024)"),
        DA_OPT_INT_OF(0, "max-file", &s->max_file_mib, 1, 1 << 20, "MIB",
                      "larger files are too_large (default: 1024)"),
        DA_OPT_CHOICE_OF(0, "sandbox", &s->sandbox, "on|off",
                         "off: parse without the system call filter"),
        DA_OPT_END,
    };
    return da_opt_parse(&help, opts, argc, argv, args);
}

/* "I/N" with I < N. */
static bool parse_shard(const char *s, uint64_t *i, uint64_t *n)
{
    char *end;
    if (*s < '0' || *s > '9')
        return false;
    *i = strtoull(s, &end, 10);
    if (*end != '/' || end[1] < '0' || end[1] > '9')
        return false;
    *n = strtoull(end + 1, &end, 10);
    return *end == 0 && *n >= 1 && *i < *n && *n <= 1000000;
}

/* Letters, digits, '_', and '+' between names: the list becomes part of file names. */
static bool copy_languages(const char *list, char out[DA_REQ_MAX_LANGUAGES])
{
    size_t n = strlen(list);
    if (n == 0 || n >= DA_REQ_MAX_LANGUAGES ||
        strspn(list, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+") != n)
        return false;
    memcpy(out, list, n + 1);
    return true;
}

/* Fills req->passwords from the file's lines; b keeps the bytes. */
static enum da_rc read_passwords(const char *path, struct da_buf *b, struct da_request *req,
                                 struct da_err *err)
{
    enum da_rc rc = da_io_read_file(path, MAX_PASSWORD_FILE, b, err);
    for (char *p = b->p; rc == DA_OK && p != NULL && p < b->p + b->len;) {
        char *end = p + strcspn(p, "\n");
        bool last = end >= b->p + b->len;
        *end = 0;
        size_t len = strlen(p);
        if (len > 0 && p[len - 1] == '\r')
            p[--len] = 0;
        if (len > DA_REQ_MAX_PASSWORD_LEN)
            return da_fail(err, DA_ELIMIT, "'%s': a password of more than %d bytes", path,
                           DA_REQ_MAX_PASSWORD_LEN);
        if (len > 0 && req->n_passwords == DA_REQ_MAX_PASSWORDS)
            return da_fail(err, DA_ELIMIT, "'%s': more than %d passwords", path,
                           DA_REQ_MAX_PASSWORDS);
        if (len > 0)
            req->passwords[req->n_passwords++] = p;
        if (last)
            break;
        p = end + 1;
    }
    return rc;
}

/* Beside the program, then where it was installed; never on PATH. */
static void find_helper(struct da_buf *path)
{
    if (da_cli_program_dir()[0] != 0) {
        da_io_join(path, da_cli_program_dir(), "docassist-extract");
        if (da_io_exists(path->p))
            return;
    }
    da_buf_reset(path);
    da_io_join(path, DA_LIBEXECDIR, "docassist-extract");
}

static const char *tokenizer_label(const char *source)
{
    const char *slash = strrchr(source, '/');
    return slash != NULL && slash[1] != 0 ? slash + 1 : source;
}

static void print_stats(const struct settings *s, const struct da_tally *t)
{
    struct da_buf b;
    da_buf_init(&b, 0);
    da_tally_print(t, s->json, &b);
    (void)fwrite(b.p, 1, b.len, strcmp(s->out, "-") == 0 ? stderr : stdout);
    da_buf_release(&b);
}

/* The last line for people, and the exit code. */
static int conclude(const struct settings *s, const struct da_tally *t)
{
    struct da_buf b;
    uint64_t ok = t->n_status[DA_ST_OK], soft = t->n_status[DA_ST_DUPLICATE] +
                                                t->n_status[DA_ST_FILTERED];
    if (s->stats || s->json)
        print_stats(s, t);
    if (ok == t->n_files)
        return DA_EXIT_OK;
    da_buf_init(&b, 0);
    da_tally_failures(t, &b);
    da_log_msg(da_cli_log(), DA_LOG_WARN, "%llu of %llu files gave no document (%s)%s%s",
               (unsigned long long)(t->n_files - ok), (unsigned long long)t->n_files, b.p,
               s->errors != NULL ? "; see " : "", s->errors != NULL ? s->errors : "");
    da_buf_release(&b);
    return ok + soft == t->n_files ? DA_EXIT_OK : DA_EXIT_PARTIAL;
}

static int run(const struct settings *s, const struct da_args *args)
{
    struct da_ingest_opts o = {
        .paths = (const char *const *)args->argv,
        .n_paths = (size_t)args->n,
        .out = s->out,
        .errors = s->errors,
        .tok_name = tokenizer_label(s->tokenizer),
        .max_tokens = (size_t)s->max_tokens,
        .chunk_tokens = (size_t)s->chunk_tokens,
        .hard_cut = s->cut == 1,
        .segments = s->longer == 1,
        .filter = s->filter,
        .mask_pii = s->pii == 1,
        .count_source = s->count_source,
        .restart = s->restart,
        .jobs = s->jobs > 0 ? (unsigned)s->jobs : da_threads_available(),
        .n_shards = 1,
        .log = da_cli_log(),
        .stop = da_cli_catch_interrupt(),
    };
    da_request_defaults(&o.req);
    o.req.keep_headers = s->keep_headers;
    o.req.html_full = s->html == 1;
    o.req.sandbox = s->sandbox == 0;
    o.req.ocr = s->ocr;
    if (s->ocr_languages != NULL && !copy_languages(s->ocr_languages, o.req.ocr_languages))
        return da_opt_usage(&help, "--ocr-languages '%s' is not a list like eng+deu",
                            s->ocr_languages);
    o.req.cpu_s = s->timeout_s;
    o.req.wall_s = 20 * s->timeout_s + 60;
    o.req.max_mem_bytes = s->memory_mib << 20;
    o.req.max_file_bytes = s->max_file_mib << 20;
    if (s->shard != NULL && !parse_shard(s->shard, &o.shard, &o.n_shards))
        return da_opt_usage(&help, "--shard '%s' is not I/N with I from 0 to N-1", s->shard);

    struct da_err err = {DA_OK, ""};
    struct da_buf passwords, helper;
    struct da_tokenizer *tok = NULL;
    struct da_meta *meta = NULL;
    struct da_tally tally;
    da_buf_init(&passwords, 0);
    da_buf_init(&helper, 0);
    da_tally_init(&tally);
    find_helper(&helper);
    o.helper = helper.p;
    enum da_rc rc = DA_OK;
    if (s->password_file != NULL)
        rc = read_passwords(s->password_file, &passwords, &o.req, &err);
    if (rc == DA_OK && s->meta != NULL)
        rc = da_meta_open(&meta, s->meta, &err);
    if (rc == DA_OK)
        rc = da_tokenizer_open(&tok, s->tokenizer, &err);
    o.tok = tok;
    o.meta = meta;
    if (rc == DA_OK)
        rc = da_ingest_run(&o, &tally, &err);
    if (rc == DA_OK && tally.reread && strcmp(s->out, "-") != 0)
        rc = da_tally_reread(&tally, s->out, &err);
    int code = rc == DA_OK ? conclude(s, &tally) : da_cli_fail(&err);
    da_tokenizer_close(tok);
    da_meta_close(meta);
    da_buf_release(&helper);
    da_buf_release(&passwords);
    return code;
}

int da_cmd_ingest(int argc, char **argv)
{
    struct settings s;
    struct da_args args;
    defaults(&s);
    int usage = parse(&s, argc, argv, &args);
    if (usage >= 0)
        return usage;
    if (args.n == 0)
        return da_opt_usage(&help, "a PATH is needed: a file or a folder");
    da_run_log_begin("ingest", s.out);
    return run(&s, &args);
}
