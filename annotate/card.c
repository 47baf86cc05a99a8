/*
 * Source of the front matter's fields: Hugging Face hub-docs, datasetcard.md and
 * datasets-manual-configuration.md. Strings are written as JSON strings, which are
 * YAML too.
 */

#include "annotate/card.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/contamination.h"
#include "common/json.h"
#include "common/mem.h"

static const char unknown[] = "unknown";

void da_card_init(struct da_card *c)
{
    memset(c, 0, sizeof *c);
    da_map_init(&c->languages);
    da_map_init(&c->licences);
    da_map_init(&c->types);
    da_map_init(&c->models);
}

void da_card_release(struct da_card *c)
{
    da_map_release(&c->models);
    da_map_release(&c->types);
    da_map_release(&c->licences);
    da_map_release(&c->languages);
}

static void count(struct da_map *m, const struct da_json *name)
{
    struct da_span s;
    if (!da_json_str(name, &s) || s.len == 0)
        s = da_span_str(unknown);
    (*da_map_add(m, s.p, s.len, NULL))++;
}

static void spread(struct da_card_spread *s, const struct da_json *number)
{
    double x;
    if (!da_json_double(number, &x) || x < 0)
        return;
    s->min = s->n == 0 || x < s->min ? x : s->min;
    s->max = s->n == 0 || x > s->max ? x : s->max;
    s->sum += x;
    s->sum_squares += x * x;
    s->n++;
}

/* meta.licence, or meta.license. */
static const struct da_json *licence_of(const struct da_json *document)
{
    const struct da_json *meta = da_json_get(document, "meta");
    const struct da_json *l = da_json_get(meta, "licence");
    return l ? l : da_json_get(meta, "license");
}

void da_card_add(struct da_card *c, const struct da_annotation *a, enum da_split s)
{
    const struct da_json *d = a->document, *usage = da_json_get(a->origin, "usage");
    c->split[s].n_documents++;
    count(&c->languages, da_json_get(da_json_get(d, "language"), "code"));
    count(&c->licences, licence_of(d));
    count(&c->types, da_json_get(d, "type"));
    count(&c->models, da_json_get(a->origin, "model"));
    spread(&c->n_tokens, da_json_get(d, "n_tokens"));
    spread(&c->n_tokens_source, da_json_get(d, "n_tokens_source"));
    spread(&c->prompt_tokens, da_json_get(usage, "prompt_tokens"));
    spread(&c->completion_tokens, da_json_get(usage, "completion_tokens"));
    c->n_check_failed += da_json_len(da_json_get(a->checks, "failed")) > 0;
}

/* --- front matter --------------------------------------------------------------- */

static uint64_t total_examples(const struct da_card *c)
{
    uint64_t n = 0;
    for (int s = 0; s < DA_N_SPLITS; s++)
        n += c->split[s].n_examples;
    return n;
}

static uint64_t total_documents(const struct da_card *c)
{
    uint64_t n = 0;
    for (int s = 0; s < DA_N_SPLITS; s++)
        n += c->split[s].n_documents;
    return n;
}

static const char *size_category(uint64_t n)
{
    static const struct {
        uint64_t below;
        const char *name;
    } sizes[] = {
        {1000, "n<1K"},
        {10000, "1K<n<10K"},
        {100000, "10K<n<100K"},
        {1000000, "100K<n<1M"},
        {10000000, "1M<n<10M"},
        {100000000, "10M<n<100M"},
        {1000000000, "100M<n<1B"},
    };
    for (size_t i = 0; i < DA_ARRAY_LEN(sizes); i++) {
        if (n < sizes[i].below)
            return sizes[i].name;
    }
    return "1B<n<10B";
}

static void add_quoted(struct da_buf *out, struct da_span s)
{
    struct da_jw w;
    da_jw_init(&w, out);
    da_jw_span(&w, s);
}

/* Entries of a map by name, so that the card does not depend on the order of the input. */
static int by_name(const void *a, const void *b)
{
    const struct da_map_entry *x = *(const struct da_map_entry *const *)a;
    const struct da_map_entry *y = *(const struct da_map_entry *const *)b;
    size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
    int c = memcmp(x->key.p, y->key.p, n);
    return c ? c : (x->key.len > y->key.len) - (x->key.len < y->key.len);
}

static const struct da_map_entry **sorted(const struct da_map *m)
{
    const struct da_map_entry **e = da_calloc(m->n ? m->n : 1, sizeof *e);
    for (size_t i = 0; i < m->n; i++)
        e[i] = &m->entries[i];
    if (m->n > 0)
        qsort(e, m->n, sizeof *e, by_name);
    return e;
}

static void add_languages(const struct da_card *c, struct da_buf *out)
{
    const struct da_map_entry **e = sorted(&c->languages);
    bool any = false;
    for (size_t i = 0; i < c->languages.n; i++) {
        if (da_span_is(e[i]->key, unknown) || da_span_is(e[i]->key, "und"))
            continue;
        da_buf_add_str(out, any ? "- " : "language:\n- ");
        add_quoted(out, e[i]->key); /* quoted: "no" is Norwegian */
        da_buf_add_char(out, '\n');
        any = true;
    }
    free(e);
}

