/* The released model's prompt and answer: see the header. */

#include "prompts/slimlm.h"

#include "common/embed.h"

#define SYSTEM_FILE "prompts/slimlm/system.txt"
#define INTENT "<intent>:"
#define OPEN "<response>"
#define CLOSE "</response>"

struct da_span da_slimlm_system(void)
{
    const struct da_embedded *f = da_embed_find(SYSTEM_FILE);
    size_t len = f->len;
    if (len && f->p[len - 1] == '\n') /* the file's, not the text's */
        len--;
    return da_span((const char *)f->p, len);
}

void da_slimlm_user(struct da_span document, struct da_span request, struct da_buf *out)
{
    da_buf_add_str(out, "<document>\n");
    da_buf_add(out, document.p, document.len);
    da_buf_add_str(out, "\n</document>\n\n<request>\n");
    da_buf_add(out, request.p, request.len);
    da_buf_add_str(out, "\n</request>");
}

void da_slimlm_prompt(struct da_span document, struct da_span request, struct da_buf *out)
{
    struct da_span system = da_slimlm_system();
    da_buf_add(out, system.p, system.len);
    da_buf_add_str(out, "\n\n ");
    da_slimlm_user(document, request, out); /* ends in '>': nothing to strip */
}

void da_slimlm_answer(const char *intent, struct da_span response, struct da_buf *out)
{
    da_buf_add_str(out, INTENT " ");
    da_buf_add_str(out, intent);
    da_buf_add_str(out, "\n" OPEN "\n");
    da_buf_add(out, response.p, response.len);
    da_buf_add_str(out, "\n" CLOSE);
}

static struct da_span from(struct da_span s, size_t at)
{
    return da_span(s.p + at, s.len - at);
}

static bool is_strict(struct da_span text)
{
    struct da_span rest = text, line;
    if (!da_span_starts(rest, INTENT " ") || !da_span_split(&rest, '\n', &line) ||
        line.len <= sizeof INTENT || !da_span_starts(rest, OPEN "\n"))
        return false;
    rest = from(rest, sizeof OPEN);
    size_t end = da_span_find(rest, da_span_str(CLOSE));
    if (end == rest.len) /* cut: the mark was the stop */
        return da_span_find(rest, da_span_str(OPEN)) == rest.len;
    return end > 0 && rest.p[end - 1] == '\n' &&
           da_span_trim(from(rest, end + sizeof CLOSE - 1)).len == 0;
}

void da_slimlm_parse(struct da_span text, struct da_slimlm_reply *r)
{
    struct da_span rest = text, line;
    *r = (struct da_slimlm_reply){.intent = {text.p, 0}, .strict = is_strict(text)};
    size_t at = da_span_find(text, da_span_str(INTENT));
    if (at < text.len) {
        rest = from(text, at + sizeof INTENT - 1);
        size_t mark = da_span_find(rest, da_span_str(OPEN));
        struct da_span head = da_span(rest.p, mark); /* "<intent>: x <response>" on one line */
        if (!da_span_split(&head, '\n', &line))
            line = head;
        r->intent = da_span_trim(line);
        rest = from(rest, line.len);
    }
    at = da_span_find(rest, da_span_str(OPEN));
    if (at < rest.len)
        rest = from(rest, at + sizeof OPEN - 1);
    at = da_span_find(rest, da_span_str(CLOSE));
    r->closed = at < rest.len;
    r->response = da_span_trim(da_span(rest.p, at));
}
