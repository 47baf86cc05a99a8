/*
 * The scheduler. Requests enter a ring in their order and leave it in the same
 * order, so memory is bounded by the ring. Requests of one group are admitted
 * together: the prefix their prompts share is computed in a sequence of its own
 * ("base"), each request forks it, computes the rest of its prompt and decodes.
 *
 *     WAITING --admit--> PREFIX --base ready--> PROMPT --logits--> DECODE --> DONE
 *
 * A step takes one token of every decoding request, then prompt tokens up to the
 * batch. Pages are promised on admission, so a step never runs out of them.
 */
#include "engine/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/draft.h"
#include "engine/model/model.h"
#include "engine/sample.h"
#include "engine/session.h"

enum { DRAFT_LIVE = 3 }; /* answers decoded at most while guesses are worth their rows */
enum { RING_PER_SEQ = 4, MESSAGE_MAX = 160, MAX_STOP_IDS = 64 };
#define NO_SEQ UINT32_MAX

enum slot_state { SLOT_WAITING, SLOT_PREFIX, SLOT_PROMPT, SLOT_DECODE, SLOT_DONE };

struct slot {
    enum slot_state state;
    struct da_request req; /* its pointers are into text and ids below */
    uint64_t group;        /* number of its group; slots of a group are neighbours */
    char *text;            /* owned: id, then group */
    int32_t *ids;          /* owned: prompt, then stop ids */
    uint64_t key;
    uint32_t seq;   /* NO_SEQ unless PROMPT or DECODE */
    uint32_t n_fed; /* prompt tokens computed or shared */
    uint32_t n_shared;
    uint32_t n_promised; /* pages */
    struct base *base;   /* whose prefix it shares; NULL: none */
    int32_t last;        /* token to feed next while decoding */
    int32_t draft[DA_DRAFT_MAX]; /* guesses of this step, fed behind last */
    uint32_t n_draft, n_hit;     /* n_hit: of the last guesses, how many were right */
    int32_t *out;        /* owned: generated */
    size_t n_out, cap_out;
    struct da_logprob *lp; /* owned */
    size_t n_lp, cap_lp;
    enum da_finish finish;
    enum da_rc rc;
    char message[MESSAGE_MAX];
};

/* A prefix that is being computed or shared now; in use while n_alive is not 0. */
struct base {
    uint32_t n_alive;   /* slots that need its pages: not DONE yet */
    uint32_t n_waiting; /* of these, slots that still have to fork; at 0 seq is closed */
    uint32_t seq;
    const int32_t *ids; /* of the group's first slot */
    uint32_t n_prefix, n_fed;
    uint32_t n_promised;
};

struct da_engine {
    const struct da_model *model;
    struct da_session *session;
    struct da_engine_opts opts;
    struct da_engine_stats stats;
    struct da_sampler sampler;
    struct slot *ring; /* [n_ring], oldest at head */
    uint32_t n_ring, head, n_slots;
    struct base *bases; /* [n_parallel] */
    uint32_t n_bases, n_live;
    uint32_t promised; /* pages */
    uint64_t n_groups;
    bool ended;
    struct da_row *rows;    /* [batch] */
    struct slot **row_slot; /* [batch] whose logits a row gives, or NULL */
};

const char *da_kv_type_name(enum da_kv_type t)
{
    static const char *const NAMES[] = {"auto", "f32", "f16", "q8"};
    return NAMES[t];
}

const char *da_finish_name(enum da_finish f)
{
    static const char *const NAMES[] = {"stop", "stop", "length", "context", "error"};
    return NAMES[f];
}

/* --- life ------------------------------------------------------------------------ */

