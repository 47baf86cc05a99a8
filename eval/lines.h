#ifndef EVAL_LINES_H
#define EVAL_LINES_H

/* Plain text, one segment a line: LF or CRLF; the last line may lack its end. Empty lines count. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/span.h"

struct da_lines;

enum da_rc da_lines_open(struct da_lines **ret, const char *path /* "-": stdin */,
                         size_t max_line_bytes, struct da_err *err);
void da_lines_close(struct da_lines *l); /* NULL allowed */

/* The next line without its end, valid until the next call; *got is false at the end. Lines that
 * are not UTF-8 or too long are errors that name file and line. */
enum da_rc da_lines_next(struct da_lines *l, struct da_span *line, bool *got,
                         struct da_err *err);

uint64_t da_lines_number(const struct da_lines *l); /* lines returned so far */
const char *da_lines_name(const struct da_lines *l);

#endif
