#ifndef EVAL_BOARD_H
#define EVAL_BOARD_H

/*
 * Private to the leaderboard (leaderboard.h): systems, pools, tables.
 *
 * Reading fills systems; da_board_pools sorts them into pools; da_board_tables
 * makes one description of every table from them, which all five formats print.
 * All memory belongs to the board's arena. "Absent" is NaN for numbers, NULL for
 * text.
 */

#include <stdbool.h>

#include "common/arena.h"
#include "common/json.h"
#include "common/map.h"
#include "common/span.h"
#include "eval/leaderboard.h"
#include "eval/samples.h"

enum da_board_better { DA_BOARD_NEUTRAL, DA_BOARD_HIGHER, DA_BOARD_LOWER };

/* Known metrics in the order of their columns; unknown names come after them. */
enum da_board_metric_id {
    DA_BOARD_BLEU,
    DA_BOARD_ROUGE1,
    DA_BOARD_ROUGE2,
    DA_BOARD_ROUGEL,
    DA_BOARD_STS,
    DA_BOARD_GEVAL,
    DA_BOARD_DIVERSITY
};

struct da_board_metric {
    const char *key;   /* "rouge1" */
    const char *label; /* "ROUGE-1" */
    const char *what;  /* one sentence for the reader */
    enum da_board_better better;
    int decimals;      /* shown to people */
    unsigned paper;    /* 1 << task where the paper has this column */
    unsigned averaged; /* 1 << task where it is part of the task's average */
};

struct da_board_value {
    bool set;
    double v, lo, hi; /* lo, hi: 95 % interval or NaN */
    int64_t n;        /* samples scored; -1 not said */
    const char *signature;
};

struct da_board_confusion {
    const char **rows, **cols; /* expected, predicted labels */
    size_t n_rows, n_cols;
    int64_t *count; /* [n_rows][n_cols] */
};

/* Level of the tests, after Holm's correction. */
#define DA_BOARD_ALPHA 0.05

struct da_board_kv {
    const char *key, *value;
};

struct da_board_system {
    const char *label;
    const char *note;     /* "random weights"; may be NULL */
    const char *file;     /* the score file it came from, for messages */
    uint64_t record_hash; /* of the record's line: the same one twice is a slip */
    bool published;
    const char *data_sha256; /* of the data set */
    const char *data_name;
    int64_t data_n;
    int64_t n_scored, n_total; /* -1: not said */
    struct da_board_value values[DA_BOARD_N_TASKS][DA_BOARD_MAX_METRICS];
    /* Published rows only, as printed: columns of the overall table, averages. */
    struct da_board_value overall[DA_BOARD_MAX_METRICS];
    struct da_board_value average[DA_BOARD_N_TASKS + 1];
    struct da_board_value intent;
    struct da_board_confusion confusion;
    struct da_board_kv *origin;
    size_t n_origin;
    const char *samples_path, *samples_sha256;
    struct da_samples *samples; /* NULL: none */
};

struct da_board_bench {
    const char *label;
    const char *prompt;    /* "one question"; NULL: prompt_tokens says it */
    int64_t prompt_tokens; /* -1: not known */
    int64_t new_tokens, threads;
    double itps, otps, ttft_s, runtime_s, peak_rss_bytes;
};

/* What two systems of a pool are compared on: a task's ranking score, or their mean. */
struct da_board_pair {
    double diff; /* row minus column, on the ranking score */
    double p;    /* two-sided, Holm-corrected over the pairs of its table; NaN: untested */
};

enum { DA_BOARD_OVERALL = DA_BOARD_N_TASKS, DA_BOARD_INTENT, DA_BOARD_N_SCORES };

