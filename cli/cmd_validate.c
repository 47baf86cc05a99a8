/* docassist validate KIND FILE...: every record against its schema and its reader. */

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/opt.h"
#include "common/jsonl.h"
#include "common/map.h"
#include "schemas/annotation.h"
#include "schemas/example.h"
#include "schemas/prediction.h"
#include "schemas/score.h"
#include "schemas/validate.h"

struct counts {
    uint64_t valid, invalid;
};

static enum da_rc read_document(const struct da_json *j, struct da_err *err)
{
    struct da_document d;
    enum da_rc rc = da_document_read(j, &d, err);
    if (rc == DA_OK)
        da_document_release(&d);
    return rc;
}

static enum da_rc read_annotation(const struct da_json *j, struct da_err *err)
{
    struct da_annotation a;
    return da_annotation_read(j, &a, err);
}

static enum da_rc read_example(const struct da_json *j, struct da_err *err)
{
    struct da_example e;
    return da_example_read(j, &e, err);
}

static enum da_rc read_prediction(const struct da_json *j, struct da_err *err)
{
    struct da_prediction p;
    return da_prediction_read(j, &p, err);
}

static enum da_rc read_score(const struct da_json *j, struct da_err *err)
{
    struct da_score s;
    enum da_rc rc = da_score_read(j, &s, err);
    if (rc == DA_OK)
        da_score_release(&s);
    return rc;
}

struct kind {
    const char *name;
    enum da_rc (*read)(const struct da_json *j, struct da_err *err);
    bool unique_ids;
};

static const struct kind kinds[] = {
    {"document", read_document, true},     {"annotation", read_annotation, true},
    {"example", read_example, true},       {"prediction", read_prediction, true},
    {"score", read_score, false},
};

/* Two records of one id in a file would be joined wrongly later. */
static enum da_rc check_id(const struct da_json *j, struct da_map *ids, uint64_t line,
                           struct da_err *err)
{
    struct da_span id;
    uint64_t *first;
    bool is_new;
    if (!da_json_str(da_json_get(j, "id"), &id))
        return DA_OK;
    first = da_map_add(ids, id.p, id.len, &is_new);
    if (!is_new)
        return da_fail(err, DA_EFORMAT, "id '%.100s' stands on line %llu already", id.p,
                       (unsigned long long)*first);
    *first = line;
    return DA_OK;
}

static enum da_rc check_file(const struct kind *kind, const struct da_schema *schema,
                             const char *path, struct counts *n, struct da_err *err)
{
    struct da_jsonl *in = NULL;
    struct da_map ids;
    enum da_rc rc = da_jsonl_open(&in, path, err);
    da_map_init(&ids);
    while (rc == DA_OK) {
        struct da_span line;
        struct da_json *j = NULL;
        enum da_rc bad;
        rc = da_jsonl_next_line(in, &line, err);
        if (rc != DA_OK || line.len == 0)
            break;
        bad = da_json_parse(line.p, line.len, &j, err);
        if (bad == DA_OK)
            bad = da_schema_check(schema, j, err);
        if (bad == DA_OK)
            bad = kind->read(j, err);
        if (bad == DA_OK && kind->unique_ids)
            bad = check_id(j, &ids, da_jsonl_line_number(in), err);
        da_json_free(j);
        if (bad == DA_OK) {
            n->valid++;
            continue;
        }
        n->invalid++;
        (void)da_jsonl_fail(in, err);
        da_log_msg(da_cli_log(), DA_LOG_ERROR, "%s", err->msg);
    }
    da_map_release(&ids);
    da_jsonl_close(in);
    return rc;
}

int da_cmd_validate(int argc, char **argv)
{
    static const struct da_cmd_help help = {
        "validate", "[options] [--] KIND FILE...",
        "Checks every record of the JSON Lines files against its schema. KIND is document,\n"
        "annotation, example, prediction or score; '-' reads standard input.",
        NULL};
    const struct da_opt opts[] = {DA_OPT_END};
    struct da_schema *schema = NULL;
    struct counts n = {0, 0};
    struct da_args args;
    struct da_err err = {DA_OK, ""};
    enum da_rc rc;
    size_t k = 0;
    int i, usage = da_opt_parse(&help, opts, argc, argv, &args);
    if (usage >= 0)
        return usage;
    if (args.n < 2)
        return da_opt_usage(&help, "a KIND and at least one FILE are needed");
    while (k < DA_ARRAY_LEN(kinds) && strcmp(kinds[k].name, args.argv[0]) != 0)
        k++;
    if (k == DA_ARRAY_LEN(kinds))
        return da_opt_usage(&help, "there is no record of kind '%s'", args.argv[0]);
    rc = da_schema_open(&schema, kinds[k].name, &err);
    for (i = 1; i < args.n && rc == DA_OK; i++)
        rc = check_file(&kinds[k], schema, args.argv[i], &n, &err);
    da_schema_close(schema);
    if (rc != DA_OK)
        return da_cli_fail(&err);
    (void)printf("%llu valid, %llu invalid\n", (unsigned long long)n.valid,
                 (unsigned long long)n.invalid);
    return n.invalid ? DA_EXIT_PARTIAL : DA_EXIT_OK;
}
