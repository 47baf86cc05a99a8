#ifndef PROMPTS_PROMPTS_H
#define PROMPTS_PROMPTS_H

/*
 * Prompt texts: files in prompts/SET/NAME.txt, built into the program, or the user's own
 * copies in DIR/SET/NAME.txt (docassist prompts export writes them out). A text loses one
 * line feed at its end. Filling in is one pass: what a value holds is never expanded.
 */

#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/hash.h"
#include "common/span.h"

struct da_prompt_var {
    const char *name;
    struct da_span value;
};

/* Appends text with every {{name}} replaced. A name that is not among vars is an error; "{{"
 * without a lower-case name and "}}" is ordinary text. */
enum da_rc da_prompt_render(struct da_span text, const struct da_prompt_var *vars, size_t n_vars,
                            struct da_buf *out, struct da_err *err);

/* Whether text holds {{name}}. */
int da_prompt_uses(struct da_span text, const char *name);

struct da_prompt_set;

/* All texts of a set; dir NULL: the built-in ones, else DIR/SET, in which every built-in name
 * must be there. */
enum da_rc da_prompt_set_open(struct da_prompt_set **ret, const char *set, const char *dir,
                              struct da_err *err);
void da_prompt_set_close(struct da_prompt_set *s); /* NULL allowed */

/* The named text, valid while the set is open; DA_ENOTFOUND names it. */
enum da_rc da_prompt_set_get(const struct da_prompt_set *s, const char *name, struct da_span *text,
                             struct da_err *err);
/* SHA-256 over all names and texts of the set, 64 hex digits. */
const char *da_prompt_set_sha256(const struct da_prompt_set *s);

/* Writes every built-in prompt file and the price table below dir, which is made. Existing
 * files are an error and nothing is written. */
enum da_rc da_prompts_export(const char *dir, size_t *n_files, struct da_err *err);

#endif
