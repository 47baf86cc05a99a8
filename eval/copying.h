#ifndef EVAL_COPYING_H
#define EVAL_COPYING_H

/* How much of an output was copied: the share of its n-grams that stand in the document
 * (13a tokens, lower case; each occurrence in the output counts). */

#include "eval/work.h"

enum { DA_COPY_ORDER = 4 };

struct da_copying {
    double copied, total; /* n-grams of the output found in the document; all of them */
    double n_words;       /* 13a tokens of the output */
};

void da_copying_segment(struct da_work *w, const struct da_segment *s, unsigned order,
                        struct da_copying *ret);

#endif
