/* docassist tokenize: token ids of a text, of files, or of JSON Lines rows. */

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/opt.h"
#include "common/io.h"
#include "common/json.h"
#include "common/jsonl.h"
#include "engine/tokenizer/tokenizer.h"

struct run {
    struct da_tokenizer *tokenizer;
    struct da_tok_scratch *scratch;
    struct da_ids ids;
    struct da_buf line;
    unsigned flags;
    bool count;
};

/* One line for one text: [ids] or the count; for a row of JSON Lines an object. */
static enum da_rc print_text(struct run *r, struct da_span text, bool row, struct da_err *err)
{
    da_ids_reset(&r->ids);
    enum da_rc rc =
        da_tokenizer_encode(r->tokenizer, r->scratch, text, r->flags, &r->ids, err);
    if (rc != DA_OK)
        return rc;
    struct da_jw w;
    da_buf_reset(&r->line);
    da_jw_init(&w, &r->line);
    if (row) {
        da_jw_object(&w);
        da_jw_key(&w, r->count ? "count" : "ids");
    }
    if (r->count) {
        da_jw_uint(&w, r->ids.n);
    } else {
        da_jw_array(&w);
        for (size_t i = 0; i < r->ids.n; i++)
            da_jw_int(&w, r->ids.p[i]);
        da_jw_end(&w);
    }
    if (row)
        da_jw_end(&w);
    da_buf_add_char(&r->line, '\n');
    rc = da_buf_check(&r->line, "the list of ids", err);
    if (rc == DA_OK)
        (void)fwrite(r->line.p, 1, r->line.len, stdout);
    return rc;
}

static enum da_rc print_file(struct run *r, const char *path, struct da_err *err)
{
    struct da_buf text;
    da_buf_init(&text, 0);
    enum da_rc rc = da_io_read_file(path, DA_TOK_MAX_TEXT, &text, err);
    if (rc == DA_OK)
        rc = print_text(r, da_span(text.p, text.len), false, err);
    da_buf_release(&text);
    return rc;
}

static enum da_rc print_rows(struct run *r, const char *path, struct da_err *err)
{
    struct da_jsonl *in = NULL;
    enum da_rc rc = da_jsonl_open(&in, path, err);
    while (rc == DA_OK) {
        struct da_json *row = NULL;
        struct da_span text;
        rc = da_jsonl_next(in, &row, err);
        if (rc != DA_OK || !row)
            break;
        rc = da_json_need_str(row, "text", &text, err);
        if (rc == DA_OK)
            rc = print_text(r, text, true, err);
        if (rc != DA_OK)
            (void)da_jsonl_fail(in, err);
        da_json_free(row);
    }
    da_jsonl_close(in);
    return rc;
}

int da_cmd_tokenize(int argc, char **argv)
{
    const char *source = NULL, *rows = NULL;
    bool count = false, add = false, parse = false;
    const struct da_cmd_help help = {
        "tokenize",
        "--tokenizer NAME|FILE [options] [--] [FILE...]",
        "Print the token ids of each FILE (standard input without one) as a JSON array.",
        "NAME is o200k_base or cl100k_base; FILE is GGUF, a tokenizer.json, a SentencePiece .model,\n"
        "tiktoken ranks, vocab.json with merges.txt, vocab.txt, or a folder that holds one.",
    };
    const struct da_opt opts[] = {
        DA_OPT_STR_OF('t', "tokenizer", &source, "NAME|FILE", "which tokenizer"),
        DA_OPT_FLAG_OF('c', "count", &count, "print the number of ids instead"),
        DA_OPT_STR_OF(0, "jsonl", &rows, "FILE",
                      "read rows {\"text\":..}, print {\"ids\":[..]} or {\"count\":..}"),
        DA_OPT_FLAG_OF(0, "add-special", &add, "add the tokens the model wants around a text"),
        DA_OPT_FLAG_OF(0, "parse-special", &parse,
                       "read text such as <|im_end|> as its control token"),
        DA_OPT_END,
    };
    struct da_args args;
    int code = da_opt_parse(&help, opts, argc, argv, &args);
    if (code >= 0)
        return code;
    if (!source)
        return da_opt_usage(&help, "--tokenizer is missing");
    if (rows && args.n > 0)
        return da_opt_usage(&help, "--jsonl takes no further files");

    struct da_err err;
    struct run r = {.flags = (add ? DA_TOK_ADD_SPECIAL : 0u) | (parse ? DA_TOK_PARSE_SPECIAL : 0u),
                    .count = count};
    enum da_rc rc = da_tokenizer_open(&r.tokenizer, source, &err);
    if (rc != DA_OK)
        return da_cli_fail(&err);
    r.scratch = da_tok_scratch_new();
    da_ids_init(&r.ids);
    da_buf_init(&r.line, 0);
    if (rows)
        rc = print_rows(&r, rows, &err);
    else if (args.n == 0)
        rc = print_file(&r, "-", &err);
    for (int i = 0; i < args.n && rc == DA_OK; i++)
        rc = print_file(&r, args.argv[i], &err);
    da_buf_release(&r.line);
    da_ids_release(&r.ids);
    da_tok_scratch_free(r.scratch);
    da_tokenizer_close(r.tokenizer);
    return rc == DA_OK ? DA_EXIT_OK : da_cli_fail(&err);
}