/* The Hub's name of a licence, or NULL; lower-case SPDX names mostly. */
static const char *hub_licence(struct da_span s)
{
    static const char *const names[] = {
        "cc0-1.0",      "cc-by-4.0",    "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0",
        "cc-by-nd-4.0", "cc-by-3.0",    "cc-by-sa-3.0", "mit",          "apache-2.0",
        "bsd-2-clause", "bsd-3-clause", "gpl-2.0",      "gpl-3.0",      "lgpl-2.1",
        "lgpl-3.0",     "agpl-3.0",     "odbl",         "odc-by",       "pddl",
        "gfdl",         "unlicense",    "wtfpl",        "other",
    };
    for (size_t i = 0; i < DA_ARRAY_LEN(names); i++) {
        size_t n = strlen(names[i]), k = 0;
        while (k < n && k < s.len && (s.p[k] == names[i][k] || (s.p[k] | 0x20) == names[i][k]))
            k++;
        if (k == n && s.len == n)
            return names[i];
    }
    return NULL;
}

static void add_licence(const struct da_card *c, struct da_buf *out)
{
    if (c->licences.n == 1) {
        const char *name = hub_licence(c->licences.entries[0].key);
        if (name)
            da_buf_addf(out, "license: %s\n", name);
        else if (!da_span_is(c->licences.entries[0].key, unknown)) {
            da_buf_add_str(out, "license: other\nlicense_name: ");
            add_quoted(out, c->licences.entries[0].key);
            da_buf_add_char(out, '\n');
        }
    } else if (c->licences.n > 1) {
        da_buf_add_str(out, "license: other\nlicense_name: \"several, see below\"\n");
    }
}

static void add_features(const struct da_card *c, struct da_buf *out)
{
    static const char *const plain[] = {"schema",   "id",      "doc_id",  "task",
                                        "document", "request", "response"};
    da_buf_add_str(out, "  features:\n");
    for (size_t i = 0; i < DA_ARRAY_LEN(plain); i++)
        da_buf_addf(out, "  - name: %s\n    dtype: string\n", plain[i]);
    if (c->format == DA_EXPORT_MESSAGES)
        da_buf_add_str(out, "  - name: messages\n    list:\n    - name: role\n      dtype: string\n"
                            "    - name: content\n      dtype: string\n");
    else
        da_buf_add_str(out, "  - name: prompt\n    dtype: string\n"
                            "  - name: completion\n    dtype: string\n");
    da_buf_add_str(out, "  - name: split\n    dtype: string\n");
}

static void add_front_matter(const struct da_card *c, struct da_buf *out)
{
    uint64_t bytes = 0;
    da_buf_add_str(out, "---\npretty_name: Annotated documents\n");
    add_languages(c, out);
    add_licence(c, out);
    bool written = c->models.n == 1 && da_span_is(c->models.entries[0].key, "written");
    da_buf_addf(out, "annotations_creators:\n- %s\n",
                written ? "expert-generated" : "machine-generated");
    da_buf_add_str(out, "source_datasets:\n- original\ntask_categories:\n- summarization\n"
                        "- question-answering\n- text-generation\n");
    da_buf_addf(out, "size_categories:\n- %s\n", size_category(total_examples(c)));
    da_buf_add_str(out, "tags:\n- docassist\n");
    if (total_examples(c) > 0)
        da_buf_add_str(out, "configs:\n- config_name: default\n  data_files:\n");
    for (int s = 0; s < DA_N_SPLITS; s++) {
        if (c->split[s].n_examples > 0)
            da_buf_addf(out, "  - split: %s\n    path: %s.jsonl\n", da_splits_name(s),
                        da_splits_name(s));
        bytes += c->split[s].n_bytes;
    }
    da_buf_add_str(out, "dataset_info:\n  config_name: default\n");
    add_features(c, out);
    da_buf_add_str(out, total_examples(c) > 0 ? "  splits:\n" : "  splits: []\n");
    for (int s = 0; s < DA_N_SPLITS; s++) {
        if (c->split[s].n_examples > 0)
            da_buf_addf(out, "  - name: %s\n    num_bytes: %llu\n    num_examples: %llu\n",
                        da_splits_name(s), (unsigned long long)c->split[s].n_bytes,
                        (unsigned long long)c->split[s].n_examples);
    }
    da_buf_addf(out, "  download_size: %llu\n  dataset_size: %llu\n---\n\n",
                (unsigned long long)bytes, (unsigned long long)bytes);
}

/* --- what a reader wants to know -------------------------------------------------- */

static void add_cell(struct da_buf *out, struct da_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '|')
            da_buf_add_char(out, '\\');
        da_buf_add_char(out, (unsigned char)s.p[i] < ' ' ? ' ' : s.p[i]);
    }
}

static void add_counts(struct da_buf *out, const char *title, const struct da_map *m)
{
    const struct da_map_entry **e = sorted(m);
    if (m->n > 0)
        da_buf_addf(out, "\n| %s | documents |\n| --- | ---: |\n", title);
    for (size_t i = 0; i < m->n; i++) {
        da_buf_add_str(out, "| ");
        add_cell(out, e[i]->key);
        da_buf_addf(out, " | %llu |\n", (unsigned long long)e[i]->value);
    }
    free(e);
}

