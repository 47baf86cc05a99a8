#include "eval/geval.h"

#include <math.h>
#include <string.h>

#include "common/utf8.h"
#include "text/uclass.h"

enum { MAX_TOP = 64, MAX_NUMBER = 64 };

/* Value of a decimal digit of any script, or -1. They come in runs of ten, zero first. */
static int digit_value(uint32_t cp)
{
    if (cp >= '0' && cp <= '9')
        return (int)(cp - '0');
    if (cp < 0x80 || da_uclass_category(cp) != DA_UCAT_ND)
        return -1;
    uint32_t zero = cp;
    while (zero > 0 && cp - zero < 9 && da_uclass_category(zero - 1) == DA_UCAT_ND)
        zero--;
    return (int)((cp - zero) % 10);
}

bool da_geval_parse(struct da_span reply, double *score)
{
    const char *p = reply.p, *end = p + reply.len;
    char number[MAX_NUMBER];
    size_t n = 0, n_points = 0, n_digits = 0;

    if (p < end && *p == ' ')
        p++;
    while (p < end) {
        uint32_t cp;
        size_t len = da_utf8_decode(p, end, &cp);
        int digit = digit_value(cp);
        if (cp != '.' && digit < 0)
            break;
        n_points += cp == '.';
        n_digits += digit >= 0;
        if (n == sizeof number - 2)
            return false;
        number[n++] = cp == '.' ? '.' : (char)('0' + digit);
        p += len;
    }
    if (n_digits == 0 || n_points > 1)
        return false;
    /* "5." and ".5" are numbers here, though not in JSON */
    double value = 0, place = 1;
    bool fraction = false;
    for (size_t i = 0; i < n; i++) {
        if (number[i] == '.') {
            fraction = true;
            continue;
        }
        value = value * 10 + (number[i] - '0');
        place *= fraction ? 10 : 1;
    }
    *score = value / place;
    return true;
}

/* A token of ASCII digits and nothing else; -1 when it is none. */
static int whole_number(struct da_span token)
{
    int v = 0;

    if (token.len == 0 || token.len > 6)
        return -1;
    for (size_t i = 0; i < token.len; i++) {
        if (token.p[i] < '0' || token.p[i] > '9')
            return -1;
        v = v * 10 + (token.p[i] - '0');
    }
    return v;
}

double da_geval_expected(const struct da_geval_token *top, size_t n, double *mass)
{
    double sum = 0, total = 0;

    for (size_t i = 0; i < n; i++) {
        int v = whole_number(top[i].token);
        if (v < DA_GEVAL_LOWEST || v > DA_GEVAL_HIGHEST)
            continue;
        double p = exp(top[i].logprob);
        sum += p * v;
        total += p;
    }
    *mass = total;
    return total > 0 ? sum / total : NAN;
}

double da_geval_expected_json(const struct da_json *content, double *mass)
{
    const struct da_json *token, *c;

    for (token = da_json_first(content); token; token = da_json_next(token)) {
        struct da_geval_token top[MAX_TOP];
        size_t n = 0;
        for (c = da_json_first(da_json_get(token, "top_logprobs")); c && n < MAX_TOP;
             c = da_json_next(c))
            if (da_json_str(da_json_get(c, "token"), &top[n].token) &&
                da_json_double(da_json_get(c, "logprob"), &top[n].logprob))
                n++;
        double score = da_geval_expected(top, n, mass);
        if (!isnan(score))
            return score;
    }
    *mass = 0;
    return NAN;
}

double da_geval_deepeval(const struct da_geval_token *top, size_t n)
{
    static const double LEAST = 0.01;
    double sum = 0, total = 0;

    for (size_t i = 0; i < n; i++) {
        int v = whole_number(top[i].token);
        double p = exp(top[i].logprob);
        if (v < 0 || p < LEAST)
            continue;
        sum += p * v;
        total += p;
    }
    return total > 0 ? sum / total : NAN;
}
