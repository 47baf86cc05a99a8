#ifndef ENGINE_CHAT_JINJA_EVAL_H
#define ENGINE_CHAT_JINJA_EVAL_H

/* What the parts of the interpreter share. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attr.h"
#include "engine/chat/chat_template.h"
#include "engine/chat/jinja_ast.h"

enum {
    DA_J_MAX_CALLS = 400,   /* evaluations inside each other */
    DA_J_MAX_RANGE = 100000 /* jinja2/sandbox.py: MAX_RANGE */
};

struct da_jscope;
enum da_jflow { DA_J_GO_ON, DA_J_BREAK, DA_J_CONTINUE };

struct da_jinterp {
    struct da_arena a;
    struct da_buf *out;
    struct da_jscope *scope;
    uint64_t steps, max_steps;
    size_t max_memory;
    unsigned depth;
    enum da_jflow flow;
    int64_t now;
    uint32_t line;
    struct da_err *err;
    enum da_rc rc; /* DA_OK until something failed; then everything returns at once */
};

struct da_jmacro {
    const struct da_jnode *node; /* DA_JN_MACRO or DA_JN_CALL_BLOCK */
    struct da_jscope *scope;     /* where it was defined */
};

struct da_jloop {
    const struct da_jval *items;
    size_t n, i;
    unsigned depth;
    struct da_jval changed; /* last arguments of loop.changed, a tuple */
};

enum da_jfunction { DA_JF_RANGE, DA_JF_DICT, DA_JF_NAMESPACE, DA_JF_RAISE, DA_JF_STRFTIME_NOW };

struct da_jargs {
    const struct da_jval *v;
    size_t n;
    const struct da_jkwarg *named; /* names; their values are in named_v */
    const struct da_jval *named_v;
    size_t n_named;
};
/* Argument number i or by name, or NULL. */
const struct da_jval *da_jarg(const struct da_jargs *args, size_t i, const char *name);
/* The same as a string or integer; a wrong type fails. */
bool da_jarg_str(struct da_jinterp *in, const struct da_jargs *args, size_t i, const char *name,
                 struct da_span *out);
bool da_jarg_int(struct da_jinterp *in, const struct da_jargs *args, size_t i, const char *name,
                 int64_t *out);
/* The truth of an argument, def without one. */
bool da_jarg_flag(const struct da_jargs *args, size_t i, const char *name, bool def);

/* Records the first failure, with its line; returns false. */
bool da_jfail(struct da_jinterp *in, enum da_rc code, const char *fmt, ...) DA_PRINTF(3, 4);
/*
 * Counts work against the limits, before it is done: a step is a look at a value or a copy of 16
 * bytes, some nanoseconds. What a template can repeat without being charged it can repeat for ever.
 */
bool da_jcharge(struct da_jinterp *in, uint64_t steps);
/* Looking for a key in a dict. */
bool da_jcharge_find(struct da_jinterp *in, const struct da_jdict *d, const struct da_jval *key);
/* Comparing two values. */
bool da_jcharge_pair(struct da_jinterp *in, const struct da_jval *a, const struct da_jval *b);
/* A string value of a buffer's contents, copied; the buffer is released. */
bool da_jtake(struct da_jinterp *in, struct da_buf *b, struct da_jval *ret);
/* Room for n values; NULL after failing. */
struct da_jval *da_jitems(struct da_jinterp *in, size_t n);
/* The elements a loop over v gives, as a list. */
bool da_jiterate(struct da_jinterp *in, const struct da_jval *v, struct da_jval *ret);
/* of.name or of[name], undefined when there is none. */
bool da_jattr(struct da_jinterp *in, const struct da_jval *of, struct da_span name,
              struct da_jval *ret);
bool da_jitem(struct da_jinterp *in, const struct da_jval *of, const struct da_jval *key,
              struct da_jval *ret);
/* "a.b.0": attribute after attribute. */
bool da_jpath(struct da_jinterp *in, const struct da_jval *of, struct da_span path,
              struct da_jval *ret);
bool da_jcontains(struct da_jinterp *in, const struct da_jval *in_what, const struct da_jval *what,
                  bool *ret);

bool da_jfilter(struct da_jinterp *in, struct da_span name, const struct da_jval *of,
                const struct da_jargs *args, struct da_jval *ret);
bool da_jtest(struct da_jinterp *in, struct da_span name, const struct da_jval *of,
              const struct da_jargs *args, bool *ret);
/* *found: the type has such a method, and it ran. */
bool da_jmethod(struct da_jinterp *in, const struct da_jval *of, struct da_span name,
                const struct da_jargs *args, bool *found, struct da_jval *ret);
bool da_jcall_function(struct da_jinterp *in, enum da_jfunction f, const struct da_jargs *args,
                       struct da_jval *ret);

/* Walking the tree: expressions (jinja_eval.c) and statements (jinja_run.c). */
bool da_jeval(struct da_jinterp *in, const struct da_jnode *n, struct da_jval *ret);
bool da_jrun(struct da_jinterp *in, const struct da_jblock *b);
bool da_jeval_call(struct da_jinterp *in, const struct da_jnode *n, const struct da_jval *caller,
                   struct da_jval *ret);
bool da_jeval_filter(struct da_jinterp *in, const struct da_jnode *n, const struct da_jval *block,
                     struct da_jval *ret);
bool da_jcatch_output(struct da_jinterp *in, const struct da_jblock *b, struct da_jval *ret);
struct da_jscope *da_jpush_scope(struct da_jinterp *in, struct da_jscope *parent);
void da_jset_name(struct da_jinterp *in, struct da_span name, struct da_jval value);
struct da_jval da_jget_name(struct da_jinterp *in, struct da_span name);

/* Operators (jinja_ops.c). op: '+', '-', '*', '/', '%', 'f' for floor division, ... */
bool da_jarithmetic(struct da_jinterp *in, char op, const struct da_jval *a,
                    const struct da_jval *b, struct da_jval *ret);
bool da_jadd(struct da_jinterp *in, const struct da_jval *a, const struct da_jval *b,
             struct da_jval *ret);
bool da_jrepeat(struct da_jinterp *in, const struct da_jval *what, int64_t times,
                struct da_jval *ret);
bool da_jwrong_types(struct da_jinterp *in, const char *op, const struct da_jval *a,
                     const struct da_jval *b);
bool da_jundefined(struct da_jinterp *in, const struct da_jval *v);

/* Strings, shared by filters and methods. */
/* Offset of the first (or last) place of what in s, s.len without one. False after failing. */
bool da_jfind(struct da_jinterp *in, struct da_span s, struct da_span what, bool last, size_t *at);
struct da_span da_jstrip(struct da_span s, const struct da_span *chars, bool left, bool right);
bool da_jupper(struct da_jinterp *in, struct da_buf *out, struct da_span s);
bool da_jlower(struct da_jinterp *in, struct da_buf *out, struct da_span s);
/* count < 0: all */
bool da_jreplace(struct da_jinterp *in, struct da_span s, struct da_span from, struct da_span to,
                 int64_t count, struct da_jval *ret);
bool da_jjoin(struct da_jinterp *in, struct da_span between, const struct da_jval *items,
              bool any_type, struct da_jval *ret);

/* What a filter for strings sees of any value. */
bool da_jtext_of(struct da_jinterp *in, const struct da_jval *v, struct da_span *ret);
/* The filters "format" and "urlencode". */
bool da_jformat(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                struct da_jval *ret);
bool da_jurlencode(struct da_jinterp *in, const struct da_jval *of, const struct da_jargs *args,
                   struct da_jval *ret);

#endif