enum da_rc da_engine_new(struct da_engine **ret, const struct da_model *m,
                         const struct da_engine_opts *opts, struct da_err *err)
{
    static const struct da_engine_opts NONE = {0};
    const struct da_engine_opts *o = opts ? opts : &NONE;
    uint32_t n = o->n_parallel ? o->n_parallel : DA_ENGINE_PARALLEL;
    n = n < DA_ENGINE_MAX_PARALLEL ? n : DA_ENGINE_MAX_PARALLEL;
    const uint32_t drafting = DRAFT_LIVE * (1 + DA_DRAFT_MAX);
    struct da_session_opts so = {.n_threads = o->n_threads,
                                 .kv = o->kv,
                                 .n_ctx = o->n_ctx,
                                 .n_seqs = 2 * n, /* requests and prefixes */
                                 .batch = o->batch,
                                 .n_logits = n > drafting ? n : drafting,
                                 .kv_max_bytes = o->kv_max_bytes};
    if (so.batch && so.batch < n)
        so.batch = n;
    struct da_engine *e = da_calloc(1, sizeof *e);
    enum da_rc rc = da_session_new(&e->session, m, &so, err);
    if (rc) {
        free(e);
        return rc;
    }
    const struct da_session_opts *got = da_session_opts(e->session);
    e->model = m;
    e->opts = *o;
    e->opts.n_threads = got->n_threads;
    e->opts.kv = got->kv;
    e->opts.n_ctx = got->n_ctx;
    e->opts.n_parallel = n;
    e->opts.batch = got->batch;
    e->opts.kv_max_bytes = got->kv_max_bytes;
    e->opts.no_prefix_cache = o->no_prefix_cache || m->t5; /* an encoder reads a prompt whole */
    e->n_ring = RING_PER_SEQ * n;
    e->ring = da_calloc(e->n_ring, sizeof *e->ring);
    e->n_bases = n;
    e->bases = da_calloc(n, sizeof *e->bases);
    e->rows = da_calloc(got->batch, sizeof *e->rows);
    e->row_slot = da_calloc(got->batch, sizeof *e->row_slot);
    da_sampler_init(&e->sampler, m->hp.n_vocab);
    e->stats.kv_bytes = da_session_kv_bytes(e->session);
    *ret = e;
    return DA_OK;
}

static void clear_slot(struct slot *s)
{
    free(s->text);
    free(s->ids);
    free(s->out);
    free(s->lp);
    memset(s, 0, sizeof *s);
    s->seq = NO_SEQ;
}

static struct slot *slot_at(const struct da_engine *e, uint32_t i)
{
    return &e->ring[(e->head + i) % e->n_ring];
}

void da_engine_free(struct da_engine *e)
{
    if (!e)
        return;
    for (uint32_t i = 0; i < e->n_slots; i++)
        clear_slot(slot_at(e, i));
    da_sampler_release(&e->sampler);
    da_session_free(e->session);
    free(e->ring);
    free(e->bases);
    free(e->rows);
    free(e->row_slot);
    free(e);
}

const struct da_engine_opts *da_engine_opts(const struct da_engine *e)
{
    return &e->opts;
}

const struct da_engine_stats *da_engine_stats(const struct da_engine *e)
{
    return &e->stats;
}

/* --- taking requests ------------------------------------------------------------- */

static void refuse(struct slot *s, enum da_rc rc, const char *message)
{
    s->state = SLOT_DONE;
    s->finish = DA_FINISH_ERROR;
    s->rc = rc;
    snprintf(s->message, sizeof s->message, "%s", message);
}

static void check_request(const struct da_engine *e, struct slot *s)
{
    char msg[MESSAGE_MAX];
    if (s->req.n_ids == 0 || s->req.max_new == 0) {
        refuse(s, DA_EUSAGE, s->req.n_ids ? "no tokens are asked for" : "the prompt is empty");
        return;
    }
    if (s->req.n_ids >= e->opts.n_ctx) {
        snprintf(msg, sizeof msg, "the prompt has %zu tokens; the context holds %" PRIu32,
                 s->req.n_ids, e->opts.n_ctx);
        refuse(s, DA_ELIMIT, msg);
        return;
    }
    for (size_t i = 0; i < s->req.n_ids; i++) {
        if (s->req.ids[i] >= 0 && (uint32_t)s->req.ids[i] < e->model->hp.n_vocab)
            continue;
        snprintf(msg, sizeof msg, "token %" PRId32 " is outside the vocabulary of %" PRIu32,
                 s->req.ids[i], e->model->hp.n_vocab);
        refuse(s, DA_EUSAGE, msg);
        return;
    }
}

