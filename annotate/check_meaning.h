#ifndef ANNOTATE_CHECK_MEANING_H
#define ANNOTATE_CHECK_MEANING_H

/* Checks that look at what an answer means: private to checks.c and its tests. */

#include "annotate/checks.h"
#include "eval/work.h"
#include "text/sentence.h"

/*
 * How far two answers to one question agree: token F1 by SQuAD's rules, 0..1; 0 when the second
 * one says that the document has no answer, or when one of them has numbers and they share none.
 */
double da_check_round_trip(struct da_work *work, struct da_span answer, struct da_span again);

/*
 * The cosine of the answer's least supported sentence with the document's sentence that is
 * closest to it. *known is false when one of them has no sentences.
 */
enum da_rc da_check_sts(const struct da_checks_embedder *e, struct da_span document,
                        const struct da_units *doc_units, struct da_span answer,
                        const struct da_units *answer_units, double *sts, bool *known,
                        struct da_err *err);

#endif
