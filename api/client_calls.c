/* Calls, their keys, and the places they wait in: see client.h and client_internal.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/client_internal.h"
#include "common/mem.h"

#define KEY_VERSION "docassist.request/1"
#define MAX_MESSAGES_BYTES ((size_t)64 << 20)

/* --- calls -------------------------------------------------------------------- */

struct da_call *da_call_new(void)
{
    struct da_call *c = da_calloc(1, sizeof *c);
    da_buf_init(&c->messages, MAX_MESSAGES_BYTES);
    return c;
}

static void state_free(struct da_call_state *st)
{
    if (!st)
        return;
    if (st->has_reply)
        da_chat_release(&st->reply);
    da_buf_release(&st->body);
    free(st);
}

void da_call_free(struct da_call *c)
{
    if (!c)
        return;
    state_free(c->state);
    da_buf_release(&c->messages);
    free(c->item);
    free(c);
}

static void hash_part(struct da_sha256 *h, const void *p, size_t len)
{
    uint64_t n = len; /* lengths make the concatenation unambiguous */
    unsigned char le[8];
    for (int i = 0; i < 8; i++)
        le[i] = (unsigned char)(n >> (8 * i));
    da_sha256_add(h, le, sizeof le);
    da_sha256_add(h, p, len);
}

void da_key_base_init(struct da_key_base *b, const char *task, const struct da_chat_params *p,
                      int sample, struct da_span prefix)
{
    struct da_sha256 *h = &b->hash;
    struct da_buf params;
    char index[16];
    int n = snprintf(index, sizeof index, "%d", sample);
    da_buf_init(&params, 0);
    da_chat_params_json(p, &params);
    da_sha256_init(h);
    hash_part(h, KEY_VERSION, strlen(KEY_VERSION));
    hash_part(h, task, strlen(task));
    hash_part(h, p->model, strlen(p->model));
    hash_part(h, params.p, params.len);
    hash_part(h, index, (size_t)n);
    da_sha256_add(h, prefix.p, prefix.len); /* the messages come last and need no length */
    b->n_prefix = prefix.len;
    da_buf_release(&params);
}

void da_call_set_key_from(struct da_call *c, const struct da_key_base *b)
{
    struct da_sha256 h = b->hash;
    da_sha256_add(&h, c->messages.p + b->n_prefix, c->messages.len - b->n_prefix);
    da_sha256_end(&h, c->key.b);
}

void da_call_set_key(struct da_call *c, int sample)
{
    struct da_key_base b;
    da_key_base_init(&b, c->task, c->params, sample, da_span("", 0));
    da_call_set_key_from(c, &b);
}

/* --- queues ------------------------------------------------------------------- */

void da_calls_push(struct call_queue *q, struct da_call *call)
{
    call->state->next = NULL;
    if (q->tail)
        q->tail->state->next = call;
    else
        q->head = call;
    q->tail = call;
    q->n++;
}

void da_calls_push_front(struct call_queue *q, struct da_call *call)
{
    call->state->next = q->head;
    q->head = call;
    if (!q->tail)
        q->tail = call;
    q->n++;
}

struct da_call *da_calls_pop(struct call_queue *q)
{
    struct da_call *call = q->head;
    if (!call)
        return NULL;
    q->head = call->state->next;
    if (!q->head)
        q->tail = NULL;
    q->n--;
    return call;
}

void da_client_back_off(struct da_client *c, struct da_call *call, uint64_t due_ns)
{
    call->state->due_ns = due_ns;
    DA_GROW(c->backoff, c->n_backoff, c->cap_backoff);
    size_t i = c->n_backoff++;
    while (i > 0 && c->backoff[(i - 1) / 2]->state->due_ns > due_ns) {
        c->backoff[i] = c->backoff[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    c->backoff[i] = call;
}

struct da_call *da_client_backoff_pop(struct da_client *c)
{
    struct da_call *top = c->backoff[0], *last = c->backoff[--c->n_backoff];
    size_t i = 0;
    for (;;) {
        size_t k = 2 * i + 1;
        if (k >= c->n_backoff)
            break;
        if (k + 1 < c->n_backoff && c->backoff[k + 1]->state->due_ns < c->backoff[k]->state->due_ns)
            k++;
        if (c->backoff[k]->state->due_ns >= last->state->due_ns)
            break;
        c->backoff[i] = c->backoff[k];
        i = k;
    }
    c->backoff[i] = last;
    return top;
}
