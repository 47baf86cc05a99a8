#ifndef EVAL_BASELINE_H
#define EVAL_BASELINE_H

/*
 * Answers without a model, for the floor of a leaderboard. What each does:
 *
 *   lead3       summary: the first three sentences. Questions: what the document says about the
 *               longest name (or word) of each of the first three. Answer: the sentence with most
 *               words of the question, the first of equals.
 *   textrank    summary: the three sentences TextRank puts first. Questions: the same question
 *               about each of those. Answer: as lead3, words weighted by rarity.
 *   extractive  what `annotate --backend extractive` does (text/outline.h, text/question.h), for
 *               any question.
 */

#include <stdbool.h>

#include "common/buf.h"
#include "common/err.h"
#include "eval/generate.h"
#include "schemas/example.h"

enum da_baseline_kind { DA_BASELINE_LEAD3, DA_BASELINE_TEXTRANK, DA_BASELINE_EXTRACTIVE };

/* "lead3|textrank|extractive": choices of a command-line option, in the order of the enum. */
#define DA_BASELINE_CHOICES "lead3|textrank|extractive"

/* For `model` of predictions: "lead3", "textrank", "extractive-1". */
const char *da_baseline_name(enum da_baseline_kind kind);

struct da_baseline;

struct da_baseline *da_baseline_new(enum da_baseline_kind kind);
void da_baseline_free(struct da_baseline *b); /* NULL allowed */

/* Appends the response to the example's request about its document; empty when the document has
 * no usable text. The example's own response is not looked at. One at a time per struct. */
void da_baseline_respond(struct da_baseline *b, const struct da_example *e, struct da_buf *out);

/* Predictions for all examples of run->input, as da_generate_examples makes them with a model:
 * resumable, in input order, with intent null. stats->engine stays empty. */
enum da_rc da_baseline_examples(enum da_baseline_kind kind, const struct da_generate_run *run,
                                struct da_generate_stats *stats, struct da_err *err);

#endif
