/* Splits by cluster and hash: see the header. */

#include "annotate/splits.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/io.h"
#include "common/json.h"
#include "common/map.h"
#include "common/mem.h"

#define HEADER "id\tcluster_id\tsplit"
#define MAX_FILE ((size_t)1 << 30) /* 1 GiB: ten million documents */

/* A document, earlier or new. */
struct row {
    uint32_t id;      /* index into ids */
    uint32_t cluster; /* index into clusters, as its latest record names it */
    enum da_split split;
    bool earlier; /* from the file */
    bool added;   /* in this run */
    bool left_out;
};

/* What a cluster's earlier members say. */
struct cluster {
    enum da_split split; /* DA_SPLIT_NONE: no earlier member */
    bool torn;           /* they stand in different splits */
};

struct da_splits {
    struct da_splits_opts o;
    struct da_map ids;      /* id -> row */
    struct da_map clusters; /* name -> index */
    struct row *rows;       /* [n_rows] */
    size_t n_rows, rows_cap;
    struct cluster *info; /* [clusters.n] */
    size_t n_info, info_cap;
};

const char *da_splits_name(enum da_split s)
{
    static const char *const names[] = {"train", "validation", "test"};
    return s < DA_N_SPLITS ? names[s] : "none";
}

enum da_rc da_splits_parse(const char *text, double percent[DA_N_SPLITS], struct da_err *err)
{
    struct da_span rest = da_span_str(text), piece;
    double p[DA_N_SPLITS], sum = 0;
    size_t n = 0;
    while (da_span_split(&rest, '/', &piece)) {
        if (n == DA_N_SPLITS || !da_parse_double(piece.p, piece.len, &p[n]) || p[n] < 0 ||
            p[n] > 100)
            break;
        sum += p[n++];
    }
    if (n != DA_N_SPLITS || rest.len > 0 || sum < 99.9999 || sum > 100.0001)
        return da_fail(err, DA_EUSAGE,
                       "split '%s' is not three percentages that sum to 100, as in 95/2.5/2.5",
                       text);
    memcpy(percent, p, sizeof p);
    return DA_OK;
}

struct da_splits *da_splits_new(const struct da_splits_opts *o)
{
    struct da_splits *s = da_calloc(1, sizeof *s);
    s->o = *o;
    da_map_init(&s->ids);
    da_map_init(&s->clusters);
    return s;
}

void da_splits_free(struct da_splits *s)
{
    if (!s)
        return;
    free(s->info);
    free(s->rows);
    da_map_release(&s->clusters);
    da_map_release(&s->ids);
    free(s);
}

static uint32_t cluster_of(struct da_splits *s, struct da_span name)
{
    bool is_new;
    uint64_t *at = da_map_add(&s->clusters, name.p, name.len, &is_new);
    if (is_new) {
        *at = s->n_info;
        DA_GROW(s->info, s->n_info, s->info_cap);
        s->info[s->n_info++] = (struct cluster){.split = DA_SPLIT_NONE};
    }
    return (uint32_t)*at;
}

/* Members are told oldest first, so the first one's split stands. */
static void tell(struct cluster *c, enum da_split split)
{
    if (c->split == DA_SPLIT_NONE)
        c->split = split;
    else if (c->split != split)
        c->torn = true;
}

static struct row *add_row(struct da_splits *s, struct da_span id, bool *is_new)
{
    uint64_t *at = da_map_add(&s->ids, id.p, id.len, is_new);
    if (*is_new) {
        *at = s->n_rows;
        DA_GROW(s->rows, s->n_rows, s->rows_cap);
        s->rows[s->n_rows++] = (struct row){.id = (uint32_t)(s->ids.n - 1), .split = DA_SPLIT_NONE};
    }
    return &s->rows[*at];
}

static enum da_rc load_line(struct da_splits *s, struct da_span line, struct da_err *err)
{
    struct da_span id, cluster, name;
    bool is_new;
    if (!da_span_split(&line, '\t', &id) || !da_span_split(&line, '\t', &cluster) ||
        !da_span_split(&line, '\t', &name) || line.len > 0 || id.len == 0 || cluster.len == 0)
        return da_fail(err, DA_EFORMAT, "a line must be id, cluster_id and split between tabs");
    struct row *r = add_row(s, id, &is_new);
    if (!is_new)
        return da_fail(err, DA_EFORMAT, "id '%.*s' stands here twice", (int)id.len, id.p);
    for (enum da_split k = DA_SPLIT_TRAIN; k < DA_N_SPLITS; k++) {
        if (da_span_is(name, da_splits_name(k)))
            r->split = k;
    }
    if (r->split == DA_SPLIT_NONE)
        return da_fail(err, DA_EFORMAT, "there is no split '%.*s'", (int)name.len, name.p);
    r->earlier = true;
    r->cluster = cluster_of(s, cluster);
    tell(&s->info[r->cluster], r->split);
    return DA_OK;
}

