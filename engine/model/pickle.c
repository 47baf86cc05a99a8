/* A pickle machine for state_dicts: values are nodes of one array, named by their index. */
#include "engine/model/pickle.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum kind { V_MARK, V_NONE, V_INT, V_STR, V_TUPLE, V_DICT, V_GLOBAL, V_STORAGE, V_TENSOR };

enum global { G_ORDERED_DICT, G_REBUILD, G_PARAMETER, G_STORAGE };

static const struct global_info {
    const char *name;
    enum global what;
    enum da_pickle_dtype dtype;
    uint32_t width;
} GLOBALS[] = {
    {"collections\nOrderedDict", G_ORDERED_DICT, DA_PICKLE_OTHER, 0},
    {"torch._utils\n_rebuild_tensor_v2", G_REBUILD, DA_PICKLE_OTHER, 0},
    {"torch._utils\n_rebuild_parameter", G_PARAMETER, DA_PICKLE_OTHER, 0},
    {"torch\nFloatStorage", G_STORAGE, DA_PICKLE_F32, 4},
    {"torch\nHalfStorage", G_STORAGE, DA_PICKLE_F16, 2},
    {"torch\nBFloat16Storage", G_STORAGE, DA_PICKLE_BF16, 2},
    {"torch\nDoubleStorage", G_STORAGE, DA_PICKLE_OTHER, 8},
    {"torch\nLongStorage", G_STORAGE, DA_PICKLE_OTHER, 8},
    {"torch\nIntStorage", G_STORAGE, DA_PICKLE_OTHER, 4},
    {"torch\nShortStorage", G_STORAGE, DA_PICKLE_OTHER, 2},
    {"torch\nCharStorage", G_STORAGE, DA_PICKLE_OTHER, 1},
    {"torch\nByteStorage", G_STORAGE, DA_PICKLE_OTHER, 1},
    {"torch\nBoolStorage", G_STORAGE, DA_PICKLE_OTHER, 1},
};

struct value {
    enum kind kind;
    int64_t i;                        /* V_INT; V_TENSOR: offset */
    struct da_span s;                 /* V_STR; V_STORAGE: its key */
    const struct global_info *global; /* V_GLOBAL, V_STORAGE */
    uint32_t *items;                  /* owned: parts; of a dict keys and values in turn */
    size_t n, cap;
};

struct machine {
    const unsigned char *p;
    size_t len, pos;
    struct value *values; /* owned */
    size_t n, cap;
    uint32_t *stack; /* owned */
    size_t depth, cap_stack;
    uint32_t *memo; /* owned; index + 1, 0 unset */
    size_t cap_memo;
    struct da_err *err;
};

static enum da_rc bad(struct machine *m, const char *what)
{
    return da_fail(m->err, DA_EFORMAT, "pickle: %s at byte %zu", what, m->pos);
}

/* --- reading -------------------------------------------------------------------------- */

static enum da_rc take(struct machine *m, size_t n, const unsigned char **out)
{
    if (n > m->len - m->pos)
        return bad(m, "ends too early");
    *out = m->p + m->pos;
    m->pos += n;
    return DA_OK;
}

/* A little-endian number of n (up to 8) bytes. */
static enum da_rc number(struct machine *m, size_t n, uint64_t *out)
{
    const unsigned char *b = NULL;
    enum da_rc rc = take(m, n, &b);
    *out = 0;
    for (size_t i = 0; !rc && i < n; i++)
        *out |= (uint64_t)b[i] << (8 * i);
    return rc;
}

/* --- stack ---------------------------------------------------------------------------- */

static struct value *push(struct machine *m, enum kind kind)
{
    DA_GROW(m->values, m->n, m->cap);
    DA_GROW(m->stack, m->depth, m->cap_stack);
    m->stack[m->depth++] = (uint32_t)m->n;
    m->values[m->n] = (struct value){.kind = kind};
    return &m->values[m->n++];
}

/* The value n places below the top, or NULL. */
static struct value *top(const struct machine *m, size_t n)
{
    return n < m->depth ? &m->values[m->stack[m->depth - 1 - n]] : NULL;
}

static bool is_kind(const struct value *v, enum kind kind)
{
    return v && v->kind == kind;
}

static const struct value *item(const struct machine *m, const struct value *v, size_t i)
{
    return v && i < v->n ? &m->values[v->items[i]] : NULL;
}

