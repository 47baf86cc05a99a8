/* Option tables: see opt.h. GNU conventions: options anywhere, "--" ends them, no abbreviations. */

#include "cli/opt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "common/json.h"

/* What every command accepts; the effects are in output.c. */
struct common {
    bool help, quiet, verbose, progress, no_progress, no_color;
};

enum { N_COMMON = 7 };

static void fill_common(struct da_opt t[N_COMMON + 1], struct common *c)
{
    const struct da_opt rows[N_COMMON + 1] = {
        DA_OPT_GROUP_OF("Everywhere"),
        DA_OPT_FLAG_OF('h', "help", &c->help, "show this help"),
        DA_OPT_FLAG_OF('q', "quiet", &c->quiet, "errors only on stderr"),
        DA_OPT_FLAG_OF('v', "verbose", &c->verbose, "say more on stderr"),
        DA_OPT_FLAG_OF(0, "progress", &c->progress, "draw progress even without a terminal"),
        DA_OPT_FLAG_OF(0, "no-progress", &c->no_progress, "never draw progress"),
        DA_OPT_FLAG_OF(0, "no-color", &c->no_color, "no colour on stderr"),
        DA_OPT_END,
    };
    memcpy(t, rows, sizeof rows);
}

/* --- help ----------------------------------------------------------------------- */

static bool takes_value(const struct da_opt *o)
{
    return o->kind != DA_OPT_FLAG && o->kind != DA_OPT_NOFLAG;
}

static void print_option(const struct da_opt *o)
{
    enum { HELP_COLUMN = 32 };
    const char *help = o->help;
    int n = printf("  %c%c%s --%s%s%s", o->short_name ? '-' : ' ',
                   o->short_name ? o->short_name : ' ', o->short_name ? "," : " ", o->long_name,
                   takes_value(o) ? " " : "", takes_value(o) ? o->arg : "");
    while (*help) {
        int len = (int)strcspn(help, "\n");
        if (n >= HELP_COLUMN - 1) {
            putchar('\n');
            n = 0;
        }
        printf("%*s%.*s\n", HELP_COLUMN - n, "", len, help);
        n = 0;
        help += len + (help[len] == '\n');
    }
}

static void print_table(const struct da_opt *t)
{
    for (; t->kind != DA_OPT_DONE; t++) {
        if (t->kind == DA_OPT_GROUP)
            printf("\n%s:\n", t->help);
        else
            print_option(t);
    }
}

static int show_help(const struct da_cmd_help *help, const struct da_opt *opts,
                     const struct da_opt *common)
{
    printf("usage: docassist %s %s\n\n%s\n", help->name, help->synopsis, help->summary);
    if (opts->kind != DA_OPT_DONE && opts->kind != DA_OPT_GROUP)
        printf("\nOptions:\n");
    print_table(opts);
    print_table(common);
    if (help->notes)
        printf("\n%s\n", help->notes);
    return DA_EXIT_OK;
}

int da_opt_usage(const struct da_cmd_help *help, const char *fmt, ...)
{
    va_list ap;
    (void)fprintf(stderr, "docassist %s: ", help->name);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fprintf(stderr, "\nTry 'docassist %s --help'.\n", help->name);
    return DA_EXIT_USAGE;
}

/* --- nearest name --------------------------------------------------------------- */

enum { MAX_WORD = 40 };

