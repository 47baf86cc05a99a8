/* Rows of statistics for every sample: see evaluate.h and README.md. */
#include "eval/evaluate.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"
#include "common/threads.h"
#include "eval/bleu.h"
#include "eval/bleu_hf.h"
#include "eval/copying.h"
#include "eval/dataset.h"
#include "eval/squad.h"
#include "prompts/slimlm.h"
#include "schemas/example.h"

enum {
    MAX_QUESTIONS = 64, /* of one list; the paper asks for three */
    BLEU_ORDER = 4,
    N_REFS = 1
};

/* --- the columns ------------------------------------------------------------ */

struct columns {
    struct da_samples *s;
    enum da_task task;
    struct da_buf sig;
};

static void add_metric(struct columns *c, const char *name, enum da_stat_form form, double scale)
{
    struct da_samples *s = c->s;
    struct da_samples_metric *m = &s->metrics[c->task][s->n_metrics[c->task]++];

    m->name = da_span(da_arena_strndup(&s->arena, name, strlen(name)), strlen(name));
    m->form = form;
    m->from = s->n_stats[c->task];
    m->n = form == DA_FORM_MEAN ? 2 : 2 + 2 * BLEU_ORDER;
    m->scale = scale;
    /* question lists are compared without their marks */
    if (c->task == DA_TASK_SUGGESTION)
        da_buf_add_str(&c->sig, "|list:plain");
    m->signature = da_span(da_arena_strndup(&s->arena, c->sig.p, c->sig.len), c->sig.len);
    s->n_stats[c->task] += m->n;
    da_buf_reset(&c->sig);
}

static void add_bleu(struct columns *c, const struct da_eval_opts *o)
{
    const struct da_sign sign = {.n_refs = N_REFS};
    const struct da_bleu_hf_opts hf = {.max_order = BLEU_ORDER};
    struct da_bleu_opts b;

    if (o->bleu == DA_EVAL_BLEU_HF) {
        da_bleu_hf_signature(&hf, N_REFS, &c->sig);
        add_metric(c, "bleu", DA_FORM_BLEU_HF, 1);
        return;
    }
    da_bleu_defaults(&b);
    da_bleu_signature(&b, &sign, false, &c->sig);
    da_buf_add_str(&c->sig, "|scale:1/100");
    add_metric(c, "bleu", DA_FORM_BLEU, 0.01);
}

static const enum da_rouge_type ROUGE_TYPES[] = {DA_ROUGE_1, DA_ROUGE_2, DA_ROUGE_L};

static struct da_rouge_opts rouge_opts(const struct da_eval_opts *o)
{
    return (struct da_rouge_opts){.stem = o->stem, .tok = o->rouge_tok,
                                  .types = 1u << DA_ROUGE_1 | 1u << DA_ROUGE_2 | 1u << DA_ROUGE_L};
}

static void add_task(struct da_samples *s, enum da_task task, const struct da_eval_opts *o)
{
    struct columns c = {.s = s, .task = task};
    struct da_rouge_opts r = rouge_opts(o);

    da_buf_init(&c.sig, 0);
    add_bleu(&c, o);
    for (size_t i = 0; i < DA_ARRAY_LEN(ROUGE_TYPES); i++) {
        da_rouge_signature(&r, ROUGE_TYPES[i], N_REFS, &c.sig);
        add_metric(&c, da_rouge_name(ROUGE_TYPES[i]), DA_FORM_MEAN, 1);
    }
    if (o->sts_signature) {
        da_buf_add_str(&c.sig, o->sts_signature);
        add_metric(&c, "sts", DA_FORM_MEAN, 1);
    }
    if (o->geval_signature && o->geval_tasks >> task & 1) {
        da_buf_add_str(&c.sig, o->geval_signature);
        add_metric(&c, "geval", DA_FORM_MEAN, 1);
    }
    if (task == DA_TASK_SUGGESTION) {
        if (o->diversity == DA_SELF_BLEU_SACRE)
            da_buf_add_str(&c.sig, "selfbleu:sacrebleu|tok:13a|smooth:exp|eff:yes|order:4|"
                                   "version:2.6.0|agg:mean|scale:1/100");
        else
            da_buf_addf(&c.sig, "selfbleu:nltk|tok:13a|smooth:method1|order:%d|agg:mean",
                        DA_SELF_BLEU_NLTK_ORDER);
        add_metric(&c, "diversity", DA_FORM_MEAN, o->diversity == DA_SELF_BLEU_SACRE ? 0.01 : 1);
    } else {
        da_buf_addf(&c.sig, "copy:%d-grams|tok:13a|case:lc", DA_COPY_ORDER);
        add_metric(&c, "copy", DA_FORM_MEAN, 1);
    }
    if (task == DA_TASK_ANSWERING) {
        da_buf_add_str(&c.sig, "squad:2.0|em");
        add_metric(&c, "em", DA_FORM_MEAN, 1);
        da_buf_add_str(&c.sig, "squad:2.0|f1");
        add_metric(&c, "f1", DA_FORM_MEAN, 1);
        da_buf_add_str(&c.sig, "squad:2.0|contains");
        add_metric(&c, "contains", DA_FORM_MEAN, 1);
    }
    da_buf_add_str(&c.sig, "length|tok:13a");
    add_metric(&c, "length", DA_FORM_MEAN, 1);
    da_buf_release(&c.sig);
}

