/* Quality checks: each named failure, and what must not fail. */

#include "annotate/checks.h"

#include <string.h>

#include "common/buf.h"
#include "tests/tap.h"

static const char document[] =
    "The ferry Tern carried 1,840 passengers in 2024. Captain Ann Lee reported three storms. "
    "The harbour board of Norhamn paid 12.50 euros for each of the new ropes.";

static struct da_answers good(void)
{
    struct da_answers a = {
        .summ_request = da_span_str("Sum up."),
        .summ_response = da_span_str("The Tern carried 1840 passengers in 2024; Lee met 3 storms."),
        .qs_request = da_span_str("Suggest."),
        .qs_response = {da_span_str("How many passengers did the Tern carry?"),
                        da_span_str("Who reported storms?"),
                        da_span_str("What did the board pay for a rope?")},
        .n_qs = 3,
        .qa_request = da_span_str("What did the board pay?"),
        .qa_response = da_span_str("It paid 12.5 euros for each rope."),
    };
    return a;
}

/* The checks that fail, as written into the record, without brackets and quotes. */
static void failed_of(struct da_checks *c, const struct da_answers *a, struct da_buf *out)
{
    struct da_ann_doc doc = {.text = da_span_str(document)};
    struct da_buf json;
    struct da_jw w;
    struct da_json *j = NULL;
    const char *first = NULL;
    struct da_err err;
    da_buf_init(&json, 0);
    da_buf_reset(out);
    da_jw_init(&w, &json);
    if (tap_rc(da_checks_run(c, &doc, a, &w, &first, &err), &err, "checks run") &&
        tap_rc(da_json_parse(json.p, json.len, &j, &err), &err, "and write JSON")) {
        const struct da_json *list = da_json_get(j, "failed");
        for (const struct da_json *f = da_json_first(list); f; f = da_json_next(f)) {
            struct da_span s = {"?", 1};
            (void)da_json_str(f, &s);
            da_buf_addf(out, "%s%.*s", out->len ? " " : "", (int)s.len, s.p);
        }
        tap_ok((first == NULL) == (out->len == 0) &&
                   (!first || strncmp(out->p, first, strlen(first)) == 0),
               "the first one is told");
    }
    da_json_free(j);
    da_buf_release(&json);
}

static void test_failures(struct da_checks *c)
{
    struct da_buf got;
    struct da_answers a = good();
    da_buf_init(&got, 0);
    failed_of(c, &a, &got);
    tap_is_str(got.p, "", "a good annotation: 1840 is 1,840, 3 is three, 12.5 is 12.50");
    a.summ_response = da_span_str("The Tern carried 1,841 passengers last year.");
    failed_of(c, &a, &got);
    tap_is_str(got.p, "numbers", "a number the document lacks");
    a = good();
    a.qa_response = da_span_str("The board of Oslo and Bergen paid for ropes in Sweden.");
    failed_of(c, &a, &got);
    tap_is_str(got.p, "names", "names the document lacks");
    a = good();
    a.qa_response = da_span_str("Purple elephants dance gracefully under moonlit waterfalls.");
    failed_of(c, &a, &got);
    tap_is_str(got.p, "support", "an answer from nowhere");
    a = good();
    a.n_qs = 2;
    failed_of(c, &a, &got);
    tap_is_str(got.p, "question_count", "two questions");
    a = good();
    a.qs_response[1] = da_span_str("Tell me who reported storms.");
    failed_of(c, &a, &got);
    tap_is_str(got.p, "question_form", "no question mark");
    a = good();
    a.qs_response[2] = da_span_str("how many passengers did the tern carry ?");
    failed_of(c, &a, &got);
    tap_is_str(got.p, "question_overlap", "the same question twice");
    a = good();
    a.summ_response = da_span_str("Ferries.");
    failed_of(c, &a, &got);
    tap_is_str(got.p, "summary_length", "one word is no summary");
    a = good();
    a.qa_response =
        da_span_str("The well pump failed on 2 March and the town grants money for it.");
    failed_of(c, &a, &got);
    tap_is_str(got.p, "numbers support example_copied", "the prompt's example repeated");
    a.qa_response = da_span_str("それは何ですか");
    a.qs_response[0] = da_span_str("これは何ですか？");
    failed_of(c, &a, &got);
    tap_is_str(got.p, "support", "a full-width question mark will do");
    a = good();
    a.summ_response = da_span_str("Die Fähre Tern und der Kapitän sind nicht mit dem Hafen zu "
                                  "vergleichen, das ist für die Leute auf der Insel ein Problem.");
    a.qa_response = da_span_str("Das ist ein Seil von 12,50 euros, und der Hafen board paid.");
    failed_of(c, &a, &got);
    tap_ok(strstr(got.p, "language") != NULL, "German about an English document");
    da_buf_release(&got);
}

static void test_round_trip(struct da_checks *c)
{
    static const struct {
        const char *again, *failed;
    } cases[] = {{"It paid 12.5 euros for each rope.", ""},
                 {"The board paid 12.50 euros for each rope.", ""},
                 {"The board paid 12.5 euros for each rope.", ""},
                 {"It paid 13 euros for each rope.", "round_trip"},
                 {"NOT IN THE DOCUMENT", "round_trip"},
                 {"", "round_trip"}};
    struct da_buf got;
    da_buf_init(&got, 0);
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++) {
        struct da_answers a = good();
        a.asked_again = true;
        a.qa_again = da_span_str(cases[i].again);
        failed_of(c, &a, &got);
        tap_is_str(got.p ? got.p : "", cases[i].failed, "asked again: '%s'", cases[i].again);
    }
    da_buf_release(&got);
}

/* Three meanings: ferries, people, money; what has none of them points elsewhere. */
static enum da_rc embed_words(void *ctx, const struct da_span *texts, size_t n, float *out,
                              struct da_err *err)
{
    static const char *const words[] = {"ferry", "Captain", "paid", "moon"};
    enum { DIM = DA_ARRAY_LEN(words) };
    (void)ctx;
    (void)err;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < DIM; k++)
            out[i * DIM + k] = da_span_find(texts[i], da_span_str(words[k])) < texts[i].len;
    return DA_OK;
}

static void test_sts(const struct da_checks_opts *o)
{
    const struct da_checks_embedder e = {embed_words, NULL, 4, "words"};
    struct da_checks_opts with = *o;
    struct da_answers a = good();
    struct da_buf got;
    da_buf_init(&got, 0);
    with.embedder = &e;
    with.min_support = 0;
    struct da_checks *c = da_checks_new(&with);
    failed_of(c, &a, &got);
    tap_is_str(got.p ? got.p : "", "", "an answer that means what a sentence means");
    a.qa_response = da_span_str("It paid for each rope. Nobody went to the moon.");
    failed_of(c, &a, &got);
    tap_is_str(got.p, "sts", "the sentence that means something else counts");
    da_checks_free(c);
    da_buf_release(&got);
}

int main(void)
{
    struct da_checks_opts o, strict;
    da_checks_opts_init(&o);
    o.examples = da_span_str("Answer: The well pump failed on 2 March and the town grants money.");
    struct da_checks *c = da_checks_new(&o);
    test_failures(c);
    test_round_trip(c);
    test_sts(&o);
    strict = o;
    strict.min_support = 0.9;
    struct da_checks *d = da_checks_new(&strict);
    tap_ok(strcmp(da_checks_identity(c), da_checks_identity(d)) != 0,
           "other thresholds have another identity");
    da_checks_free(d);
    da_checks_free(c);
    da_checks_free(NULL);
    return tap_done();
}
