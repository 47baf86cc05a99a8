#ifndef API_RATE_WINDOW_H
#define API_RATE_WINDOW_H

/*
 * How many requests left in the last second and in the last minute: counts in slots of 10 ms,
 * so memory is the same for any rate. Both windows are longer than their names by SLACK_MS:
 * requests whose ways to the server take times that differ by less than that arrive no more
 * crowded than the count says.
 */

#include <stdint.h>

enum {
    DA_RATE_SLOT_MS = 10,
    DA_RATE_SLACK_MS = 100,
    DA_RATE_SECOND_SLOTS = (1000 + DA_RATE_SLACK_MS) / DA_RATE_SLOT_MS,
    DA_RATE_MINUTE_SLOTS = (60000 + DA_RATE_SLACK_MS) / DA_RATE_SLOT_MS
};

struct da_rate_window {
    uint32_t slots[DA_RATE_MINUTE_SLOTS + 1]; /* a ring; the newest one is still filling */
    uint64_t newest;                          /* number of the newest slot since time 0 */
    uint64_t in_second, in_minute;            /* sums, both with the newest slot */
};

/* All zero is an empty window at time 0. Times never go back. */
void da_rate_window_add(struct da_rate_window *w, uint64_t now_ns);
void da_rate_window_move(struct da_rate_window *w, uint64_t now_ns);

/* Nanoseconds until the oldest counted request leaves the last n_slots (one of the two above);
 * a slot's worth when none is counted. */
uint64_t da_rate_window_wait_ns(const struct da_rate_window *w, unsigned n_slots, uint64_t now_ns);

#endif