/* --- one sample ------------------------------------------------------------- */

struct job {
    const struct da_dataset *d;
    const struct da_predictions *p;
    const struct da_eval_opts *opts;
    struct da_samples *s;
    const size_t *example; /* [samples] */
    struct da_work *work;  /* [workers] */
    struct da_buf *texts;  /* [samples]: hyp and ref as scored, where they are not views */
    unsigned char *lost;   /* [samples]: texts without a ROUGE token */
};

enum da_task da_intent_task(struct da_span intent)
{
    intent = da_span_trim(intent);
    for (unsigned t = 0; t < DA_N_TASKS; t++) {
        const char *name = da_task_name((enum da_task)t);
        size_t i = 0;
        while (i < intent.len && name[i] && tolower((unsigned char)intent.p[i]) == name[i])
            i++;
        if (i == intent.len && !name[i])
            return (enum da_task)t;
    }
    return DA_N_TASKS;
}

static void take_reply(const struct da_eval_prediction *p, struct da_sample *x)
{
    struct da_slimlm_reply r;

    x->hyp = p->response;
    if (p->raw.p) {
        da_slimlm_parse(p->raw, &r);
        x->has_intent = true;
        if (r.intent.len)
            x->predicted = r.intent;
        x->strict = r.strict && r.intent.len > 0;
        if (!p->response.p)
            x->hyp = r.response;
    } else if (p->intent.p) {
        x->has_intent = true;
        if (da_span_trim(p->intent).len)
            x->predicted = p->intent;
        enum da_task t = da_intent_task(p->intent);
        x->strict = t < DA_N_TASKS && da_span_is(p->intent, da_task_name(t));
    }
}

/* Questions one a line, without the marks of the list. Returns their number. */
static size_t plain_list(struct da_span text, struct da_span *q, struct da_buf *out)
{
    size_t n = da_questions_parse(text, q, MAX_QUESTIONS);

    for (size_t i = 0; i < n; i++) {
        if (i)
            da_buf_add_char(out, '\n');
        da_buf_add(out, q[i].p, q[i].len);
    }
    return n;
}

static void set_pair(double *at, double sum, double count)
{
    at[0] = isnan(sum) ? 0 : sum;
    at[1] = isnan(sum) ? 0 : count;
}

static void bleu_row(const struct da_eval_opts *o, struct da_work *w, const struct da_segment *seg,
                     double *at)
{
    struct da_bleu_opts b;

    if (o->bleu == DA_EVAL_BLEU_HF) {
        da_bleu_hf_segment(&(struct da_bleu_hf_opts){.max_order = BLEU_ORDER}, w, seg, at);
        return;
    }
    da_bleu_defaults(&b);
    da_bleu_segment(&b, w, seg, at);
}

