/*
 * The vocabulary of a SentencePiece .model file: a protocol buffer of type
 * ModelProto (sentencepiece_model.proto). Only the members that shape ids are
 * read; every length is checked against the bytes that are there.
 */

#include <stdint.h>
#include <string.h>

#include "common/utf8.h"
#include "engine/tokenizer/vocab.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct field {
    uint32_t number, wire;
    uint64_t value; /* of a varint or a fixed number */
    struct da_span bytes;
};

static bool take_varint(struct da_span *in, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0; shift < 64 && in->len > 0; shift += 7) {
        unsigned char c = (unsigned char)in->p[0];
        in->p++;
        in->len--;
        *v |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80))
            return true;
    }
    return false;
}

static bool take_bytes(struct da_span *in, uint64_t n, struct da_span *out)
{
    if (n > in->len)
        return false;
    *out = da_span(in->p, (size_t)n);
    in->p += n;
    in->len -= (size_t)n;
    return true;
}

/* Takes the next member off *in; false when it is damaged. */
static bool take_field(struct da_span *in, struct field *f)
{
    uint64_t tag, n;
    memset(f, 0, sizeof *f);
    if (!take_varint(in, &tag) || tag >> 35)
        return false;
    f->number = (uint32_t)(tag >> 3);
    f->wire = (uint32_t)(tag & 7);
    switch (f->wire) {
    case WIRE_VARINT:
        return take_varint(in, &f->value);
    case WIRE_BYTES:
        return take_varint(in, &n) && take_bytes(in, n, &f->bytes);
    case WIRE_FIXED32:
    case WIRE_FIXED64:
        if (!take_bytes(in, f->wire == WIRE_FIXED32 ? 4 : 8, &f->bytes))
            return false;
        for (size_t i = f->bytes.len; i-- > 0;)
            f->value = f->value << 8 | (unsigned char)f->bytes.p[i];
        return true;
    default:
        return false;
    }
}

static enum da_rc damaged(const char *what, struct da_err *err)
{
    return da_fail(err, DA_EFORMAT, "SentencePiece model: %s is damaged", what);
}

/* With the last piece that was whole, as far as it is printable. */
static enum da_rc damaged_after(const struct da_vocab *v, const char *what, struct da_err *err)
{
    enum { SHOWN = 40 };
    const struct da_span last = da_vocab_text(v, (int32_t)v->n - 1);
    size_t n = da_utf8_valid_len(last.p, last.len < SHOWN ? last.len : SHOWN);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)last.p[i] < 0x20 || last.p[i] == 0x7f)
            n = i;
    return da_fail(err, DA_EFORMAT, "SentencePiece model: %s piece %zu ('%.*s') is damaged", what,
                   v->n, (int)n, last.p);
}

static enum da_rc read_piece(struct da_vocab *v, struct da_span in, struct da_err *err)
{
    struct da_span text = da_span("", 0);
    float score = 0;
    uint64_t type = DA_TOKEN_NORMAL;
    struct field f;
    while (in.len > 0) {
        if (!take_field(&in, &f))
            return damaged_after(v, "the one after", err);
        if (f.number == 1 && f.wire == WIRE_BYTES) {
            text = f.bytes;
        } else if (f.number == 2 && f.wire == WIRE_FIXED32) {
            uint32_t bits = (uint32_t)f.value;
            memcpy(&score, &bits, sizeof score);
        } else if (f.number == 3 && f.wire == WIRE_VARINT) {
            type = f.value;
        }
    }
    if (type < DA_TOKEN_NORMAL || type > DA_TOKEN_BYTE || score != score)
        return damaged_after(v, "the one after", err);
    return da_vocab_add(v, text, score, (enum da_token_type)type, 0, err);
}

