#ifndef INGEST_FRAME_H
#define INGEST_FRAME_H

/*
 * Frames: what docassist and docassist-extract say to each other.
 *
 * A frame is a head of eight bytes - version, type, two zero bytes, payload
 * length as 32 bits little-endian - and the payload. The reader treats every
 * byte as hostile: a wrong version, an unknown type, a nonzero reserved byte or
 * a length beyond the limit is DA_EFORMAT, and nothing is read past the span.
 *
 * Payloads of REQUEST, META, STATUS, HELLO and END are pairs: key, NUL, value,
 * NUL, and again. TEXT is UTF-8 text, unchecked until the receiver checks it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/span.h"

enum { DA_FRAME_VERSION = 1, DA_FRAME_HEAD_LEN = 8 };
#define DA_FRAME_MAX_PAYLOAD ((size_t)1 << 20)

enum da_frame_type {
    DA_FRAME_NONE = 0,    /* "no whole frame yet", never on the wire */
    DA_FRAME_HELLO = 1,   /* helper -> program, once: what it can do */
    DA_FRAME_REQUEST = 2, /* program -> helper, with two descriptors: document, reply pipe */
    DA_FRAME_META = 3,    /* child -> program: facts about the document */
    DA_FRAME_TEXT = 4,    /* child -> program: the next piece of text */
    DA_FRAME_STATUS = 5,  /* child -> program, once and last */
    DA_FRAME_END = 6      /* helper -> program: how the child ended */
};

struct da_frame {
    enum da_frame_type type;
    struct da_span payload;
};

/* Appends a frame; len <= DA_FRAME_MAX_PAYLOAD (asserted). */
void da_frame_add(struct da_buf *out, enum da_frame_type type, const void *p, size_t len);

/* Takes the first whole frame off *rest. When *rest holds only a part of one, DA_OK with
 * DA_FRAME_NONE and *rest unchanged. The payload points into *rest. */
enum da_rc da_frame_next(struct da_span *rest, struct da_frame *ret, struct da_err *err);

/* Appends "key NUL value NUL"; neither may hold a NUL byte (a value is cut at the first). */
void da_pair_add(struct da_buf *out, const char *key, const char *value, size_t len);
void da_pair_add_int(struct da_buf *out, const char *key, int64_t value);

/* Takes the first pair off *rest; false at the end, and at a pair that is not whole (then *bad
 * is set). key and value are NUL-terminated within the payload. */
bool da_pair_next(struct da_span *rest, struct da_span *key, struct da_span *value, bool *bad);

#endif