/* Columns in the order of add_task. Returns the number of texts without a ROUGE token. */
static unsigned fill_row(const struct da_eval_opts *o, struct da_work *w, struct da_sample *x,
                         const struct da_segment *seg, const struct da_span *questions,
                         size_t n_questions)
{
    const struct da_rouge_opts r = rouge_opts(o);
    struct da_rouge_score rouge[DA_ROUGE_N_TYPES];
    struct da_copying copy;
    struct da_squad_score squad;
    double *at = x->stats;

    bleu_row(o, w, seg, at);
    x->hyp_words = (int64_t)at[0];
    x->ref_words = (int64_t)at[1];
    at += 2 + 2 * BLEU_ORDER;
    unsigned lost = da_rouge_segment(&r, w, seg, rouge);
    for (size_t i = 0; i < DA_ARRAY_LEN(ROUGE_TYPES); i++, at += 2)
        set_pair(at, rouge[ROUGE_TYPES[i]].fmeasure, 1);
    if (o->sts_signature)
        at += 2; /* not known yet */
    if (o->geval_signature && o->geval_tasks >> x->task & 1)
        at += 2; /* the judge's, not known yet */
    da_copying_segment(w, seg, DA_COPY_ORDER, &copy);
    x->doc_words = (int64_t)w->ref.n;
    if (x->task == DA_TASK_SUGGESTION)
        set_pair(at, da_self_bleu(o->diversity, DA_SELF_BLEU_NLTK_ORDER, w, questions, n_questions,
                                  NULL), 1);
    else
        set_pair(at, copy.copied, copy.total);
    at += 2;
    if (x->task == DA_TASK_ANSWERING) {
        da_squad_segment(w, seg, &squad);
        set_pair(at, squad.exact, 1);
        set_pair(at + 2, squad.f1, 1);
        set_pair(at + 4, squad.contains, 1);
        at += 6;
    }
    set_pair(at, (double)x->hyp_words, 1);
    return lost;
}

/* The sample's own values; BLEU counts orders the text is long enough for. */
static void fill_scores(const struct da_samples *s, struct da_sample *x)
{
    for (size_t i = 0; i < s->n_metrics[x->task]; i++) {
        const struct da_samples_metric *m = &s->metrics[x->task][i];
        if (m->form == DA_FORM_BLEU) {
            struct da_bleu_opts o;
            struct da_bleu_score b;
            da_bleu_defaults(&o);
            o.effective_order = true;
            da_bleu_score(&o, x->stats + m->from, &b);
            x->scores[i] = b.score * m->scale;
        } else {
            x->scores[i] = da_samples_score(m, x->stats);
        }
    }
}

static void score_one(void *ctx, size_t item, unsigned worker)
{
    struct job *job = ctx;
    struct da_sample *x = &job->s->items[item];
    const struct da_eval_example *e = &job->d->items[job->example[item]];
    struct da_work *w = &job->work[worker];
    struct da_span q[MAX_QUESTIONS];
    struct da_buf *text = &job->texts[item];
    size_t n_q = 0;

    take_reply(&job->p->items[job->example[item]], x);
    x->ref = e->response;
    if (x->task == DA_TASK_SUGGESTION) {
        (void)plain_list(e->response, q, text);
        size_t ref_len = text->len;
        n_q = plain_list(x->hyp, q, text);
        x->ref = da_span(text->p, ref_len);
        x->hyp = da_span(text->p + ref_len, text->len - ref_len);
    }
    const struct da_segment seg = {x->hyp, &x->ref, 1, e->document};
    job->lost[item] = (unsigned char)fill_row(job->opts, w, x, &seg, q, n_q);
    fill_scores(job->s, x);
    da_work_next(w);
}

/* --- all of them ------------------------------------------------------------ */

static struct da_span keep(struct da_samples *s, struct da_span text)
{
    return da_span(da_arena_strndup(&s->arena, text.p, text.len), text.len);
}

static void keep_texts(struct da_samples *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct da_sample *x = &s->items[i];
        x->id = keep(s, x->id);
        x->sha256 = keep(s, x->sha256);
        x->request = keep(s, x->request);
        x->ref = keep(s, x->ref);
        x->hyp = keep(s, x->hyp);
        if (x->predicted.p)
            x->predicted = keep(s, x->predicted);
    }
}

