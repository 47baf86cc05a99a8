#ifndef COMMON_INFLATE_H
#define COMMON_INFLATE_H

/* DEFLATE (RFC 1951) to bytes, for members of zip files. Input is hostile: nothing outside it is
 * read, and no more comes out than was allowed. */

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* Takes the next n bytes; what it returns ends decoding unless it is DA_OK. */
typedef enum da_rc (*da_inflate_sink)(void *ctx, const unsigned char *p, size_t n,
                                      struct da_err *err);

/* *used (may be NULL): bytes of p that belong to the stream. DA_ELIMIT beyond max_out bytes. */
enum da_rc da_inflate(const void *p, size_t len, uint64_t max_out, da_inflate_sink sink, void *ctx,
                      size_t *used, struct da_err *err);

/* CRC-32 of zip and gzip; crc: of what came before, 0 at the start. */
uint32_t da_crc32(uint32_t crc, const void *p, size_t len);

#endif
