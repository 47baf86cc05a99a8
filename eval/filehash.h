#ifndef EVAL_FILEHASH_H
#define EVAL_FILEHASH_H

/* The identity of a model file in records and signatures. */

#include "common/err.h"
#include "common/hash.h"

/* SHA-256 of a file's bytes in hex. */
enum da_rc da_file_sha256(const char *path, char hex[DA_SHA256_HEX_LEN + 1], struct da_err *err);

#endif
