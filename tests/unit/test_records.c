/* The five records: what is read is written back, unknown members included; what is wrong is
 * named. */

#include <math.h>
#include <string.h>

#include "common/json.h"
#include "schemas/annotation.h"
#include "schemas/example.h"
#include "schemas/prediction.h"
#include "schemas/score.h"
#include "schemas/validate.h"
#include "tests/tap.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char document[] =
    "{\"schema\":\"docassist.document/1\",\"id\":\"0123456789abcdef\",\"source\":{\"path\":\"a.pdf\","
    "\"sha256\":\"" SHA "\",\"media_type\":\"application/pdf\",\"charset\":null,\"bytes\":1234,"
    "\"pages\":3,\"mtime\":7},\"type\":\"article\",\"title\":\"T\",\"text\":\"Hello world.\","
    "\"n_tokens\":3,\"n_tokens_source\":9,\"n_tokens_source_exact\":false,"
    "\"tokenizer\":\"o200k_base\",\"truncated\":true,\"chunks\":[[0,5,1],[5,12,2]],"
    "\"language\":{\"code\":\"en\",\"confidence\":0.5},\"quality\":{\"garbage\":0},\"ocr\":false,"
    "\"pii\":{},\"meta\":{\"licence\":\"CC0\"},\"cluster_id\":\"0123456789abcdef\","
    "\"extra\":12345678901234567890}";
static const char annotation[] =
    "{\"schema\":\"docassist.annotation/1\",\"id\":\"0123456789abcdef\","
    "\"summarization\":{\"request\":\"Sum up.\",\"response\":\"S.\"},"
    "\"question_suggestion\":{\"request\":\"Ask.\",\"response\":[\"A?\",\"B?\",\"C?\"]},"
    "\"question_answering\":{\"request\":\"Who?\",\"response\":\"Me.\"},\"checks\":{\"ok\":true},"
    "\"origin\":{\"model\":\"m\",\"snapshot\":null,\"system_fingerprint\":null,"
    "\"prompt_sha256\":null,\"params\":{},\"usage\":null,\"version\":\"v\"},"
    "\"document\":{\"id\":\"0123456789abcdef\"},\"note\":\"kept\"}";
static const char example[] =
    "{\"schema\":\"docassist.example/1\",\"id\":\"0123456789abcdef/qs\","
    "\"doc_id\":\"0123456789abcdef\",\"task\":\"question_suggestion\",\"document\":\"D\","
    "\"request\":\"R\",\"response\":\"1. A?\\n2. B?\",\"messages\":[{\"role\":\"user\","
    "\"content\":\"x\"}],\"split\":\"test\",\"more\":[1]}";
static const char prediction[] =
    "{\"schema\":\"docassist.prediction/1\",\"id\":\"0123456789abcdef/qs\","
    "\"task\":\"question_suggestion\",\"model\":\"m\",\"intent\":null,\"response\":\"a\","
    "\"raw\":\"b\",\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2},"
    "\"finish_reason\":\"stop\",\"prompt_truncated\":false,\"logprobs\":[],\"origin\":{},"
    "\"judge\":1}";
static const char score[] =
    "{\"schema\":\"docassist.score/1\",\"model\":\"m\",\"dataset\":{\"sha256\":\"" SHA "\",\"n\":3},"
    "\"tasks\":{\"summarization\":{\"bleu\":{\"value\":0.25,\"ci95\":[0.125,0.5],\"n\":3,"
    "\"signature\":\"s\"},\"sts\":{\"value\":null,\"ci95\":null,\"n\":0,\"signature\":\"\"}}},"
    "\"intent\":{\"accuracy\":1,\"ci95\":[0.5,1],\"confusion\":{}},\"n_scored\":3,\"n_total\":3,"
    "\"per_sample\":{\"path\":\"p\",\"sha256\":\"" SHA "\"},\"origin\":{\"a\":1},\"extra\":null}";

enum kind { DOCUMENT, ANNOTATION, EXAMPLE, PREDICTION, SCORE };

static const struct {
    const char *name, *text;
} kinds[] = {{"document", document},
             {"annotation", annotation},
             {"example", example},
             {"prediction", prediction},
             {"score", score}};

/* Reads j with its reader and, when that works, writes it to w. */
static enum da_rc read_and_write(enum kind kind, const struct da_json *j, struct da_jw *w,
                                 struct da_err *err)
{
    const struct da_span none = {NULL, 0};
    struct da_document d;
    struct da_annotation a;
    struct da_example e;
    struct da_prediction p;
    struct da_score s;
    enum da_rc rc = DA_OK;
    switch (kind) {
    case DOCUMENT:
        rc = da_document_read(j, &d, err);
        if (rc == DA_OK) {
            da_document_write(&d, w);
            da_document_release(&d);
        }
        break;
    case ANNOTATION:
        rc = da_annotation_read(j, &a, err);
        if (rc == DA_OK)
            da_annotation_write(&a, NULL, none, w);
        break;
    case EXAMPLE:
        rc = da_example_read(j, &e, err);
        if (rc == DA_OK)
            da_example_write(&e, none, w);
        break;
    case PREDICTION:
        rc = da_prediction_read(j, &p, err);
        if (rc == DA_OK)
            da_prediction_write(&p, none, none, w);
        break;
    case SCORE:
        rc = da_score_read(j, &s, err);
        if (rc == DA_OK) {
            da_score_write(&s, none, none, w);
            da_score_release(&s);
        }
        break;
    }
    return rc;
}