/* Values above the last mark; false when there is none. */
static bool above_mark(const struct machine *m, size_t *n)
{
    for (*n = 0; *n < m->depth; ++*n)
        if (top(m, *n)->kind == V_MARK)
            return true;
    return false;
}

/* The n uppermost values become a tuple; extra: a mark below them goes too. */
static enum da_rc tuple(struct machine *m, size_t n, size_t extra)
{
    uint32_t *items = NULL;
    if (n + extra > m->depth)
        return bad(m, "the stack is too short");
    for (size_t i = 0; i < n; i++)
        if (top(m, i)->kind == V_MARK)
            return bad(m, "a mark inside a tuple");
    if (n)
        items = da_memdup(&m->stack[m->depth - n], n * sizeof *items);
    m->depth -= n + extra;
    struct value *v = push(m, V_TUPLE);
    v->items = items;
    v->n = v->cap = n;
    return DA_OK;
}

static enum da_rc memo_set(struct machine *m, uint64_t slot)
{
    if (slot > m->len) /* each takes an opcode, so no honest number is larger */
        return bad(m, "an impossible memo number");
    if (m->depth == 0)
        return bad(m, "the stack is empty");
    if (slot >= m->cap_memo) {
        size_t cap = da_grow_cap(m->cap_memo, (size_t)slot + 1);
        m->memo = da_realloc_array(m->memo, cap, sizeof *m->memo);
        memset(m->memo + m->cap_memo, 0, (cap - m->cap_memo) * sizeof *m->memo);
        m->cap_memo = cap;
    }
    m->memo[slot] = m->stack[m->depth - 1] + 1;
    return DA_OK;
}

static enum da_rc memo_get(struct machine *m, uint64_t slot)
{
    if (slot >= m->cap_memo || !m->memo[slot])
        return bad(m, "an unset memo number");
    DA_GROW(m->stack, m->depth, m->cap_stack);
    m->stack[m->depth++] = m->memo[slot] - 1;
    return DA_OK;
}

/* --- objects -------------------------------------------------------------------------- */

static enum da_rc global(struct machine *m)
{
    const char *from = (const char *)m->p + m->pos;
    const char *nl = memchr(from, '\n', m->len - m->pos);
    const char *end = nl ? memchr(nl + 1, '\n', m->len - m->pos - (size_t)(nl + 1 - from)) : NULL;
    if (!end)
        return bad(m, "ends inside a global's name");
    struct da_span name = {from, (size_t)(end - from)};
    m->pos += name.len + 1;
    for (size_t i = 0; i < DA_ARRAY_LEN(GLOBALS); i++) {
        if (da_span_is(name, GLOBALS[i].name)) {
            push(m, V_GLOBAL)->global = &GLOBALS[i];
            return DA_OK;
        }
    }
    return da_fail(m->err, DA_EUNSUPPORTED, "pickle: it wants to use '%.*s.%.*s', which is refused",
                   (int)(nl - from < 64 ? nl - from : 64), from,
                   (int)(end - nl - 1 < 64 ? end - nl - 1 : 64), nl + 1);
}

/* ('storage', type, key, location, size) */
static enum da_rc storage(struct machine *m)
{
    const struct value *t = top(m, 0), *type = item(m, t, 1), *key = item(m, t, 2);
    if (!is_kind(t, V_TUPLE) || t->n != 5 || !is_kind(item(m, t, 0), V_STR) ||
        !da_span_is(item(m, t, 0)->s, "storage") || !is_kind(type, V_GLOBAL) ||
        type->global->what != G_STORAGE || !is_kind(key, V_STR))
        return bad(m, "a persistent id that is no storage");
    const struct global_info *info = type->global;
    const struct da_span name = key->s;
    m->depth--;
    struct value *v = push(m, V_STORAGE);
    v->global = info;
    v->s = name;
    return DA_OK;
}

/* Rows must follow one another: strides as a fresh tensor has them. */
static bool contiguous(const struct machine *m, const struct value *size,
                       const struct value *stride)
{
    int64_t want = 1;
    if (!is_kind(stride, V_TUPLE) || stride->n != size->n)
        return false;
    for (size_t d = size->n; d-- > 0;) {
        const struct value *n = item(m, size, d), *s = item(m, stride, d);
        if (!is_kind(n, V_INT) || !is_kind(s, V_INT) || n->i < 0 ||
            (n->i > 1 && (s->i != want || want > INT64_MAX / 16 / n->i)))
            return false;
        want *= n->i > 1 ? n->i : 1;
    }
    return true;
}

