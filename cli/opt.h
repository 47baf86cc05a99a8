#ifndef CLI_OPT_H
#define CLI_OPT_H

/*
 * Option tables. A command fills a table that points to its own variables; from
 * it come parsing, --help and the "did you mean" line. Every command also gets
 * -h/--help, -q/--quiet, -v/--verbose, --progress, --no-progress, --no-color.
 *
 *     struct da_opt opts[] = {
 *         DA_OPT_GROUP_OF("Output"),
 *         DA_OPT_STR_OF('o', "output", &out, "FILE", "write records to FILE"),
 *         DA_OPT_INT_OF(0, "max-tokens", &max, 1, 1000000, "N", "cut at N tokens"),
 *         DA_OPT_END,
 *     };
 *     int rc = da_opt_parse(&help, opts, argc, argv, &args);
 *     if (rc >= 0) return rc;
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attr.h"

enum da_opt_kind {
    DA_OPT_DONE,
    DA_OPT_GROUP,
    DA_OPT_FLAG,   /* bool */
    DA_OPT_NOFLAG, /* bool, set to false */
    DA_OPT_STR,    /* const char *, into argv */
    DA_OPT_INT,    /* int64_t within [min, max] */
    DA_OPT_DOUBLE, /* double within [dmin, dmax] */
    DA_OPT_CHOICE, /* int, index into choices ("a|b|c") */
    DA_OPT_LIST    /* struct da_opt_list, may be repeated */
};

enum { DA_OPT_LIST_MAX = 64 };

struct da_opt_list {
    const char *items[DA_OPT_LIST_MAX];
    size_t n;
};

struct da_opt {
    enum da_opt_kind kind;
    char short_name;       /* 0: none */
    const char *long_name; /* without "--" */
    void *dest;
    const char *arg;  /* shown in help; for choices "a|b|c" */
    const char *help; /* one line or more separated by \n */
    int64_t min, max;
    double dmin, dmax;
    bool *seen; /* set when the option was given; may be NULL */
};

#define DA_OPT_GROUP_OF(title) {.kind = DA_OPT_GROUP, .help = (title)}
#define DA_OPT_FLAG_OF(s, l, d, h)                                                               \
    {.kind = DA_OPT_FLAG, .short_name = (s), .long_name = (l), .dest = (bool *)(d), .help = (h)}
#define DA_OPT_NOFLAG_OF(s, l, d, h)                                                             \
    {.kind = DA_OPT_NOFLAG, .short_name = (s), .long_name = (l), .dest = (bool *)(d), .help = (h)}
#define DA_OPT_STR_OF(s, l, d, a, h)                                                             \
    {.kind = DA_OPT_STR, .short_name = (s), .long_name = (l), .dest = (const char **)(d),        \
     .arg = (a), .help = (h)}
#define DA_OPT_INT_OF(s, l, d, lo, hi, a, h)                                                     \
    {.kind = DA_OPT_INT, .short_name = (s), .long_name = (l), .dest = (int64_t *)(d),            \
     .arg = (a), .help = (h), .min = (lo), .max = (hi)}
#define DA_OPT_DOUBLE_OF(s, l, d, lo, hi, a, h)                                                  \
    {.kind = DA_OPT_DOUBLE, .short_name = (s), .long_name = (l), .dest = (double *)(d),          \
     .arg = (a), .help = (h), .dmin = (lo), .dmax = (hi)}
#define DA_OPT_CHOICE_OF(s, l, d, choices, h)                                                    \
    {.kind = DA_OPT_CHOICE, .short_name = (s), .long_name = (l), .dest = (int *)(d),             \
     .arg = (choices), .help = (h)}
#define DA_OPT_LIST_OF(s, l, d, a, h)                                                            \
    {.kind = DA_OPT_LIST, .short_name = (s), .long_name = (l),                                   \
     .dest = (struct da_opt_list *)(d), .arg = (a), .help = (h)}
#define DA_OPT_END {.kind = DA_OPT_DONE}

struct da_cmd_help {
    const char *name;     /* "ingest" or "model show" */
    const char *synopsis; /* "[options] [--] PATH..." */
    const char *summary;  /* one sentence */
    const char *notes;    /* after the options; may be NULL */
};

struct da_args {
    char **argv; /* positional arguments, into the caller's argv (reordered) */
    int n;
};

/* Returns -1 when the command should run, else the exit code (help shown: 0, bad usage: 2). */
int da_opt_parse(const struct da_cmd_help *help, const struct da_opt *opts, int argc,
                 char **argv, struct da_args *args);

/* "docassist NAME: <message>" and a hint at --help, on stderr; returns DA_EXIT_USAGE. */
int da_opt_usage(const struct da_cmd_help *help, const char *fmt, ...) DA_PRINTF(2, 3);

/* Nearest of the n names to word by edit distance, or NULL when none is near. */
const char *da_opt_nearest(const char *word, const char *const *names, size_t n);

#endif
