#include "common/base64.h"

#include <stdint.h>
#include <string.h>

static int value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool da_base64_decode(struct da_span text, struct da_buf *out)
{
    size_t old = out->len, pad = 0;
    if (text.len % 4 != 0)
        return false;
    while (pad < 2 && pad < text.len && text.p[text.len - 1 - pad] == '=')
        pad++;
    uint32_t bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        int v = i < text.len - pad ? value(text.p[i]) : 0;
        if (v < 0) {
            da_buf_truncate(out, old);
            return false;
        }
        bits = bits << 6 | (uint32_t)v;
        if (i % 4 == 3) {
            char group[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
            da_buf_add(out, group, i + 1 == text.len ? 3 - pad : 3);
            bits = 0;
        }
    }
    return true;
}