/* The ranking score of one task, of all of them, or of intents, within a pool. */
struct da_board_ranking {
    bool exists;
    bool full;         /* the columns are the paper's: the score is its Average */
    unsigned tasks;    /* overall only: the tasks averaged over */
    size_t metrics[8]; /* columns averaged */
    size_t n_metrics;
    double *score, *lo, *hi;     /* [n systems of the pool]; NaN: no score */
    bool *partial;               /* [n] scored on fewer samples than the others: no rank */
    int *rank;                   /* [n] from 1; 0: unranked */
    bool *shared;                /* [n] the rank is held by several */
    struct da_board_pair *pairs; /* [n][n], NULL: untested */
    bool tested;
};

/* Systems whose scores may be compared. */
struct da_board_pool {
    struct da_board_system **systems;
    size_t n;
    unsigned tasks; /* 1 << task that some system has */
    const char *signatures[DA_BOARD_N_TASKS][DA_BOARD_MAX_METRICS];
    struct da_board_ranking ranking[DA_BOARD_N_SCORES];
};

/* ---- tables: what every format prints ---- */

/* A matrix has a column for each system. */
enum { DA_BOARD_MAX_COLS = DA_BOARD_MAX_SYSTEMS + 8 };

struct da_board_col {
    const char *key, *label, *what;
    enum da_board_better better;
    int decimals;
    double show;      /* people see the value times this ("%", MiB); 0: as it is */
    bool is_score;    /* the column systems are ranked by */
    bool is_text;     /* its cells have texts */
    bool is_lopsided; /* its intervals are far from symmetric: show both ends */
    bool no_best;     /* no value of it is marked as the best */
};

struct da_board_cell {
    double v, lo, hi, p;
    int64_t n;        /* samples behind it; 0: not said */
    const char *text; /* instead of a number; may be NULL */
    bool best;
};

struct da_board_row {
    const struct da_board_system *sys; /* NULL for bench rows */
    size_t index;                      /* of sys in its pool */
    const char *label, *note;
    int rank; /* 0: none */
    bool shared;
    bool starts_group;           /* a new prompt of the efficiency table */
    struct da_board_cell *cells; /* [n_cols] */
};

struct da_board_table {
    const char *id;    /* "summarization"; unique within its section */
    const char *title; /* "Summarization" */
    const char *caption;
    int task;          /* enum da_board_task, or -1 */
    bool ranked;       /* has a rank column */
    bool is_detail;    /* left out where tables are read one after another (md, latex) */
    bool is_pairs;     /* rows against columns: v is the difference, p its test */
    const char *first; /* heading of the label column: "Model" */
    struct da_board_col *cols;
    size_t n_cols;
    struct da_board_row *rows;
    size_t n_rows;
    const char **notes;
    size_t n_notes;
};

enum da_board_section_kind { DA_BOARD_SCORES, DA_BOARD_EFFICIENCY, DA_BOARD_PUBLISHED };

struct da_board_section {
    enum da_board_section_kind kind;
    const char *id, *title, *intro;
    const char *method;               /* how it was tested; may be NULL */
    const struct da_board_pool *pool; /* DA_BOARD_SCORES only */
    struct da_board_table *tables;
    size_t n_tables;
};

struct da_board_set { /* a published set */
    const char *name, *title, *source, *url, *reference, *device;
    const char *table_source[DA_BOARD_N_SCORES + 1]; /* tasks, overall, intent, efficiency */
    struct da_board_system **systems;
    size_t n_systems;
    struct da_board_bench *bench;
    size_t n_bench;
};

struct da_board {
    struct da_arena arena;
    struct da_board_opts opts;
    struct da_board_metric metrics[DA_BOARD_MAX_METRICS];
    size_t n_metrics;
    struct da_board_system **systems;
    size_t n_systems;
    struct da_board_bench *bench;
    size_t n_bench, cap_bench;
    struct da_board_set *published; /* NULL: none */
    struct da_board_pool *pools;
    size_t n_pools;
    struct da_board_section *sections;
    size_t n_sections;
    bool finished;
};