/* (storage, offset, size, stride, requires_grad, hooks) */
static enum da_rc rebuild(struct machine *m, const struct value *args)
{
    const struct value *offset = item(m, args, 1), *size = item(m, args, 2);
    if (!is_kind(item(m, args, 0), V_STORAGE) || !is_kind(offset, V_INT) || offset->i < 0 ||
        !is_kind(size, V_TUPLE) || size->n > DA_PICKLE_MAX_DIMS)
        return bad(m, "a tensor made in an unknown way");
    if (!contiguous(m, size, item(m, args, 3)))
        return da_fail(m->err, DA_EUNSUPPORTED, "pickle: a tensor with gaps at byte %zu", m->pos);
    uint32_t *items = da_malloc(2 * sizeof *items);
    const int64_t first = offset->i;
    items[0] = args->items[0];
    items[1] = args->items[2];
    m->depth -= 2;
    struct value *v = push(m, V_TENSOR);
    v->i = first;
    v->items = items;
    v->n = v->cap = 2;
    return DA_OK;
}

static enum da_rc reduce(struct machine *m)
{
    const struct value *args = top(m, 0), *f = top(m, 1);
    if (!is_kind(args, V_TUPLE) || !is_kind(f, V_GLOBAL))
        return bad(m, "a call of something that is not known");
    switch (f->global->what) {
    case G_ORDERED_DICT:
        if (args->n)
            return bad(m, "an OrderedDict with contents");
        m->depth -= 2;
        push(m, V_DICT);
        return DA_OK;
    case G_PARAMETER:
        if (!is_kind(item(m, args, 0), V_TENSOR))
            return bad(m, "a parameter that is no tensor");
        m->stack[m->depth - 2] = args->items[0];
        m->depth--;
        return DA_OK;
    case G_REBUILD: return rebuild(m, args);
    default: return bad(m, "a call of a storage type");
    }
}

/* n values above a dict become members of it; extra: a mark between goes too. */
static enum da_rc set_items(struct machine *m, size_t n, size_t extra)
{
    struct value *d = top(m, n + extra);
    if (!is_kind(d, V_DICT) || n % 2)
        return bad(m, "members of something that is no dict");
    if (n) {
        DA_GROW_BY(d->items, d->n, n, d->cap);
        memcpy(d->items + d->n, &m->stack[m->depth - n], n * sizeof *d->items);
        d->n += n;
    }
    m->depth -= n + extra;
    return DA_OK;
}

/* --- opcodes -------------------------------------------------------------------------- */

static enum da_rc integer(struct machine *m, size_t n, bool has_sign)
{
    uint64_t v = 0;
    enum da_rc rc = n > 8 ? bad(m, "a number of more than 8 bytes") : number(m, n, &v);
    if (rc)
        return rc;
    if (has_sign && n > 0 && n < 8 && v >> (8 * n - 1))
        v |= UINT64_MAX << (8 * n);
    push(m, V_INT)->i = (int64_t)v;
    return DA_OK;
}

static enum da_rc string(struct machine *m, size_t width)
{
    const unsigned char *b = NULL;
    uint64_t n = 0;
    enum da_rc rc = number(m, width, &n);
    if (rc || (rc = n > m->len ? bad(m, "a string is too long") : take(m, (size_t)n, &b)))
        return rc;
    push(m, V_STR)->s = (struct da_span){(const char *)b, (size_t)n};
    return DA_OK;
}

