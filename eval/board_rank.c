/*
 * Ranks within a pool.
 *
 * Where differences were tested, a system's rank is one more than the number of
 * systems that are significantly better: systems that cannot be told apart share
 * a rank. Without tests ranks go by value, and the tables say so.
 */

#include <math.h>

#include "eval/board.h"

/* Equal scores may differ by the order of additions. */
static const double noise = 1e-12;

static bool is_better(const struct da_board_ranking *r, size_t n, size_t i, size_t j)
{
    if (!r->tested) {
        return r->score[i] > r->score[j] + noise;
    }
    const struct da_board_pair *pair = &r->pairs[i * n + j];
    return pair->diff > 0 && pair->p < DA_BOARD_ALPHA;
}

void da_board_rank(struct da_board_pool *p)
{
    for (unsigned k = 0; k < DA_BOARD_N_SCORES; k++) {
        struct da_board_ranking *r = &p->ranking[k];
        for (size_t i = 0; r->exists && i < p->n; i++) {
            if (isnan(r->score[i]) || r->partial[i]) {
                continue;
            }
            r->rank[i] = 1;
            for (size_t j = 0; j < p->n; j++) {
                if (!isnan(r->score[j]) && !r->partial[j] && is_better(r, p->n, j, i)) {
                    r->rank[i]++;
                }
            }
        }
        for (size_t i = 0; r->exists && i < p->n; i++) {
            for (size_t j = 0; j < p->n; j++) {
                r->shared[i] = r->shared[i] || (i != j && r->rank[i] && r->rank[i] == r->rank[j]);
            }
        }
    }
}
