/* docassist embed: sentence embeddings of JSON Lines rows. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/opt.h"
#include "common/buf.h"
#include "common/json.h"
#include "common/jsonl.h"
#include "common/mem.h"
#include "engine/embedder.h"

/* Rows read before they are embedded together. */
enum { ROWS = 256 };
#define MAX_PENDING_BYTES ((size_t)64 << 20)

static const struct da_cmd_help help = {
    .name = "embed",
    .synopsis = "[options] -m MODEL [--] [FILE...]",
    .summary = "Print the sentence embedding of the text of each row (JSON Lines).",
    .notes =
        "Rows are read from each FILE, or standard input. A row keeps its members, but instead\n"
        "of its text it has \"embedding\": an array of numbers.",
};

struct run {
    struct da_embedder *e;
    const char *field;
    struct da_json *rows[ROWS];
    struct da_span texts[ROWS];
    size_t n, n_bytes;
    uint64_t n_rows;
    float *out; /* [ROWS][dim] */
    struct da_buf line;
};

static void drop_rows(struct run *r)
{
    for (size_t i = 0; i < r->n; i++)
        da_json_free(r->rows[i]);
    r->n = r->n_bytes = 0;
}

static void put_row(struct run *r, const struct da_json *row, const float *v)
{
    struct da_jw w;
    da_buf_reset(&r->line);
    da_jw_init(&w, &r->line);
    da_jw_object(&w);
    for (const struct da_json *m = da_json_first(row); m; m = da_json_next(m))
        if (strcmp(da_json_key(m), r->field) != 0 && strcmp(da_json_key(m), "embedding") != 0)
            da_jw_kvalue(&w, da_json_key(m), m);
    da_jw_key(&w, "embedding");
    da_jw_array(&w);
    for (uint32_t i = 0; i < da_embedder_dim(r->e); i++)
        da_jw_float(&w, v[i]);
    da_jw_end(&w);
    da_jw_end(&w);
    da_buf_add_char(&r->line, '\n');
}

static enum da_rc flush_rows(struct run *r, struct da_err *err)
{
    enum da_rc rc = da_embed(r->e, r->texts, r->n, r->out, err);
    for (size_t i = 0; i < r->n && rc == DA_OK; i++) {
        put_row(r, r->rows[i], r->out + i * da_embedder_dim(r->e));
        rc = da_buf_check(&r->line, "a row", err);
        if (rc == DA_OK)
            (void)fwrite(r->line.p, 1, r->line.len, stdout);
    }
    r->n_rows += r->n;
    drop_rows(r);
    return rc;
}

static enum da_rc add_row(struct run *r, struct da_json *row, struct da_err *err)
{
    struct da_span text;
    enum da_rc rc = da_json_need_str(row, r->field, &text, err);
    if (rc) {
        da_json_free(row);
        return rc;
    }
    r->rows[r->n] = row;
    r->texts[r->n++] = text;
    r->n_bytes += text.len;
    return DA_OK;
}

static enum da_rc embed_file(struct run *r, const char *path, struct da_err *err)
{
    struct da_jsonl *in = NULL;
    enum da_rc rc = da_jsonl_open(&in, path, err);
    while (rc == DA_OK) {
        struct da_json *row = NULL;
        if ((rc = da_jsonl_next(in, &row, err)) || !row)
            break;
        if ((rc = add_row(r, row, err)))
            (void)da_jsonl_fail(in, err);
        else if (r->n == ROWS || r->n_bytes > MAX_PENDING_BYTES)
            rc = flush_rows(r, err);
    }
    da_jsonl_close(in);
    return rc;
}

static void report(const struct run *r)
{
    uint64_t n_cut = da_embedder_n_cut(r->e);
    da_log_msg(da_cli_log(), DA_LOG_INFO, "%" PRIu64 " texts, %" PRIu64 " tokens", r->n_rows,
               da_embedder_n_tokens(r->e));
    if (n_cut)
        da_log_msg(da_cli_log(), DA_LOG_WARN,
                   "%" PRIu64 " of %" PRIu64 " texts were cut to %" PRIu32 " tokens", n_cut,
                   r->n_rows, da_embedder_facts(r->e)->max_tokens);
}

int da_cmd_embed(int argc, char **argv)
{
    struct run r = {.field = "text"};
    const char *model = NULL;
    int64_t max_tokens = 0, n_threads = 0;
    const struct da_opt opts[] = {
        DA_OPT_STR_OF('m', "model", &model, "FILE", "GGUF model of an encoder"),
        DA_OPT_STR_OF(0, "field", &r.field, "NAME", "member that holds the text (text)"),
        DA_OPT_INT_OF(0, "max-tokens", &max_tokens, 3, 1 << 16, "N",
                      "cut texts at N tokens (as the model says)"),
        DA_OPT_INT_OF(0, "threads", &n_threads, 1, 256, "N", "threads to use (all processors)"),
        DA_OPT_END,
    };
    struct da_args args;
    struct da_err err;
    int code = da_opt_parse(&help, opts, argc, argv, &args);
    if (code >= 0)
        return code;
    if (!model)
        return da_opt_usage(&help, "-m MODEL is needed");
    const struct da_embedder_opts eo = {.n_threads = (unsigned)n_threads,
                                        .max_tokens = (uint32_t)max_tokens};
    if (da_embedder_open(&r.e, model, &eo, &err))
        return da_cli_fail(&err);
    da_buf_init(&r.line, 0);
    r.out = da_malloc((size_t)ROWS * da_embedder_dim(r.e) * sizeof *r.out);
    enum da_rc rc = args.n == 0 ? embed_file(&r, "-", &err) : DA_OK;
    for (int i = 0; i < args.n && rc == DA_OK; i++)
        rc = embed_file(&r, args.argv[i], &err);
    if (rc == DA_OK)
        rc = flush_rows(&r, &err);
    if (rc == DA_OK)
        report(&r);
    drop_rows(&r);
    free(r.out);
    da_buf_release(&r.line);
    da_embedder_close(r.e);
    return rc == DA_OK ? DA_EXIT_OK : da_cli_fail(&err);
}
