#ifndef ANNOTATE_CHECKS_H
#define ANNOTATE_CHECKS_H

/*
 * Quality checks of an annotation against its document: lexical, deterministic,
 * and cheap enough for every record. The measures go into "checks"; one that
 * passes its threshold's wrong side is named in checks.failed.
 *
 *   summary_length, answer_length   words (a letter of a script without spaces counts half)
 *   question_count, question_form   as many as asked for, each ending in a question mark
 *   question_overlap                no two questions alike (Jaccard of word pairs); their Self-BLEU
 *                                   is measured, too
 *   language                        that of the document, as far as both can be told for sure
 *   numbers, names                  those of summary and answer stand in the document
 *   support                         words of the answer's sentences found in one place of it
 *   sts                             each of the answer's sentences means what some sentence of the
 *                                   document means, by a model of sentence embeddings
 *   round_trip                      the question, asked again, brought the same answer
 *   example_copied                  no eight words in a row from the prompt's own examples
 */

#include "annotate/annotate.h"

/* A model of sentence embeddings. */
struct da_checks_embedder {
    /* Fills out[n][dim]. */
    enum da_rc (*embed)(void *ctx, const struct da_span *texts, size_t n, float *out,
                        struct da_err *err);
    void *ctx;
    size_t dim;
    const char *identity; /* what makes its figures what they are; borrowed */
};

struct da_checks_opts {
    unsigned min_summary_words, max_summary_words; /* least: of what the document has */
    unsigned min_answer_words, max_answer_words;
    unsigned n_questions;
    double max_question_overlap; /* of the most alike pair */
    double min_numbers;          /* share found */
    double min_names;            /* share found */
    double min_support;          /* mean over the answer's sentences */
    double min_sts;              /* of the least supported sentence */
    double min_round_trip;       /* F1 of the two answers */
    const struct da_checks_embedder *embedder; /* borrowed; NULL: sts is not checked */
    struct da_span examples;     /* in-context examples of the prompt; empty: not checked */
};

/* The defaults. */
void da_checks_opts_init(struct da_checks_opts *o);

struct da_checks;

/* examples is copied. */
struct da_checks *da_checks_new(const struct da_checks_opts *o);
void da_checks_free(struct da_checks *c); /* NULL allowed */
/* Thresholds as one string, owned by c (da_annotate_opts.check_identity). */
const char *da_checks_identity(const struct da_checks *c);

/* A da_ann_check_fn; ctx is a struct da_checks. One at a time per struct. */
enum da_rc da_checks_run(void *ctx, const struct da_ann_doc *doc, const struct da_answers *answers,
                         struct da_jw *w, const char **failed, struct da_err *err);

#endif
