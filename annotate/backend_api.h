#ifndef ANNOTATE_BACKEND_API_H
#define ANNOTATE_BACKEND_API_H

/* The backend that asks a chat-completions API: one request per document for all three tasks. */

#include "annotate/annotate.h"
#include "annotate/asker.h"
#include "api/client.h"

struct da_backend_api_opts {
    struct da_client_opts client; /* endpoints, limits, ledger, ...: borrowed */
    struct da_asker_opts asker;
    bool answer_only; /* nothing is asked: the ledger is all there is */
    bool reparse;     /* read the stored replies of failed requests again */
    struct da_log *log;
    const volatile sig_atomic_t *stop; /* may be NULL */
};

enum da_rc da_backend_api_new(struct da_backend **ret, const struct da_backend_api_opts *opts,
                              struct da_err *err);

/* What this run sent and spent; zeros before gather. */
void da_backend_api_stats(const struct da_backend *b, struct da_client_stats *s);

/* Appends the request body that doc would be asked with. */
enum da_rc da_backend_api_show(struct da_backend *b, const struct da_ann_doc *doc,
                               struct da_buf *out, struct da_err *err);

#endif
