#ifndef ENGINE_CHAT_JINJA_FILTER_H
#define ENGINE_CHAT_JINJA_FILTER_H

/* What the filters' files share; templates reach a filter through da_jfilter(). */

#include <stdbool.h>
#include <stddef.h>

#include "engine/chat/jinja_eval.h"

struct da_jfilter {
    const char *name;
    bool (*run)(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                struct da_jval *ret);
};

/* Filters of sequences (jinja_filter_seq.c). */
extern const struct da_jfilter da_jseq_filters[];
extern const size_t da_jseq_n_filters;

#endif
