/* docassist model: import, look at, and make model files. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/model_pull.h"
#include "cli/opt.h"
#include "common/buf.h"
#include "common/io.h"
#include "common/json.h"
#include "engine/embedder.h"
#include "engine/engine.h"
#include "engine/gguf.h"
#include "engine/model/convert.h"
#include "engine/model/import.h"
#include "engine/model/random.h"
#include "engine/model/verify.h"
#include "engine/tokenizer/tokenizer.h"

static const char type_choices[] = "f32|f16|bf16|q8_0|q4_0|q4_k_m|q6_k";
static const enum da_qtype types[] = {DA_Q_F32,  DA_Q_F16,  DA_Q_BF16, DA_Q_Q8_0,
                                      DA_Q_Q4_0, DA_Q_Q4_K, DA_Q_Q6_K};
enum { TYPE_Q4_0 = 4, MAX_THREADS = 256 };

/* --- import --------------------------------------------------------------------------- */

static int run_import(int argc, char **argv)
{
    static const struct da_cmd_help help = {
        .name = "model import",
        .synopsis = "[options] -o FILE [--] FOLDER|FILE",
        .summary = "Turn a model folder, or a GGUF file of another type, into a GGUF file.",
        .notes =
            "FOLDER holds config.json, the weights (model.safetensors or pytorch_model.bin or\n"
            "their shards, or MLC's ndarray-cache.json and shards) and tokenizer.json. Rows that are\n"
            "not whole blocks get a type that fits, which is said; norms, biases and learned\n"
            "positions stay f32.\n"
            "Of a GGUF file the keys and the tokenizer are kept and the matrices converted.",
    };
    const char *out = NULL;
    struct da_import_opts opts = {0};
    int type = TYPE_Q4_0;
    int64_t n_threads = 0;
    const struct da_opt table[] = {
        DA_OPT_STR_OF('o', "output", &out, "FILE", "write the model to FILE"),
        DA_OPT_CHOICE_OF(0, "type", &type, type_choices, "type of the matrices (q4_0)"),
        DA_OPT_STR_OF(0, "name", &opts.name, "NAME", "name stored in the file (the folder's)"),
        DA_OPT_FLAG_OF(0, "no-tokenizer", &opts.no_tokenizer, "store no tokenizer"),
        DA_OPT_INT_OF(0, "threads", &n_threads, 1, MAX_THREADS, "N",
                      "threads to use (all processors)"),
        DA_OPT_END,
    };
    struct da_args args;
    struct da_import_stats stats;
    struct da_err err;
    int rc = da_opt_parse(&help, table, argc, argv, &args);
    if (rc >= 0)
        return rc;
    if (args.n != 1)
        return da_opt_usage(&help, "give one folder or GGUF file to import");
    if (!out)
        return da_opt_usage(&help, "say where to write with -o FILE");
    opts.type = types[type];
    opts.n_threads = (unsigned)n_threads;
    const char *from = args.argv[0];
    bool file = da_io_exists(from) && !da_io_is_dir(from);
    if (file ? da_convert(from, out, &opts, &stats, &err)
             : da_import(from, out, &opts, &stats, &err))
        return da_cli_fail(&err);
    da_log_msg(da_cli_log(), DA_LOG_INFO, "%s: %s, %" PRIu32 " tensors, %" PRIu64 " parameters",
               out, stats.family, stats.n_tensors, stats.n_params);
    for (unsigned i = 0; i < stats.fallbacks.n; i++) {
        const struct da_build_fallback *f = &stats.fallbacks.p[i];
        da_log_msg(da_cli_log(), DA_LOG_WARN,
                   "%s: %" PRIu32 " matri%s with rows that %" PRIu32
                   " does not divide: %s instead of %s",
                   out, f->n, f->n == 1 ? "x" : "ces", da_qtype_info(f->want)->block_len,
                   da_qtype_name(f->got), da_qtype_name(f->want));
    }
    return DA_EXIT_OK;
}

/* --- random ---------------------------------------------------------------------------- */

