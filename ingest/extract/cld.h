/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INGEST_EXTRACT_CLD_H
#define INGEST_EXTRACT_CLD_H

/* Which language a text is in, by CLD2. The shim is C++; this header is for both. */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { DA_LANGUAGE_CODE_MAX = 16 };

/* Writes the ISO 639 code (with the script where it matters: "zh-Hant") or "" when the text does
 * not say, and returns the share of the text in that language, 0..1000. p: valid UTF-8. */
int da_language_guess(const char *p, size_t len, char code[DA_LANGUAGE_CODE_MAX]);
/* How well the letters fit the languages that they look like; to compare readings of one text. */
double da_language_fit(const char *p, size_t len);

#ifdef __cplusplus
}
#endif

#endif