static struct da_span file_stem(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strchr(name, '.');

    if (strcmp(path, "-") == 0)
        return da_span_str("stdin");
    return da_span(name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
}

static void set_head(struct da_samples *s, const struct da_dataset *d,
                     const struct da_predictions *p, const char *path,
                     const struct da_eval_opts *o)
{
    struct da_buf text;
    struct da_jw w;

    s->model = keep(s, o->model ? da_span_str(o->model) : p->model.p ? p->model : file_stem(path));
    s->dataset_sha256 = keep(s, da_span(d->sha256, DA_SHA256_HEX_LEN));
    s->dataset_n = (int64_t)d->n;
    da_buf_init(&text, 0);
    da_jw_init(&w, &text);
    da_jw_object(&w);
    da_jw_kcstr(&w, "version", da_version());
    if (o->note)
        da_jw_kcstr(&w, "note", o->note);
    if (p->origin.p) {
        da_jw_key(&w, "generation");
        da_jw_raw(&w, p->origin.p, p->origin.len);
    }
    da_jw_end(&w);
    s->origin = keep(s, da_span(text.p, text.len));
    da_buf_release(&text);
}

/* Samples for the examples that have a prediction, in the order of ids. */
static size_t *lay_out(struct da_samples *s, const struct da_dataset *d,
                       const struct da_predictions *p, const struct da_eval_opts *o)
{
    size_t *example = da_calloc(d->n, sizeof *example);
    bool present[DA_N_TASKS] = {false};

    for (size_t i = 0; i < d->n; i++)
        present[d->items[i].task] = true;
    for (unsigned t = 0; t < DA_N_TASKS; t++)
        if (present[t])
            add_task(s, (enum da_task)t, o);
    for (size_t i = 0; i < d->n; i++) {
        const struct da_eval_example *e = &d->items[i];
        if (!p->items[i].line)
            continue;
        DA_GROW(s->items, s->n, s->cap);
        s->items[s->n] = (struct da_sample){
            .id = e->id, .task = e->task, .request = e->request,
            .sha256 = da_span(e->sha256, DA_SHA256_HEX_LEN),
            .stats = da_arena_alloc(&s->arena, s->n_stats[e->task], sizeof(double)),
            .scores = da_arena_alloc(&s->arena, s->n_metrics[e->task], sizeof(double))};
        example[s->n++] = i;
    }
    return example;
}

static void warn_lost(const struct job *job, const char *path)
{
    size_t n = 0;

    for (size_t i = 0; i < job->s->n; i++)
        n += job->lost[i] > 0;
    if (n)
        da_log_msg(job->opts->log, DA_LOG_WARN,
                   "%s: %zu samples hold text in which ROUGE finds no token%s", path, n,
                   job->opts->rouge_tok == DA_ROUGE_TOK_ASCII
                       ? " (it knows a-z and 0-9 only; --rouge-tok unicode knows all scripts)"
                       : "");
}

enum da_rc da_evaluate(const struct da_dataset *d, const char *path,
                       const struct da_eval_opts *opts, struct da_samples *samples,
                       struct da_err *err)
{
    struct da_predictions p;
    unsigned n_threads = opts->n_threads ? opts->n_threads : da_threads_available();
    enum da_rc rc = da_predictions_read(d, path, opts->partial, &p, err);

    if (rc != DA_OK)
        return rc;
    set_head(samples, d, &p, path, opts);
    size_t *example = lay_out(samples, d, &p, opts);
    struct job job = {d, &p, opts, samples, example, da_calloc(n_threads, sizeof *job.work),
                      da_calloc(samples->n, sizeof *job.texts), da_calloc(samples->n, 1)};
    for (unsigned i = 0; i < n_threads; i++)
        da_work_init(&job.work[i]);
    for (size_t i = 0; i < samples->n; i++)
        da_buf_init(&job.texts[i], 0);
    da_parallel_for(n_threads, samples->n, score_one, &job);
    keep_texts(samples);
    warn_lost(&job, path);
    for (size_t i = 0; i < samples->n; i++)
        da_buf_release(&job.texts[i]);
    for (unsigned i = 0; i < n_threads; i++)
        da_work_release(&job.work[i]);
    free(job.work);
    free(job.texts);
    free(job.lost);
    free(example);
    da_predictions_release(&p);
    return DA_OK;
}
