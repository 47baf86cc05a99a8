#ifndef INGEST_PII_H
#define INGEST_PII_H

/*
 * Personal data with a shape of its own: replaced by typed placeholders and counted.
 * [EMAIL]; [PHONE]: international, or North American with separators; [IP]: public addresses,
 * version 4 and 6; [CARD]: 13 to 19 digits that satisfy Luhn's check; [KEY]: tokens of well-known
 * services, JSON web tokens, private key blocks. Names and addresses have no shape and stay.
 */

#include <stddef.h>

#include "common/buf.h"

enum da_pii_kind {
    DA_PII_EMAIL,
    DA_PII_PHONE,
    DA_PII_IP,
    DA_PII_CARD,
    DA_PII_KEY,
    DA_PII_COUNT
};

const char *da_pii_name(enum da_pii_kind kind); /* "email" */

/* Appends p (valid UTF-8) to out with placeholders. */
void da_pii_mask(const char *p, size_t len, struct da_buf *out);
/* How many placeholders of a kind p holds. */
size_t da_pii_count(const char *p, size_t len, enum da_pii_kind kind);

#endif
