#ifndef TEXT_ABBREV_H
#define TEXT_ABBREV_H

/* Private to text/: words that carry a full stop without ending a sentence. */

#include "common/span.h"

enum da_abbrev {
    DA_ABBREV_NONE,
    DA_ABBREV_NEVER_ENDS, /* titles and the like: something always follows ("Dr.", "e.g.") */
    DA_ABBREV_NUMBERED,   /* takes a number ("No. 5", "Fig. 2"); before a word it ends */
    DA_ABBREV_MAYBE       /* may end one ("Inc.", "a.m."): the next word decides */
};

/* word: lower case, without the final stop; inner stops kept ("e.g"). */
enum da_abbrev da_abbrev_find(struct da_span word);

/* Whether word (lower case) often opens a sentence and is seldom part of a name. */
bool da_abbrev_is_opener(struct da_span word);
/* Whether word (lower case) is the name of a month: "3. Mai" is a date. */
bool da_abbrev_is_month(struct da_span word);

#endif