static int run_random(int argc, char **argv)
{
    static const struct da_cmd_help help = {
        .name = "model random",
        .synopsis = "[options] --shape NAME -o FILE",
        .summary = "Make a model with seeded random weights in a real shape.",
        .notes =
            "Shapes: tiny, tiny-llama, slimlm-125m, smollm-135m, qwen2-0.5b. The same shape,\n"
            "seed, type and tokenizer give the same file on every machine. Such a model answers\n"
            "with noise; it serves demonstrations, tests and measurements of speed.",
    };
    const char *out = NULL, *shape_name = NULL, *tokenizer = NULL;
    int type = TYPE_Q4_0;
    int64_t seed = 0, n_threads = 0;
    const struct da_opt table[] = {
        DA_OPT_STR_OF('o', "output", &out, "FILE", "write the model to FILE"),
        DA_OPT_STR_OF(0, "shape", &shape_name, "NAME", "whose sizes to take"),
        DA_OPT_CHOICE_OF(0, "type", &type, type_choices, "type of the matrices (q4_0)"),
        DA_OPT_STR_OF(0, "tokenizer", &tokenizer, "NAME|FILE",
                      "tokenizer to store (the first tokens of o200k_base)"),
        DA_OPT_INT_OF(0, "seed", &seed, 0, INT64_MAX, "N", "seed of the weights (0)"),
        DA_OPT_INT_OF(0, "threads", &n_threads, 1, MAX_THREADS, "N",
                      "threads to use (all processors)"),
        DA_OPT_END,
    };
    struct da_args args;
    struct da_tokenizer *tok = NULL;
    struct da_err err;
    int rc = da_opt_parse(&help, table, argc, argv, &args);
    if (rc >= 0)
        return rc;
    if (args.n != 0)
        return da_opt_usage(&help, "unexpected argument '%s'", args.argv[0]);
    if (!out || !shape_name)
        return da_opt_usage(&help, "give --shape NAME and -o FILE");
    const struct da_build_shape *shape = da_random_shape(shape_name);
    if (!shape) {
        const char *names[16];
        size_t n = 0;
        while (n < DA_ARRAY_LEN(names) && (names[n] = da_random_shape_name((unsigned)n)))
            n++;
        const char *near = da_opt_nearest(shape_name, names, n);
        return da_opt_usage(&help, "there is no shape '%s'%s%s%s", shape_name,
                            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    if (tokenizer && da_tokenizer_open(&tok, tokenizer, &err))
        return da_cli_fail(&err);
    enum da_rc bad = da_random_write(out, shape, tok ? da_tokenizer_vocab(tok) : NULL,
                                     (uint64_t)seed, types[type], (unsigned)n_threads, &err);
    da_tokenizer_close(tok);
    return bad ? da_cli_fail(&err) : DA_EXIT_OK;
}

/* --- show -------------------------------------------------------------------------------- */

struct tensor_sum {
    uint64_t n, n_params, n_bytes;
};

/* Sums per type; index: the type's number. */
static void sum_types(const struct da_gguf *g, struct tensor_sum sums[64])
{
    for (size_t i = 0; i < da_gguf_n_tensors(g); i++) {
        const struct da_gguf_tensor *t = da_gguf_tensor_at(g, i);
        if (t->type >= 64)
            continue;
        sums[t->type].n++;
        sums[t->type].n_params += t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3];
        sums[t->type].n_bytes += t->n_bytes;
    }
}

static double bits_per_weight(const struct da_gguf *g, const struct da_model_facts *f)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < da_gguf_n_tensors(g); i++)
        bytes += da_gguf_tensor_at(g, i)->n_bytes;
    return f->n_params ? 8.0 * (double)bytes / (double)f->n_params : 0.0;
}

static void show_json(const struct da_model *m, const struct da_tokenizer *tok)
{
    const struct da_model_facts *f = da_model_facts(m);
    const struct da_gguf *g = da_model_gguf(m);
    struct tensor_sum sums[64] = {{0, 0, 0}};
    struct da_buf out;
    struct da_jw w;
    da_buf_init(&out, 0);
    da_jw_init(&w, &out);
    da_jw_object(&w);
    da_jw_kcstr(&w, "name", f->name);
    da_jw_kcstr(&w, "architecture", f->arch);
    da_jw_kcstr(&w, "family", f->family);
    da_jw_kcstr(&w, "type", f->quant);
    da_jw_kint(&w, "layers", f->n_layers);
    da_jw_kint(&w, "dim", f->dim);
    da_jw_kint(&w, "heads", f->n_heads);
    da_jw_kint(&w, "kv_heads", f->n_kv_heads);
    da_jw_kint(&w, "head_dim", f->head_dim);
    da_jw_kint(&w, "ff_dim", f->ff_dim);
    da_jw_kint(&w, "vocab", f->n_vocab);
    da_jw_kint(&w, "context", f->n_ctx);
    da_jw_kbool(&w, "tied", f->tied);
    da_jw_kint(&w, "parameters", (int64_t)f->n_params);
    da_jw_kdouble(&w, "bits_per_weight", bits_per_weight(g, f));
    da_jw_kint(&w, "file_bytes", (int64_t)f->file_bytes);
    da_jw_kint(&w, "weight_bytes", (int64_t)f->weight_bytes);
    da_jw_key(&w, "tensors");
    da_jw_object(&w);
    sum_types(g, sums);
    for (uint32_t t = 0; t < 64; t++)
        if (sums[t].n)
            da_jw_kint(&w, da_qtype_name(t), (int64_t)sums[t].n);
    da_jw_end(&w);
    da_jw_kcstr(&w, "tokenizer", tok ? da_tokenizer_name(tok) : NULL);
    da_jw_kbool(&w, "chat_template", tok && da_tokenizer_chat_template(tok).len > 0);
    da_jw_end(&w);
    puts(out.p);
    da_buf_release(&out);
}