static void fill_slot(struct da_engine *e, struct slot *s, const struct da_request *req)
{
    const struct slot *prev = e->n_slots ? slot_at(e, e->n_slots - 1) : NULL;
    clear_slot(s);
    s->req = *req;
    s->text = da_malloc(req->id.len + req->group.len + 1);
    memcpy(s->text, req->id.p ? req->id.p : "", req->id.len);
    memcpy(s->text + req->id.len, req->group.p ? req->group.p : "", req->group.len);
    s->req.id.p = s->text;
    s->req.group.p = s->text + req->id.len;
    s->req.n_stop_ids = req->n_stop_ids < MAX_STOP_IDS ? req->n_stop_ids : MAX_STOP_IDS;
    s->ids = da_calloc(req->n_ids + s->req.n_stop_ids + 1, sizeof *s->ids);
    memcpy(s->ids, req->ids, req->n_ids * sizeof *s->ids);
    if (s->req.n_stop_ids)
        memcpy(s->ids + req->n_ids, req->stop_ids, s->req.n_stop_ids * sizeof *s->ids);
    s->req.ids = s->ids;
    s->req.stop_ids = s->ids + req->n_ids;
    if (s->req.n_logprobs > e->model->hp.n_vocab)
        s->req.n_logprobs = e->model->hp.n_vocab;
    s->key = da_sample_key(req->sampling.seed, s->req.id);
    bool same = prev && req->group.len && da_span_eq(prev->req.group, s->req.group);
    s->group = same ? prev->group : e->n_groups++;
    check_request(e, s);
}

/* Fills the ring as far as it goes. */
static enum da_rc pull(struct da_engine *e, const struct da_engine_calls *calls, struct da_err *err)
{
    while (!e->ended && e->n_slots < e->n_ring) {
        struct da_request req = {0};
        bool end = false;
        enum da_rc rc = calls->next(calls->ctx, &req, &end, err);
        if (rc)
            return rc;
        if (end) {
            e->ended = true;
            break;
        }
        fill_slot(e, slot_at(e, e->n_slots), &req);
        e->n_slots++;
        e->stats.n_requests++;
        e->stats.n_prompt_tokens += req.n_ids;
    }
    return DA_OK;
}

/* --- admitting ------------------------------------------------------------------- */

static uint32_t pages_of(uint64_t n_pos)
{
    return (uint32_t)((n_pos + DA_KBLOCK - 1) / DA_KBLOCK);
}

static uint32_t request_pages(const struct da_engine *e, const struct slot *s)
{
    return da_session_pages_for(e->session, s->req.n_ids, s->req.max_new);
}

static bool room_for(const struct da_engine *e, uint32_t pages)
{
    return e->promised + pages <= da_session_pages(e->session);
}

static enum da_rc start_prompt(struct da_engine *e, struct slot *s, uint32_t base_seq,
                               uint32_t n_prefix, struct da_err *err)
{
    enum da_rc rc = base_seq == NO_SEQ ? da_seq_open(e->session, &s->seq, err)
                                       : da_seq_fork(e->session, base_seq, n_prefix, &s->seq, err);
    if (rc)
        return rc;
    s->state = SLOT_PROMPT;
    s->n_fed = n_prefix;
    return DA_OK;
}

/* Waiting slots of a group from ring position i on, neighbours all; their common prefix leaves each
 * at least one token of its own. */
static uint32_t common_prefix(const struct da_engine *e, uint32_t i, uint32_t *n_slots)
{
    const struct slot *first = slot_at(e, i);
    size_t n = first->req.n_ids - 1;
    uint32_t count = 1;
    for (uint32_t j = i + 1; j < e->n_slots && count < e->opts.n_parallel; j++) {
        const struct slot *s = slot_at(e, j);
        if (s->group != first->group)
            break;
        if (s->state != SLOT_WAITING)
            continue;
        size_t k = 0, most = s->req.n_ids - 1 < n ? s->req.n_ids - 1 : n;
        while (k < most && s->req.ids[k] == first->req.ids[k])
            k++;
        n = k;
        count++;
    }
    *n_slots = count;
    return (uint32_t)n;
}

static struct base *free_base(struct da_engine *e)
{
    for (uint32_t i = 0; i < e->n_bases; i++)
        if (!e->bases[i].n_alive)
            return &e->bases[i];
    return NULL;
}

/* Pages of n waiting slots with n_prefix positions shared; the base keeps its last page apart. */
static uint32_t group_pages(const struct da_engine *e, uint32_t i, uint32_t n_prefix, uint32_t n)
{
    uint32_t total = pages_of(n_prefix);
    for (uint32_t j = i; n; j++) {
        if (slot_at(e, j)->state != SLOT_WAITING)
            continue;
        total += request_pages(e, slot_at(e, j)) - n_prefix / DA_KBLOCK;
        n--;
    }
    return total;
}

