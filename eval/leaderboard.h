#ifndef EVAL_LEADERBOARD_H
#define EVAL_LEADERBOARD_H

/*
 * Leaderboards from score records.
 *
 * A board takes score records and bench rows, sorts them into pools of systems
 * whose scores may be compared, ranks each pool, and renders the result. The
 * same input gives the same bytes in every format; no clock is read.
 *
 * What may share a table (DESIGN.md 5.12): systems scored on the same data set
 * with the same metric signatures. A system that lacks a column of the average,
 * or that was scored on fewer samples than the others, is shown without a rank.
 * Published rows are never ranked and never tested.
 *
 *     da_board_new(&b, &opts);
 *     da_board_add_scores(b, "score.json", &err);
 *     da_board_finish(b, &err);
 *     da_board_render(b, DA_BOARD_HTML, &out, &err);
 *     da_board_free(b);
 */

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/log.h"

enum da_board_format { DA_BOARD_HTML, DA_BOARD_MD, DA_BOARD_CSV, DA_BOARD_JSON, DA_BOARD_LATEX };

enum da_board_task { DA_BOARD_SUMM, DA_BOARD_QA, DA_BOARD_QS, DA_BOARD_N_TASKS };

enum {
    DA_BOARD_MAX_SYSTEMS = 256,
    DA_BOARD_MAX_METRICS = 96, /* known and unknown names together */
    DA_BOARD_MAX_BENCH = 4096  /* rows */
};

struct da_board_opts {
    const char *title;         /* NULL: "DocAssist leaderboard" */
    const char *const *models; /* keep only systems with one of these labels; NULL: all */
    size_t n_models;
    unsigned tasks;     /* 1 << enum da_board_task for each task kept; 0: all */
    unsigned n_samples; /* best and worst samples shown per system and task */
    unsigned n_trials;  /* of the paired tests and of the intervals of averages; 0: none */
    uint64_t seed;      /* of both */
    struct da_log *log; /* warnings; may be NULL; not owned */
};

struct da_board;

/* Strings of opts are copied. */
void da_board_new(struct da_board **ret, const struct da_board_opts *opts);
void da_board_free(struct da_board *b); /* NULL allowed */

/* Every score record of a file, one a line ("-": stdin). Paths of per-sample files are taken
 * relative to the score file; one that is missing costs the board its tests and samples (with a
 * warning), one whose hash is another is DA_EMISMATCH. */
enum da_rc da_board_add_scores(struct da_board *b, const char *path, struct da_err *err);

/* Rows of `docassist bench --json`: an array, or JSON Lines. label names the model; NULL takes
 * the rows' own "model", else the file's name. */
enum da_rc da_board_add_bench(struct da_board *b, const char *label, const char *path,
                              struct da_err *err);

/* Built-in published rows; DA_ENOTFOUND names the sets there are. */
enum da_rc da_board_add_published(struct da_board *b, const char *name, struct da_err *err);

/* Forms pools, tables and ranks. Nothing can be added afterwards. */
enum da_rc da_board_finish(struct da_board *b, struct da_err *err);

/* Appends the finished board to out. */
enum da_rc da_board_render(const struct da_board *b, enum da_board_format format,
                           struct da_buf *out, struct da_err *err);

/* "summarization" and so on; da_board_task_of returns DA_BOARD_N_TASKS for other names. */
const char *da_board_task_name(enum da_board_task t);
enum da_board_task da_board_task_of(const char *p, size_t len);

#endif
