/* Baselines: what the header says each does. */

#include "eval/baseline.h"

#include <string.h>

#include "tests/tap.h"

static const char text[] =
    "The mill at Upper Denby has stood empty for years. Local schools asked to use the old mill. "
    "A report by Harriet Vane says the mill roof is sound. The mill wheel needs two new beams. "
    "Work on the mill could begin in May.";

static void respond(enum da_baseline_kind kind, const char *document, enum da_task task,
                    const char *request, struct da_buf *out)
{
    struct da_baseline *b = da_baseline_new(kind);
    struct da_example e = {.task = task,
                           .document = da_span_str(document),
                           .request = da_span_str(request),
                           .response = da_span_str("not looked at")};
    da_buf_reset(out);
    da_baseline_respond(b, &e, out);
    da_baseline_free(b);
}

static void test_lead3(struct da_buf *got)
{
    respond(DA_BASELINE_LEAD3, text, DA_TASK_SUMMARIZATION, "Sum up.", got);
    tap_is_str(got->p,
               "The mill at Upper Denby has stood empty for years. Local schools asked to use the "
               "old mill. A report by Harriet Vane says the mill roof is sound.",
               "lead3: the first three sentences");
    respond(DA_BASELINE_LEAD3, text, DA_TASK_SUGGESTION, "Suggest.", got);
    tap_is_str(got->p,
               "1. What does the document say about \"Upper Denby\"?\n"
               "2. What does the document say about \"schools\"?\n"
               "3. What does the document say about \"Harriet Vane\"?",
               "lead3: a question about each");
    respond(DA_BASELINE_LEAD3, text, DA_TASK_ANSWERING, "What does the wheel need?", got);
    tap_is_str(got->p, "The mill wheel needs two new beams.",
               "lead3: the sentence with most words");
}

static void test_others(struct da_buf *got)
{
    respond(DA_BASELINE_TEXTRANK, text, DA_TASK_ANSWERING, "Who wrote a report?", got);
    tap_is_str(got->p, "A report by Harriet Vane says the mill roof is sound.",
               "textrank: the sentence with the rarest words");
    respond(DA_BASELINE_TEXTRANK, text, DA_TASK_SUMMARIZATION, "Sum up.", got);
    tap_ok(got->len > 0 && got->len < strlen(text), "textrank: a summary shorter than the text");
    respond(DA_BASELINE_EXTRACTIVE, text, DA_TASK_SUGGESTION, "Suggest.", got);
    struct da_span questions[4];
    tap_is_int((long long)da_questions_parse(da_span(got->p, got->len), questions, 4), 3,
               "extractive: three questions in one list");
    respond(DA_BASELINE_LEAD3, " ... ", DA_TASK_SUMMARIZATION, "Sum up.", got);
    tap_is_str(got->p, "", "nothing of a text without words");
    respond(DA_BASELINE_LEAD3, "Word", DA_TASK_SUGGESTION, "Suggest.", got);
    tap_is_int((long long)da_questions_parse(da_span(got->p, got->len), questions, 4), 3,
               "three questions of one word");
}

int main(void)
{
    struct da_buf got;
    da_buf_init(&got, 0);
    test_lead3(&got);
    test_others(&got);
    tap_is_str(da_baseline_name(DA_BASELINE_TEXTRANK), "textrank", "names");
    da_buf_release(&got);
    return tap_done();
}
