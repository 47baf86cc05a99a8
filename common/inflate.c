/*
 * DEFLATE, RFC 1951. Codes are decoded canonically, a length at a time, from the
 * counts of codes per length: slower than tables, but small and easy to check.
 */
#include "common/inflate.h"

#include <stdbool.h>
#include <string.h>

enum {
    WINDOW = 1 << 15,
    BUFFER = 2 * WINDOW, /* half of it stays behind as the window */
    MAX_BITS = 15,
    N_LITERALS = 288,
    N_DISTANCES = 32
};

struct code {
    uint16_t count[MAX_BITS + 1]; /* codes of each length */
    uint16_t symbol[N_LITERALS];  /* in the order of codes */
};

struct inflater {
    const unsigned char *p;
    size_t len, pos;
    uint64_t bits;
    unsigned n_bits;
    unsigned char out[BUFFER];
    size_t n_out, n_sent; /* sent: of out */
    uint64_t total, max;
    da_inflate_sink sink;
    void *ctx;
    struct da_err *err;
};

static enum da_rc bad(struct inflater *s, const char *what)
{
    return da_fail(s->err, DA_EFORMAT, "compressed data: %s", what);
}

/* At least n bits (at most 32) are in s->bits, zeros beyond the end of the input. */
static void fill(struct inflater *s, unsigned n)
{
    while (s->n_bits < n) {
        uint64_t byte = s->pos < s->len ? s->p[s->pos] : 0;
        s->pos++;
        s->bits |= byte << s->n_bits;
        s->n_bits += 8;
    }
}

/* False once more bits were taken than the input has. */
static bool sound(const struct inflater *s)
{
    return s->pos - s->n_bits / 8 <= s->len;
}

static uint32_t take_bits(struct inflater *s, unsigned n)
{
    fill(s, n);
    uint32_t v = (uint32_t)(s->bits & (((uint64_t)1 << n) - 1));
    s->bits >>= n;
    s->n_bits -= n;
    return v;
}

/* False when the lengths ask for more codes than there are. */
static bool make_code(struct code *c, const uint8_t *lengths, unsigned n)
{
    uint16_t next[MAX_BITS + 2] = {0};
    int left = 1;
    memset(c->count, 0, sizeof c->count);
    for (unsigned i = 0; i < n; i++)
        c->count[lengths[i]]++;
    c->count[0] = 0;
    for (unsigned len = 1; len <= MAX_BITS; len++) {
        left = 2 * left - c->count[len];
        if (left < 0)
            return false;
        next[len + 1] = (uint16_t)(next[len] + c->count[len]);
    }
    for (unsigned i = 0; i < n; i++)
        if (lengths[i])
            c->symbol[next[lengths[i]]++] = (uint16_t)i;
    return true;
}

/* -1 for a code that does not exist. */
static int take_symbol(struct inflater *s, const struct code *c)
{
    int code = 0, first = 0, index = 0;
    fill(s, MAX_BITS);
    for (unsigned len = 1; len <= MAX_BITS; len++) {
        code |= (int)(s->bits >> (len - 1) & 1);
        int count = c->count[len];
        if (code - count < first) {
            s->bits >>= len;
            s->n_bits -= len;
            return c->symbol[index + code - first];
        }
        index += count;
        first = (first + count) << 1;
        code <<= 1;
    }
    return -1;
}

static enum da_rc send(struct inflater *s)
{
    enum da_rc rc = s->sink(s->ctx, s->out + s->n_sent, s->n_out - s->n_sent, s->err);
    if (s->n_out == BUFFER) {
        memcpy(s->out, s->out + WINDOW, WINDOW);
        s->n_out = WINDOW;
    }
    s->n_sent = s->n_out;
    return rc;
}

static enum da_rc put(struct inflater *s, unsigned char c)
{
    if (s->total == s->max)
        return da_fail(s->err, DA_ELIMIT, "compressed data: more than %llu bytes come out",
                       (unsigned long long)s->max);
    s->total++;
    s->out[s->n_out++] = c;
    return s->n_out == BUFFER ? send(s) : DA_OK;
}

static enum da_rc stored(struct inflater *s)
{
    enum da_rc rc = DA_OK;
    (void)take_bits(s, s->n_bits % 8);
    uint32_t n = take_bits(s, 16), not_n = take_bits(s, 16);
    if (!sound(s) || n != (~not_n & 0xffff))
        return bad(s, "a stored block's length is damaged");
    for (; n > 0 && !rc; n--)
        rc = put(s, (unsigned char)take_bits(s, 8));
    return rc ? rc : sound(s) ? DA_OK : bad(s, "it ends inside a stored block");
}

