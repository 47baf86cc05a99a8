#ifndef EVAL_SIGN_H
#define EVAL_SIGN_H

/* What the signatures of all metrics share: the tool's order of fields and its abbreviations. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

#define DA_SACREBLEU_VERSION "2.6.0"

enum { DA_NREFS_VARIABLE = -1 };

struct da_sign {
    int n_refs;           /* references of every segment, or DA_NREFS_VARIABLE */
    unsigned n_bootstrap; /* 0: none */
    unsigned n_ar;        /* trials of approximate randomization; 0: none */
    bool has_seed;
    uint64_t seed;
};

/* "nrefs:1|bs:1000|seed:12345", or "#:1|bs:1000|rs:12345" when short_form. */
void da_sign_head(struct da_buf *out, const struct da_sign *s, bool short_form);
/* "|name:value"; abbr is used when short_form. */
void da_sign_add(struct da_buf *out, bool short_form, const char *name, const char *abbr,
                 const char *value);
/* "|version:2.6.0" */
void da_sign_version(struct da_buf *out, bool short_form);

#endif
