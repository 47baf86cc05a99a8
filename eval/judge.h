#ifndef EVAL_JUDGE_H
#define EVAL_JUDGE_H

/*
 * G-Eval: a language model judges each sample, 1 to 5, over the chat API.
 *
 * Every reply is in the ledger before it is used, so a run that was cut short
 * goes on where it stopped and nothing is paid for twice. A reply that cannot
 * be used leaves its sample unscored and counted; there is no fallback from one
 * mode to the other, and no reply becomes a 0.
 */

#include <signal.h>

#include "api/client.h"
#include "eval/evaluate.h"

enum da_judge_mode {
    DA_JUDGE_LOGPROBS, /* one reply; expectation over the probabilities of 1..5 */
    DA_JUDGE_SAMPLES   /* n replies at temperature 1; mean of those that hold a score */
};

/* Replies whose probability for 1..5 together is less are not used. */
#define DA_JUDGE_LEAST_MASS 0.5

struct da_judge_opts {
    struct da_client_opts client;
    const char *model;
    enum da_judge_mode mode;
    unsigned n_samples;      /* of samples mode; the original's 20 */
    int64_t seed;            /* sent to the server; < 0: none */
    bool suggestion;         /* judge lists of questions, too */
    const char *prompts_dir; /* NULL: the built-in prompts */
    const volatile sig_atomic_t *stop;
    struct da_log *log;
};

struct da_judge;

enum da_rc da_judge_open(struct da_judge **ret, const struct da_judge_opts *opts,
                         struct da_err *err);
void da_judge_close(struct da_judge *j); /* NULL allowed */

/* "geval|judge:...|mode:logprobs|...", for the "geval" metric; and whether a task has it. */
const char *da_judge_signature(const struct da_judge *j);
bool da_judge_judges(const struct da_judge *j, enum da_task task);

struct da_judge_stats {
    size_t n_samples, n_scored;     /* samples of the judged tasks */
    uint64_t n_replies, n_unusable; /* of the judge */
    struct da_client_stats client;
};

/*
 * Fills the "geval" columns of samples that da_evaluate made with the judge's signature, 0..1.
 * DA_EINTR after *stop (what was answered is kept); DA_EUNSUPPORTED when the server gives no
 * log-probabilities in logprobs mode.
 */
enum da_rc da_judge_run(struct da_judge *j, const struct da_dataset *d, struct da_samples *s,
                        struct da_judge_stats *stats, struct da_err *err);

#endif