static enum da_rc admit_group(struct da_engine *e, uint32_t i, uint32_t n_prefix, uint32_t n,
                              struct da_err *err)
{
    struct base *b = free_base(e);
    const struct slot *first = slot_at(e, i);
    uint32_t seq;
    enum da_rc rc = da_seq_open(e->session, &seq, err);
    if (rc)
        return rc;
    *b = (struct base){.n_alive = n,
                       .n_waiting = n,
                       .seq = seq,
                       .ids = first->req.ids,
                       .n_prefix = n_prefix,
                       .n_promised = pages_of(n_prefix)};
    e->promised += b->n_promised;
    for (uint32_t j = i, left = n; left; j++) {
        struct slot *s = slot_at(e, j);
        if (s->state != SLOT_WAITING)
            continue;
        s->state = SLOT_PREFIX;
        s->base = b;
        s->n_shared = left < n ? n_prefix : 0;
        s->n_promised = request_pages(e, s) - n_prefix / DA_KBLOCK;
        e->promised += s->n_promised;
        e->n_live++;
        left--;
    }
    return DA_OK;
}

/* Starts what fits, oldest first; stops at the first that does not, so that nobody starves. */
static enum da_rc admit(struct da_engine *e, struct da_err *err)
{
    for (uint32_t i = 0; i < e->n_slots; i++) {
        struct slot *s = slot_at(e, i);
        uint32_t n = 1, n_prefix = 0;
        enum da_rc rc;
        if (s->state != SLOT_WAITING)
            continue;
        /* a group at the open end of the ring may have more requests to come */
        bool last_group = slot_at(e, e->n_slots - 1)->group == s->group;
        if (last_group && !e->ended && e->n_slots < e->n_ring)
            return DA_OK;
        if (!e->opts.no_prefix_cache)
            n_prefix = common_prefix(e, i, &n);
        if (n > 1 && n_prefix > 0 && e->n_live + n <= e->opts.n_parallel && free_base(e) &&
            room_for(e, group_pages(e, i, n_prefix, n))) {
            if ((rc = admit_group(e, i, n_prefix, n, err)))
                return rc;
            continue;
        }
        /* a group too large to enter whole goes one by one once nothing else runs */
        bool alone = n == 1 || n_prefix == 0 || e->n_live == 0;
        if (!alone || e->n_live >= e->opts.n_parallel || !room_for(e, request_pages(e, s)))
            return DA_OK;
        s->n_promised = request_pages(e, s);
        e->promised += s->n_promised;
        e->n_live++;
        if ((rc = start_prompt(e, s, NO_SEQ, 0, err)))
            return rc;
    }
    return DA_OK;
}

/* --- steps ----------------------------------------------------------------------- */

static enum da_rc fork_ready(struct da_engine *e, struct da_err *err)
{
    for (uint32_t i = 0; i < e->n_slots; i++) {
        struct slot *s = slot_at(e, i);
        struct base *b = s->base;
        if (s->state != SLOT_PREFIX || b->n_fed < b->n_prefix)
            continue;
        enum da_rc rc = start_prompt(e, s, b->seq, b->n_prefix, err);
        if (rc)
            return rc;
        if (--b->n_waiting == 0)
            da_seq_close(e->session, b->seq); /* its whole pages live on in the forks */
    }
    return DA_OK;
}

static uint32_t add_prompt(struct da_engine *e, uint32_t n, uint32_t seq, const int32_t *ids,
                           uint32_t *n_fed, uint32_t end, struct slot *slot)
{
    while (n < e->opts.batch && *n_fed < end) {
        bool last = slot && *n_fed + 1 == end;
        e->rows[n] = (struct da_row){.seq = seq,
                                     .id = ids[*n_fed],
                                     .want_logits = last,
                                     .want_lse = last && slot->req.want_logprobs};
        e->row_slot[n++] = last ? slot : NULL;
        ++*n_fed;
        e->stats.n_prompt_computed++;
    }
    return n;
}

