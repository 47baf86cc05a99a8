#ifndef TEXT_QUESTION_LANG_H
#define TEXT_QUESTION_LANG_H

/* Private to text/: how to ask in a language, and which language a text seems to be in. */

#include "common/span.h"
#include "text/outline.h"

struct da_question_language {
    const char *code;       /* ISO 639-1 */
    const char *topic;      /* one %s: a name or heading of the document */
    const char *generic[3]; /* questions every document answers */
};

/* By code (a longer tag's first part counts), judged from the words when code is empty, English
 * when neither helps. Never NULL. */
const struct da_question_language *da_question_language(struct da_span code,
                                                        const struct da_outline *o);

#endif