static enum da_rc read_trainer(struct da_vocab *v, struct da_span in, struct da_err *err)
{
    enum { UNIGRAM = 1, BPE = 2 };
    uint64_t model = UNIGRAM;
    v->special[DA_TOK_UNK] = 0;
    v->special[DA_TOK_BOS] = 1;
    v->special[DA_TOK_EOS] = 2;
    for (struct field f; in.len > 0;) {
        if (!take_field(&in, &f))
            return damaged("the trainer's part", err);
        if (f.wire != WIRE_VARINT)
            continue;
        int32_t id = f.value <= INT32_MAX ? (int32_t)f.value : -1;
        switch (f.number) {
        case 3:
            model = f.value;
            break;
        case 24:
            if (f.value)
                return da_fail(err, DA_EUNSUPPORTED,
                               "SentencePiece model: 'treat_whitespace_as_suffix' is not supported");
            break;
        case 35:
            v->byte_fallback = f.value != 0;
            break;
        case 40:
            v->special[DA_TOK_UNK] = id;
            break;
        case 41:
            v->special[DA_TOK_BOS] = id;
            break;
        case 42:
            v->special[DA_TOK_EOS] = id;
            break;
        case 43:
            v->special[DA_TOK_PAD] = id;
            break;
        default:
            break;
        }
    }
    if (model != UNIGRAM && model != BPE)
        return da_fail(err, DA_EUNSUPPORTED,
                       "SentencePiece model: 'model_type' %llu is not supported",
                       (unsigned long long)model);
    v->kind = model == BPE ? DA_VOCAB_SPM : DA_VOCAB_UNIGRAM;
    v->add_bos = model == BPE;
    v->add_eos = model == UNIGRAM;
    return DA_OK;
}

static enum da_rc read_normalizer(struct da_vocab *v, struct da_span in, struct da_err *err)
{
    bool collapse = true;
    struct da_span map = {0};
    v->add_space_prefix = v->escape_spaces = true;
    for (struct field f; in.len > 0;) {
        if (!take_field(&in, &f))
            return damaged("the normalizer's part", err);
        if (f.number == 2 && f.wire == WIRE_BYTES)
            map = f.bytes;
        else if (f.number == 3 && f.wire == WIRE_VARINT)
            v->add_space_prefix = f.value != 0;
        else if (f.number == 4 && f.wire == WIRE_VARINT)
            collapse = f.value != 0;
        else if (f.number == 5 && f.wire == WIRE_VARINT)
            v->escape_spaces = f.value != 0;
    }
    if (map.len > 0) {
        da_buf_add(&v->charsmap, map.p, map.len);
        v->norm[v->n_norm++] = DA_NORM_CHARSMAP;
    }
    if (collapse)
        v->norm[v->n_norm++] = DA_NORM_COLLAPSE_SPACES;
    return DA_OK;
}

enum da_rc da_vocab_from_sentencepiece(struct da_vocab **ret, struct da_span model,
                                       struct da_err *err)
{
    struct da_vocab *v = da_vocab_new(DA_VOCAB_UNIGRAM);
    enum da_rc rc = DA_OK;
    bool trainer = false;
    v->fuse_unk = true;
    v->prefix_first = v->lone_prefix = v->float_scores = true;
    while (model.len > 0 && rc == DA_OK) {
        struct field f;
        if (!take_field(&model, &f)) {
            rc = damaged_after(v, "what follows", err);
        } else if (f.wire == WIRE_BYTES && f.number == 1) {
            rc = read_piece(v, f.bytes, err);
        } else if (f.wire == WIRE_BYTES && f.number == 2) {
            rc = read_trainer(v, f.bytes, err);
            trainer = true;
        } else if (f.wire == WIRE_BYTES && f.number == 3) {
            v->n_norm = 0;
            da_buf_reset(&v->charsmap);
            rc = read_normalizer(v, f.bytes, err);
        }
    }
    if (rc == DA_OK && (!trainer || v->n == 0))
        rc = da_fail(err, DA_EFORMAT, "SentencePiece model: no '%s'",
                     trainer ? "pieces" : "trainer_spec");
    if (rc != DA_OK)
        da_vocab_free(v);
    else
        *ret = v;
    return rc;
}
