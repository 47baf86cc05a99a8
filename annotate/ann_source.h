#ifndef ANNOTATE_ANN_SOURCE_H
#define ANNOTATE_ANN_SOURCE_H

/* Document records one after another; private to the loop and its tests. */

#include "annotate/annotate.h"

enum da_rc da_ann_source_open(struct da_ann_source **ret, const char *path, struct da_err *err);
void da_ann_source_close(struct da_ann_source *s); /* NULL allowed */

#endif
