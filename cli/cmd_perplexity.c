/* docassist perplexity: how well a model predicts a text. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/opt.h"
#include "common/buf.h"
#include "common/io.h"
#include "common/json.h"
#include "common/mem.h"
#include "engine/engine.h"
#include "engine/perplexity.h"
#include "engine/tokenizer/tokenizer.h"

static const struct da_cmd_help help = {
    .name = "perplexity",
    .synopsis = "[options] -m MODEL [--] FILE",
    .summary = "Tell how well a model predicts a text.",
    .notes = "The text is cut into windows; every token but a window's first is scored. With\n"
             "--separator, FILE holds several texts and no window has parts of two. With\n"
             "--kl-base, also how far the model's predictions are from another model's.",
};

struct params {
    const char *model, *base, *separator;
    int64_t window, threads;
    int kv;
    bool json;
};

/* The tokens of all texts, and where each but the last ends. */
struct texts {
    struct da_ids ids;
    size_t *ends, n_ends, cap;
};

static bool is_separator(struct da_span line, const char *separator)
{
    line.len -= line.len > 0 && line.p[line.len - 1] == '\r';
    return da_span_is(line, separator);
}

static enum da_rc encode_texts(const struct da_tokenizer *tok, struct da_tok_scratch *scratch,
                               struct da_span all, const char *separator, struct texts *out,
                               struct da_err *err)
{
    struct da_span rest = all, line;
    const char *start = all.p, *end = all.p + all.len;
    enum da_rc rc = DA_OK;
    while (!rc && separator && da_span_split(&rest, '\n', &line)) {
        if (!is_separator(line, separator))
            continue;
        rc = da_tokenizer_encode(tok, scratch, da_span(start, (size_t)(line.p - start)), 0,
                                 &out->ids, err);
        DA_GROW(out->ends, out->n_ends, out->cap);
        out->ends[out->n_ends++] = out->ids.n;
        start = rest.p;
    }
    return rc ? rc
              : da_tokenizer_encode(tok, scratch, da_span(start, (size_t)(end - start)), 0,
                                    &out->ids, err);
}

static enum da_rc encode(const struct da_model *m, const char *path, const char *separator,
                         struct texts *out, int32_t *bos, struct da_err *err)
{
    struct da_tokenizer *tok = NULL;
    struct da_tok_scratch *scratch = NULL;
    struct da_buf text;
    enum da_rc rc = da_tokenizer_open_gguf(&tok, da_model_gguf(m), err);
    if (rc)
        return rc;
    da_buf_init(&text, DA_TOK_MAX_TEXT);
    scratch = da_tok_scratch_new();
    rc = da_io_read_file(path, DA_TOK_MAX_TEXT, &text, err);
    if (!rc)
        rc = encode_texts(tok, scratch, da_span(text.p, text.len), separator, out, err);
    *bos = da_tokenizer_adds_bos(tok) ? da_tokenizer_special(tok, DA_TOK_BOS) : -1;
    da_tok_scratch_free(scratch);
    da_buf_release(&text);
    da_tokenizer_close(tok);
    return rc;
}

static void print_text(const struct params *p, const struct da_ppl *r)
{
    if (p->separator)
        printf("texts            %llu\n", (unsigned long long)r->n_texts);
    printf("tokens scored    %llu, windows of %u\n", (unsigned long long)r->n_scored, r->window);
    printf("perplexity       %.4f +- %.4f\n", exp(r->nll), exp(r->nll) * r->nll_stderr);
    printf("nats a token     %.6f\n", r->nll);
    if (!p->base)
        return;
    printf("base perplexity  %.4f\n", exp(r->base_nll));
    printf("KL from base     %.6f nats a token, at most %.6f\n", r->kl, r->kl_max);
    printf("same best token  %.2f %%\n", 100.0 * r->same_top);
}

