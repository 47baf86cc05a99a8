#ifndef ANNOTATE_CONTAMINATION_H
#define ANNOTATE_CONTAMINATION_H

/*
 * What a test document shares with the documents a model is trained on, in runs
 * of twelve words (the length of datatrove's n-gram decontamination; GPT-3 used
 * 13). A document of the test split is compared with training and validation,
 * one of validation with training. It is contaminated when
 *
 *   - a run of one of its responses (summary, questions, answer) stands anywhere
 *     in an earlier split, or
 *   - a tenth of the runs of its text do.
 *
 * Use: note every annotation of validation and test, then mark every annotation
 * of all splits, then ask about those of validation and test. Memory: about 24
 * bytes for each different run noted; past 16 million, runs of texts (not of
 * responses) are thinned by their hash, which leaves shares unbiased.
 */

#include <stdbool.h>
#include <stdint.h>

#include "annotate/splits.h"
#include "schemas/annotation.h"

enum { DA_CONTAMINATION_ORDER = 12 };

struct da_contamination;

struct da_contamination *da_contamination_new(void);
void da_contamination_free(struct da_contamination *c); /* NULL allowed */

/* text: the document's. */
void da_contamination_note(struct da_contamination *c, const struct da_annotation *a,
                           struct da_span text);
void da_contamination_mark(struct da_contamination *c, const struct da_annotation *a,
                           struct da_span text, enum da_split s);

struct da_contamination_found {
    double text_share; /* of the text's runs that stand in an earlier split */
    bool response;     /* a run of a response does */
    bool contaminated;
};

/* About a noted annotation of split s; nothing is found for the training split. */
struct da_contamination_found da_contamination_of(struct da_contamination *c,
                                                  const struct da_annotation *a,
                                                  struct da_span text, enum da_split s);

#endif
