/* Extraction as an annotator: see the header. */

#include "annotate/backend_extractive.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"
#include "prompts/ask.h"
#include "text/outline.h"
#include "text/question.h"

enum { N_SUGGESTIONS = 3 }; /* arXiv 2411.09944 */

struct extractive {
    struct da_backend base;
    struct da_ask *ask;
    struct da_buf identity, text;
    struct da_outline outline;
    struct da_questions questions;
};

/* The text added since the last call, in the arena. */
static struct da_span keep(struct extractive *x, struct da_arena *arena)
{
    struct da_span s = {da_arena_strndup(arena, x->text.p, x->text.len), x->text.len};
    da_buf_reset(&x->text);
    return s;
}

/*
 * The question of the QA task: one that was not suggested, of a kind that depends on the
 * document's id, so that kinds vary over a corpus; the best of its kind. Questions of fact go
 * before questions about sections, those before any other.
 */
static const struct da_question *choose_question(const struct da_questions *q, size_t taken,
                                                 struct da_span id)
{
    static const enum da_question_kind last[] = {DA_Q_VALUE, DA_Q_SECTION};
    for (size_t pass = 0; pass < DA_ARRAY_LEN(last); pass++) {
        enum da_question_kind kinds[DA_Q_KINDS];
        size_t n = 0;
        for (size_t i = taken; i < q->n; i++) {
            bool seen = q->items[i].kind > last[pass];
            for (size_t k = 0; k < n; k++)
                seen |= kinds[k] == q->items[i].kind;
            if (!seen)
                kinds[n++] = q->items[i].kind;
        }
        enum da_question_kind kind = n ? kinds[da_hash64(id.p, id.len, 1) % n] : DA_Q_KINDS;
        for (size_t i = taken; i < q->n; i++) {
            if (q->items[i].kind == kind)
                return &q->items[i];
        }
    }
    return &q->items[taken < q->n ? taken : 0];
}

static enum da_rc annotate(struct da_backend *b, const struct da_ann_doc *doc,
                           struct da_arena *arena, struct da_ann_result *res, struct da_err *err)
{
    struct extractive *x = (struct extractive *)b;
    struct da_answers *a = &res->answers;
    struct da_ask_requests requests;
    (void)err;
    da_outline_make(&x->outline, doc->text.p, doc->text.len, DA_OUTLINE_LEAD);
    res->origin.model = da_span_str(DA_EXTRACTIVE_MODEL);
    if (!da_outline_summary(&x->outline, 0, &x->text)) {
        res->failure = "no_text";
        res->detail = da_span_str("the document has no usable text");
        return DA_OK;
    }
    da_ask_choose(x->ask, doc->id, &requests);
    a->summ_request = requests.summ;
    a->summ_response = keep(x, arena);
    da_questions_make(&x->questions, &x->outline, doc->language, arena);
    a->n_qs = da_questions_pick(&x->questions, N_SUGGESTIONS);
    a->qs_request = requests.suggestion;
    for (size_t i = 0; i < a->n_qs; i++)
        a->qs_response[i] = x->questions.items[i].question;
    const struct da_question *q = choose_question(&x->questions, a->n_qs, doc->id);
    a->qa_request = q->question;
    da_question_add_answer(&x->outline, q, &x->text);
    a->qa_response = keep(x, arena);
    return DA_OK;
}

static void release(struct da_backend *b)
{
    struct extractive *x = (struct extractive *)b;
    da_questions_release(&x->questions);
    da_outline_release(&x->outline);
    da_buf_release(&x->text);
    da_buf_release(&x->identity);
    da_ask_close(x->ask);
    free(x);
}

enum da_rc da_backend_extractive_new(struct da_backend **ret, const char *prompts_dir,
                                     struct da_err *err)
{
    struct extractive *x = da_calloc(1, sizeof *x);
    da_buf_init(&x->identity, 0);
    da_buf_init(&x->text, 0);
    da_outline_init(&x->outline);
    da_questions_init(&x->questions);
    enum da_rc rc = da_ask_open(&x->ask, prompts_dir, err);
    if (rc) {
        release(&x->base);
        return rc;
    }
    da_buf_addf(&x->identity, "%s:%s", DA_EXTRACTIVE_MODEL, da_ask_sha256(x->ask));
    x->base = (struct da_backend){
        .name = "extractive", .identity = x->identity.p, .annotate = annotate, .free = release};
    *ret = &x->base;
    return DA_OK;
}