static void print_json(const struct params *p, const struct da_ppl *r)
{
    struct da_buf out;
    struct da_jw w;
    da_buf_init(&out, 0);
    da_jw_init(&w, &out);
    da_jw_object(&w);
    da_jw_kint(&w, "texts", (int64_t)r->n_texts);
    da_jw_kint(&w, "tokens", (int64_t)r->n_scored);
    da_jw_kint(&w, "window", r->window);
    da_jw_kdouble(&w, "perplexity", exp(r->nll));
    da_jw_kdouble(&w, "nll", r->nll);
    da_jw_kdouble(&w, "nll_stderr", r->nll_stderr);
    if (p->base) {
        da_jw_kdouble(&w, "base_perplexity", exp(r->base_nll));
        da_jw_kdouble(&w, "kl", r->kl);
        da_jw_kdouble(&w, "kl_max", r->kl_max);
        da_jw_kdouble(&w, "same_top", r->same_top);
    }
    da_jw_end(&w);
    puts(out.p);
    da_buf_release(&out);
}

static enum da_rc run(const struct params *p, const char *path, struct da_ppl *r,
                      struct da_err *err)
{
    const struct da_model_opts mo = {.n_threads = (unsigned)p->threads};
    struct da_ppl_opts opts = {.n_threads = (unsigned)p->threads,
                               .kv = (enum da_kv_type)p->kv,
                               .window = (uint32_t)p->window};
    struct da_model *m = NULL, *base = NULL;
    struct texts t = {0};
    enum da_rc rc;
    da_ids_init(&t.ids);
    if ((rc = da_model_open(&m, p->model, &mo, err)) == DA_OK &&
        (!p->base || (rc = da_model_open(&base, p->base, &mo, err)) == DA_OK) &&
        (rc = encode(m, path, p->separator, &t, &opts.bos, err)) == DA_OK) {
        opts.ends = t.ends;
        opts.n_ends = t.n_ends;
        if (p->separator && t.n_ends == 0)
            da_log_msg(da_cli_log(), DA_LOG_WARN, "%s: no line is '%s': taken as one text", path,
                       p->separator);
        rc = da_perplexity(m, base, t.ids.p, t.ids.n, &opts, r, err);
    }
    free(t.ends);
    da_ids_release(&t.ids);
    da_model_close(base);
    da_model_close(m);
    return rc;
}

int da_cmd_perplexity(int argc, char **argv)
{
    struct params p = {0};
    const struct da_opt opts[] = {
        DA_OPT_STR_OF('m', "model", &p.model, "FILE", "GGUF model"),
        DA_OPT_STR_OF(0, "kl-base", &p.base, "FILE", "also compare with this GGUF model"),
        DA_OPT_STR_OF(0, "separator", &p.separator, "LINE",
                      "the line between two texts of FILE (one text)"),
        DA_OPT_INT_OF(0, "context", &p.window, 2, 1 << 24, "N",
                      "tokens of a window (the model's context)"),
        DA_OPT_CHOICE_OF(0, "kv", &p.kv, "auto|f32|f16|q8",
                         "keys and values (auto: q8 for quantized weights)"),
        DA_OPT_INT_OF(0, "threads", &p.threads, 0, 256, "N", "0: all processors"),
        DA_OPT_FLAG_OF(0, "json", &p.json, "print one JSON object"),
        DA_OPT_END,
    };
    struct da_args args;
    struct da_ppl r;
    struct da_err err = {DA_OK, ""};
    int rc = da_opt_parse(&help, opts, argc, argv, &args);
    if (rc >= 0)
        return rc;
    if (!p.model)
        return da_opt_usage(&help, "-m MODEL is needed");
    if (p.separator && (!*p.separator || strchr(p.separator, '\n')))
        return da_opt_usage(&help, "--separator is one line, and not an empty one");
    if (args.n != 1)
        return da_opt_usage(&help, "one text file is needed ('-' for standard input)");
    if (run(&p, args.argv[0], &r, &err))
        return da_cli_fail(&err);
    if (p.json)
        print_json(&p, &r);
    else
        print_text(&p, &r);
    return DA_EXIT_OK;
}