static void add_fixed(struct da_buf *out, double x, int decimals)
{
    struct da_jw w;
    da_jw_init(&w, out);
    da_jw_fixed(&w, x, decimals);
}

static void add_spread(struct da_buf *out, const char *name, const struct da_card_spread *s)
{
    if (s->n == 0)
        return;
    double mean = s->sum / (double)s->n;
    double var = s->sum_squares / (double)s->n - mean * mean;
    da_buf_addf(out, "| %s | ", name);
    add_fixed(out, mean, 2);
    da_buf_add_str(out, " | ");
    add_fixed(out, var > 0 ? sqrt(var) : 0, 2);
    da_buf_add_str(out, " | ");
    add_fixed(out, s->min, 0);
    da_buf_add_str(out, " | ");
    add_fixed(out, s->max, 0);
    da_buf_add_str(out, " |\n");
}

static void add_shape(const struct da_card *c, struct da_buf *out)
{
    da_buf_add_str(
        out,
        "# Annotated documents\n\n"
        "Documents with a summary, three suggested questions, and one question with its answer "
        "each.\nEvery row is one task on one document.\n\n"
        "| column | content |\n| --- | --- |\n"
        "| `id`, `doc_id` | the row, and the document it is about |\n"
        "| `task` | `summarization`, `question_suggestion` or `question_answering` |\n"
        "| `document`, `request`, `response` | the text, what is asked, what is answered; "
        "suggested questions as a numbered list |\n");
    da_buf_add_str(out, c->format == DA_EXPORT_MESSAGES
                            ? "| `messages` | the same as a chat: system, user, assistant |\n"
                            : "| `prompt`, `completion` | the same as raw text for training |\n");
    da_buf_add_str(out, "| `split` | the file the row is in |\n\n"
                        "| split | documents | examples |\n| --- | ---: | ---: |\n");
    for (int s = 0; s < DA_N_SPLITS; s++)
        da_buf_addf(out, "| %s | %llu | %llu |\n", da_splits_name(s),
                    (unsigned long long)c->split[s].n_documents,
                    (unsigned long long)c->split[s].n_examples);
}

static void add_split_rule(const struct da_card *c, struct da_buf *out)
{
    da_buf_add_str(out, "\nDocuments were assigned by hash of their near-duplicate cluster (");
    for (int s = 0; s < DA_N_SPLITS; s++) {
        da_buf_add_str(out, s ? "/" : "");
        da_buf_add_double(out, c->percent[s]);
    }
    da_buf_addf(out,
                ", seed %llu),\nso near duplicates never stand in different splits; "
                "`splits.tsv` holds the assignments.\n",
                (unsigned long long)c->seed);
    if (c->n_clusters_shared > 0)
        da_buf_addf(out, "%llu documents have near duplicates in the data.\n",
                    (unsigned long long)c->n_clusters_shared);
    if (c->n_left_out > 0)
        da_buf_addf(out,
                    "%llu documents were left out because their near duplicates stand in two "
                    "splits.\n",
                    (unsigned long long)c->n_left_out);
    if (c->n_check_failed > 0)
        da_buf_addf(out, "%llu annotations were kept although a quality check failed.\n",
                    (unsigned long long)c->n_check_failed);
}

static void add_contamination(const struct da_card *c, struct da_buf *out)
{
    if (!c->compared)
        return;
    da_buf_addf(
        out,
        "\nRuns of %d words that a document of validation or test shares with documents of the "
        "splits before it;\na document is contaminated when a run of one of its responses is "
        "among them, or a tenth of those of its text%s.\n\n"
        "| split | documents that share a run | contaminated documents |\n"
        "| --- | ---: | ---: |\n",
        DA_CONTAMINATION_ORDER, c->decontaminated ? "; such documents were left out" : "");
    for (int s = DA_SPLIT_VALIDATION; s < DA_N_SPLITS; s++)
        da_buf_addf(out, "| %s | %llu | %llu |\n", da_splits_name(s),
                    (unsigned long long)c->split[s].n_touched,
                    (unsigned long long)c->split[s].n_contaminated);
}

void da_card_write(const struct da_card *c, struct da_buf *out)
{
    add_front_matter(c, out);
    add_shape(c, out);
    add_split_rule(c, out);
    add_contamination(c, out);
    if (total_documents(c) > 0)
        da_buf_add_str(out, "\n| tokens per document | mean | standard deviation | least | most |\n"
                            "| --- | ---: | ---: | ---: | ---: |\n");
    add_spread(out, "text", &c->n_tokens);
    add_spread(out, "source", &c->n_tokens_source);
    add_spread(out, "annotation prompt", &c->prompt_tokens);
    add_spread(out, "annotation completion", &c->completion_tokens);
    add_counts(out, "annotator", &c->models);
    add_counts(out, "language", &c->languages);
    add_counts(out, "type", &c->types);
    add_counts(out, "licence of the document", &c->licences);
}
