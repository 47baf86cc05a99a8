#ifndef CLI_SCORE_OUT_H
#define CLI_SCORE_OUT_H

/* Score records and their per-sample logs on disk: what eval and merge write alike. */

#include "eval/evaluate.h"

/*
 * Appends the score record of s to out. When output is a file, writes the per-sample log beside
 * it first: FILE.samples.jsonl, or FILE.K.samples.jsonl when k is not 0.
 */
enum da_rc da_cli_add_score(const struct da_samples *s, const struct da_record_opts *opts,
                            const char *output, int k, struct da_buf *out, struct da_err *err);

/* Writes the records to the file, or to stdout for "-". */
enum da_rc da_cli_write_scores(const char *output, const struct da_buf *out, struct da_err *err);

#endif
