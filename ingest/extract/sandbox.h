/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INGEST_EXTRACT_SANDBOX_H
#define INGEST_EXTRACT_SANDBOX_H

/* Limits and walls for a process that is about to parse a document it does not trust. */

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "ingest/request.h"

/* This kernel and this build can filter system calls (the part that is required). */
bool da_sandbox_available(void);
/* Landlock's version here, 0 when there is none. */
int da_sandbox_landlock_abi(void);

/*
 * For the calling process, for good: limits of CPU time, wall clock and memory
 * (beyond what is in use and the file, which is mapped), no core file, no file
 * grows; with req->sandbox also no network, no exec, no new process, no opening for
 * writing, and reading only fonts and text tables where Landlock is.
 */
enum da_rc da_sandbox_enter(const struct da_request *req, uint64_t file_bytes,
                            struct da_err *err);

#endif
