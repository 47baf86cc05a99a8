/* Sliding counts: see the header. Invariant: in_second and in_minute are the sums over the last
 * SECOND_SLOTS + 1 and MINUTE_SLOTS + 1 slots, so that a whole window lies within them wherever
 * in the newest slot it ends. */

#include "api/rate_window.h"

#include <string.h>

#define SLOT_NS ((uint64_t)DA_RATE_SLOT_MS * 1000000u)
#define N_SLOTS ((uint64_t)DA_RATE_MINUTE_SLOTS + 1)

void da_rate_window_move(struct da_rate_window *w, uint64_t now_ns)
{
    uint64_t to = now_ns / SLOT_NS;
    if (to <= w->newest)
        return;
    if (to - w->newest >= N_SLOTS) {
        memset(w, 0, sizeof *w);
        w->newest = to;
        return;
    }
    while (w->newest < to) {
        w->newest++;
        w->in_minute -= w->slots[w->newest % N_SLOTS]; /* the one that is used anew */
        w->slots[w->newest % N_SLOTS] = 0;
        w->in_second -= w->slots[(w->newest + N_SLOTS - DA_RATE_SECOND_SLOTS - 1) % N_SLOTS];
    }
}

void da_rate_window_add(struct da_rate_window *w, uint64_t now_ns)
{
    da_rate_window_move(w, now_ns);
    w->slots[w->newest % N_SLOTS]++;
    w->in_second++;
    w->in_minute++;
}

uint64_t da_rate_window_wait_ns(const struct da_rate_window *w, unsigned n_slots, uint64_t now_ns)
{
    uint64_t end = (w->newest + 1) * SLOT_NS, wait = end > now_ns ? end - now_ns : 1;
    for (unsigned age = n_slots; age > 0; age--) {
        if (w->slots[(w->newest + N_SLOTS - age) % N_SLOTS])
            return wait + (n_slots - age) * SLOT_NS;
    }
    return w->slots[w->newest % N_SLOTS] ? wait + n_slots * SLOT_NS : wait;
}
