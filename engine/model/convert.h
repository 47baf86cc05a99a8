#ifndef ENGINE_MODEL_CONVERT_H
#define ENGINE_MODEL_CONVERT_H

/* A GGUF file to one whose matrices have another type. */

#include "common/err.h"
#include "engine/model/import.h"

/*
 * Keys stay as they are, but for general.file_type, general.name when opts give
 * one, and tokenizer.* with no_tokenizer. Matrices become what da_build_types
 * makes of opts->type; what it leaves alone keeps its type. stats->family is
 * "other" for a file that the engine has no family for.
 */
enum da_rc da_convert(const char *in, const char *out, const struct da_import_opts *opts,
                      struct da_import_stats *stats, struct da_err *err);

#endif
