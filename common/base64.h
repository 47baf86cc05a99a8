#ifndef COMMON_BASE64_H
#define COMMON_BASE64_H

/* Base64 with the standard alphabet (RFC 4648, section 4). */

#include <stdbool.h>

#include "common/buf.h"
#include "common/span.h"

/* Appends the bytes of text; false, appending nothing, when it is not padded base64. */
bool da_base64_decode(struct da_span text, struct da_buf *out);

#endif
