#ifndef TEXT_OUTLINE_H
#define TEXT_OUTLINE_H

/*
 * A document prepared for extraction: its units, their words, and how central
 * each is. From it come summaries, answers and (text/question.h) questions, all
 * made of the document's own sentences. Deterministic on every machine.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/span.h"
#include "text/sentence.h"
#include "text/textrank.h"
#include "text/words.h"

struct da_outline {
    const char *text; /* the caller's; must outlive the outline */
    size_t len;
    struct da_units units;
    struct da_words words;
    struct da_word_range *range; /* [units.n] words of each unit's body; owned */
    double *score;               /* [units.n] TextRank, 0 where not ranked; owned */
    bool *usable;                /* [units.n] has words, and is not mostly marks or code; owned */
    bool *prose;                 /* [units.n] usable, and reads as a sentence of its own; owned */
    size_t n_prose;
};

enum da_outline_bias {
    DA_OUTLINE_FLAT, /* plain TextRank */
    DA_OUTLINE_LEAD  /* the surfer restarts at early sentences more often: documents open with
                        what matters */
};

void da_outline_init(struct da_outline *o);
void da_outline_release(struct da_outline *o);
/* Replaces o by the outline of text (valid UTF-8). */
void da_outline_make(struct da_outline *o, const char *text, size_t len, enum da_outline_bias bias);

/* Appends unit i as one readable line; cells of a table row become "first: second, third". A line
 * that runs away (more than 80 words without a sentence end) is cut, with " ..." at its end. */
void da_outline_add_text(const struct da_outline *o, size_t i, struct da_buf *out);

/* Appends a summary of at most max_sentences (1..4; 0: 2 to 4 by length) in document order; of a
 * document without sentences, its most central lines. false, and nothing appended, when the text
 * has no usable word. */
bool da_outline_summary(const struct da_outline *o, size_t max_sentences, struct da_buf *out);

/* Appends the first n sentences (lines where there are none); false as above. */
bool da_outline_lead(const struct da_outline *o, size_t n, struct da_buf *out);

/* The unit that shares most of the question's words, each weighted by its rarity here, among
 * those with a word; units.n when there is none. A question for a name, a date or a number
 * prefers a sentence that has one. */
size_t da_outline_answer(const struct da_outline *o, struct da_span question);

/* Length of unit i in words; a letter of a script without spaces counts half. */
size_t da_outline_length(const struct da_outline *o, size_t i);

#endif
