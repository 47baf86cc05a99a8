#include "eval/sign.h"

#include <inttypes.h>

void da_sign_head(struct da_buf *out, const struct da_sign *s, bool short_form)
{
    da_buf_add_str(out, short_form ? "#:" : "nrefs:");
    if (s->n_refs == DA_NREFS_VARIABLE)
        da_buf_add_str(out, "var");
    else
        da_buf_addf(out, "%d", s->n_refs);
    if (s->n_bootstrap)
        da_buf_addf(out, "|bs:%u", s->n_bootstrap);
    if (s->n_ar)
        da_buf_addf(out, "|ar:%u", s->n_ar);
    if (s->has_seed)
        da_buf_addf(out, "|%s:%" PRIu64, short_form ? "rs" : "seed", s->seed);
}

void da_sign_add(struct da_buf *out, bool short_form, const char *name, const char *abbr,
                 const char *value)
{
    da_buf_addf(out, "|%s:%s", short_form ? abbr : name, value);
}

void da_sign_version(struct da_buf *out, bool short_form)
{
    da_sign_add(out, short_form, "version", "v", DA_SACREBLEU_VERSION);
}
