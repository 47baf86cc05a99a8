#ifndef CLI_RUN_LOG_H
#define CLI_RUN_LOG_H

/*
 * The run log: one JSON line a run, appended to OUT.run.jsonl beside the output. It
 * holds what records never do, because records are reproducible byte for byte:
 * clocks, durations, memory, host, speed and cost.
 */

#include <stdint.h>

/* The run writes to output ("-" or NULL: no log is kept). Called once, when options are known. */
void da_run_log_begin(const char *command, const char *output);
/* Members of "facts", at most 16; key and text are static or live until the command returns. */
void da_run_log_int(const char *key, int64_t value);
void da_run_log_double(const char *key, double value);
void da_run_log_text(const char *key, const char *text);

/* Appends the line, if a run was begun; a log that cannot be written is a warning. */
void da_run_log_end(int exit_code);

#endif