/* Optimal string alignment distance of two short words. */
static unsigned distance(const char *a, const char *b)
{
    unsigned d[MAX_WORD + 1][MAX_WORD + 1];
    size_t la = strlen(a), lb = strlen(b), i, j;
    if (la > MAX_WORD || lb > MAX_WORD)
        return MAX_WORD;
    for (i = 0; i <= la; i++) {
        for (j = 0; j <= lb; j++) {
            unsigned best;
            if (i == 0 || j == 0) {
                d[i][j] = (unsigned)(i + j);
                continue;
            }
            best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    }
    return d[la][lb];
}

const char *da_opt_nearest(const char *word, const char *const *names, size_t n)
{
    const char *best = NULL;
    unsigned best_distance = (unsigned)strlen(word) / 3 + 2;
    size_t i;
    for (i = 0; i < n; i++) {
        unsigned d = distance(word, names[i]);
        if (d < best_distance) {
            best_distance = d;
            best = names[i];
        }
    }
    return best;
}

/* --- parsing -------------------------------------------------------------------- */

struct parser {
    const struct da_cmd_help *help;
    const struct da_opt *tables[2]; /* the command's, then the common ones */
};

static const struct da_opt *find_long(const struct parser *p, const char *name, size_t len)
{
    int i;
    for (i = 0; i < 2; i++) {
        const struct da_opt *o;
        for (o = p->tables[i]; o->kind != DA_OPT_DONE; o++)
            if (o->kind != DA_OPT_GROUP && strlen(o->long_name) == len &&
                memcmp(o->long_name, name, len) == 0)
                return o;
    }
    return NULL;
}

static const struct da_opt *find_short(const struct parser *p, char c)
{
    int i;
    for (i = 0; i < 2; i++) {
        const struct da_opt *o;
        for (o = p->tables[i]; o->kind != DA_OPT_DONE; o++)
            if (o->kind != DA_OPT_GROUP && o->short_name == c)
                return o;
    }
    return NULL;
}

static int unknown_option(const struct parser *p, const char *arg)
{
    const char *names[256];
    const char *word = arg + strspn(arg, "-");
    char name[MAX_WORD + 1];
    const char *near;
    size_t n = 0;
    int i;
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    for (i = 0; i < 2; i++) {
        const struct da_opt *o;
        for (o = p->tables[i]; o->kind != DA_OPT_DONE; o++)
            if (o->kind != DA_OPT_GROUP && n < DA_ARRAY_LEN(names))
                names[n++] = o->long_name;
    }
    near = da_opt_nearest(name, names, n);
    if (near)
        return da_opt_usage(p->help, "unknown option '%s'; did you mean '--%s'?", arg, near);
    return da_opt_usage(p->help, "unknown option '%s'", arg);
}

static int store_choice(const struct parser *p, const struct da_opt *o, const char *value)
{
    const char *at = o->arg;
    size_t len = strlen(value);
    int index = 0;
    while (*at) {
        size_t n = strcspn(at, "|");
        if (n == len && memcmp(at, value, n) == 0) {
            *(int *)o->dest = index;
            return -1;
        }
        at += n + (at[n] == '|');
        index++;
    }
    return da_opt_usage(p->help, "--%s '%s': must be one of %s", o->long_name, value, o->arg);
}

static int store(const struct parser *p, const struct da_opt *o, const char *value)
{
    struct da_opt_list *list;
    int64_t i;
    double d;
    if (o->seen)
        *o->seen = true;
    switch (o->kind) {
    case DA_OPT_FLAG: *(bool *)o->dest = true; break;
    case DA_OPT_NOFLAG: *(bool *)o->dest = false; break;
    case DA_OPT_STR: *(const char **)o->dest = value; break;
    case DA_OPT_INT:
        if (!da_parse_int(value, strlen(value), &i) || i < o->min || i > o->max)
            return da_opt_usage(p->help, "--%s '%s': must be a whole number from %lld to %lld",
                                o->long_name, value, (long long)o->min, (long long)o->max);
        *(int64_t *)o->dest = i;
        break;
    case DA_OPT_DOUBLE:
        if (!da_parse_double(value, strlen(value), &d) || d < o->dmin || d > o->dmax)
            return da_opt_usage(p->help, "--%s '%s': must be a number from %g to %g",
                                o->long_name, value, o->dmin, o->dmax);
        *(double *)o->dest = d;
        break;
    case DA_OPT_CHOICE: return store_choice(p, o, value);
    case DA_OPT_LIST:
        list = o->dest;
        if (list->n == DA_OPT_LIST_MAX)
            return da_opt_usage(p->help, "--%s may be given %d times", o->long_name,
                                DA_OPT_LIST_MAX);
        list->items[list->n++] = value;
        break;
    case DA_OPT_DONE:
    case DA_OPT_GROUP: break;
    }
    return -1;
}

/* "--name", "--name=value", "--name value"; *i moves past a value taken from argv. */
static int parse_long(const struct parser *p, int argc, char **argv, int *i)
{
    const char *arg = argv[*i], *name = arg + 2, *eq = strchr(name, '=');
    const struct da_opt *o = find_long(p, name, eq ? (size_t)(eq - name) : strlen(name));
    if (!o)
        return unknown_option(p, arg);
    if (!takes_value(o))
        return eq ? da_opt_usage(p->help, "--%s takes no value", o->long_name)
                  : store(p, o, NULL);
    if (eq)
        return store(p, o, eq + 1);
    if (*i + 1 == argc)
        return da_opt_usage(p->help, "--%s needs a value (%s)", o->long_name, o->arg);
    return store(p, o, argv[++*i]);
}

/* "-qv", "-o FILE", "-oFILE" */
static int parse_short(const struct parser *p, int argc, char **argv, int *i)
{
    const char *arg = argv[*i], *c;
    for (c = arg + 1; *c; c++) {
        const struct da_opt *o = find_short(p, *c);
        int rc;
        if (!o)
            return unknown_option(p, arg);
        if (!takes_value(o)) {
            rc = store(p, o, NULL);
            if (rc >= 0)
                return rc;
            continue;
        }
        if (c[1])
            return store(p, o, c + 1);
        if (*i + 1 == argc)
            return da_opt_usage(p->help, "-%c needs a value (%s)", *c, o->arg);
        return store(p, o, argv[++*i]);
    }
    return -1;
}

int da_opt_parse(const struct da_cmd_help *help, const struct da_opt *opts, int argc,
                 char **argv, struct da_args *args)
{
    struct common c = {0};
    struct da_opt common[N_COMMON + 1];
    struct parser p = {help, {opts, common}};
    bool only_args = false;
    int i, rc;
    fill_common(common, &c);
    args->argv = argv + 1;
    args->n = 0;
    for (i = 1; i < argc; i++) {
        char *a = argv[i];
        if (only_args || a[0] != '-' || a[1] == 0) {
            args->argv[args->n++] = a; /* never beyond argv[i]: moves left only */
            continue;
        }
        if (strcmp(a, "--") == 0) {
            only_args = true;
            continue;
        }
        rc = a[1] == '-' ? parse_long(&p, argc, argv, &i) : parse_short(&p, argc, argv, &i);
        if (rc >= 0)
            return rc;
        if (c.help)
            return show_help(help, opts, common);
    }
    da_cli_setup_output(c.quiet, c.verbose, c.progress, c.no_progress, c.no_color);
    return -1;
}
