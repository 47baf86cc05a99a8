#ifndef ANNOTATE_CARD_H
#define ANNOTATE_CARD_H

/*
 * The dataset card of an exported folder: README.md with the YAML front matter
 * that the Hugging Face Hub reads, and what a reader wants to know of the data.
 */

#include <stdbool.h>
#include <stdint.h>

#include "annotate/splits.h"
#include "common/buf.h"
#include "common/map.h"
#include "schemas/annotation.h"

enum da_export_format { DA_EXPORT_MESSAGES, DA_EXPORT_PROMPT_COMPLETION };

struct da_card_split {
    uint64_t n_documents, n_examples, n_bytes;
    /* 12-word runs shared with earlier splits, see annotate/contamination.h */
    uint64_t n_touched; /* documents with any shared run */
    uint64_t n_contaminated;
};

struct da_card_spread { /* of a quantity, over documents */
    uint64_t n;
    double sum, sum_squares, min, max;
};

struct da_card {
    enum da_export_format format;
    struct da_card_split split[DA_N_SPLITS];
    struct da_map languages, licences, types, models; /* counts of documents */
    struct da_card_spread n_tokens, n_tokens_source, prompt_tokens, completion_tokens;
    uint64_t n_clusters_shared; /* documents that are not alone in their cluster */
    uint64_t n_left_out;        /* they bridge two splits */
    bool compared;              /* splits were compared for contamination */
    bool decontaminated;        /* contaminated documents were left out */
    uint64_t n_check_failed;    /* annotations kept although a check failed */
    uint64_t seed;
    double percent[DA_N_SPLITS];
};

void da_card_init(struct da_card *c);
void da_card_release(struct da_card *c);
/* Counts one annotation, whose examples went into split s. */
void da_card_add(struct da_card *c, const struct da_annotation *a, enum da_split s);
/* Appends README.md. */
void da_card_write(const struct da_card *c, struct da_buf *out);

#endif