/* Whether all that runs is few answers: then a step has room for guesses at no great cost. */
static bool may_draft(const struct da_engine *e)
{
    uint32_t n = 0;
    /* guesses that were wrong must be forgotten, which only pages of keys and values allow */
    if (e->model->family->pass != DA_PASS_DECODER || e->opts.draft != DA_DRAFT_LOOKUP ||
        e->opts.batch < DRAFT_LIVE * (1 + DA_DRAFT_MAX))
        return false;
    for (uint32_t i = 0; i < e->n_slots; i++) {
        enum slot_state st = slot_at(e, i)->state;
        if (st == SLOT_PREFIX || st == SLOT_PROMPT)
            return false;
        n += st == SLOT_DECODE;
    }
    return n <= DRAFT_LIVE;
}

static uint32_t add_row(struct da_engine *e, uint32_t n, struct slot *s, int32_t id)
{
    e->rows[n] = (struct da_row){
        .seq = s->seq, .id = id, .want_logits = true, .want_lse = s->req.want_logprobs};
    e->row_slot[n] = s;
    return n + 1;
}

/* A guess is one token longer than what was right last time; it stays within what the request may
 * still become, for which pages are promised. */
static uint32_t add_draft(struct da_engine *e, uint32_t n, struct slot *s)
{
    const uint64_t room = e->opts.n_ctx - s->req.n_ids - s->n_out;
    const uint64_t left = s->req.max_new - s->n_out - 1;
    uint64_t max = s->n_hit + 2;
    max = max < left ? max : left;
    max = max < room ? max : room;
    s->n_draft = max ? da_draft_lookup(s->req.ids, s->req.n_ids, s->out, s->n_out, (uint32_t)max,
                                       s->draft)
                     : 0;
    for (uint32_t i = 0; i < s->n_draft; i++) {
        n = add_row(e, n, s, s->draft[i]);
    }
    e->stats.n_drafted += s->n_draft;
    return n;
}

static uint32_t fill_rows(struct da_engine *e)
{
    const bool drafts = may_draft(e);
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->n_slots; i++) {
        struct slot *s = slot_at(e, i);
        if (s->state != SLOT_DECODE)
            continue;
        n = add_row(e, n, s, s->last);
        s->n_draft = 0;
        if (drafts)
            n = add_draft(e, n, s);
    }
    for (uint32_t i = 0; i < e->n_slots; i++) {
        struct slot *s = slot_at(e, i);
        if (s->state == SLOT_PROMPT)
            n = add_prompt(e, n, s->seq, s->req.ids, &s->n_fed, (uint32_t)s->req.n_ids, s);
    }
    for (uint32_t b = 0; b < e->n_bases; b++)
        if (e->bases[b].n_waiting)
            n = add_prompt(e, n, e->bases[b].seq, e->bases[b].ids, &e->bases[b].n_fed,
                           e->bases[b].n_prefix, NULL);
    return n;
}

static void finish(struct da_engine *e, struct slot *s, enum da_finish how)
{
    s->finish = how;
    s->state = SLOT_DONE;
    da_seq_close(e->session, s->seq);
    s->seq = NO_SEQ;
    e->promised -= s->n_promised;
    e->n_live--;
    if (s->base && --s->base->n_alive == 0)
        e->promised -= s->base->n_promised;
}

/* at: the number of the step's logits. */
static void keep_logprobs(struct da_engine *e, struct slot *s, uint32_t at, int32_t id)
{
    size_t width = 1 + (size_t)s->req.n_logprobs;
    DA_GROW_BY(s->lp, s->n_lp, width, s->cap_lp);
    da_sample_logprobs(&e->sampler, da_session_logits(e->session, at),
                       da_session_lse(e->session, at), id, s->req.n_logprobs, s->lp + s->n_lp);
    s->n_lp += width;
}

static enum da_rc take_token(struct da_engine *e, struct slot *s, uint32_t at,
                             const struct da_engine_calls *calls, struct da_err *err)
{
    const uint64_t pos = s->req.n_ids + s->n_out;
    int32_t id = s->req.sampling.temperature <= 0.0
                     ? da_session_top(e->session, at)
                     : da_sample(&e->sampler, da_session_logits(e->session, at), &s->req.sampling,
                                 s->key, pos);
    bool stop = false;
    s->state = SLOT_DECODE;
    for (size_t i = 0; i < s->req.n_stop_ids; i++) {
        if (s->req.stop_ids[i] == id) {
            finish(e, s, DA_FINISH_STOP);
            return DA_OK;
        }
    }
    if (s->req.want_logprobs)
        keep_logprobs(e, s, at, id);
    DA_GROW(s->out, s->n_out, s->cap_out);
    s->out[s->n_out++] = id;
    s->last = id;
    e->stats.n_new_tokens++;
    if (calls->token) {
        enum da_rc rc = calls->token(calls->ctx, s->req.user, id, &stop, err);
        if (rc)
            return rc;
    }
    if (stop)
        finish(e, s, DA_FINISH_CALLER);
    else if (s->n_out == s->req.max_new)
        finish(e, s, DA_FINISH_LENGTH);
    else if (s->req.n_ids + s->n_out >= e->opts.n_ctx)
        finish(e, s, DA_FINISH_CONTEXT);
    return DA_OK;
}

