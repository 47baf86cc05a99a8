#ifndef COMMON_ZIP_H
#define COMMON_ZIP_H

/*
 * Members of a zip file in memory (PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12,
 * 4.3.16), hostile as ever: every place is checked before it is looked at. No
 * zip64, no encryption; stored and deflated members.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/span.h"

struct da_zip {
    const unsigned char *p;
    size_t len;
    size_t at, end; /* of the rest of the central directory */
    unsigned n;     /* members */
};

struct da_zip_member {
    struct da_span name;
    const unsigned char *data; /* as it lies in the file */
    uint64_t packed, size;
    uint32_t crc;
    unsigned method; /* 0 stored, 8 deflated */
};

enum da_rc da_zip_open(struct da_zip *z, const void *p, size_t len, struct da_err *err);
/* The next member; DA_ENOTFOUND after the last. */
enum da_rc da_zip_next(struct da_zip *z, struct da_zip_member *m, struct da_err *err);

/* Takes the next n bytes; what it returns ends reading unless it is DA_OK. */
typedef enum da_rc (*da_zip_sink)(void *ctx, const unsigned char *p, size_t n, struct da_err *err);
/* A member's bytes, checked against its size and CRC: DA_ELIMIT as soon as there are more than it
 * says, DA_EFORMAT for damage, DA_EUNSUPPORTED for other packing or without zlib. */
enum da_rc da_zip_read(const struct da_zip_member *m, da_zip_sink sink, void *ctx,
                       struct da_err *err);

#endif
