#ifndef INGEST_HELPER_H
#define INGEST_HELPER_H

/*
 * The program's side of the crash wall (DESIGN.md 5.1): starts docassist-extract,
 * hands it open documents and collects what comes back. One helper serves one
 * document at a time; a pool is several of them, one per worker thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "ingest/extracted.h"
#include "ingest/request.h"

struct da_helper;

/* Starts the program at path. DA_ENOTFOUND when it is not there, DA_EUNSUPPORTED when
 * sandbox is wanted and this kernel or build has none. */
enum da_rc da_helper_open(struct da_helper **ret, const char *path, bool sandbox,
                          struct da_err *err);
void da_helper_close(struct da_helper *h); /* NULL allowed */

/*
 * Extracts the document open at fd (stays open, its offset is not used). Whatever the document
 * does to the child, DA_OK comes back with out->status saying so. A helper that ends, or does not
 * answer in time, is replaced; an error means that none can be started. Not thread-safe per helper.
 */
enum da_rc da_helper_extract(struct da_helper *h, int fd, const struct da_request *req,
                             struct da_extracted *out, struct da_err *err);

/* Names of the optional parts the helper was built with: "pdf html seccomp landlock". */
const char *da_helper_features(const struct da_helper *h);

#endif
