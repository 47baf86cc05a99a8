#ifndef ANNOTATE_ANNOTATE_H
#define ANNOTATE_ANNOTATE_H

/*
 * The annotation loop: document records in, annotation records out, in input
 * order, one record or one named failure per document.
 *
 * A backend turns one document into the three answers, or says why not. All
 * backends answer synchronously through `annotate`. One that has to ask
 * somebody else (the API) also has `gather`: it is given the whole input
 * before the loop (twice, when it asks about what it was answered), with as many requests in
 * flight as it likes, and keeps the
 * replies in its ledger, from which `annotate` then answers. So order, checks,
 * output and errors are the loop's business and no backend's.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/span.h"

enum { DA_ANSWERS_MAX_QUESTIONS = 8 }; /* asked for: 3 (arXiv 2411.09944) */

/* A document record as read; everything is owned by the source and valid until its next one. */
struct da_ann_doc {
    struct da_span line;        /* the record's JSON text */
    const struct da_json *json; /* the same, parsed */
    struct da_span id;          /* never empty */
    struct da_span text;        /* may be empty */
    struct da_span title;       /* empty when absent */
    struct da_span path;        /* source.path; empty when absent */
    struct da_span language;    /* language.code; empty when absent */
    int64_t n_tokens;           /* of text, by the record's tokenizer; -1 when absent */
    uint64_t line_number;       /* from 1 */
};

/* The three tasks of a document. Spans live in the arena given to the backend (or are static). */
struct da_answers {
    struct da_span summ_request, summ_response;
    struct da_span qs_request, qs_response[DA_ANSWERS_MAX_QUESTIONS];
    size_t n_qs;
    struct da_span qa_request, qa_response;
    bool asked_again;        /* the round trip was made: */
    struct da_span qa_again; /* what the same question brought; empty: no answer came */
};

/* Where an annotation comes from; empty spans and -1 are written as null. */
struct da_ann_origin {
    struct da_span model;    /* as asked for: "gpt-4o-mini", "docassist-extractive/1" */
    struct da_span snapshot; /* as answered: "gpt-4o-mini-2024-07-18" */
    struct da_span system_fingerprint;
    struct da_span prompt_sha256; /* of the prompt files */
    struct da_span params;        /* one JSON object; empty means {} */
    int64_t prompt_tokens, completion_tokens;
};

struct da_ann_result {
    const char *failure;   /* NULL: answers hold; else a short static name ("refused", "empty") */
    struct da_span detail; /* one line about the failure; may be empty */
    struct da_answers answers;
    struct da_ann_origin origin;
};

/* The document records of a run. */
struct da_ann_source;
/* Next record; at the end DA_OK with *doc->line empty. */
enum da_rc da_ann_source_next(struct da_ann_source *s, struct da_ann_doc *doc, struct da_err *err);

struct da_backend {
    const char *name; /* "api", "extractive", "written" */
    /* Everything that shapes the answers, as one string owned by the backend: another string
     * must not continue a run made with this one. */
    const char *identity;
    /* May be NULL. Asks for every document of the source; returns when each has a reply or a
     * final failure in the backend's own store. Called n_passes times, from pass 0, with all of
     * the documents each time. */
    enum da_rc (*gather)(struct da_backend *b, struct da_ann_source *s, unsigned pass,
                         struct da_err *err);
    unsigned n_passes;
    /* Fills res, whose memory comes from the arena. A document that cannot be annotated is a
     * res->failure; an error stops the run. */
    enum da_rc (*annotate)(struct da_backend *b, const struct da_ann_doc *doc,
                           struct da_arena *arena, struct da_ann_result *res, struct da_err *err);
    void (*free)(struct da_backend *b); /* b is not NULL */
};

void da_backend_free(struct da_backend *b); /* NULL allowed */

/*
 * Quality checks: writes the value of "checks", one JSON object, to w. *failed is the static
 * name of the first check that did not hold, or NULL.
 */
typedef enum da_rc (*da_ann_check_fn)(void *ctx, const struct da_ann_doc *doc,
                                      const struct da_answers *answers, struct da_jw *w,
                                      const char **failed, struct da_err *err);

struct da_annotate_opts {
    const char *input;     /* path or "-" */
    const char *output;    /* path or "-" */
    const char *errors;    /* path, or NULL: failures are only counted */
    bool restart;          /* throw away what an earlier run left */
    bool keep_failed;      /* keep annotations whose checks fail */
    da_ann_check_fn check; /* may be NULL: "checks" is {} */
    void *check_ctx;
    const char *check_identity; /* thresholds as one string; may be NULL */
    struct da_log *log;
    const volatile sig_atomic_t *stop; /* set: finish the record and return DA_EINTR; may be NULL */
};

struct da_annotate_stats {
    uint64_t n_documents, n_annotated, n_failed;
};

/* Runs the loop. stats is filled even on error. */
enum da_rc da_annotate(struct da_backend *b, const struct da_annotate_opts *opts,
                       struct da_annotate_stats *stats, struct da_err *err);

#endif