static void test_round_trips(void)
{
    int k;
    for (k = DOCUMENT; k <= SCORE; k++) {
        struct da_schema *schema = NULL;
        struct da_json *j = NULL;
        struct da_err err = {DA_OK, ""};
        struct da_buf b;
        struct da_jw w;
        da_buf_init(&b, 0);
        da_jw_init(&w, &b);
        tap_rc(da_schema_open(&schema, kinds[k].name, &err), &err, "schema of a %s", kinds[k].name);
        tap_rc(da_json_parse(kinds[k].text, strlen(kinds[k].text), &j, &err), &err, "parses");
        tap_rc(da_schema_check(schema, j, &err), &err, "a %s satisfies its schema", kinds[k].name);
        tap_rc(read_and_write((enum kind)k, j, &w, &err), &err, "and is read");
        tap_is_str(b.p, kinds[k].text, "and written back unchanged, unknown members included");
        da_json_free(j);
        da_schema_close(schema);
        da_buf_release(&b);
    }
}

/* Leaves out each member in turn: the schema must name every one that the reader needs. */
static void test_missing_members(void)
{
    int k;
    for (k = DOCUMENT; k <= SCORE; k++) {
        struct da_schema *schema = NULL;
        struct da_json *j = NULL;
        struct da_err err = {DA_OK, ""};
        const struct da_json *m;
        bool agree = true;
        (void)da_schema_open(&schema, kinds[k].name, &err);
        (void)da_json_parse(kinds[k].text, strlen(kinds[k].text), &j, &err);
        for (m = da_json_first(j); m; m = da_json_next(m)) {
            const char *without[1] = {da_json_key(m)};
            struct da_json *less = NULL;
            struct da_buf b, sink;
            struct da_jw w;
            da_buf_init(&b, 0);
            da_buf_init(&sink, 0);
            da_jw_init(&w, &b);
            da_jw_object(&w);
            da_record_write_unknown(&w, j, without, 1);
            da_jw_end(&w);
            (void)da_json_parse(b.p, b.len, &less, &err);
            da_jw_init(&w, &sink);
            if (da_schema_check(schema, less, &err) == DA_OK &&
                read_and_write((enum kind)k, less, &w, &err) != DA_OK) {
                agree = false;
                tap_diag("%s without '%s': %s", kinds[k].name, without[0], err.msg);
            }
            da_json_free(less);
            da_buf_release(&b);
            da_buf_release(&sink);
        }
        tap_ok(agree, "a %s that its schema accepts is accepted by its reader", kinds[k].name);
        da_json_free(j);
        da_schema_close(schema);
    }
}

static void refused(const char *kind, const char *text, const char *why)
{
    struct da_schema *schema = NULL;
    struct da_json *j = NULL;
    struct da_err err = {DA_OK, ""};
    (void)da_schema_open(&schema, kind, &err);
    tap_rc(da_json_parse(text, strlen(text), &j, &err), &err, "parses");
    tap_is_int(da_schema_check(schema, j, &err), DA_EFORMAT, "refused");
    tap_is_str(err.msg, why, "with the place");
    da_json_free(j);
    da_schema_close(schema);
}

static void test_schema_errors(void)
{
    struct da_schema *schema = NULL;
    struct da_err err;
    refused("prediction", "{\"id\":\"x\"}", "at /: member 'raw' is missing");
    refused("prediction", "{\"id\":1,\"raw\":\"\"}", "at /id: must be of type string, is a number");
    refused("prediction", "{\"id\":\"\",\"raw\":\"\"}", "at /id: must not be empty");
    refused("prediction", "{\"id\":\"x\",\"raw\":\"\",\"task\":\"chat\"}",
            "at /task: is not one of the allowed values");
    refused("prediction", "{\"id\":\"x\",\"raw\":\"\",\"schema\":\"docassist.example/1\"}",
            "at /schema: must be \"docassist.prediction/1\"");
    refused("prediction", "[]", "at /: must be of type object, is an array");
    tap_is_int(da_schema_open(&schema, "dokument", &err), DA_ENOTFOUND, "no such kind");
    tap_is_int(da_schema_parse(&schema, da_span_str("{\"oneOf\":[]}"), &err), DA_EUNSUPPORTED,
               "a keyword that is not understood is refused, not ignored");
}

static void test_questions(void)
{
    struct da_span q[4];
    struct da_buf b;
    size_t n = da_questions_parse(da_span_str("1. A?\n\n2) B? \n- C?\nD?\n5. E?"), q, 4);
    tap_is_int((long long)n, 4, "at most as many as asked for");
    tap_ok(da_span_is(q[0], "A?") && da_span_is(q[1], "B?") && da_span_is(q[2], "C?") &&
               da_span_is(q[3], "D?"),
           "numbers and bullets are taken off");
    n = da_questions_parse(da_span_str("2024 was what?"), q, 4);
    tap_ok(n == 1 && da_span_is(q[0], "2024 was what?"), "a number without a dot is text");
    da_buf_init(&b, 0);
    q[0] = da_span_str("A?");
    q[1] = da_span_str("B?");
    da_questions_format(&b, q, 2);
    tap_is_str(b.p, "1. A?\n2. B?", "written as a numbered list");
    da_buf_release(&b);
}

int main(void)
{
    test_round_trips();
    test_missing_members();
    test_schema_errors();
    test_questions();
    return tap_done();
}