static void show_text(const struct da_model *m, const struct da_tokenizer *tok)
{
    const struct da_model_facts *f = da_model_facts(m);
    const struct da_gguf *g = da_model_gguf(m);
    struct tensor_sum sums[64] = {{0, 0, 0}};
    printf("name          %s\n", f->name);
    printf("family        %s (architecture %s)\n", f->family, f->arch);
    printf("shape         %" PRIu32 " layers, %" PRIu32 " wide, MLP %" PRIu32 "\n", f->n_layers,
           f->dim, f->ff_dim);
    if (f->n_heads)
        printf("attention     %" PRIu32 " heads of %" PRIu32 ", %" PRIu32 " key heads\n",
               f->n_heads, f->head_dim, f->n_kv_heads);
    else
        printf("attention     none\n");
    printf("vocabulary    %" PRIu32 "%s\n", f->n_vocab, f->tied ? ", output head tied" : "");
    printf("context       %" PRIu32 "\n", f->n_ctx);
    printf("parameters    %.1f million\n", (double)f->n_params / 1e6);
    printf("file          %.1f MB, %.2f bits a weight\n", (double)f->file_bytes / 1e6,
           bits_per_weight(g, f));
    printf("in memory     %.1f MB of weights\n", (double)f->weight_bytes / 1e6);
    sum_types(g, sums);
    for (uint32_t t = 0; t < 64; t++)
        if (sums[t].n)
            printf("tensors       %" PRIu64 " %s, %.1f MB\n", sums[t].n, da_qtype_name(t),
                   (double)sums[t].n_bytes / 1e6);
    printf("tokenizer     %s\n", tok ? da_tokenizer_name(tok) : "none");
    if (tok)
        printf("chat template %s\n", da_tokenizer_chat_template(tok).len ? "yes" : "none");
}

/* An encoder has no positions to fill and no answers: it has a longest text and a way to pool. */
static void show_encoder(const struct da_embedder *e, bool json)
{
    const struct da_embedder_facts *f = da_embedder_facts(e);
    struct da_buf out;
    struct da_jw w;
    if (!json) {
        printf("name          %s\n", f->name);
        printf("family        %s, an encoder (architecture %s)\n", f->family, f->arch);
        printf("shape         %" PRIu32 " layers, %" PRIu32 " wide, MLP %" PRIu32 ", %" PRIu32
               " heads of %" PRIu32 "\n",
               f->n_layers, f->dim, f->ff_dim, f->n_heads, f->head_dim);
        printf("vocabulary    %" PRIu32 "\n", f->n_vocab);
        printf("longest text  %" PRIu32 " tokens of %" PRIu32 "\n", f->max_tokens, f->n_ctx);
        printf("embedding     %s%s\n", f->pooling, f->normalize ? ", normalized" : "");
        printf("type          %s\n", f->quant);
        printf("parameters    %.1f million\n", (double)f->n_params / 1e6);
        printf("file          %.1f MB\n", (double)f->file_bytes / 1e6);
        printf("in memory     %.1f MB of weights\n", (double)f->weight_bytes / 1e6);
        return;
    }
    da_buf_init(&out, 0);
    da_jw_init(&w, &out);
    da_jw_object(&w);
    da_jw_kcstr(&w, "name", f->name);
    da_jw_kcstr(&w, "architecture", f->arch);
    da_jw_kcstr(&w, "family", f->family);
    da_jw_kcstr(&w, "type", f->quant);
    da_jw_kint(&w, "layers", f->n_layers);
    da_jw_kint(&w, "dim", f->dim);
    da_jw_kint(&w, "heads", f->n_heads);
    da_jw_kint(&w, "head_dim", f->head_dim);
    da_jw_kint(&w, "ff_dim", f->ff_dim);
    da_jw_kint(&w, "vocab", f->n_vocab);
    da_jw_kint(&w, "context", f->n_ctx);
    da_jw_kint(&w, "max_tokens", f->max_tokens);
    da_jw_kcstr(&w, "pooling", f->pooling);
    da_jw_kbool(&w, "normalize", f->normalize);
    da_jw_kint(&w, "parameters", (int64_t)f->n_params);
    da_jw_kint(&w, "file_bytes", (int64_t)f->file_bytes);
    da_jw_kint(&w, "weight_bytes", (int64_t)f->weight_bytes);
    da_jw_end(&w);
    puts(out.p);
    da_buf_release(&out);
}

