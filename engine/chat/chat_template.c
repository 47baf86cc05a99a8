/* The door of the interpreter: see chat_template.h. */

#include "engine/chat/jinja_eval.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"

struct da_chat_template {
    struct da_arena a;
    struct da_jblock root;
};

enum da_rc da_chat_template_parse(struct da_chat_template **ret, struct da_span source,
                                  struct da_err *err)
{
    if (source.len > DA_CHAT_MAX_SOURCE)
        return da_fail(err, DA_ELIMIT, "chat template: longer than %d bytes", DA_CHAT_MAX_SOURCE);
    if (!da_utf8_valid(source.p, source.len))
        return da_fail(err, DA_EFORMAT, "chat template: not UTF-8");
    struct da_chat_template *t = da_calloc(1, sizeof *t);
    da_arena_init(&t->a);
    enum da_rc rc = da_jinja_parse(&t->a, source, &t->root, err);
    if (rc != DA_OK) {
        (void)da_err_context(err, rc, "chat template");
        da_chat_template_free(t);
    } else {
        *ret = t;
    }
    return rc;
}

void da_chat_template_free(struct da_chat_template *t)
{
    if (!t)
        return;
    da_arena_release(&t->a);
    free(t);
}

enum da_rc da_chat_template_render(const struct da_chat_template *t, const struct da_json *vars,
                                   int64_t now_unix_s, const struct da_chat_template_limits *limits,
                                   struct da_buf *out, struct da_err *err)
{
    struct da_chat_template_limits l = limits ? *limits : (struct da_chat_template_limits){0};
    struct da_jinterp in = {
        .max_steps = l.max_steps ? l.max_steps : DA_CHAT_MAX_STEPS,
        .max_memory = l.max_memory ? l.max_memory : DA_CHAT_MAX_MEMORY,
        .now = now_unix_s,
        .err = err,
    };
    struct da_buf text;
    da_buf_init(&text, l.max_output ? l.max_output : DA_CHAT_MAX_OUTPUT);
    da_arena_init(&in.a);
    in.out = &text;
    in.scope = da_jpush_scope(&in, NULL);
    for (const struct da_json *v = da_json_first(vars); v; v = da_json_next(v))
        da_jset_name(&in, da_span_str(da_json_key(v)), da_j_from_json(&in.a, v));
    in.scope = da_jpush_scope(&in, in.scope);
    if (da_jrun(&in, &t->root))
        da_buf_add(out, text.p, text.len);
    else
        (void)da_err_context(err, in.rc, "chat template");
    da_arena_release(&in.a);
    da_buf_release(&text);
    return in.rc == DA_OK ? da_buf_check(out, "the prompt", err) : in.rc;
}
