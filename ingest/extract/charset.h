/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INGEST_EXTRACT_CHARSET_H
#define INGEST_EXTRACT_CHARSET_H

/* Any text to UTF-8. */

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

enum { DA_CHARSET_NAME_MAX = 40 };

/*
 * Appends the text of p as UTF-8 to out and names the encoding it was in ("utf-8", "utf-16le",
 * "windows-1252", lower case). Order: byte order mark, hint (a label from the document, NULL or
 * "" for none), valid UTF-8, zero bytes of UTF-16/32, statistics. Stops after about want bytes
 * of output when want is not 0; *used is how much of p that took. False when no encoding fits
 * well; out is then unchanged.
 */
bool da_charset_decode(const unsigned char *p, size_t len, const char *hint, size_t want,
                       struct da_buf *out, char name[DA_CHARSET_NAME_MAX], size_t *used);

#endif
