/* Sentence splitting: units tile the text, and break where a reader would. */

#include "text/sentence.h"

#include <stdint.h>
#include <string.h>

#include "common/io.h"
#include "common/rng.h"
#include "tests/tap.h"

static const char kind_mark[] = "SHLTKCO";

/* The units as "S:text/H:text/..." */
static void render(const char *text, struct da_buf *out)
{
    struct da_units u;
    da_units_init(&u);
    da_units_split(&u, text, strlen(text));
    da_buf_reset(out);
    for (size_t i = 0; i < u.n; i++) {
        if (i > 0)
            da_buf_add_char(out, '/');
        da_buf_add_char(out, kind_mark[u.items[i].kind]);
        da_buf_add_char(out, ':');
        da_unit_add_text(text, &u.items[i], out);
    }
    da_units_release(&u);
}

static void test_sentences(void)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"empty", "", ""},
        {"blank", " \n\n ", "O:"},
        {"plain", "One is here. Two is there.", "S:One is here./S:Two is there."},
        {"titles and dates", "Dr. Smith came on Jan. 5, 2020. He left.",
         "S:Dr. Smith came on Jan. 5, 2020./S:He left."},
        {"initials", "J. R. R. Tolkien wrote it. I read it.",
         "S:J. R. R. Tolkien wrote it./S:I read it."},
        {"letter at the end", "It has vitamin C. The end came.",
         "S:It has vitamin C./S:The end came."},
        {"numbers", "It cost $3.50 for No. 5. See Fig. 2 now.",
         "S:It cost $3.50 for No. 5./S:See Fig. 2 now."},
        {"company", "He works at Acme Inc. The rest left Acme Inc. in May.",
         "S:He works at Acme Inc./S:The rest left Acme Inc. in May."},
        {"country", "The U.S. government paid. We live in the U.S. They do not.",
         "S:The U.S. government paid./S:We live in the U.S./S:They do not."},
        {"quotes", "\"Really?\" he asked. \"Yes!\" She left... and came back.",
         "S:\"Really?\" he asked./S:\"Yes!\"/S:She left... and came back."},
        {"reference marks", "It is so.[12] Next one.", "S:It is so.[12]/S:Next one."},
        {"addresses of sites", "Use example.com or node.js. Done.",
         "S:Use example.com or node.js./S:Done."},
        {"German", "Am 3. Mai kam er z.B. nach Berlin. Das war gut.",
         "S:Am 3. Mai kam er z.B. nach Berlin./S:Das war gut."},
        {"Russian",
         "\u0412 1990 \u0433. \u0432 \u041c\u043e\u0441\u043a\u0432\u0435. \u0414\u0430.",
         "S:\u0412 1990 \u0433. \u0432 \u041c\u043e\u0441\u043a\u0432\u0435./S:\u0414\u0430."},
        {"Japanese",
         "\u300c\u306f\u3044\u3002\u300d\u3068\u8a00\u3063\u305f\u3002\u672c\u5f53\uff1f\u3046\u3093\u3002",
         "S:\u300c\u306f\u3044\u3002\u300d\u3068\u8a00\u3063\u305f\u3002/S:\u672c\u5f53\uff1f/S:\u3046\u3093\u3002"},
        {"Hindi",
         "\u0935\u0939 \u0917\u092f\u093e\u0964 \u0935\u0939 \u0938\u094b\u092f\u093e\u0965",
         "S:\u0935\u0939 \u0917\u092f\u093e\u0964/S:\u0935\u0939 \u0938\u094b\u092f\u093e\u0965"},
        {"Arabic",
         "\u0647\u0644 \u0623\u0646\u062a\u061f \u0646\u0639\u0645. \u0634\u0643\u0631\u0627",
         "S:\u0647\u0644 \u0623\u0646\u062a\u061f/S:\u0646\u0639\u0645./S:\u0634\u0643\u0631\u0627"},
    };
    struct da_buf got;
    da_buf_init(&got, 0);
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++) {
        render(cases[i].text, &got);
        tap_is_str(got.p, cases[i].want, "%s", cases[i].name);
    }
    da_buf_release(&got);
}

