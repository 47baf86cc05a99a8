#ifndef SCHEMAS_PREDICTION_H
#define SCHEMAS_PREDICTION_H

/* The prediction record (prediction.schema.json): made by generate or by any other tool. */

#include <stdint.h>

#include "schemas/record.h"

struct da_prediction {
    struct da_span id;       /* the example's */
    struct da_span response; /* p NULL: only raw is there */
    struct da_span raw;      /* the model's whole output; p NULL: only response is there */
    struct da_span model;    /* p NULL: not said */
    struct da_span intent;   /* parsed intent; p NULL: none */
    bool has_task;
    enum da_task task;
    int64_t prompt_tokens, completion_tokens; /* -1: not known */
    struct da_span finish_reason;             /* p NULL: not said */
    bool prompt_truncated;
    const struct da_json *origin; /* as read; NULL: none */
    const struct da_json *json;   /* what was read; NULL for a new record */
};

/* A struct with nothing in it, to fill for a new record. */
void da_prediction_init(struct da_prediction *p);
enum da_rc da_prediction_read(const struct da_json *j, struct da_prediction *ret,
                              struct da_err *err);
/* origin, logprobs: JSON texts for a new record; p NULL leaves them out (or writes what was
 * read). */
void da_prediction_write(const struct da_prediction *p, struct da_span origin,
                         struct da_span logprobs, struct da_jw *w);

#endif
