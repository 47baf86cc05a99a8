#ifndef ANNOTATE_REPLY_H
#define ANNOTATE_REPLY_H

/*
 * The annotator's reply: one JSON object with the members summary, questions[3], question and
 * answer. Its schema stands beside its reader.
 */

#include "annotate/annotate.h"

enum { DA_REPLY_N_QUESTIONS = 3, DA_REPLY_ERROR_MAX = 160 };

#define DA_REPLY_SCHEMA_NAME "annotation"
/* Within the subset of JSON Schema that strict mode takes. */
extern const char da_reply_schema[];

/*
 * Reads content into the responses of answers (the requests of summary and suggestion are the
 * caller's), in arena memory. Unambiguous faults are repaired: a code fence or prose around
 * the object, commas before a closing bracket, raw line breaks in strings, numbered questions,
 * more than three of them. False leaves answers as they were and says in error, as part of a
 * sentence, what is wrong.
 */
bool da_reply_parse(struct da_span content, struct da_arena *arena, struct da_answers *answers,
                    char error[DA_REPLY_ERROR_MAX]);

#endif
