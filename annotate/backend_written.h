#ifndef ANNOTATE_BACKEND_WRITTEN_H
#define ANNOTATE_BACKEND_WRITTEN_H

/*
 * Annotations written by people, from a JSON Lines file with rows
 *
 *     {"path": P, "summarization": {"request", "response"},
 *      "question_suggestion": {"request", "response": [three questions]},
 *      "question_answering": {"request", "response"}}
 *
 * joined to documents by source.path. A document without a row fails as
 * "not_written"; every row is read and checked before the first document.
 */

#include "annotate/annotate.h"

/* name: written to origin.model; NULL means "written". */
enum da_rc da_backend_written_new(struct da_backend **ret, const char *path, const char *name,
                                  struct da_err *err);

#endif
