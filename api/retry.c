/* Classes of failure, Retry-After, backoff. */

#include "api/retry.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "common/hash.h"
#include "common/json.h"
#include "common/rng.h"

static enum da_try_class classify_status(int status, const struct da_chat_error *e, unsigned lacks)
{
    if (status >= 200 && status < 300)
        return DA_TRY_OK;
    if (status == 401 || status == 403 || status == 404)
        return DA_TRY_DENIED;
    if (strcmp(e->code, "insufficient_quota") == 0 || strcmp(e->type, "insufficient_quota") == 0)
        return DA_TRY_DENIED;
    if (status == 429)
        return DA_TRY_PACED;
    if (status == 408 || status == 409 || status >= 500)
        return DA_TRY_TRANSIENT;
    if ((status == 400 || status == 422) && da_chat_unsupported(e, lacks))
        return DA_TRY_UNSUPPORTED;
    if (status >= 300 && status < 400) /* not followed: the address is wrong */
        return DA_TRY_DENIED;
    return DA_TRY_REJECTED;
}

enum da_try_class da_try_classify(const struct da_http_reply *r, const struct da_chat_error *e,
                                  unsigned lacks)
{
    switch (r->failure) {
    case DA_HTTP_OK: return classify_status(r->status, e, lacks);
    case DA_HTTP_UNREACHABLE: return DA_TRY_UNREACHABLE;
    case DA_HTTP_LOST:
    case DA_HTTP_TIMEOUT: return DA_TRY_TRANSIENT;
    case DA_HTTP_TOO_LARGE: return DA_TRY_REJECTED;
    case DA_HTTP_UNTRUSTED:
    case DA_HTTP_BAD_URL: break;
    }
    return DA_TRY_DENIED;
}

const char *da_try_class_name(enum da_try_class c)
{
    static const char *const names[] = {"ok",     "paced",       "transient", "unreachable",
                                        "denied", "unsupported", "rejected"};
    return names[c];
}

/* --- HTTP dates --------------------------------------------------------------- */

/* Days since 1970-01-01 of a Gregorian date (H. Hinnant's days_from_civil). */
static int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

/* A number of exactly n digits at *p (a leading space counts as 0 in asctime dates). */
static bool digits(const char **p, const char *end, int n, int *out)
{
    int v = 0;
    if (end - *p < n)
        return false;
    for (int i = 0; i < n; i++) {
        char c = (*p)[i] == ' ' && i == 0 && n == 2 ? '0' : (*p)[i];
        if (c < '0' || c > '9')
            return false;
        v = v * 10 + (c - '0');
    }
    *p += n;
    *out = v;
    return true;
}

static bool literal(const char **p, const char *end, char c)
{
    if (*p >= end || **p != c)
        return false;
    ++*p;
    return true;
}

static bool month(const char **p, const char *end, int *out)
{
    static const char all[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (end - *p < 3)
        return false;
    for (int i = 0; i < 12; i++)
        if (strncasecmp(*p, all + 3 * i, 3) == 0) {
            *p += 3;
            *out = i + 1;
            return true;
        }
    return false;
}

static bool clock_time(const char **p, const char *end, int *s)
{
    int h, m, sec;
    if (!digits(p, end, 2, &h) || !literal(p, end, ':') || !digits(p, end, 2, &m) ||
        !literal(p, end, ':') || !digits(p, end, 2, &sec) || h > 23 || m > 59 || sec > 60)
        return false;
    *s = h * 3600 + m * 60 + sec;
    return true;
}

int64_t da_parse_http_date(struct da_span s)
{
    const char *p = s.p, *end = s.p + s.len;
    int d, m, y, t;
    const char *comma = memchr(p, ',', s.len);
    if (comma) { /* "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT" */
        p = comma + 1;
        if (!literal(&p, end, ' ') || !digits(&p, end, 2, &d))
            return -1;
        char sep = p < end && *p == '-' ? '-' : ' ';
        if (!literal(&p, end, sep) || !month(&p, end, &m) || !literal(&p, end, sep))
            return -1;
        if (sep == '-') {
            if (!digits(&p, end, 2, &y))
                return -1;
            y += y < 70 ? 2000 : 1900;
        } else if (!digits(&p, end, 4, &y)) {
            return -1;
        }
        if (!literal(&p, end, ' ') || !clock_time(&p, end, &t))
            return -1;
    } else { /* "Sun Nov  6 08:49:37 1994" */
        if (end - p < 4)
            return -1;
        p += 4;
        if (!month(&p, end, &m) || !literal(&p, end, ' ') || !digits(&p, end, 2, &d) ||
            !literal(&p, end, ' ') || !clock_time(&p, end, &t) || !literal(&p, end, ' ') ||
            !digits(&p, end, 4, &y))
            return -1;
    }
    if (d < 1 || d > 31)
        return -1;
    return days_from_civil(y, m, d) * 86400 + t;
}

int64_t da_retry_after_ms(const struct da_http_reply *r, int64_t unix_ms)
{
    const double most_ms = 1e12; /* 30 years: a sane product for any sane value */
    double v;
    struct da_span s = da_http_header(r, "retry-after-ms");
    if (s.len && da_parse_double(s.p, s.len, &v) && v >= 0)
        return (int64_t)(v < most_ms ? v : most_ms);
    s = da_http_header(r, "retry-after");
    if (!s.len)
        return -1;
    if (da_parse_double(s.p, s.len, &v))
        return v < 0 ? -1 : (int64_t)(v * 1000 < most_ms ? v * 1000 : most_ms);
    int64_t at = da_parse_http_date(s);
    if (at < 0)
        return -1;
    return at * 1000 > unix_ms ? at * 1000 - unix_ms : 0;
}

uint64_t da_retry_delay_ms(uint64_t seed, uint64_t key, unsigned n, uint64_t base_ms,
                           uint64_t cap_ms)
{
    struct da_rng rng;
    uint64_t most = base_ms;
    for (unsigned i = 0; i < n && most < cap_ms; i++)
        most *= 2;
    if (most > cap_ms)
        most = cap_ms;
    da_rng_init(&rng, da_mix64(seed ^ da_mix64(key + n)));
    return da_rng_below(&rng, most + 1);
}