static enum da_rc step(struct machine *m, unsigned char op)
{
    uint64_t v = 0;
    size_t n = 0;
    enum da_rc rc = DA_OK;
    switch (op) {
    case 0x80: return number(m, 1, &v); /* PROTO */
    case '}': push(m, V_DICT); return DA_OK;
    case ')': push(m, V_TUPLE); return DA_OK;
    case '(': push(m, V_MARK); return DA_OK;
    case 'N': push(m, V_NONE); return DA_OK;
    case 0x88: push(m, V_INT)->i = 1; return DA_OK; /* True */
    case 0x89: push(m, V_INT); return DA_OK;        /* False */
    case 'J': return integer(m, 4, true);
    case 'K': return integer(m, 1, false);
    case 'M': return integer(m, 2, false);
    case 0x8a: return (rc = number(m, 1, &v)) ? rc : integer(m, (size_t)v, true); /* LONG1 */
    case 'X': return string(m, 4);
    case 0x8c: return string(m, 1);
    case 'q': return (rc = number(m, 1, &v)) ? rc : memo_set(m, v);
    case 'r': return (rc = number(m, 4, &v)) ? rc : memo_set(m, v);
    case 'h': return (rc = number(m, 1, &v)) ? rc : memo_get(m, v);
    case 'j': return (rc = number(m, 4, &v)) ? rc : memo_get(m, v);
    case 'c': return global(m);
    case 'Q': return storage(m);
    case 'R': return reduce(m);
    case 0x85: return tuple(m, 1, 0);
    case 0x86: return tuple(m, 2, 0);
    case 0x87: return tuple(m, 3, 0);
    case 't': return above_mark(m, &n) ? tuple(m, n, 1) : bad(m, "no mark");
    case 'u': return above_mark(m, &n) ? set_items(m, n, 1) : bad(m, "no mark");
    case 's': return set_items(m, 2, 0);
    case 'b': /* BUILD: a module's _metadata, which says nothing about weights */
        if (!is_kind(top(m, 1), V_DICT))
            return bad(m, "a state for something that is no dict");
        m->depth--;
        return DA_OK;
    default:
        return da_fail(m->err, DA_EUNSUPPORTED, "pickle: opcode 0x%02x at byte %zu is refused", op,
                       m->pos - 1);
    }
}

/* --- result --------------------------------------------------------------------------- */

static enum da_rc describe(struct machine *m, const struct value *key, const struct value *v,
                           struct da_pickle_tensor *out)
{
    const struct value *data = item(m, v, 0), *size = item(m, v, 1);
    if (!is_kind(key, V_STR) || !is_kind(v, V_TENSOR))
        return da_fail(m->err, DA_EFORMAT, "pickle: '%.*s' is no tensor",
                       is_kind(key, V_STR) ? (int)(key->s.len < 64 ? key->s.len : 64) : 1,
                       is_kind(key, V_STR) ? key->s.p : "?");
    *out = (struct da_pickle_tensor){.name = key->s,
                                     .storage = data->s,
                                     .dtype = data->global->dtype,
                                     .width = data->global->width,
                                     .offset = (uint64_t)v->i,
                                     .n_dims = (uint32_t)size->n,
                                     .n_values = 1};
    for (size_t d = 0; d < size->n; d++) {
        out->dims[d] = (uint64_t)item(m, size, d)->i;
        if (out->dims[d] == 0)
            return da_fail(m->err, DA_EFORMAT, "pickle: an empty tensor");
        out->n_values *= out->dims[d]; /* no overflow: contiguous() looked */
    }
    return DA_OK;
}

static enum da_rc run(struct machine *m, struct da_pickle_tensor **out, size_t *n)
{
    enum da_rc rc = DA_OK;
    const unsigned char *op = NULL;
    while (!(rc = take(m, 1, &op)) && *op != '.')
        if ((rc = step(m, *op)))
            return rc;
    if (rc)
        return rc;
    const struct value *dict = top(m, 0);
    if (!is_kind(dict, V_DICT))
        return da_fail(m->err, DA_EFORMAT, "pickle: it holds no dict of tensors");
    if (dict->n / 2 > DA_PICKLE_MAX_TENSORS)
        return da_fail(m->err, DA_ELIMIT, "pickle: more than %d tensors", DA_PICKLE_MAX_TENSORS);
    *n = dict->n / 2;
    *out = da_calloc(*n + 1, sizeof **out);
    for (size_t i = 0; i < *n && !rc; i++)
        rc = describe(m, item(m, dict, 2 * i), item(m, dict, 2 * i + 1), &(*out)[i]);
    if (rc) {
        free(*out);
        *out = NULL;
    }
    return rc;
}

enum da_rc da_pickle_state_dict(const void *p, size_t len, struct da_pickle_tensor **out, size_t *n,
                                struct da_err *err)
{
    struct machine m = {.p = p, .len = len, .err = err};
    enum da_rc rc = len > DA_PICKLE_MAX_BYTES ? da_fail(err, DA_ELIMIT, "pickle: it is too long")
                                              : run(&m, out, n);
    for (size_t i = 0; i < m.n; i++)
        free(m.values[i].items);
    free(m.values);
    free(m.stack);
    free(m.memo);
    return rc;
}