/* board_metrics.c */
void da_board_metrics_init(struct da_board *b);
/* Index of a metric, a new one for an unknown name; SIZE_MAX when the table is full. */
size_t da_board_metric_of(struct da_board *b, const char *key, size_t len);
extern const char *const da_board_task_titles[DA_BOARD_N_TASKS];

/* leaderboard.c */
char *da_board_str(struct da_board *b, struct da_span s);
char *da_board_strf(struct da_board *b, const char *fmt, ...) DA_PRINTF(2, 3);
struct da_board_system *da_board_new_system(struct da_board *b);
/* 0.4123 as "0.412"; NaN as the empty string. */
void da_board_add_number(struct da_buf *out, double v, int decimals);

/* board_samples.c */
enum da_rc da_board_load_samples(struct da_board *b, struct da_board_system *s, struct da_err *err);
enum da_task da_board_record_task(unsigned task); /* enum da_board_task as records number it */
/* True when both systems have logs with the same samples of a task. */
bool da_board_comparable(const struct da_board_system *a, const struct da_board_system *b,
                         unsigned task);

/* The system named the sample's task. */
bool da_board_intent_right(const struct da_sample *x);

/* board_pool.c, board_test.c, board_rank.c */
void da_board_make_pools(struct da_board *b);
void da_board_run_tests(struct da_board *b, struct da_board_pool *p);
/* The ranking score of the samples that `in` keeps, from a log's statistics; NaN when some part
 * is undefined. *n is their number. */
double da_board_score_subset(const struct da_board *b, const struct da_board_pool *p,
                             const struct da_board_system *s, unsigned task,
                             bool (*in)(const struct da_sample *x, const void *ctx),
                             const void *ctx, int64_t *n);
/* Mean of a metric over the tasks of the pool that average it; NaN unless all have it. */
double da_board_overall(const struct da_board *b, const struct da_board_pool *p,
                        const struct da_board_system *s, size_t metric);
void da_board_rank(struct da_board_pool *p);

/* board_table.c */
void da_board_make_sections(struct da_board *b);
struct da_board_section *da_board_new_section(struct da_board *b, enum da_board_section_kind kind,
                                              const char *id, const char *title);
struct da_board_table *da_board_new_table(struct da_board *b, struct da_board_section *s,
                                          const char *id, const char *title, int task);
/* Index of the new column. All columns come before the first row. */
size_t da_board_add_col(struct da_board_table *t, const char *key, const char *label,
                        const char *what, enum da_board_better better, int decimals);
size_t da_board_add_metric_col(const struct da_board *b, struct da_board_table *t, size_t m,
                               int decimals);
/* t->rows must have room. Cells are absent until set. */
struct da_board_row *da_board_add_row(struct da_board *b, struct da_board_table *t,
                                      const char *label);
void da_board_set_cell(struct da_board_cell *c, const struct da_board_value *v);
void da_board_note(struct da_board_table *t, const char *text);
/* Systems of a pool in the order of a ranking. */
size_t *da_board_sorted(struct da_board *b, const struct da_board_pool *p,
                        const struct da_board_ranking *r);

void da_board_bench_table(struct da_board *b, struct da_board_section *s,
                          const struct da_board_bench *x, size_t n, bool published);

/* board_published.c */
void da_board_published_section(struct da_board *b);

/* board_breakdown.c: pairs, lengths, intents; from the per-sample logs. */
void da_board_add_breakdowns(struct da_board *b, struct da_board_section *s,
                             const struct da_board_pool *p);

/* board_<format>.c */
enum da_rc da_board_md(const struct da_board *b, struct da_buf *out, struct da_err *err);
enum da_rc da_board_csv(const struct da_board *b, struct da_buf *out, struct da_err *err);
enum da_rc da_board_json(const struct da_board *b, struct da_buf *out, struct da_err *err);
enum da_rc da_board_latex(const struct da_board *b, struct da_buf *out, struct da_err *err);
enum da_rc da_board_html(const struct da_board *b, struct da_buf *out, struct da_err *err);

#endif