/* Tokens of a slot from its rows, whose first logits are number at: as long as the guesses were
 * right; what was fed beyond is forgotten. */
static enum da_rc take_tokens(struct da_engine *e, struct slot *s, uint32_t at,
                              const struct da_engine_calls *calls, struct da_err *err)
{
    const uint32_t n_draft = s->n_draft;
    uint32_t hit = 0;
    enum da_rc rc = take_token(e, s, at, calls, err);
    while (!rc && s->state == SLOT_DECODE && hit < n_draft && s->last == s->draft[hit]) {
        hit++;
        rc = take_token(e, s, at + hit, calls, err);
    }
    if (n_draft) {
        s->n_hit = hit;
        e->stats.n_accepted += hit;
    }
    if (rc || s->state != SLOT_DECODE || hit == n_draft)
        return rc;
    return da_seq_truncate(e->session, s->seq, (uint32_t)(s->req.n_ids + s->n_out - 1), err);
}

static enum da_rc step(struct da_engine *e, const struct da_engine_calls *calls, struct da_err *err)
{
    uint32_t n = fill_rows(e), at = 0;
    if (n == 0)
        return DA_OK;
    enum da_rc rc = da_session_step(e->session, e->rows, n, err);
    if (rc)
        return rc;
    e->stats.n_steps++;
    for (uint32_t t = 0; t < n; t++) {
        struct slot *s = e->row_slot[t];
        if (!s)
            continue;
        const uint32_t n_draft = s->state == SLOT_DECODE ? s->n_draft : 0;
        if ((rc = take_tokens(e, s, at, calls, err)))
            return rc;
        at += 1 + n_draft;
        t += n_draft;
    }
    return DA_OK;
}

/* --- giving results --------------------------------------------------------------- */

static enum da_rc deliver(struct da_engine *e, const struct da_engine_calls *calls,
                          struct da_err *err)
{
    while (e->n_slots && slot_at(e, 0)->state == SLOT_DONE) {
        struct slot *s = slot_at(e, 0);
        struct da_result res = {
            .finish = s->finish,
            .ids = s->out,
            .n_ids = s->n_out,
            .logprobs = s->req.want_logprobs ? s->lp : NULL,
            .n_top = s->req.n_logprobs,
            .n_prompt = s->req.n_ids,
            .n_prompt_shared = s->n_shared,
            .rc = s->rc,
            .message = s->message,
        };
        enum da_rc rc = calls->done(calls->ctx, s->req.user, &res, err);
        clear_slot(s);
        e->head = (e->head + 1) % e->n_ring;
        e->n_slots--;
        if (rc)
            return rc;
    }
    return DA_OK;
}

/* After an error: the engine is empty again. */
static void drop_all(struct da_engine *e)
{
    for (uint32_t i = 0; i < e->n_slots; i++) {
        if (slot_at(e, i)->seq != NO_SEQ)
            da_seq_close(e->session, slot_at(e, i)->seq);
        clear_slot(slot_at(e, i));
    }
    for (uint32_t b = 0; b < e->n_bases; b++)
        if (e->bases[b].n_waiting)
            da_seq_close(e->session, e->bases[b].seq);
    memset(e->bases, 0, e->n_bases * sizeof *e->bases);
    e->n_slots = e->n_live = e->promised = 0;
}

enum da_rc da_engine_run(struct da_engine *e, const struct da_engine_calls *calls,
                         struct da_err *err)
{
    enum da_rc rc = DA_OK;
    e->ended = false;
    while (!rc && (!e->ended || e->n_slots)) {
        if ((rc = pull(e, calls, err)) || (rc = fork_ready(e, err)) || (rc = admit(e, err)) ||
            (rc = step(e, calls, err)))
            break;
        rc = deliver(e, calls, err);
    }
    if (rc)
        drop_all(e);
    return rc;
}