/* Whether the file is an encoder; then it has been shown, or *rc says why not. */
static bool try_encoder(const char *path, bool json, int *rc)
{
    struct da_gguf *g = NULL;
    struct da_embedder *e = NULL;
    struct da_err err;
    bool yes = !da_gguf_open(&g, path, NULL) && da_gguf_is_encoder(g);
    da_gguf_close(g);
    if (!yes)
        return false;
    *rc = DA_EXIT_OK;
    if (da_embedder_open(&e, path, NULL, &err))
        *rc = da_cli_fail(&err);
    else
        show_encoder(e, json);
    da_embedder_close(e);
    return true;
}

static int run_show(int argc, char **argv)
{
    static const struct da_cmd_help help = {
        .name = "model show",
        .synopsis = "[options] [--] FILE",
        .summary = "Show what a GGUF model is: shape, types, memory, tokenizer.",
        .notes = "The file is loaded as for use, so a model that shows is a model that runs.",
    };
    bool json = false;
    const struct da_opt table[] = {
        DA_OPT_FLAG_OF(0, "json", &json, "print one JSON object"),
        DA_OPT_END,
    };
    struct da_args args;
    struct da_model *m;
    struct da_tokenizer *tok = NULL;
    struct da_err err;
    int rc = da_opt_parse(&help, table, argc, argv, &args);
    if (rc >= 0)
        return rc;
    if (args.n != 1)
        return da_opt_usage(&help, "give one model file");
    if (try_encoder(args.argv[0], json, &rc))
        return rc;
    if (da_model_open(&m, args.argv[0], NULL, &err))
        return da_cli_fail(&err);
    if (da_gguf_find(da_model_gguf(m), "tokenizer.ggml.model") &&
        da_tokenizer_open_gguf(&tok, da_model_gguf(m), &err)) {
        da_model_close(m);
        return da_cli_fail(&err);
    }
    if (json)
        show_json(m, tok);
    else
        show_text(m, tok);
    da_tokenizer_close(tok);
    da_model_close(m);
    return DA_EXIT_OK;
}

/* --- verify ------------------------------------------------------------------------------ */

static void print_problem(void *ctx, const char *line)
{
    (void)ctx;
    puts(line);
}

static int run_verify(int argc, char **argv)
{
    static const struct da_cmd_help help = {
        .name = "model verify",
        .synopsis = "[options] [--] FILE",
        .summary = "Check a GGUF model file thoroughly.",
        .notes =
            "Header, places and values of all tensors, shapes, tokenizer, chat template. Each\n"
            "problem is a line on standard output; with any the exit status is 1.",
    };
    int64_t n_threads = 0;
    const struct da_opt table[] = {
        DA_OPT_INT_OF(0, "threads", &n_threads, 1, MAX_THREADS, "N",
                      "threads to use (all processors)"),
        DA_OPT_END,
    };
    const struct da_verify_calls calls = {.problem = print_problem};
    struct da_verify_stats stats;
    struct da_args args;
    int rc = da_opt_parse(&help, table, argc, argv, &args);
    if (rc >= 0)
        return rc;
    if (args.n != 1)
        return da_opt_usage(&help, "give one model file");
    da_verify(args.argv[0], (unsigned)n_threads, &calls, &stats);
    if (stats.n_problems == 0)
        printf("%s: no problem in %zu tensors\n", args.argv[0], stats.n_tensors);
    return stats.n_problems ? DA_EXIT_FAILED : DA_EXIT_OK;
}

int da_cmd_model(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } SUBS[] = {{"import", run_import},
                {"pull", da_cmd_model_pull},
                {"random", run_random},
                {"show", run_show},
                {"verify", run_verify}};
    static const struct da_cmd_help help = {
        .name = "model",
        .synopsis = "import|pull|random|show|verify [options] ...",
        .summary = "Fetch, import, make, look at and check model files.",
        .notes = "Commands:\n"
                 "  import   turn a folder, or a GGUF file of another type, into a GGUF file\n"
                 "  pull     fetch a model from a hub\n"
                 "  random   make a model with seeded random weights\n"
                 "  show     show what a model file is\n"
                 "  verify   check a model file thoroughly\n"
                 "\n"
                 "'docassist model import --help' tells about import, and so on.",
    };
    static const struct da_opt none[] = {DA_OPT_END};
    struct da_args args;
    if (argc >= 2)
        for (size_t i = 0; i < DA_ARRAY_LEN(SUBS); i++)
            if (strcmp(argv[1], SUBS[i].name) == 0)
                return SUBS[i].run(argc - 1, argv + 1);
    int rc = da_opt_parse(&help, none, argc, argv, &args);
    if (rc >= 0)
        return rc;
    if (args.n == 0)
        return da_opt_usage(&help, "say what to do: import, random, show or verify");
    return da_opt_usage(&help, "unknown subcommand '%s': import, random, show or verify",
                        args.argv[0]);
}
