#ifndef SCHEMAS_RECORD_H
#define SCHEMAS_RECORD_H

/*
 * What all records share. A record begins with "schema":"docassist.KIND/MAJOR".
 * Readers give structs whose spans and nodes point into the parsed line; the
 * line's tree must live as long as the struct. Members that a reader does not
 * know stay reachable through the `json` member and are written back unchanged.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/json.h"

enum da_task { DA_TASK_SUMMARIZATION, DA_TASK_SUGGESTION, DA_TASK_ANSWERING, DA_N_TASKS };

/* The released model's spelling: "summarization", "question_suggestion", "question_answering". */
const char *da_task_name(enum da_task task);
/* The suffix of an example's id: "summ", "qs", "qa". */
const char *da_task_suffix(enum da_task task);
bool da_task_from_name(struct da_span name, enum da_task *ret);

/* Checks that j is an object whose "schema" is docassist.KIND/1; absent is an error unless
 * optional. */
enum da_rc da_record_check_kind(const struct da_json *j, const char *kind, bool optional,
                                struct da_err *err);

/* Writes the members of j whose keys are not among known[n]; j may be NULL. */
void da_record_write_unknown(struct da_jw *w, const struct da_json *j, const char *const *known,
                             size_t n);

/* Members with a type; DA_EFORMAT names the member. */
enum da_rc da_record_int(const struct da_json *j, const char *key, int64_t *out,
                         struct da_err *err);
enum da_rc da_record_bool(const struct da_json *j, const char *key, bool *out,
                          struct da_err *err);
enum da_rc da_record_object(const struct da_json *j, const char *key,
                            const struct da_json **out, struct da_err *err);

/* "docassist X.Y.Z", for origin.version. */
const char *da_version(void);

#endif
