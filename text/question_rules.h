#ifndef TEXT_QUESTION_RULES_H
#define TEXT_QUESTION_RULES_H

/* Private to text/: what the files of the question maker share. */

#include "common/map.h"
#include "text/question.h"

struct da_question_maker {
    struct da_questions *out;
    const struct da_outline *o;
    struct da_arena *arena;
    struct da_buf text;              /* the question being written */
    struct da_words words, sentence; /* scratch: of a question, of the sentence it is made from */
    double top_score;                /* largest score of the outline */
    struct da_map only;              /* of each word 1 + the unit that alone has it, or 0 */
};

/* Takes the text written into m->text, when it makes a fit question. */
void da_question_add(struct da_question_maker *m, enum da_question_kind kind, size_t unit,
                     double weight);

/* Whether s has at least so many letters; whether its first character is a letter or digit. */
bool da_question_has_letters(struct da_span s, size_t least);
bool da_question_starts_with_word(struct da_span s);

/* A question from a unit that is a label with its value, or a row of a table. */
void da_question_label(struct da_question_maker *m, size_t unit);

/* All rules on the English sentence of a unit. */
void da_question_english(struct da_question_maker *m, size_t unit);

#endif
