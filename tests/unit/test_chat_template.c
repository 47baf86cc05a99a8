/* Chat templates against Python's jinja2 3.1.6 with transformers' settings; goldens made by
 * tools/chat/make_goldens.py. */

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/hash.h"
#include "common/io.h"
#include "common/json.h"
#include "common/jsonl.h"
#include "engine/chat/chat_template.h"
#include "tests/tap.h"

enum { NOW = 1753957800 }; /* 2025-07-31 10:30:00 UTC, as in the goldens */

static enum da_rc render(struct da_span source, const struct da_json *vars,
                         const struct da_chat_template_limits *limits, struct da_buf *out,
                         struct da_err *err)
{
    struct da_chat_template *t = NULL;
    enum da_rc rc = da_chat_template_parse(&t, source, err);
    da_buf_reset(out);
    if (rc == DA_OK)
        rc = da_chat_template_render(t, vars, NOW, limits, out, err);
    da_chat_template_free(t);
    return rc;
}

static void test_features(void)
{
    struct da_err err;
    struct da_jsonl *in = NULL;
    struct da_json *first = NULL, *row = NULL;
    struct da_buf out;
    da_buf_init(&out, 0);
    if (!tap_rc(da_jsonl_open(&in, "tests/unit/data/chat_features.jsonl", &err), &err, "opens") ||
        !tap_rc(da_jsonl_next(in, &first, &err), &err, "variables"))
        return;
    while (da_jsonl_next(in, &row, &err) == DA_OK && row) {
        struct da_span source = {0}, want = {0};
        (void)da_json_str(da_json_get(row, "template"), &source);
        bool raises = !da_json_str(da_json_get(row, "want"), &want);
        enum da_rc rc = render(source, da_json_get(first, "vars"), NULL, &out, &err);
        if (raises)
            tap_ok(rc != DA_OK, "raises: %.60s", source.p);
        else if (tap_rc(rc, &err, "renders: %.60s", source.p))
            tap_is_mem(out.p, out.len, want.p, want.len, "as jinja2: %.60s", source.p);
        da_json_free(row);
    }
    da_json_free(first);
    da_jsonl_close(in);
    da_buf_release(&out);
}

/* The prompt of one published template and conversation has the golden's hash. */
static bool is_golden(const struct da_json *row, const struct da_json *chats)
{
    struct da_err err;
    struct da_buf source, out;
    struct da_span name = {0}, want = {0};
    char path[128], hex[DA_SHA256_HEX_LEN + 1];
    int64_t i = 0;
    da_buf_init(&source, 0);
    da_buf_init(&out, 0);
    (void)da_json_str(da_json_get(row, "template"), &name);
    (void)da_json_int(da_json_get(row, "conversation"), &i);
    bool raises = !da_json_str(da_json_get(row, "sha256"), &want);
    (void)snprintf(path, sizeof path, "chat-templates/%s", name.p);
    const char *file = tap_shared(path);
    enum da_rc rc = file ? da_io_read_file(file, 1 << 20, &source, &err) : DA_ENOTFOUND;
    if (rc == DA_OK)
        rc = render(da_span(source.p, source.len), da_json_at(chats, (size_t)i), NULL, &out, &err);
    da_sha256_hex(out.p, out.len, hex);
    bool same = raises ? rc == DA_EFORMAT : rc == DA_OK && da_span_is(want, hex);
    if (!same)
        tap_diag("%s, conversation %d: %s", name.p, (int)i, rc == DA_OK ? out.p : err.msg);
    da_buf_release(&source);
    da_buf_release(&out);
    return same;
}

static void test_published(void)
{
    struct da_err err;
    struct da_buf text;
    struct da_json *chats = NULL, *row = NULL;
    struct da_jsonl *in = NULL;
    int n = 0, n_same = 0;
    if (!tap_shared("chat-templates/google-gemma-2-2b-it.jinja")) {
        tap_skip("shared test material is missing", "published templates");
        return;
    }
    da_buf_init(&text, 0);
    if (da_io_read_file("tests/unit/data/chat_conversations.json", 1 << 20, &text, &err) == DA_OK &&
        da_json_parse(text.p, text.len, &chats, &err) == DA_OK &&
        da_jsonl_open(&in, "tests/unit/data/chat_templates.jsonl", &err) == DA_OK) {
        while (da_jsonl_next(in, &row, &err) == DA_OK && row) {
            n_same += is_golden(row, chats);
            n++;
            da_json_free(row);
        }
    }
    tap_is_int(n, 160, "eight templates with twenty conversations");
    tap_is_int(n_same, n, "all prompts are jinja2's, byte for byte");
    da_jsonl_close(in);
    da_json_free(chats);
    da_buf_release(&text);
}

