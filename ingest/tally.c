/* See tally.h. Standard deviation is the sample's (n - 1). */

#include "ingest/tally.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/jsonl.h"

enum { BAR_WIDTH = 40 };

void da_tally_init(struct da_tally *t)
{
    memset(t, 0, sizeof *t);
}

void da_tally_status(struct da_tally *t, enum da_status s)
{
    t->n_status[s]++;
    t->n_files++;
}

static void add(struct da_tally_range *r, uint64_t v)
{
    r->min = r->n == 0 || v < r->min ? v : r->min;
    r->max = v > r->max ? v : r->max;
    r->n++;
    double d = (double)v - r->mean;
    r->mean += d / (double)r->n;
    r->m2 += d * ((double)v - r->mean);
}

static double deviation(const struct da_tally_range *r)
{
    return r->n > 1 ? sqrt(r->m2 / (double)(r->n - 1)) : 0;
}

static unsigned bin_of(uint64_t v)
{
    unsigned k = 0;
    while (v > 1 && k + 1 < DA_TALLY_BINS) {
        v >>= 1;
        k++;
    }
    return k;
}

void da_tally_doc(struct da_tally *t, const struct da_tally_doc *doc)
{
    add(&t->before, doc->n_tokens_source);
    for (size_t i = 0; i < doc->n_records; i++)
        add(&t->after, doc->n_tokens[i]);
    t->bins_before[bin_of(doc->n_tokens_source)]++;
    t->n_truncated += doc->truncated;
    t->n_estimated += !doc->source_exact;
    size_t i = 0;
    while (i < t->n_types && strcmp(t->types[i].name, doc->type) != 0)
        i++;
    if (i == t->n_types) {
        if (i == DA_TALLY_TYPES)
            i--; /* the last one collects the rest */
        else
            (void)snprintf(t->types[t->n_types++].name, DA_TALLY_TYPE_LEN, "%s", doc->type);
    }
    t->types[i].n++;
}

enum da_rc da_tally_reread(struct da_tally *t, const char *path, struct da_err *err)
{
    struct da_jsonl *in = NULL;
    enum da_rc rc = da_jsonl_open(&in, path, err);
    memset(&t->after, 0, sizeof t->after);
    while (rc == DA_OK) {
        struct da_json *j = NULL;
        int64_t n;
        rc = da_jsonl_next(in, &j, err);
        if (rc != DA_OK || j == NULL)
            break;
        if (da_json_int(da_json_get(j, "n_tokens"), &n) && n >= 0)
            add(&t->after, (uint64_t)n);
        da_json_free(j);
    }
    da_jsonl_close(in);
    t->reread = false;
    return rc;
}

static void add_bar(struct da_buf *out, uint64_t n, uint64_t most)
{
    uint64_t width = most > 0 ? (n * BAR_WIDTH + most - 1) / most : 0;
    for (uint64_t i = 0; i < width; i++)
        da_buf_add_char(out, '#');
    da_buf_add_char(out, '\n');
}

static void print_range(const char *name, const struct da_tally_range *r, bool about,
                        struct da_buf *out)
{
    da_buf_addf(out, "  %-20s %s%9.1f  %9.1f  %" PRIu64 " - %" PRIu64 "\n", name,
                about ? "~" : " ", r->mean, deviation(r), r->min, r->max);
}

