#ifndef CLI_ANNOTATE_BATCH_H
#define CLI_ANNOTATE_BATCH_H

/* annotate --batch: the Batch API, step by step. */

#include "annotate/asker.h"
#include "cli/api_opts.h"

enum da_batch_action { DA_BATCH_SUBMIT, DA_BATCH_POLL, DA_BATCH_FETCH, DA_BATCH_CANCEL };
#define DA_BATCH_ACTIONS "submit|poll|fetch|cancel"

struct da_annotate_batch {
    enum da_batch_action action;
    int64_t max_tokens, max_requests;
    const char *input;
    struct da_asker_opts asker;
};

/*
 * Does one step; api is open. *exit_code is the command's, unless *complete is set: then
 * every document is settled and the output can be written from the ledger.
 */
enum da_rc da_annotate_batch(const struct da_annotate_batch *o, struct da_api_cli *api,
                             int *exit_code, bool *complete, struct da_err *err);

#endif
