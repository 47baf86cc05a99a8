#ifndef ANNOTATE_ANN_REPORT_H
#define ANNOTATE_ANN_REPORT_H

/*
 * A page about a run of annotations for the people who will use them: how many
 * failed and why with examples, tokens as in the paper's table 4, how the
 * measures of the quality checks are distributed, what kinds of questions were
 * asked. One HTML file without scripts or links. Memory does not grow with the
 * number of annotations.
 */

#include "common/err.h"

/* annotations: records; errors: what annotate --errors wrote, or NULL; page: written whole. */
enum da_rc da_ann_report(const char *annotations, const char *errors, const char *page,
                         struct da_err *err);

#endif
