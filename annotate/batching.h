#ifndef ANNOTATE_BATCHING_H
#define ANNOTATE_BATCHING_H

/* Annotating through the Batch API: which documents are still to be asked about, and what
 * came back. Private to annotate/ and its command. */

#include "annotate/asker.h"
#include "api/batch.h"

struct da_batching_counts {
    uint64_t n_settled; /* answered, failed for good, or without text */
    uint64_t n_waiting; /* in a batch */
    uint64_t n_open;    /* to be asked about */
    uint64_t n_added;   /* of those: put into a batch now */
};

/*
 * Goes through the documents: stored replies that nobody has judged are judged, and with
 * batches not NULL those that are to be asked about are added while there is room.
 */
enum da_rc da_batching_pass(struct da_asker *a, struct da_ledger *ledger,
                            struct da_batches *batches, struct da_ann_source *s,
                            struct da_batching_counts *n, struct da_err *err);

#endif
