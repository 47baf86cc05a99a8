#ifndef ANNOTATE_BACKEND_EXTRACTIVE_H
#define ANNOTATE_BACKEND_EXTRACTIVE_H

/*
 * The annotator that needs no model and no key: a TextRank summary, questions
 * made by rules, answers that are sentences of the document (text/outline.h,
 * text/question.h). A floor to compare with, named so in origin.model.
 */

#include "annotate/annotate.h"

#define DA_EXTRACTIVE_MODEL "extractive-1"

/* prompts_dir: where the phrasings of requests come from; NULL: the built-in ones. */
enum da_rc da_backend_extractive_new(struct da_backend **ret, const char *prompts_dir,
                                     struct da_err *err);

#endif
