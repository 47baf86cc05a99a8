/* Looking for the longest recent repetition; a text has a few thousand tokens: a scan will do. */
#include "engine/draft.h"

#include <stdbool.h>

enum { SHORTEST = 2, LONGEST = 4 }; /* tokens that must agree, that are compared */

struct text {
    const int32_t *prompt, *out;
    size_t n_prompt;
};

static int32_t at(const struct text *t, size_t i)
{
    return i < t->n_prompt ? t->prompt[i] : t->out[i - t->n_prompt];
}

/* How many tokens before end agree with the last ones of the n tokens. */
static size_t agreement(const struct text *t, size_t end, size_t n)
{
    size_t k = 0;
    while (k < LONGEST && k < end && at(t, end - 1 - k) == at(t, n - 1 - k))
        k++;
    return k;
}

uint32_t da_draft_lookup(const int32_t *prompt, size_t n_prompt, const int32_t *out, size_t n_out,
                         uint32_t max, int32_t *draft)
{
    const struct text t = {prompt, out, n_prompt};
    const size_t n = n_prompt + n_out;
    size_t best = 0, where = 0;
    for (size_t end = n - (n > 0); end >= SHORTEST && best < LONGEST; end--) {
        size_t k = agreement(&t, end, n);
        if (k > best) {
            best = k;
            where = end;
        }
    }
    if (best < SHORTEST)
        return 0;
    uint32_t i = 0;
    for (; i < max && i < DA_DRAFT_MAX && where + i < n; i++)
        draft[i] = at(&t, where + i);
    return i;
}
