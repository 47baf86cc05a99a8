/* Ids to bytes. Byte-level tokens are bytes already; SentencePiece's stand for them: U+2581 is a
 * space, "<0x0A>" a byte, and the space put before the text is taken off again. */

#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "engine/tokenizer/tokenizer_impl.h"

static bool is_plain(const struct da_vocab *v, int32_t id)
{
    uint8_t type = v->tokens[id].type;
    return v->byte_level || type == DA_TOKEN_CONTROL || type == DA_TOKEN_USER;
}

static void add_token(const struct da_tokenizer *t, int32_t id, unsigned flags,
                      struct da_buf *out)
{
    const struct da_vocab *v = t->v;
    struct da_span text = da_vocab_text(v, id);
    if (text.len == 0 || (da_tokenizer_is_control(t, id) && !(flags & DA_TOK_DECODE_SPECIAL)))
        return;
    if (v->tokens[id].type == DA_TOKEN_BYTE && text.len == 6) {
        char hex[3] = {text.p[3], text.p[4], 0};
        da_buf_add_char(out, (char)strtoul(hex, NULL, 16));
        return;
    }
    if (is_plain(v, id) || !v->escape_spaces) {
        da_buf_add(out, text.p, text.len);
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.len - i >= 3 && memcmp(text.p + i, "\xe2\x96\x81", 3) == 0) {
            da_buf_add_char(out, ' ');
            i += 2;
        } else {
            da_buf_add_char(out, text.p[i]);
        }
    }
}

/* Takes the space off that encoding put before the text. */
static void drop_prefix(const struct da_tokenizer *t, size_t from, struct da_buf *out)
{
    if (!t->v->add_space_prefix || out->len == from || out->p[from] != ' ')
        return;
    memmove(out->p + from, out->p + from + 1, out->len - from - 1);
    da_buf_truncate(out, out->len - 1);
}

void da_tokenizer_decode(const struct da_tokenizer *t, const int32_t *ids, size_t n,
                         unsigned flags, struct da_buf *out)
{
    size_t from = out->len;
    for (size_t i = 0; i < n; i++)
        add_token(t, ids[i], flags, out);
    drop_prefix(t, from, out);
}

void da_tok_stream_init(struct da_tok_stream *st)
{
    *st = (struct da_tok_stream){.n_pending = 0};
}

/* Bytes that the first byte of a character asks for; 0 when no character begins with it. */
static unsigned expected_len(unsigned char c)
{
    return c < 0x80 ? 1 : c >= 0xc2 && c <= 0xdf ? 2 : (c & 0xf0) == 0xe0 ? 3
                      : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

/* Whether n < expected bytes can still grow into a valid character. */
static bool may_grow(const char *p, unsigned n)
{
    unsigned char a = (unsigned char)p[0], b = n > 1 ? (unsigned char)p[1] : 0x80;
    if (n >= expected_len(a))
        return false;
    if (n == 1)
        return true;
    if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f) || (a == 0xf0 && b < 0x90) ||
        (a == 0xf4 && b > 0x8f))
        return false;
    for (unsigned i = 1; i < n; i++)
        if (((unsigned char)p[i] & 0xc0) != 0x80)
            return false;
    return true;
}

static void add_byte(struct da_tok_stream *st, char c, struct da_buf *out)
{
    st->pending[st->n_pending++] = c;
    while (st->n_pending > 0 && !may_grow(st->pending, st->n_pending)) {
        if (da_utf8_valid(st->pending, st->n_pending)) {
            da_buf_add(out, st->pending, st->n_pending);
            st->n_pending = 0;
            return;
        }
        /* The longest beginning that could have grown is one invalid part. */
        unsigned bad = st->n_pending > 1 ? st->n_pending - 1 : 1;
        da_buf_add_utf8(out, DA_UTF8_REPLACEMENT);
        memmove(st->pending, st->pending + bad, st->n_pending - bad);
        st->n_pending -= bad;
    }
}

void da_tok_stream_add(struct da_tok_stream *st, const struct da_tokenizer *t, int32_t id,
                       unsigned flags, struct da_buf *out)
{
    struct da_buf piece;
    da_buf_init(&piece, 0);
    add_token(t, id, flags, &piece);
    if (!st->started && piece.len > 0) {
        drop_prefix(t, 0, &piece);
        st->started = true;
    }
    for (size_t i = 0; i < piece.len; i++)
        add_byte(st, piece.p[i], out);
    da_buf_release(&piece);
}

void da_tok_stream_end(struct da_tok_stream *st, struct da_buf *out)
{
    if (st->n_pending > 0)
        da_buf_add_utf8(out, DA_UTF8_REPLACEMENT);
    da_tok_stream_init(st);
}

struct da_span da_tokenizer_token(const struct da_tokenizer *t, int32_t id)
{
    return da_vocab_text(t->v, id);
}
