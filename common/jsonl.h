#ifndef COMMON_JSONL_H
#define COMMON_JSONL_H

/*
 * JSON Lines in: one value a line, LF or CRLF, a UTF-8 BOM before the first and
 * empty lines skipped. A line longer than the limit is an error, not a cut.
 * Errors read "<name>:<line>: <why>".
 */

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"

#define DA_JSONL_MAX_LINE ((size_t)64 << 20) /* 64 MiB: a 1.7 M token document is about 8 */

struct da_jsonl;

enum da_rc da_jsonl_open(struct da_jsonl **ret, const char *path /* "-": stdin */,
                         struct da_err *err);
void da_jsonl_close(struct da_jsonl *r);

/* Next non-empty line, valid until the next call. At the end DA_OK with *line empty. */
enum da_rc da_jsonl_next_line(struct da_jsonl *r, struct da_span *line, struct da_err *err);
/* Next value, owned by the caller. At the end DA_OK with *ret NULL. */
enum da_rc da_jsonl_next(struct da_jsonl *r, struct da_json **ret, struct da_err *err);

uint64_t da_jsonl_line_number(const struct da_jsonl *r); /* of the last line returned, from 1 */
const char *da_jsonl_name(const struct da_jsonl *r);     /* path, or "<stdin>" */
/* Wraps err with "<name>:<line>: " for errors the caller found in the last line. */
enum da_rc da_jsonl_fail(const struct da_jsonl *r, struct da_err *err);

#endif
