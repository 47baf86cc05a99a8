/* CPython 3.11's view of text; see the header. Final sigma: The Unicode Standard, table 3-17. */
#include "text/ulower.h"

#include "common/utf8.h"

enum { CAPITAL_SIGMA = 0x3a3, SMALL_SIGMA = 0x3c3, FINAL_SIGMA = 0x3c2, CAPITAL_I_DOT = 0x130 };

/* Start of the character before p. */
static const char *char_before(const char *start, const char *p)
{
    do
        p--;
    while (p > start && ((unsigned char)*p & 0xc0) == 0x80);
    return p;
}

struct da_span da_upy_rstrip(struct da_span s)
{
    while (s.len > 0) {
        const char *last = char_before(s.p, s.p + s.len);
        size_t n = da_upy_space_len(last, s.p + s.len);
        if (n == 0 || last + n != s.p + s.len)
            break;
        s.len -= n;
    }
    return s;
}

struct da_span da_upy_strip(struct da_span s)
{
    size_t n;

    while (s.len > 0 && (n = da_upy_space_len(s.p, s.p + s.len)) > 0) {
        s.p += n;
        s.len -= n;
    }
    return da_upy_rstrip(s);
}

static uint32_t lower_of(uint32_t cp)
{
    size_t lo = 0, hi = da_upy_n_lower_runs;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct da_upy_run *r = &da_upy_lower_runs[mid];
        if (cp > r->last)
            lo = mid + 1;
        else if (cp < r->first)
            hi = mid;
        else
            return (cp - r->first) % (uint32_t)r->step ? cp : (uint32_t)((int32_t)cp + r->delta);
    }
    return cp;
}

/* A sigma is final after a cased character and before none, case-ignorable ones skipped. */
static bool sigma_is_final(const char *start, const char *at, const char *after, const char *end)
{
    unsigned bits = 0;
    uint32_t cp;

    for (const char *q = at; q > start;) {
        q = char_before(start, q);
        (void)da_utf8_decode(q, end, &cp);
        bits = da_upy(cp);
        if (!(bits & DA_UPY_IGNORABLE))
            break;
    }
    if (!(bits & DA_UPY_CASED))
        return false;
    bits = 0;
    for (const char *q = after; q < end;) {
        q += da_utf8_decode(q, end, &cp);
        bits = da_upy(cp);
        if (!(bits & DA_UPY_IGNORABLE))
            break;
    }
    return !(bits & DA_UPY_CASED);
}

/* Appends the leading ASCII of [p, end) in lower case; returns its length. */
static size_t lower_ascii(const char *p, const char *end, struct da_buf *out)
{
    size_t n = 0, len = (size_t)(end - p);

    while (n < len && (unsigned char)p[n] < 0x80)
        n++;
    char *to = da_buf_reserve(out, n);
    if (!to)
        return n;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        to[i] = (char)(c + ((unsigned char)(c - 'A') < 26 ? 32 : 0));
    }
    out->len += n;
    out->p[out->len] = 0;
    return n;
}

void da_upy_lower(const char *p, size_t len, struct da_buf *out)
{
    const char *end = p + len, *q = p;

    while (q < end) {
        uint32_t cp;
        q += lower_ascii(q, end, out);
        if (q == end)
            break;
        size_t n = da_utf8_decode(q, end, &cp);
        if (!(da_upy(cp) & DA_UPY_HAS_LOWER)) {
            da_buf_add(out, q, n);
        } else if (cp == CAPITAL_SIGMA) {
            da_buf_add_utf8(out, sigma_is_final(p, q, q + n, end) ? FINAL_SIGMA : SMALL_SIGMA);
        } else if (cp == CAPITAL_I_DOT) {
            da_buf_add(out, "i\xcc\x87", 3);
        } else {
            da_buf_add_utf8(out, lower_of(cp));
        }
        q += n;
    }
}
