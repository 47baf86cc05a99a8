/*
 * Prompts for examples. A model without a chat template gets the released SlimLM
 * prompt byte for byte; others get the same content, system text and user message,
 * in their own template. Templates without a system role (they raise an exception)
 * get the system text before the user's.
 */

#include <string.h>

#include "common/json.h"
#include "common/utf8.h"
#include "engine/chat/chat_template.h"
#include "eval/generate_int.h"
#include "prompts/slimlm.h"

/* What strftime_now says: fixed, because records hold no clock. 26 July 2024, the day Llama 3's
 * template falls back to when it has no clock. */
enum { TEMPLATE_DATE = 1721952000 };

/* --- chat templates ---------------------------------------------------------------- */

static void write_message(struct da_jw *w, const char *role, struct da_span content)
{
    da_jw_object(w);
    da_jw_kcstr(w, "role", role);
    da_jw_kstr(w, "content", da_span_trim(content));
    da_jw_end(w);
}

static void write_special(struct da_jw *w, const char *key, const struct da_tokenizer *t,
                          enum da_tok_special which)
{
    int32_t id = da_tokenizer_special(t, which);
    da_jw_key(w, key);
    da_jw_span(w, id < 0 ? da_span("", 0) : da_tokenizer_token(t, id));
}

/* The template's variables. system_role: a message of its own for the system text. */
static void write_vars(const struct da_generator *g, struct da_span user, bool system_role,
                       struct da_buf *out)
{
    struct da_span system = da_span_trim(da_slimlm_system());
    struct da_buf both;
    struct da_jw w;
    da_buf_init(&both, 0);
    da_buf_add(&both, system.p, system.len);
    da_buf_add_str(&both, "\n\n");
    da_buf_add(&both, user.p, user.len);
    da_jw_init(&w, out);
    da_jw_object(&w);
    da_jw_key(&w, "messages");
    da_jw_array(&w);
    if (system_role)
        write_message(&w, "system", system);
    write_message(&w, "user", system_role ? user : da_span(both.p, both.len));
    da_jw_end(&w);
    da_jw_kbool(&w, "add_generation_prompt", true);
    write_special(&w, "bos_token", g->tokenizer, DA_TOK_BOS);
    write_special(&w, "eos_token", g->tokenizer, DA_TOK_EOS);
    da_jw_end(&w);
    da_buf_release(&both);
}

static enum da_rc render_once(const struct da_generator *g, struct da_span user,
                              bool system_role, struct da_buf *out, struct da_err *err)
{
    struct da_json *vars = NULL;
    struct da_buf text;
    enum da_rc rc;
    da_buf_init(&text, 0);
    write_vars(g, user, system_role, &text);
    rc = da_json_parse(text.p, text.len, &vars, err);
    if (rc == DA_OK)
        rc = da_chat_template_render(g->chat, vars, TEMPLATE_DATE, NULL, out, err);
    da_json_free(vars);
    da_buf_release(&text);
    return rc;
}

static enum da_rc render_chat(const struct da_generator *g, struct da_span document,
                              struct da_span request, struct da_buf *out, struct da_err *err)
{
    struct da_buf plain, user;
    size_t start = out->len;
    enum da_rc rc;
    da_buf_init(&plain, 0);
    da_buf_init(&user, 0);
    da_slimlm_user(document, request, &plain);
    da_tokenizer_mark(g->tokenizer, da_span(plain.p, plain.len), &user);
    da_buf_release(&plain);
    rc = render_once(g, da_span(user.p, user.len), true, out, err);
    if (rc == DA_EFORMAT) {
        da_buf_truncate(out, start);
        rc = render_once(g, da_span(user.p, user.len), false, out, err);
    }
    da_buf_release(&user);
    return rc == DA_OK ? rc : da_err_context(err, rc, "chat template of the model");
}

