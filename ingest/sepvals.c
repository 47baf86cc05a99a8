/* See sepvals.h. A quote that is never closed ends with its line, so that nothing is swallowed. */

#include "ingest/sepvals.h"

#include <stdbool.h>
#include <string.h>

#include "common/span.h"
#include "ingest/mdtext.h"

enum { MAX_QUOTED = 1 << 20, LOOK_LINES = 50 };

char da_sepvals_separator(const char *p, size_t len)
{
    static const char seps[] = {',', ';', '\t', '|'};
    char best = ',';
    size_t best_score = 0;
    for (size_t k = 0; k < sizeof seps; k++) {
        struct da_span rest = da_span(p, len), line;
        size_t first = 0, same = 0;
        for (int i = 0; i < LOOK_LINES && da_span_split(&rest, '\n', &line); i++) {
            size_t n = 0;
            bool quoted = false;
            for (size_t j = 0; j < line.len; j++) {
                quoted = quoted != (line.p[j] == '"');
                n += !quoted && line.p[j] == seps[k];
            }
            first = i == 0 ? n : first;
            same += n > 0 && n == first;
        }
        if (same * (first > 0) > best_score) {
            best_score = same;
            best = seps[k];
        }
    }
    return best;
}

/* One quoted field from the quote at *at; false when it is not closed within reason. */
static bool quoted_field(const char *p, size_t len, size_t *at, struct da_buf *field)
{
    size_t i = *at + 1, max = len - i > MAX_QUOTED ? i + MAX_QUOTED : len;
    da_buf_reset(field);
    for (; i < max; i++) {
        if (p[i] != '"') {
            da_buf_add_char(field, p[i]);
        } else if (i + 1 < len && p[i + 1] == '"') {
            da_buf_add_char(field, '"');
            i++;
        } else {
            *at = i + 1;
            return true;
        }
    }
    return false;
}

size_t da_sepvals_write(const char *p, size_t len, char sep, size_t want, struct da_buf *out,
                    size_t *used)
{
    struct da_md md;
    struct da_buf field;
    size_t i = 0, start = out->len;
    da_md_init(&md, out);
    da_buf_init(&field, 0);
    while (i < len && (want == 0 || out->len - start < want)) {
        da_md_row_begin(&md);
        for (bool more = true; more;) {
            da_md_cell(&md);
            if (i < len && p[i] == '"' && quoted_field(p, len, &i, &field))
                da_md_text(&md, field.p, field.len);
            size_t k = i;
            while (k < len && p[k] != sep && p[k] != '\n')
                k++;
            da_md_text(&md, p + i, k - i);
            more = k < len && p[k] == sep;
            i = k < len ? k + 1 : k;
        }
        da_md_row_end(&md);
    }
    da_md_end(&md);
    da_buf_release(&field);
    *used = i;
    return md.n_rows;
}
