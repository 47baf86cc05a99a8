#ifndef TEXT_QUESTION_RULES_H
#define TEXT_QUESTION_RULES_H

/* Private to text/: the rules of question.c for single English sentences. */

#include "text/question.h"

struct da_question_maker {
    struct da_questions *out;
    const struct da_outline *o;
    struct da_arena *arena;
    struct da_buf text;              /* the question being written */
    struct da_words words, sentence; /* scratch: of a question, of the sentence it is made from */
    double top_score;                /* largest score of the outline */
};

/* Takes the text written into m->text, when it makes a fit question. */
void da_question_add(struct da_question_maker *m, enum da_question_kind kind, size_t unit,
                     double weight);

/* All rules on the English sentence of a unit. */
void da_question_english(struct da_question_maker *m, size_t unit);

#endif
