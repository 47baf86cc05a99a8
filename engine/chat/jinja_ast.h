#ifndef ENGINE_CHAT_JINJA_AST_H
#define ENGINE_CHAT_JINJA_AST_H

/* The tree of a template. Nodes live in the template's arena and never change. */

#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/span.h"
#include "engine/chat/jinja_value.h"

enum da_jnode_kind {
    /* expressions */
    DA_JN_CONST,   /* value */
    DA_JN_NAME,    /* name */
    DA_JN_LIST,    /* list */
    DA_JN_TUPLE,   /* list */
    DA_JN_DICT,    /* list: key, value, key, ... */
    DA_JN_GETATTR, /* a.name */
    DA_JN_GETITEM, /* a[b] */
    DA_JN_SLICE,   /* a[list[0]:list[1]:list[2]], each may be NULL */
    DA_JN_CALL,    /* a(list, kwargs) */
    DA_JN_FILTER,  /* a|name(list, kwargs); a NULL in a filter block */
    DA_JN_TEST,    /* a is name(list) */
    DA_JN_NOT,
    DA_JN_NEG,
    DA_JN_POS,
    DA_JN_BINARY, /* a op b; op: + - * / F (//) % P (**) */
    DA_JN_AND,
    DA_JN_OR,
    DA_JN_COMPARE, /* a, then list of DA_JN_BINARY with only b; op: = ! < > l (<=) g (>=) i n */
    DA_JN_CONCAT,  /* list */
    DA_JN_COND,    /* b if a else c (NULL: undefined) */
    /* statements */
    DA_JN_DATA,        /* name: the text */
    DA_JN_PRINT,       /* a */
    DA_JN_FOR,         /* for list in a [if b]: body, else */
    DA_JN_IF,          /* if a: body, else */
    DA_JN_SET,         /* list = a; a target is DA_JN_NAME or DA_JN_GETATTR of a name */
    DA_JN_SET_BLOCK,   /* list[0] = body through the filters in a */
    DA_JN_MACRO,       /* name, kwargs: parameters with defaults or NULL; body */
    DA_JN_CALL_BLOCK,  /* a: the call; kwargs: parameters; body */
    DA_JN_FILTER_BLOCK, /* body through a */
    DA_JN_WITH,        /* list of DA_JN_SET, body */
    DA_JN_BREAK,
    DA_JN_CONTINUE,
    DA_JN_GENERATION   /* body, in a scope of its own */
};

struct da_jnode;

struct da_jkwarg {
    struct da_span name;
    struct da_jnode *value;
};

struct da_jblock {
    struct da_jnode **nodes;
    size_t n, cap;
};

struct da_jnode {
    uint8_t kind; /* enum da_jnode_kind */
    char op;
    uint32_t line;
    struct da_span name;
    struct da_jval value;
    struct da_jnode *a, *b, *c;
    struct da_jblock list, body, other; /* other: else */
    struct da_jkwarg *kwargs;
    size_t n_kwargs, cap_kwargs;
};

/* Parses a whole template; the tree lives in a. */
enum da_rc da_jinja_parse(struct da_arena *a, struct da_span source, struct da_jblock *ret,
                          struct da_err *err);

#endif
