#ifndef TEXT_QUESTION_H
#define TEXT_QUESTION_H

/*
 * Questions a document answers, made of its own words by rules: definitions,
 * dates, places, agents, reasons and counts of English sentences; labels and
 * their values, table rows, headings and names of documents in any language.
 * Each question knows the unit that answers it. No model is involved.
 */

#include <stddef.h>

#include "common/arena.h"
#include "common/span.h"
#include "text/outline.h"

enum da_question_kind {
    DA_Q_WHAT_IS,
    DA_Q_WHO,
    DA_Q_WHEN,
    DA_Q_WHERE,
    DA_Q_WHY,
    DA_Q_HOW_MANY,
    DA_Q_HOW_MUCH,
    DA_Q_WHAT_DO, /* what somebody must, should or can do */
    DA_Q_EVENT,   /* what happened at a date */
    DA_Q_VALUE,   /* the value beside a label */
    DA_Q_LIST,    /* what a list names */
    DA_Q_ROW,     /* what a table shows for a row */
    DA_Q_SECTION, /* what a section says; a heading that is a question */
    DA_Q_TOPIC,   /* what is said about a name or a frequent word */
    DA_Q_GENERIC, /* fits every document */
    DA_Q_KINDS
};

struct da_question {
    enum da_question_kind kind;
    struct da_span question; /* in the caller's arena; ends with a question mark */
    size_t unit;             /* answers it */
    double weight;           /* larger is better */
};

struct da_questions {
    struct da_question *items; /* [n], owned */
    size_t n, cap;
};

void da_questions_init(struct da_questions *q);
void da_questions_release(struct da_questions *q);

/*
 * Replaces q by every question found in o, best first, no two alike. language: ISO 639-1 code,
 * or empty when unknown (then judged from the words). At least three for a text with a word.
 */
void da_questions_make(struct da_questions *q, const struct da_outline *o, struct da_span language,
                       struct da_arena *arena);

/*
 * Moves n questions to the front of q: each the best left over, as long as possible of a kind and
 * from a unit not taken yet. At most q->n; returns how many.
 */
size_t da_questions_pick(struct da_questions *q, size_t n);

/* Appends the question what the document says about unit i's longest name, or its longest word that
 * is no function word; false when it has neither. */
bool da_question_about(const struct da_outline *o, size_t i, struct da_span language,
                       struct da_buf *out);
/* Appends the k-th (0..2) of three questions that every document answers. */
void da_question_generic(const struct da_outline *o, size_t k, struct da_span language,
                         struct da_buf *out);

/* Appends what the document says to a question of its own: the unit's text, or the items of a
 * list. */
void da_question_add_answer(const struct da_outline *o, const struct da_question *q,
                            struct da_buf *out);

#endif