enum da_rc da_splits_load(struct da_splits *s, const char *path, struct da_err *err)
{
    struct da_buf file;
    da_buf_init(&file, 0);
    enum da_rc rc = da_io_read_file(path, MAX_FILE, &file, err);
    struct da_span rest = da_span(file.p, file.len), line;
    for (unsigned long n = 1; !rc && da_span_split(&rest, '\n', &line); n++) {
        if (line.len > 0 && line.p[line.len - 1] == '\r')
            line.len--;
        if (n == 1 && !da_span_is(line, HEADER))
            rc = da_fail(err, DA_EFORMAT, "%s:1: the header 'id, cluster_id, split' is missing",
                         path);
        else if (n > 1 && line.len > 0 && (rc = load_line(s, line, err)))
            da_err_context(err, rc, "%s:%lu", path, n);
    }
    da_buf_release(&file);
    return rc;
}

static bool has_control(struct da_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.p[i] < ' ')
            return true;
    }
    return s.len == 0;
}

enum da_rc da_splits_add(struct da_splits *s, struct da_span id, struct da_span cluster,
                         struct da_err *err)
{
    bool is_new;
    if (cluster.len == 0)
        cluster = id;
    if (has_control(id) || has_control(cluster))
        return da_fail(err, DA_EFORMAT, "the id is empty or holds a control character");
    struct row *r = add_row(s, id, &is_new);
    if (r->added)
        return da_fail(err, DA_EFORMAT, "id '%.*s' stands in the input twice", (int)id.len, id.p);
    r->added = true;
    r->cluster = cluster_of(s, cluster);
    if (r->earlier)
        tell(&s->info[r->cluster], r->split);
    return DA_OK;
}

static enum da_split draw(const struct da_splits *s, struct da_span name)
{
    /* 53 bits, so that the comparison is exact in double. */
    double u = (double)(da_hash64(name.p, name.len, s->o.seed) >> 11) / 9007199254740992.0 * 100;
    if (u < s->o.percent[DA_SPLIT_TRAIN])
        return DA_SPLIT_TRAIN;
    if (s->o.percent[DA_SPLIT_TEST] == 0 ||
        u < s->o.percent[DA_SPLIT_TRAIN] + s->o.percent[DA_SPLIT_VALIDATION])
        return s->o.percent[DA_SPLIT_VALIDATION] > 0 ? DA_SPLIT_VALIDATION : DA_SPLIT_TRAIN;
    return DA_SPLIT_TEST;
}

static enum da_split split_of(const struct da_splits *s, const struct row *r)
{
    if (r->earlier)
        return r->split;
    const struct cluster *c = &s->info[r->cluster];
    if (c->torn)
        return DA_SPLIT_NONE;
    return c->split != DA_SPLIT_NONE ? c->split : draw(s, s->clusters.entries[r->cluster].key);
}

enum da_split da_splits_of(const struct da_splits *s, struct da_span id)
{
    const uint64_t *at = da_map_get(&s->ids, id.p, id.len);
    return at ? split_of(s, &s->rows[*at]) : DA_SPLIT_NONE;
}

void da_splits_leave_out(struct da_splits *s, struct da_span id)
{
    const uint64_t *at = da_map_get(&s->ids, id.p, id.len);
    if (at)
        s->rows[*at].left_out = true;
}

void da_splits_write(const struct da_splits *s, struct da_buf *out)
{
    da_buf_add_str(out, HEADER "\n");
    for (size_t i = 0; i < s->n_rows; i++) {
        const struct row *r = &s->rows[i];
        enum da_split split = split_of(s, r);
        if (split == DA_SPLIT_NONE || (r->left_out && !r->earlier))
            continue;
        struct da_span id = s->ids.entries[r->id].key;
        struct da_span cluster = s->clusters.entries[r->cluster].key;
        da_buf_add(out, id.p, id.len);
        da_buf_add_char(out, '\t');
        da_buf_add(out, cluster.p, cluster.len);
        da_buf_addf(out, "\t%s\n", da_splits_name(split));
    }
}