static void test_blocks(void)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"marked heading", "# Title\n\nText here.\n", "H:Title/S:Text here."},
        {"underlined heading", "Title\n=====\nText here.\n", "H:Title/S:Text here."},
        {"bare heading", "Overview\n\nText here.\n", "H:Overview/S:Text here."},
        {"numbered heading", "2. Scope\n\nText here.\n", "H:Scope/S:Text here."},
        {"list", "- one\n- two\n  more of two\n3) three\n", "L:one/L:two/K:more of two/L:three"},
        {"wrapped item", "- an item that is long enough to be wrapped, as\n  here it is\n",
         "L:an item that is long enough to be wrapped, as here it is"},
        {"table", "| a | b |\n| - | - |\n| 1 | 2 |\n", "T:| a | b |/O:| - | - |/T:| 1 | 2 |"},
        {"label lines", "Phone: 42\nCity: Rome\n", "K:Phone: 42/K:City: Rome"},
        {"wrapped text",
         "This line is long enough to be wrapped by a page, and goes\n"
         "on here. Then it ends.\n",
         "S:This line is long enough to be wrapped by a page, and goes on here./S:Then it ends."},
        {"wrapped Japanese",
         "\u3053\u306e\u30d5\u30a1\u30a4\u30eb\u306b\u306f\u69cb\u6210\u3059\u308b\u5404\u30d5\u30a1\u30a4\u30eb\u306e\u6982\u7565\n\u5185\u5bb9\u304c\u3042\u308b\u3002\n",
         "S:\u3053\u306e\u30d5\u30a1\u30a4\u30eb\u306b\u306f\u69cb\u6210\u3059\u308b\u5404\u30d5\u30a1\u30a4\u30eb\u306e\u6982\u7565\u5185\u5bb9\u304c\u3042\u308b\u3002"},
        {"code", "```\nint x. Y;\n```\nText here.\n", "C:```/C:int x. Y;/C:```/S:Text here."},
        {"rule", "One.\n\n* * *\n\nTwo.\n", "S:One./O:* * */S:Two."},
        {"a name is no list item", "A. Smith wrote this.\n", "S:A. Smith wrote this."},
    };
    struct da_buf got;
    da_buf_init(&got, 0);
    for (size_t i = 0; i < DA_ARRAY_LEN(cases); i++) {
        render(cases[i].text, &got);
        tap_is_str(got.p, cases[i].want, "%s", cases[i].name);
    }
    da_buf_release(&got);
}

static bool tiles(const char *p, size_t len)
{
    struct da_units u;
    da_units_init(&u);
    da_units_split(&u, p, len);
    size_t at = 0;
    bool ok = true;
    for (size_t i = 0; i < u.n; i++) {
        const struct da_unit *x = &u.items[i];
        ok &= x->start == at && x->end > at && x->body >= x->start && x->body_end >= x->body &&
              x->body_end <= x->end;
        at = x->end;
    }
    ok &= at == len && (u.n == 0 || u.items[u.n - 1].ends_paragraph);
    da_units_release(&u);
    return ok;
}

/* Random mixtures of everything the rules look at. */
static void test_tiling(void)
{
    static const char *const parts[] = {
        ".",   "!",   "?",      " ",      "\n",     "\n\n",   "a",   "B",      "Dr",     "1",
        "23",  "-",   "- ",     "# ",     "|",      " | ",    "\"",  ")",      "(",      "[1]",
        "===", "```", "\u3002", "\u300d", "\u3042", "\u0964", "e.g", "\t",     "\u00a0", "\u061f",
        "...", "\f",  "A.",     "Inc",    "The",    ",",      ":",   "\u2022",
    };
    struct da_rng rng;
    struct da_buf b;
    bool ok = true;
    da_rng_init(&rng, 1);
    da_buf_init(&b, 0);
    for (int round = 0; round < 3000; round++) {
        da_buf_reset(&b);
        for (uint64_t n = da_rng_below(&rng, 40); n > 0; n--)
            da_buf_add_str(&b, parts[da_rng_below(&rng, DA_ARRAY_LEN(parts))]);
        ok &= tiles(b.p, b.len);
    }
    tap_ok(ok, "units of 3,000 random texts tile them");
    da_buf_release(&b);
}

static void test_documents(void)
{
    static const char *const names[] = {
        "docs/expected/mkit_test.pdf.txt",
        "docs/expected/chard_EUC-JP_ude_1.txt.txt",
        "docs/expected/docl_right_to_left_01.pdf.txt",
        "docs/expected/read_ietf-1.html.txt",
    };
    for (size_t i = 0; i < DA_ARRAY_LEN(names); i++) {
        const char *path = tap_shared(names[i]);
        if (!path) {
            tap_skip("no shared material", "%s", names[i]);
            continue;
        }
        struct da_buf b;
        struct da_err err = {0};
        da_buf_init(&b, 0);
        tap_ok(!da_io_read_file(path, 1 << 24, &b, &err) && tiles(b.p, b.len), "%s", names[i]);
        da_buf_release(&b);
    }
}

int main(void)
{
    test_sentences();
    test_blocks();
    test_tiling();
    test_documents();
    return tap_done();
}
