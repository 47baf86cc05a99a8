/* Look-ups that are not inline. The tables stand in text/uclass_tables.c (UAX 44). */

#include "text/uclass.h"

static const char category_names[DA_UCAT_COUNT][3] = {
    "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps",
    "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co",
};

const char *da_uclass_category_name(uint32_t cp)
{
    return category_names[da_uclass_category(cp)];
}

uint32_t da_uclass_lower(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
    unsigned lo = 0, hi = da_ulower_n_runs;
    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;
        if (da_ulower_runs[mid].last < cp)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == da_ulower_n_runs || cp < da_ulower_runs[lo].first)
        return cp;
    const struct da_ulower_run *r = &da_ulower_runs[lo];
    uint32_t off = cp - r->first;
    return off % (uint32_t)r->step == 0 ? (uint32_t)((int32_t)cp + r->delta) : cp;
}
