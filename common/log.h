#ifndef COMMON_LOG_H
#define COMMON_LOG_H

/*
 * Messages and progress for people. The sink is passed in by cli/; libraries
 * never print on their own. A NULL log is silent.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/attr.h"

enum da_log_level { DA_LOG_ERROR, DA_LOG_WARN, DA_LOG_INFO, DA_LOG_DEBUG };

struct da_log {
    FILE *out;                /* not owned; NULL: silent */
    enum da_log_level level;  /* messages above it are dropped */
    bool progress;            /* draw a progress line (a terminal) */
    bool colour;
    /* state of the progress line */
    char title[32];
    uint64_t total, done, start_ns, drawn_ns;
    bool drawn;
};

void da_log_init(struct da_log *log, FILE *out, enum da_log_level level);
/* One line, "docassist: " before it; the progress line is wiped first. */
void da_log_msg(struct da_log *log, enum da_log_level level, const char *fmt, ...)
    DA_PRINTF(3, 4);

/* A progress line on a terminal: "title  312/1000  31 %  104/s  00:07 left". total 0: unknown. */
void da_progress_start(struct da_log *log, const char *title, uint64_t total);
void da_progress_set(struct da_log *log, uint64_t done); /* redrawn ten times a second at most */
void da_progress_end(struct da_log *log);                /* wiped */

#endif
