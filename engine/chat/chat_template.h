#ifndef ENGINE_CHAT_CHAT_TEMPLATE_H
#define ENGINE_CHAT_CHAT_TEMPLATE_H

/*
 * Chat templates: the part of Jinja2 that the templates of published models use,
 * rendered as Hugging Face's transformers do (trim_blocks, lstrip_blocks, loop
 * controls, immutable sandbox; `tojson` does not escape; `raise_exception`,
 * `strftime_now`).
 *
 * A template is a program from a model file and treated as hostile: nesting,
 * steps, memory and output are limited, and it reaches nothing but its
 * variables. A parsed template is never changed; threads may share it.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "common/span.h"

enum {
    DA_CHAT_MAX_SOURCE = 1 << 20, /* bytes; the longest published template has about 20,000 */
    DA_CHAT_MAX_DEPTH = 100       /* nesting of expressions, blocks and macro calls */
};
#define DA_CHAT_MAX_STEPS ((uint64_t)20 << 20) /* evaluated nodes */
#define DA_CHAT_MAX_MEMORY ((size_t)128 << 20) /* bytes of values */
#define DA_CHAT_MAX_OUTPUT ((size_t)64 << 20)  /* bytes */

struct da_chat_template;

/* DA_EFORMAT "line 3: ..." for what is no template, DA_EUNSUPPORTED for what this does not know. */
enum da_rc da_chat_template_parse(struct da_chat_template **ret, struct da_span source,
                                  struct da_err *err);
void da_chat_template_free(struct da_chat_template *t); /* NULL allowed */

struct da_chat_template_limits {
    uint64_t max_steps; /* 0: the defaults above */
    size_t max_memory, max_output;
};

/*
 * Appends the text that the template makes of its variables, the members of the
 * object vars: messages, add_generation_prompt, bos_token, tools, ... now_unix_s
 * is what strftime_now says (UTC). limits may be NULL. DA_EFORMAT when the
 * template raises an exception or does something impossible, DA_ELIMIT when it
 * does too much of it.
 */
enum da_rc da_chat_template_render(const struct da_chat_template *t, const struct da_json *vars,
                                   int64_t now_unix_s, const struct da_chat_template_limits *limits,
                                   struct da_buf *out, struct da_err *err);

#endif
