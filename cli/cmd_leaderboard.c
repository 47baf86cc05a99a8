/* docassist leaderboard: score records in, a page or tables out. */

#include <string.h>

#include "cli/command.h"
#include "cli/opt.h"
#include "common/io.h"
#include "eval/leaderboard.h"

enum { DEFAULT_SAMPLES = 3, MAX_SAMPLES = 50, DEFAULT_TRIALS = 10000, MAX_TRIALS = 1000000 };

static const char formats[] = "html|md|csv|json|latex";
/* File endings that say the format when --format does not. */
static const char *const endings[] = {".html", ".md", ".csv", ".json", ".tex"};

struct args {
    const char *output, *title, *published;
    int format;
    bool has_format, json;
    int64_t n_samples, n_trials, seed;
    struct da_opt_list bench, models, tasks;
};

static const struct da_cmd_help help = {
    .name = "leaderboard",
    .synopsis = "[options] [--] SCORES...",
    .summary = "Rank systems from their score records, as a page or as tables.",
    .notes = "Systems share a table only when they were scored on the same data set with the\n"
             "same metric signatures. SCORES are files made by 'docassist eval'; '-' is stdin.",
};

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);
    return n > k && strcmp(s + n - k, end) == 0;
}

/* --format, else the ending of the output, else a page for a file and Markdown for stdout. */
static enum da_board_format pick_format(const struct args *a)
{
    if (a->json || a->has_format) {
        return a->json ? DA_BOARD_JSON : (enum da_board_format)a->format;
    }
    for (size_t i = 0; i < DA_ARRAY_LEN(endings); i++) {
        if (a->output && ends_with(a->output, endings[i])) {
            return (enum da_board_format)i;
        }
    }
    return !a->output || strcmp(a->output, "-") == 0 ? DA_BOARD_MD : DA_BOARD_HTML;
}

static int read_tasks(const struct da_opt_list *list, unsigned *tasks)
{
    for (size_t i = 0; i < list->n; i++) {
        enum da_board_task t = da_board_task_of(list->items[i], strlen(list->items[i]));
        if (t == DA_BOARD_N_TASKS) {
            return da_opt_usage(&help,
                                "unknown task '%s': summarization, question_answering or "
                                "question_suggestion",
                                list->items[i]);
        }
        *tasks |= 1u << t;
    }
    return -1;
}

/* FILE, or MODEL=FILE where no file has that whole name. */
static enum da_rc add_bench(struct da_board *b, const char *arg, struct da_err *err)
{
    const char *eq = strchr(arg, '=');
    if (!eq || eq == arg || da_io_exists(arg)) {
        return da_board_add_bench(b, NULL, arg, err);
    }
    char label[256];
    size_t n = (size_t)(eq - arg) < sizeof label - 1 ? (size_t)(eq - arg) : sizeof label - 1;
    memcpy(label, arg, n);
    label[n] = 0;
    return da_board_add_bench(b, label, eq + 1, err);
}

static enum da_rc make_board(struct da_board *b, const struct args *a, const struct da_args *files,
                             enum da_board_format format, struct da_buf *out, struct da_err *err)
{
    enum da_rc rc = DA_OK;
    for (int i = 0; i < files->n && rc == DA_OK; i++) {
        rc = da_board_add_scores(b, files->argv[i], err);
    }
    for (size_t i = 0; i < a->bench.n && rc == DA_OK; i++) {
        rc = add_bench(b, a->bench.items[i], err);
    }
    if (rc == DA_OK && a->published) {
        rc = da_board_add_published(b, a->published, err);
    }
    if (rc == DA_OK) {
        rc = da_board_finish(b, err);
    }
    return rc == DA_OK ? da_board_render(b, format, out, err) : rc;
}

int da_cmd_leaderboard(int argc, char **argv)
{
    struct args a = {.n_samples = DEFAULT_SAMPLES, .n_trials = DEFAULT_TRIALS, .seed = 12345};
    struct da_opt opts[] = {
        DA_OPT_GROUP_OF("Input"),
        DA_OPT_LIST_OF(0, "bench", &a.bench, "[MODEL=]FILE",
                       "add efficiency rows made by 'docassist bench --json'"),
        DA_OPT_STR_OF(0, "published", &a.published, "NAME",
                      "show published results apart: 'slimlm' (arXiv 2411.09944)"),
        DA_OPT_LIST_OF(0, "models", &a.models, "MODEL", "show only this model; may be repeated"),
        DA_OPT_LIST_OF(0, "tasks", &a.tasks, "TASK", "show only this task; may be repeated"),
        DA_OPT_GROUP_OF("Statistics"),
        DA_OPT_INT_OF(0, "trials", &a.n_trials, 0, MAX_TRIALS, "N",
                      "trials of the paired tests, 0 for none (default 10000)"),
        DA_OPT_INT_OF(0, "seed", &a.seed, 0, INT64_MAX, "N",
                      "seed of the paired tests (default 12345)"),
        DA_OPT_GROUP_OF("Output"),
        DA_OPT_STR_OF('o', "output", &a.output, "FILE", "write to FILE instead of stdout"),
        {.kind = DA_OPT_CHOICE,
         .short_name = 'f',
         .long_name = "format",
         .dest = &a.format,
         .arg = formats,
         .seen = &a.has_format,
         .help = "default: by the ending of FILE; md on stdout"},
        DA_OPT_FLAG_OF(0, "json", &a.json, "the same as --format json"),
        DA_OPT_STR_OF(0, "title", &a.title, "TEXT", "heading of the board"),
        DA_OPT_INT_OF(0, "samples", &a.n_samples, 0, MAX_SAMPLES, "N",
                      "best and worst samples shown per system and task (default 3)"),
        DA_OPT_END,
    };
    struct da_args files;
    int code = da_opt_parse(&help, opts, argc, argv, &files);
    if (code >= 0) {
        return code;
    }
    unsigned tasks = 0;
    if (files.n == 0 && !a.published && a.bench.n == 0) {
        return da_opt_usage(&help, "no score file given");
    }
    if (a.json && a.has_format && a.format != DA_BOARD_JSON) {
        return da_opt_usage(&help, "--json and --format name different formats");
    }
    if ((code = read_tasks(&a.tasks, &tasks)) >= 0) {
        return code;
    }
    struct da_board_opts board_opts = {.title = a.title,
                                       .models = a.models.items,
                                       .n_models = a.models.n,
                                       .tasks = tasks,
                                       .n_samples = (unsigned)a.n_samples,
                                       .n_trials = (unsigned)a.n_trials,
                                       .seed = (uint64_t)a.seed,
                                       .log = da_cli_log()};
    struct da_board *b = NULL;
    struct da_buf out;
    struct da_err err = {.code = DA_OK};
    da_buf_init(&out, 0);
    da_board_new(&b, &board_opts);
    enum da_rc rc = make_board(b, &a, &files, pick_format(&a), &out, &err);
    if (rc == DA_OK) {
        rc = a.output && strcmp(a.output, "-") != 0
                 ? da_io_write_file(a.output, out.p, out.len, &err)
                 : da_io_write_all(1, out.p, out.len, "<stdout>", &err);
    }
    da_board_free(b);
    da_buf_release(&out);
    return rc == DA_OK ? DA_EXIT_OK : da_cli_fail(&err);
}
