/* The annotation prompt: see the header. */

#include "prompts/ask.h"

#include <stdlib.h>

#include "common/mem.h"

struct choices {
    struct da_span *lines; /* [n], into the set's text; not empty */
    size_t n, cap;
};

struct da_ask {
    struct da_prompt_set *set;
    struct da_buf system;
    struct da_span user, repair, examples;
    struct choices summ, suggestion, qa;
    struct da_prompt_set *again; /* NULL: not opened */
    struct da_span again_system, again_user;
};

static enum da_rc load_choices(const struct da_ask *a, const char *name, struct choices *c,
                               struct da_err *err)
{
    struct da_span text, line;
    enum da_rc rc = da_prompt_set_get(a->set, name, &text, err);
    while (!rc && da_span_split(&text, '\n', &line)) {
        line = da_span_trim(line);
        if (line.len) {
            DA_GROW(c->lines, c->n, c->cap);
            c->lines[c->n++] = line;
        }
    }
    if (!rc && c->n == 0)
        rc = da_fail(err, DA_EFORMAT, "prompt 'annotate/%s' has no lines", name);
    return rc;
}

static enum da_rc render_system(struct da_ask *a, struct da_err *err)
{
    struct da_span text;
    enum da_rc rc = da_prompt_set_get(a->set, "system", &text, err);
    if (!rc)
        rc = da_prompt_set_get(a->set, "examples", &a->examples, err);
    if (rc)
        return rc;
    struct da_prompt_var var = {"examples", a->examples};
    rc = da_prompt_render(text, &var, 1, &a->system, err);
    return rc ? da_err_context(err, rc, "prompt 'annotate/system'") : DA_OK;
}

static enum da_rc check_templates(const struct da_ask *a, struct da_err *err)
{
    static const char *const needed[] = {"document", "summ_req", "suggestion_req", "qa_req"};
    struct da_buf scratch;
    struct da_ask_requests r = {.summ = {"", 0}, .suggestion = {"", 0}, .qa = {"", 0}};
    for (size_t i = 0; i < DA_ARRAY_LEN(needed); i++)
        if (!da_prompt_uses(a->user, needed[i]))
            return da_fail(err, DA_EFORMAT, "prompt 'annotate/user' does not use '{{%s}}'",
                           needed[i]);
    da_buf_init(&scratch, 0);
    enum da_rc rc = da_ask_user(a, da_span("", 0), &r, &scratch, err);
    if (!rc)
        rc = da_ask_repair(a, da_span("", 0), &scratch, err);
    da_buf_release(&scratch);
    return rc;
}

enum da_rc da_ask_open(struct da_ask **ret, const char *dir, struct da_err *err)
{
    struct da_ask *a = da_calloc(1, sizeof *a);
    da_buf_init(&a->system, 0);
    enum da_rc rc = da_prompt_set_open(&a->set, "annotate", dir, err);
    if (!rc)
        rc = render_system(a, err);
    if (!rc)
        rc = da_prompt_set_get(a->set, "user", &a->user, err);
    if (!rc)
        rc = da_prompt_set_get(a->set, "repair", &a->repair, err);
    if (!rc)
        rc = load_choices(a, "summ_req", &a->summ, err);
    if (!rc)
        rc = load_choices(a, "suggestion_req", &a->suggestion, err);
    if (!rc)
        rc = load_choices(a, "qa_req", &a->qa, err);
    if (!rc)
        rc = check_templates(a, err);
    if (rc) {
        da_ask_close(a);
        return rc;
    }
    *ret = a;
    return DA_OK;
}

void da_ask_close(struct da_ask *a)
{
    if (!a)
        return;
    free(a->summ.lines);
    free(a->suggestion.lines);
    free(a->qa.lines);
    da_buf_release(&a->system);
    da_prompt_set_close(a->again);
    da_prompt_set_close(a->set);
    free(a);
}

const char *da_ask_sha256(const struct da_ask *a)
{
    return da_prompt_set_sha256(a->set);
}

struct da_span da_ask_system(const struct da_ask *a)
{
    return da_span(a->system.p, a->system.len);
}

struct da_span da_ask_examples(const struct da_ask *a)
{
    return a->examples;
}

/* A seed for each list makes the three choices independent. */
static struct da_span choose(const struct choices *c, struct da_span id, uint64_t seed)
{
    return c->lines[da_hash64(id.p, id.len, seed) % c->n];
}

void da_ask_choose(const struct da_ask *a, struct da_span id, struct da_ask_requests *r)
{
    r->summ = choose(&a->summ, id, 1);
    r->suggestion = choose(&a->suggestion, id, 2);
    r->qa = choose(&a->qa, id, 3);
}

enum da_rc da_ask_user(const struct da_ask *a, struct da_span document,
                       const struct da_ask_requests *r, struct da_buf *out, struct da_err *err)
{
    struct da_prompt_var vars[] = {{"document", document},
                                   {"summ_req", r->summ},
                                   {"suggestion_req", r->suggestion},
                                   {"qa_req", r->qa}};
    enum da_rc rc = da_prompt_render(a->user, vars, DA_ARRAY_LEN(vars), out, err);
    return rc ? da_err_context(err, rc, "prompt 'annotate/user'") : DA_OK;
}

enum da_rc da_ask_repair(const struct da_ask *a, struct da_span error, struct da_buf *out,
                         struct da_err *err)
{
    struct da_prompt_var var = {"error", error};
    enum da_rc rc = da_prompt_render(a->repair, &var, 1, out, err);
    return rc ? da_err_context(err, rc, "prompt 'annotate/repair'") : DA_OK;
}

/* --- the round trip ----------------------------------------------------------------- */

enum da_rc da_ask_open_again(struct da_ask *a, const char *dir, struct da_err *err)
{
    static const char *const needed[] = {"document", "question"};
    struct da_buf scratch;
    enum da_rc rc = da_prompt_set_open(&a->again, "round_trip", dir, err);
    if (!rc)
        rc = da_prompt_set_get(a->again, "system", &a->again_system, err);
    if (!rc)
        rc = da_prompt_set_get(a->again, "user", &a->again_user, err);
    for (size_t i = 0; !rc && i < DA_ARRAY_LEN(needed); i++)
        if (!da_prompt_uses(a->again_user, needed[i]))
            rc = da_fail(err, DA_EFORMAT, "prompt 'round_trip/user' does not use '{{%s}}'",
                         needed[i]);
    if (rc)
        return rc;
    da_buf_init(&scratch, 0);
    rc = da_ask_again_user(a, da_span("", 0), da_span("", 0), &scratch, err);
    da_buf_release(&scratch);
    return rc;
}

const char *da_ask_again_sha256(const struct da_ask *a)
{
    return da_prompt_set_sha256(a->again);
}

struct da_span da_ask_again_system(const struct da_ask *a)
{
    return a->again_system;
}

enum da_rc da_ask_again_user(const struct da_ask *a, struct da_span document,
                             struct da_span question, struct da_buf *out, struct da_err *err)
{
    struct da_prompt_var vars[] = {{"document", document}, {"question", question}};
    enum da_rc rc = da_prompt_render(a->again_user, vars, DA_ARRAY_LEN(vars), out, err);
    return rc ? da_err_context(err, rc, "prompt 'round_trip/user'") : DA_OK;
}
