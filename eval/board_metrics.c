/*
 * The metrics a board knows: names, direction, and their place in the paper's
 * tables (arXiv 2411.09944, tables 5 and 14 to 16). Any other metric of a score
 * record is shown under its own name, outside the averages.
 */

#include <stdint.h>
#include <string.h>

#include "eval/board.h"

enum {
    SUMM = 1 << DA_BOARD_SUMM,
    QA = 1 << DA_BOARD_QA,
    QS = 1 << DA_BOARD_QS,
    ALL = SUMM | QA | QS
};

static const char *const task_names[DA_BOARD_N_TASKS] = {
    [DA_BOARD_SUMM] = "summarization",
    [DA_BOARD_QA] = "question_answering",
    [DA_BOARD_QS] = "question_suggestion",
};

const char *const da_board_task_titles[DA_BOARD_N_TASKS] = {
    [DA_BOARD_SUMM] = "Summarization",
    [DA_BOARD_QA] = "Question answering",
    [DA_BOARD_QS] = "Question suggestion",
};

static const struct da_board_metric known[] = {
    {"bleu", "BLEU", "Corpus BLEU: word sequences shared with the reference, up to four words",
     DA_BOARD_HIGHER, 3, ALL, ALL},
    {"rouge1", "ROUGE-1", "Mean F-measure of single words shared with the reference",
     DA_BOARD_HIGHER, 3, ALL, ALL},
    {"rouge2", "ROUGE-2", "Mean F-measure of word pairs shared with the reference", DA_BOARD_HIGHER,
     3, ALL, ALL},
    {"rougeL", "ROUGE-L", "Mean F-measure of the longest common subsequence with the reference",
     DA_BOARD_HIGHER, 3, ALL, ALL},
    {"sts", "STS", "Cosine similarity of sentence embeddings of answer and reference",
     DA_BOARD_HIGHER, 3, ALL, ALL},
    {"geval", "GEval", "A judge model's grade of the answer, 0 to 1", DA_BOARD_HIGHER, 3, SUMM | QA,
     SUMM | QA},
    {"diversity", "Diversity",
     "Self-BLEU among suggested questions: lower is more diverse; never in an average",
     DA_BOARD_LOWER, 3, QS, 0},
    {"rougeLsum", "ROUGE-Lsum", "ROUGE-L by lines", DA_BOARD_HIGHER, 3, 0, 0},
    {"chrf", "chrF", "Character n-gram F-score", DA_BOARD_HIGHER, 3, 0, 0},
    {"chrf++", "chrF++", "Character and word n-gram F-score", DA_BOARD_HIGHER, 3, 0, 0},
    {"ter", "TER", "Edits needed to reach the reference, per reference word", DA_BOARD_LOWER, 3, 0,
     0},
    {"em", "Exact match", "Share of answers equal to the reference (SQuAD rules)", DA_BOARD_HIGHER,
     3, 0, 0},
    {"f1", "Token F1", "Mean F1 of answer and reference tokens (SQuAD rules)", DA_BOARD_HIGHER, 3,
     0, 0},
    {"contains", "Contained",
     "Share of answers that hold the reference's words, one after the other (SQuAD rules)",
     DA_BOARD_HIGHER, 3, 0, 0},
    {"copy", "Copied", "Share of the answer's four-word sequences that stand in the document",
     DA_BOARD_NEUTRAL, 3, 0, 0},
    {"length", "Words", "Mean words of an answer", DA_BOARD_NEUTRAL, 1, 0, 0},
};

const char *da_board_task_name(enum da_board_task t)
{
    return t < DA_BOARD_N_TASKS ? task_names[t] : "";
}

enum da_board_task da_board_task_of(const char *p, size_t len)
{
    for (unsigned t = 0; t < DA_BOARD_N_TASKS; t++) {
        if (strlen(task_names[t]) == len && memcmp(p, task_names[t], len) == 0) {
            return (enum da_board_task)t;
        }
    }
    return DA_BOARD_N_TASKS;
}

void da_board_metrics_init(struct da_board *b)
{
    b->n_metrics = DA_ARRAY_LEN(known);
    memcpy(b->metrics, known, sizeof known);
}

size_t da_board_metric_of(struct da_board *b, const char *key, size_t len)
{
    for (size_t i = 0; i < b->n_metrics; i++) {
        if (strlen(b->metrics[i].key) == len && memcmp(b->metrics[i].key, key, len) == 0) {
            return i;
        }
    }
    if (b->n_metrics == DA_BOARD_MAX_METRICS) {
        return SIZE_MAX;
    }
    char *name = da_board_str(b, da_span(key, len));
    b->metrics[b->n_metrics] = (struct da_board_metric){
        .key = name, .label = name, .what = "", .better = DA_BOARD_NEUTRAL, .decimals = 3};
    return b->n_metrics++;
}
