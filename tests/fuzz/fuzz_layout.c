/* Page layout from hostile boxes: no character is lost or doubled, running text is made. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "ingest/flow.h"
#include "ingest/layout.h"
#include "ingest/rtl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_A_GLYPH = 8, MAX_GLYPHS = 3000 };

static struct da_glyph glyph_of(const uint8_t *d)
{
    static const uint32_t cps[] = {'a', 'b', ' ', '\n', '-', '1', '.', 0x5d0, 0x627, 0x644, 0x4e00,
                                   0x2022, 'Z', 0xfb01, '|', 'i'};
    float x = (float)(int8_t)d[1] * 10, y = (float)(int8_t)d[2] * 10;
    struct da_glyph g = {.cp = cps[d[0] & 15], .x0 = x, .y0 = y, .x1 = x + (float)d[3] / 8,
                         .y1 = y + (float)d[4] / 8, .size = (float)d[5] / 4, .flags = d[6] & 7};
    return g;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n = size / BYTES_A_GLYPH, ink = 0, found = 0;
    n = n > MAX_GLYPHS ? MAX_GLYPHS : n;
    struct da_glyph *g = da_calloc(2 * n + 1, sizeof *g);
    for (size_t i = 0; i < n; i++)
        g[i] = glyph_of(data + i * BYTES_A_GLYPH);
    n = da_rtl_fix(g, n);
    for (size_t i = 0; i < n; i++)
        ink += g[i].cp == 'a';
    struct da_layout l;
    struct da_buf out;
    struct da_flow_facts facts;
    struct da_flow *flow = da_flow_new(size % 2 == 0);
    da_layout_init(&l);
    da_buf_init(&out, 0);
    for (int page = 0; page < 3; page++) {
        da_layout_page(&l, g, n);
        da_flow_add_page(flow, &l, 800);
    }
    for (size_t i = 0; i < l.text.len; i++)
        found += l.text.p[i] == 'a';
    if (found != ink)
        abort();
    da_flow_write(flow, &out, &facts);
    da_flow_free(flow);
    da_layout_release(&l);
    da_buf_release(&out);
    free(g);
    return 0;
}
