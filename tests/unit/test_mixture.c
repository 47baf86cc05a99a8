/*
 * Which type each matrix of a k-quant mixture gets: what llama.cpp's llama-quantize gives it in the
 * shapes of SmolLM, Llama and Qwen2 (tests/golden/mixture.tsv, made by
 * tools/models/make_mixture_golden.py, which names the version).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io.h"
#include "common/json.h"
#include "common/mem.h"
#include "engine/model/build.h"
#include "tests/tap.h"

enum { SHAPE, ARCH, MIXTURE, TENSOR, COLS, ROWS, TYPE, N_FIELDS };

struct model {
    struct da_span shape, mixture, arch;
    struct da_build_tensor *tensors;
    struct da_span *want; /* [n], of each tensor */
    size_t n, cap_tensors, cap_want;
};

static void check(struct model *m)
{
    struct da_build_fallbacks fallbacks;
    const bool q4 = da_span_is(m->mixture, "q4_k_m");
    char arch[32];
    size_t bad = 0;
    if (m->n == 0)
        return;
    (void)snprintf(arch, sizeof arch, "%.*s", (int)m->arch.len, m->arch.p);
    da_build_types(m->tensors, m->n, q4 ? DA_Q_Q4_K : DA_Q_Q6_K, arch, &fallbacks);
    for (size_t i = 0; i < m->n; i++) {
        const char *got = da_qtype_name(m->tensors[i].type);
        if (!da_span_is(m->want[i], got) && bad++ < 5)
            tap_diag("%s: %s, llama-quantize has %.*s", m->tensors[i].name, got,
                     (int)m->want[i].len, m->want[i].p);
    }
    tap_ok(bad == 0, "%.*s %.*s: %zu matrices have llama-quantize's types", (int)m->shape.len,
           m->shape.p, (int)m->mixture.len, m->mixture.p, m->n);
    m->n = 0;
}

static void add(struct model *m, const struct da_span *field)
{
    struct da_build_tensor t = {.src = NULL};
    int64_t cols = 0, rows = 0;
    if (!da_span_eq(field[SHAPE], m->shape) || !da_span_eq(field[MIXTURE], m->mixture))
        check(m);
    m->shape = field[SHAPE];
    m->mixture = field[MIXTURE];
    m->arch = field[ARCH];
    (void)snprintf(t.name, sizeof t.name, "%.*s", (int)field[TENSOR].len, field[TENSOR].p);
    if (!da_parse_int(field[COLS].p, field[COLS].len, &cols) ||
        !da_parse_int(field[ROWS].p, field[ROWS].len, &rows))
        tap_diag("%s has no sizes", t.name);
    t.n_cols = (uint32_t)cols;
    t.n_rows = (uint32_t)rows;
    DA_GROW(m->tensors, m->n, m->cap_tensors);
    m->tensors[m->n] = t;
    DA_GROW(m->want, m->n, m->cap_want);
    m->want[m->n++] = field[TYPE];
}

int main(void)
{
    struct da_err err;
    struct da_buf text;
    struct model m = {.n = 0};
    struct da_span rest, line;
    da_buf_init(&text, 0);
    if (!tap_rc(da_io_read_file("tests/golden/mixture.tsv", 1 << 20, &text, &err), &err, "golden"))
        return tap_done();
    rest = da_span(text.p, text.len);
    while (da_span_split(&rest, '\n', &line)) {
        struct da_span field[N_FIELDS];
        int n = 0;
        while (n < N_FIELDS && da_span_split(&line, '\t', &field[n]))
            n++;
        if (n == N_FIELDS)
            add(&m, field);
    }
    check(&m);
    free(m.tensors);
    free(m.want);
    da_buf_release(&text);
    return tap_done();
}