static void test_failures(void)
{
    static const struct {
        const char *source, *message;
    } bad[] = {
        {"a\n{{ 1 + }}", "chat template: line 2: unexpected end or sign"},
        {"{% if x %}", "chat template: line 1: the template ends inside a block"},
        {"{% include 'x' %}",
         "chat template: line 1: this kind of block is not supported, at 'include'"},
        {"{{ 'x' | nosuch }}", "chat template: line 1: filter 'nosuch' is not supported"},
        {"{{ x.y }}", "chat template: line 1: 'x' is undefined"},
        {"\n\n{{ raise_exception('No!') }}", "chat template: line 3: No!"},
        {"{{ (1 }}", "chat template: line 1: a bracket is closed that is not open"},
        {"{{ 'a }}", "chat template: line 1: a string is not closed"},
        {"{# a", "chat template: line 1: a comment is not closed"},
        {"{% break %}", "chat template: line 1: break or continue outside a loop"},
    };
    struct da_err err;
    struct da_buf out;
    da_buf_init(&out, 0);
    for (size_t i = 0; i < DA_ARRAY_LEN(bad); i++) {
        enum da_rc rc = render(da_span_str(bad[i].source), NULL, NULL, &out, &err);
        tap_ok(rc != DA_OK, "fails: %s", bad[i].source);
        tap_is_str(err.msg, bad[i].message, "and says why");
    }
    da_buf_release(&out);
}

/* Endless, deep and huge templates end with DA_ELIMIT. */
static void test_limits(void)
{
    static const char *const greedy[] = {
        "{% for a in range(99999) %}{% for b in range(99999) %}{{ b }}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ 'x' * 999999999999 }}",
        "{{ [0] * 999999999999 }}",
        "{% set ns = namespace(s='x') %}{% for a in range(99) %}{% set ns.s = ns.s + ns.s %}"
        "{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(l=[]) %}{% for a in range(9999) %}{% set ns.l = [ns.l] %}"
        "{% endfor %}{{ ns.l }}",
        "{{ range(999999) }}",
        "{{ 9223372036854775807 + 1 }}",
    };
    struct da_err err;
    struct da_buf out, deep;
    struct da_chat_template_limits small = {.max_output = 1000};
    da_buf_init(&out, 0);
    da_buf_init(&deep, 0);
    for (size_t i = 0; i < DA_ARRAY_LEN(greedy); i++)
        tap_is_int(render(da_span_str(greedy[i]), NULL, NULL, &out, &err), DA_ELIMIT,
                   "too much: %.50s", greedy[i]);
    tap_is_int(render(da_span_str("{{ 'x' * 1001 }}"), NULL, &small, &out, &err), DA_ELIMIT,
               "longer than the output may be");
    static const char *const nests[] = {"(", "[", "not ", "-", "{% if 1 %}", "x if "};
    for (size_t i = 0; i < DA_ARRAY_LEN(nests); i++) {
        da_buf_reset(&deep);
        if (nests[i][0] != '{')
            da_buf_add_str(&deep, "{{ ");
        for (int k = 0; k < 10000; k++)
            da_buf_add_str(&deep, nests[i]);
        tap_ok(render(da_span(deep.p, deep.len), NULL, NULL, &out, &err) != DA_OK,
               "deep nests of '%s' end", nests[i]);
    }
    da_buf_reset(&deep);
    da_buf_add_str(&deep, "{{ 1");
    for (int k = 0; k < 100000; k++)
        da_buf_add_str(&deep, "+1");
    da_buf_add_str(&deep, " }}");
    tap_is_int(render(da_span(deep.p, deep.len), NULL, NULL, &out, &err), DA_ELIMIT,
               "a sum of 100,000 terms");
    da_buf_release(&out);
    da_buf_release(&deep);
}

/*
 * Hostile templates: each ends with an error in well under a second of CPU, whatever it repeats.
 * The limit leaves room for sanitizers and emulated processors; the figures are printed.
 */