static enum da_rc render(struct da_generator *g, struct da_span document, struct da_span request,
                         struct da_err *err)
{
    da_buf_reset(&g->text);
    if (g->chat)
        return render_chat(g, document, request, &g->text, err);
    da_slimlm_prompt(document, request, &g->text);
    return da_buf_check(&g->text, "the prompt", err);
}

enum da_rc da_prompt_open(struct da_generator *g, struct da_err *err)
{
    struct da_span source = da_tokenizer_chat_template(g->tokenizer);
    enum da_rc rc = DA_OK;
    if (source.len) {
        rc = da_chat_template_parse(&g->chat, source, err);
        if (rc != DA_OK)
            return da_err_context(err, rc, "%s: chat template", g->opts.model_path);
    }
    /* the text with names for its two holes stands for every prompt */
    rc = render(g, da_span_str("{{document}}"), da_span_str("{{request}}"), err);
    da_sha256_hex(g->text.p, g->text.len, g->prompt_sha256);
    return rc;
}

/* --- prompts that fit ---------------------------------------------------------------- */

/* A template writes its own special tokens; BOS is added only where it did not. */
static unsigned encode_flags(const struct da_generator *g)
{
    int32_t bos = da_tokenizer_special(g->tokenizer, DA_TOK_BOS);
    struct da_span token;
    if (!g->chat)
        return DA_TOK_ADD_SPECIAL;
    token = bos < 0 ? da_span("", 0) : da_tokenizer_token(g->tokenizer, bos);
    if (token.len && g->text.len >= token.len && memcmp(g->text.p, token.p, token.len) == 0)
        return DA_TOK_PARSE_SPECIAL | DA_TOK_MARKED;
    return DA_TOK_PARSE_SPECIAL | DA_TOK_MARKED | DA_TOK_ADD_SPECIAL;
}

static enum da_rc encode_prompt(struct da_generator *g, struct da_span document,
                                struct da_span request, struct da_ids *ids, struct da_err *err)
{
    enum da_rc rc = render(g, document, request, err);
    da_ids_reset(ids);
    if (rc != DA_OK)
        return rc;
    return da_tokenizer_encode(g->tokenizer, g->scratch, da_span(g->text.p, g->text.len),
                               encode_flags(g), ids, err);
}

/* The longest prefix of the document that fits; the number of tokens grows with it, nearly. */
static enum da_rc cut_document(struct da_generator *g, struct da_span document,
                               struct da_span request, size_t room, struct da_ids *ids,
                               struct da_err *err)
{
    size_t low = 0, high = document.len;
    enum da_rc rc = DA_OK;
    while (rc == DA_OK && high - low > 1) {
        size_t mid = da_utf8_grapheme_floor(document.p, document.len, low + (high - low) / 2);
        if (mid <= low)
            break;
        rc = encode_prompt(g, da_span(document.p, mid), request, ids, err);
        if (ids->n <= room)
            low = mid;
        else
            high = mid;
    }
    return rc == DA_OK ? encode_prompt(g, da_span(document.p, low), request, ids, err) : rc;
}

enum da_rc da_prompt_fit(struct da_generator *g, struct da_span document, struct da_span request,
                         struct da_ids *ids, bool *truncated, struct da_err *err)
{
    size_t room = da_engine_opts(g->engine)->n_ctx;
    enum da_rc rc = encode_prompt(g, document, request, ids, err);
    *truncated = false;
    room = room > g->opts.max_new ? room - g->opts.max_new : 0;
    if (rc != DA_OK || ids->n <= room)
        return rc;
    rc = encode_prompt(g, da_span(document.p, 0), request, ids, err);
    if (rc == DA_OK && ids->n > room)
        return da_fail(err, DA_ELIMIT,
                       "the prompt needs %zu tokens without its document, the context has room "
                       "for %zu",
                       ids->n, room);
    *truncated = true;
    return rc == DA_OK ? cut_document(g, document, request, room, ids, err) : rc;
}