static enum da_rc copy_back(struct inflater *s, const struct code *distances, int symbol)
{
    static const uint16_t LENGTH[] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                      15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                      67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t LENGTH_BITS[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                          2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    static const uint16_t DISTANCE[] = {
        1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
        193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    if (symbol > 285)
        return bad(s, "a length that does not exist");
    uint32_t n = LENGTH[symbol - 257] + take_bits(s, LENGTH_BITS[symbol - 257]);
    int d = take_symbol(s, distances);
    if (d < 0 || d > 29)
        return bad(s, "a distance that does not exist");
    uint32_t back = DISTANCE[d] + take_bits(s, d < 4 ? 0 : (unsigned)(d / 2 - 1));
    if (back > s->total || back > WINDOW)
        return bad(s, "a distance reaches before the start");
    enum da_rc rc = DA_OK;
    for (; n > 0 && !rc; n--)
        rc = put(s, s->out[s->n_out - back]);
    return rc;
}

static enum da_rc codes(struct inflater *s, const struct code *literals,
                        const struct code *distances)
{
    for (;;) {
        int symbol = take_symbol(s, literals);
        if (symbol < 0 || !sound(s))
            return bad(s, symbol < 0 ? "a code that does not exist" : "it ends inside a block");
        if (symbol == 256)
            return DA_OK;
        enum da_rc rc =
            symbol < 256 ? put(s, (unsigned char)symbol) : copy_back(s, distances, symbol);
        if (rc)
            return rc;
    }
}

static enum da_rc fixed(struct inflater *s)
{
    struct code literals, distances;
    uint8_t lengths[N_LITERALS];
    for (unsigned i = 0; i < N_LITERALS; i++)
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    (void)make_code(&literals, lengths, N_LITERALS);
    memset(lengths, 5, 30);
    (void)make_code(&distances, lengths, 30);
    return codes(s, &literals, &distances);
}

static enum da_rc dynamic(struct inflater *s)
{
    static const uint8_t ORDER[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    struct code literals, distances;
    uint8_t lengths[N_LITERALS + N_DISTANCES] = {0}, first[19] = {0};
    unsigned n_lit = take_bits(s, 5) + 257, n_dist = take_bits(s, 5) + 1;
    unsigned n_first = take_bits(s, 4) + 4, n = 0;
    if (n_lit > 286 || n_dist > 30)
        return bad(s, "too many codes");
    for (unsigned i = 0; i < n_first; i++)
        first[ORDER[i]] = (uint8_t)take_bits(s, 3);
    if (!make_code(&literals, first, 19))
        return bad(s, "code lengths that do not fit");
    while (n < n_lit + n_dist) {
        int symbol = take_symbol(s, &literals);
        if (symbol < 0 || !sound(s) || (symbol == 16 && n == 0))
            return bad(s, "code lengths that do not exist");
        unsigned times = 1;
        uint8_t value = (uint8_t)symbol;
        if (symbol >= 16) {
            times = symbol == 16   ? 3 + take_bits(s, 2)
                    : symbol == 17 ? 3 + take_bits(s, 3)
                                   : 11 + take_bits(s, 7);
            value = symbol == 16 ? lengths[n - 1] : 0;
        }
        if (times > n_lit + n_dist - n)
            return bad(s, "too many code lengths");
        memset(lengths + n, value, times);
        n += times;
    }
    if (!make_code(&literals, lengths, n_lit) || !make_code(&distances, lengths + n_lit, n_dist))
        return bad(s, "code lengths that do not fit");
    return codes(s, &literals, &distances);
}

enum da_rc da_inflate(const void *p, size_t len, uint64_t max_out, da_inflate_sink sink, void *ctx,
                      size_t *used, struct da_err *err)
{
    struct inflater s;
    s.p = p;
    s.len = len;
    s.pos = 0;
    s.bits = 0;
    s.n_bits = 0;
    s.n_out = s.n_sent = 0; /* out is written before it is read: no distance reaches before it */
    s.total = 0;
    s.max = max_out;
    s.sink = sink;
    s.ctx = ctx;
    s.err = err;
    enum da_rc rc = DA_OK;
    for (bool last = false; !last && !rc;) {
        last = take_bits(&s, 1);
        uint32_t type = take_bits(&s, 2);
        rc = !sound(&s)  ? bad(&s, "it ends before its last block")
             : type == 0 ? stored(&s)
             : type == 1 ? fixed(&s)
             : type == 2 ? dynamic(&s)
                         : bad(&s, "a block of unknown kind");
    }
    if (!rc && s.n_out > s.n_sent)
        rc = send(&s);
    if (!rc && used)
        *used = s.pos - s.n_bits / 8;
    return rc;
}

uint32_t da_crc32(uint32_t crc, const void *p, size_t len)
{
    const unsigned char *at = p;
    uint32_t table[16]; /* four bits at a time */
    for (uint32_t i = 0; i < 16; i++) {
        table[i] = i;
        for (int k = 0; k < 4; k++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
    }
    crc = ~crc;
    for (; len > 0; len--, at++) {
        crc = table[(crc ^ *at) & 15] ^ crc >> 4;
        crc = table[(crc ^ *at >> 4) & 15] ^ crc >> 4;
    }
    return ~crc;
}
