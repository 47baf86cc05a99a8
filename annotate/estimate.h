#ifndef ANNOTATE_ESTIMATE_H
#define ANNOTATE_ESTIMATE_H

/*
 * What annotating will cost, before anything is spent. Texts are counted exactly; what a
 * server adds to them (role marks, the schema), how long replies are and how much of a prompt
 * is cached is taken from the ledger's replies where there are any, else assumed.
 */

#include "annotate/asker.h"
#include "api/ledger.h"

struct da_estimate {
    uint64_t n_documents; /* of the input */
    uint64_t n_settled;   /* of them answered or failed in the ledger, or without text */
    uint64_t n_to_ask;
    uint64_t n_requests; /* for them, and with the round trip for those without a second answer */
    double prompt_tokens, cached_tokens, completion_tokens; /* sums over n_requests */
    double overhead;                                        /* tokens a request beside its texts */
    uint64_t n_calibration; /* answered documents the overhead was measured on */
    uint64_t n_replies;     /* replies the completion was measured on */
};

/* ledger may be NULL. */
enum da_rc da_estimate_run(struct da_asker *a, struct da_ledger *ledger, struct da_ann_source *s,
                           struct da_estimate *e, struct da_err *err);

#endif