static void print_text(const struct da_tally *t, struct da_buf *out)
{
    da_buf_addf(out, "%" PRIu64 " files, %" PRIu64 " documents, %" PRIu64 " truncated\n",
                t->n_files, t->n_status[DA_ST_OK], t->n_truncated);
    if (t->after.n > t->n_status[DA_ST_OK])
        da_buf_addf(out, "%" PRIu64 " records\n", t->after.n);
    for (size_t s = 1; s < DA_ST_COUNT; s++)
        if (t->n_status[s] > 0)
            da_buf_addf(out, "  %-20s %" PRIu64 "\n", da_status_name((enum da_status)s),
                        t->n_status[s]);
    if (t->after.n == 0)
        return;
    da_buf_addf(out, "\nTokens per document         mean         sd  range\n");
    print_range("before truncation", &t->before, t->n_estimated > 0, out);
    print_range("after truncation", &t->after, false, out);
    if (t->n_estimated > 0)
        da_buf_addf(out, "  ~ estimated for %" PRIu64 " documents that were not read to the end\n",
                    t->n_estimated);
    uint64_t most = 0;
    for (size_t i = 0; i < t->n_types; i++)
        most = t->types[i].n > most ? t->types[i].n : most;
    da_buf_add_str(out, "\nTypes\n");
    for (size_t i = 0; i < t->n_types; i++) {
        da_buf_addf(out, "  %-20s %8" PRIu64 "  ", t->types[i].name, t->types[i].n);
        add_bar(out, t->types[i].n, most);
    }
    da_buf_add_str(out, "\nTokens before truncation\n");
    size_t first = DA_TALLY_BINS, last = 0;
    most = 0;
    for (size_t k = 0; k < DA_TALLY_BINS; k++)
        if (t->bins_before[k] > 0) {
            first = k < first ? k : first;
            last = k;
            most = t->bins_before[k] > most ? t->bins_before[k] : most;
        }
    for (size_t k = first; k <= last; k++) {
        da_buf_addf(out, "  %8" PRIu64 " - %-9" PRIu64 " %8" PRIu64 "  ", (uint64_t)1 << k,
                    ((uint64_t)2 << k) - 1, t->bins_before[k]);
        add_bar(out, t->bins_before[k], most);
    }
}

static void json_range(struct da_jw *w, const char *key, const struct da_tally_range *r)
{
    da_jw_key(w, key);
    da_jw_object(w);
    da_jw_kdouble(w, "mean", r->mean);
    da_jw_kdouble(w, "sd", deviation(r));
    da_jw_kint(w, "min", (int64_t)r->min);
    da_jw_kint(w, "max", (int64_t)r->max);
    da_jw_end(w);
}

static void print_json(const struct da_tally *t, struct da_buf *out)
{
    struct da_jw w;
    da_jw_init(&w, out);
    da_jw_object(&w);
    da_jw_kint(&w, "n_files", (int64_t)t->n_files);
    da_jw_kint(&w, "n_truncated", (int64_t)t->n_truncated);
    da_jw_kint(&w, "n_estimated", (int64_t)t->n_estimated);
    da_jw_key(&w, "status");
    da_jw_object(&w);
    for (size_t s = 0; s < DA_ST_COUNT; s++)
        da_jw_kint(&w, da_status_name((enum da_status)s), (int64_t)t->n_status[s]);
    da_jw_end(&w);
    json_range(&w, "tokens_before", &t->before);
    json_range(&w, "tokens_after", &t->after);
    da_jw_key(&w, "types");
    da_jw_object(&w);
    for (size_t i = 0; i < t->n_types; i++)
        da_jw_kint(&w, t->types[i].name, (int64_t)t->types[i].n);
    da_jw_end(&w);
    da_jw_key(&w, "tokens_before_log2");
    da_jw_array(&w);
    for (size_t k = 0; k < DA_TALLY_BINS; k++)
        da_jw_int(&w, (int64_t)t->bins_before[k]);
    da_jw_end(&w);
    da_jw_end(&w);
    da_buf_add_char(out, '\n');
}

void da_tally_print(const struct da_tally *t, bool json, struct da_buf *out)
{
    if (json)
        print_json(t, out);
    else
        print_text(t, out);
}

void da_tally_failures(const struct da_tally *t, struct da_buf *out)
{
    const char *sep = "";
    for (size_t s = 1; s < DA_ST_COUNT; s++)
        if (t->n_status[s] > 0) {
            da_buf_addf(out, "%s%s %" PRIu64, sep, da_status_name((enum da_status)s),
                        t->n_status[s]);
            sep = ", ";
        }
}
