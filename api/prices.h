#ifndef API_PRICES_H
#define API_PRICES_H

/*
 * What tokens cost. Money is counted in whole picodollars (1e-12 USD), in which every price
 * stated in millionths of a cent per token is exact and sums do not depend on their order;
 * the int64 ends at 9.2 million dollars.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/span.h"

struct da_price { /* picodollars per token */
    int64_t input, cached_input, output;
    double batch; /* factor of the Batch API, 0.5 */
};

struct da_prices;

/* path NULL: the table built in (prompts/prices.json). */
enum da_rc da_prices_open(struct da_prices **ret, const char *path, struct da_err *err);
void da_prices_close(struct da_prices *p); /* NULL allowed */

/* The price of a model; a snapshot ("gpt-4o-mini-2024-07-18") has its model's. False when
 * the table does not know it. */
bool da_prices_find(const struct da_prices *p, const char *model, struct da_price *ret);
/* Date and source of the table, valid while it is open. */
const char *da_prices_date(const struct da_prices *p);
const char *da_prices_source(const struct da_prices *p);

/* cached_tokens of the prompt_tokens are charged at the cached price. */
int64_t da_price_of(const struct da_price *p, int64_t prompt_tokens, int64_t cached_tokens,
                    int64_t completion_tokens, bool batch);

double da_usd(int64_t picodollars);

#endif
