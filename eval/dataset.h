#ifndef EVAL_DATASET_H
#define EVAL_DATASET_H

/* Private to evaluation: examples and predictions in memory, joined by id. */

#include "common/arena.h"
#include "common/map.h"
#include "eval/evaluate.h"

struct da_eval_example {
    struct da_span id, document, request, response;
    enum da_task task;
    char sha256[65]; /* over id, task, document, request, response, each with its length */
};

struct da_dataset {
    struct da_arena arena;
    struct da_eval_example *items; /* [n], ascending ids */
    size_t n, cap;
    struct da_map by_id;     /* index into items */
    struct da_map documents; /* their texts, each kept once: three examples share one */
    char sha256[65];
};

struct da_eval_prediction {
    size_t line; /* 0: there is none */
    struct da_span response, raw, intent; /* p NULL: not given */
};

struct da_predictions {
    struct da_arena arena;
    struct da_eval_prediction *items; /* [n examples], by example */
    size_t n_found;
    struct da_span model;  /* p NULL: not said */
    struct da_span origin; /* JSON text of the first example's prediction; p NULL: none */
};

enum da_rc da_predictions_read(const struct da_dataset *d, const char *path, bool partial,
                               struct da_predictions *ret, struct da_err *err);
void da_predictions_release(struct da_predictions *p);

#endif