static void test_hostile(void)
{
    enum { MAX_SECONDS = 10 };
    static const char *const templates[] = {
        "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}x{% endfor %}"
        "{% endfor %}{% endfor %}",
        "{% macro f(x) %}{% if x > 0 %}{{ f(x - 1) }}{{ f(x - 1) }}{% endif %}{% endmacro %}"
        "{{ f(90) }}",
        "{% set ns = namespace(s=[1, 2]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}"
        "{% endfor %}{{ ns.s | length }}",
        "{% set ns = namespace(s='aaaa') %}{% for i in range(60) %}"
        "{% set ns.s = ns.s | replace('a', 'aa') %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s='aaaa') %}{% for i in range(60) %}"
        "{% set ns.s = [ns.s, ns.s] | join(ns.s) %}{% endfor %}{{ ns.s }}",
        /* the same list many times in itself: 2^64 elements to compare, to print, to write */
        "{% set ns = namespace(s=[], t=[]) %}{% for i in range(64) %}{% set ns.s = [ns.s, ns.s] %}"
        "{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.s == ns.t }}",
        "{% set ns = namespace(s=[]) %}{% for i in range(64) %}{% set ns.s = [ns.s, ns.s] %}"
        "{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=[]) %}{% for i in range(64) %}"
        "{% set ns.s = {'a': ns.s, 'b': ns.s} %}{% endfor %}{{ ns.s | tojson(indent=100) }}",
        /* searches that look at every place for long */
        "{% set s = 'a' * 4000000 %}{% set q = 'a' * 2000000 + 'ba' %}"
        "{% for i in range(100000) %}{{ q in s }}{% endfor %}",
        "{% set s = 'a' * 4000000 %}{% set q = 'a' * 2000000 + 'ba' %}"
        "{% for i in range(100000) %}{{ s.rfind(q) }}{{ s.count(q) }}{{ s.split(q) }}{% endfor %}",
        "{% set s = 'ab' * 2000000 %}{% for i in range(100000) %}{% set x = s.strip(s[1:]) %}"
        "{% endfor %}",
        /* long strings, compared or looked at again and again */
        "{% set s = 'a' * 30000000 %}{% set t = s + 'b' %}{% set u = s + 'c' %}"
        "{% for i in range(100000) %}{% set x = t == u %}{% endfor %}",
        "{% set s = 'a' * 30000000 %}{% for i in range(100000) %}{% set x = s.startswith(s) %}"
        "{% endfor %}",
        "{% set s = '\xc3\xa9' * 10000000 %}{% for i in range(100000) %}{% set x = s[1000000] %}"
        "{% endfor %}",
        "{% set s = '\xc3\xa9' * 10000000 %}{% for i in range(1000) %}{% set x = s | upper %}"
        "{% endfor %}",
        "{% for i in range(100000) %}{{ ' ' * 9000000 | int }}{% endfor %}",
        "{% for i in range(100000) %}{{ range(1000) | list | sort | length }}{% endfor %}",
        "{% for i in range(100000) %}{% set x = range(100000) | map('string') | list %}{% endfor %}",
        "{% for i in range(100000) %}{{ range(3000) | list | unique | list | length }}{% endfor %}",
    };
    struct da_buf out;
    const double most = MAX_SECONDS * tap_patience();
    double worst = 0;
    da_buf_init(&out, 0);
    for (size_t i = 0; i < DA_ARRAY_LEN(templates); i++) {
        struct da_err err;
        const uint64_t start = da_cpu_time_ns();
        const enum da_rc rc = render(da_span_str(templates[i]), NULL, NULL, &out, &err);
        const double seconds = (double)(da_cpu_time_ns() - start) / 1e9;
        worst = seconds > worst ? seconds : worst;
        tap_ok(rc == DA_ELIMIT && seconds < most, "hostile template %zu: %s", i,
               rc ? err.msg : "rendered");
        tap_diag("%.2f s of CPU", seconds);
    }
    tap_diag("%zu hostile templates: at most %.2f s of CPU", DA_ARRAY_LEN(templates), worst);
    da_buf_release(&out);
}

int main(void)
{
    test_hostile();
    test_features();
    test_published();
    test_failures();
    test_limits();
    return tap_done();
}
