/*
 * Hypothesis and references, separated by 0xFF bytes after one byte of options: every tokenizer
 * and metric. Texts that are not UTF-8 never reach the metrics, so they are left out here, too.
 */

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "common/utf8.h"
#include "eval/diversity.h"
#include "eval/geval.h"
#include "eval/squad.h"
#include "eval/suite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_TEXTS = 4, MAX_BYTES = 2000 }; /* alignment is quadratic */

static size_t split(const uint8_t *data, size_t size, struct da_span *texts)
{
    struct da_span rest = da_span((const char *)data, size), piece;
    size_t n = 0;

    while (n < MAX_TEXTS && da_span_split(&rest, (char)0xff, &piece))
        if (da_utf8_valid(piece.p, piece.len))
            texts[n++] = piece;
    return n;
}

static void in_range(double v, double most)
{
    assert(isnan(v) || (v >= 0 && v <= most * (1 + 1e-9)));
}

static void score(uint8_t o, struct da_work *w, const struct da_segment *seg)
{
    struct da_suite_opts opts = {.stem = o & 1, .rouge_tok = o & 2 ? DA_ROUGE_TOK_UNICODE
                                                                   : DA_ROUGE_TOK_ASCII};
    struct da_suite s;
    double row[DA_SUITE_MAX_STATS];

    da_bleu_defaults(&opts.bleu);
    da_chrf_defaults(&opts.chrf);
    opts.bleu.tokenize = (enum da_bleu_tok)(o % (DA_BLEU_TOK_NONE + 1));
    opts.bleu.lowercase = opts.chrf.whitespace = (o & 4) != 0;
    opts.bleu.smooth = (enum da_bleu_smooth)(o >> 3 & 3);
    opts.bleu_hf.max_order = 4;
    opts.chrf.char_order = o & 32 ? 12 : 6;
    opts.ter = (struct da_tercom_opts){(o & 64) != 0, (o & 32) != 0, (o & 128) != 0, (o & 1) != 0};
    assert(da_suite_init(&s, "bleu,bleu_hf,chrf,chrf++,ter,rouge1,rouge2,rougeL,rougeLsum,em,f1",
                         &opts, NULL) == DA_OK);
    (void)da_suite_segment(&s, w, seg, row);
    for (size_t i = 0; i < s.n; i++) {
        double v = da_suite_score(&s, i, row + s.from[i], false);
        if (s.kinds[i] != DA_SUITE_TER)
            in_range(v, s.kinds[i] == DA_SUITE_BLEU || s.kinds[i] == DA_SUITE_CHRF ||
                                s.kinds[i] == DA_SUITE_CHRFPP
                            ? 100
                            : 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct da_work w; /* kept, as a worker keeps it from segment to segment */
    static bool ready;
    struct da_span texts[MAX_TEXTS];
    double number, distinct[2];

    if (size < 2 || size > MAX_BYTES)
        return 0;
    size_t n = split(data + 1, size - 1, texts);
    if (n < 2)
        return 0;
    const struct da_segment seg = {texts[0], texts + 1, n - 1, texts[1]};
    if (!ready)
        da_work_init(&w);
    ready = true;
    da_work_next(&w);
    score(data[0], &w, &seg);
    in_range(da_self_bleu(DA_SELF_BLEU_SACRE, 4, &w, texts, n, NULL), 100);
    in_range(da_self_bleu(DA_SELF_BLEU_NLTK, 3, &w, texts, n, NULL), 1);
    da_distinct(&w, texts, n, 2, distinct);
    in_range(distinct[0], 1);
    if (da_geval_parse(texts[0], &number))
        assert(number >= 0);
    return 0;
}
