/* See request.h. */

#include "ingest/request.h"

#include <string.h>

#include "common/attr.h"
#include "common/json.h"
#include "ingest/frame.h"

void da_request_defaults(struct da_request *r)
{
    memset(r, 0, sizeof *r);
    r->max_file_bytes = (int64_t)1 << 30;
    r->max_mem_bytes = (int64_t)1 << 30;
    r->cpu_s = 30;
    r->wall_s = 600;
    r->sandbox = true;
}

struct field {
    const char *name;
    int64_t *num;
    bool *flag;
};

enum { N_FIELDS = 9 };

static void fields_of(struct da_request *r, struct field f[N_FIELDS])
{
    f[0] = (struct field){"want_bytes", &r->want_bytes, NULL};
    f[1] = (struct field){"max_file_bytes", &r->max_file_bytes, NULL};
    f[2] = (struct field){"max_mem_bytes", &r->max_mem_bytes, NULL};
    f[3] = (struct field){"cpu_s", &r->cpu_s, NULL};
    f[4] = (struct field){"wall_s", &r->wall_s, NULL};
    f[5] = (struct field){"keep_headers", NULL, &r->keep_headers};
    f[6] = (struct field){"html_full", NULL, &r->html_full};
    f[7] = (struct field){"sandbox", NULL, &r->sandbox};
    f[8] = (struct field){"ocr", &r->ocr, NULL};
}

void da_request_write(const struct da_request *r, struct da_buf *out)
{
    struct da_request copy = *r;
    struct field f[N_FIELDS];
    fields_of(&copy, f);
    for (size_t i = 0; i < N_FIELDS; i++)
        da_pair_add_int(out, f[i].name, f[i].num != NULL ? *f[i].num : *f[i].flag);
    if (r->ocr_languages[0] != 0)
        da_pair_add(out, "ocr_languages", r->ocr_languages, strlen(r->ocr_languages));
    for (size_t i = 0; i < r->n_passwords; i++)
        da_pair_add(out, "password", r->passwords[i], strlen(r->passwords[i]));
}

enum da_rc da_request_read(struct da_request *r, struct da_span payload, struct da_err *err)
{
    da_request_defaults(r);
    struct field f[N_FIELDS];
    fields_of(r, f);
    struct da_span key, value;
    bool bad = false;
    while (da_pair_next(&payload, &key, &value, &bad)) {
        if (da_span_is(key, "password") && r->n_passwords < DA_REQ_MAX_PASSWORDS) {
            r->passwords[r->n_passwords++] = value.p;
            continue;
        }
        if (da_span_is(key, "ocr_languages") && value.len < DA_REQ_MAX_LANGUAGES) {
            memcpy(r->ocr_languages, value.p, value.len + 1);
            continue;
        }
        size_t i = 0;
        while (i < N_FIELDS && !da_span_is(key, f[i].name))
            i++;
        int64_t v;
        if (i == N_FIELDS || !da_parse_int(value.p, value.len, &v) || v < 0)
            return da_fail(err, DA_EFORMAT, "bad member in a request");
        if (f[i].num != NULL)
            *f[i].num = v;
        else
            *f[i].flag = v != 0;
    }
    return bad ? da_fail(err, DA_EFORMAT, "broken request") : DA_OK;
}
