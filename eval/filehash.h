#ifndef EVAL_FILEHASH_H
#define EVAL_FILEHASH_H

/* The identity of a model in records and signatures. */

#include "common/err.h"
#include "common/hash.h"

struct da_gguf;

/* SHA-256 in hex of all files of the model, one after another. */
enum da_rc da_gguf_sha256(const struct da_gguf *g, char hex[DA_SHA256_HEX_LEN + 1],
                          struct da_err *err);

#endif
