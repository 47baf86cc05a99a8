#ifndef ENGINE_TOKENIZER_READY_H
#define ENGINE_TOKENIZER_READY_H

/*
 * The tables of a built-in tokenizer as they stand in memory, so that a program can carry them
 * and begin at once: making o200k_base from its packed form takes longer than most commands. The
 * Makefile writes them with tools/build/ready_tokenizer.c and links them to docassist; a program
 * without them unpacks as before, with the same result.
 */

#include "common/buf.h"
#include "common/err.h"
#include "engine/tokenizer/tokenizer.h"

/* Appends the tables of a byte-level tokenizer all of whose tokens are reachable. They are in the
 * byte order of the machine that writes them. */
void da_ready_write(const struct da_tokenizer *t, struct da_buf *out);

/* Opens the tables that this program carries for a vocabulary; DA_ENOTFOUND when it has none, or
 * none that it can use. */
enum da_rc da_ready_open(struct da_tokenizer **ret, const char *name);

#endif
