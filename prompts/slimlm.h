#ifndef PROMPTS_SLIMLM_H
#define PROMPTS_SLIMLM_H

/*
 * The released SlimLM model's own prompt and answer (DESIGN.md 5.6), byte for byte:
 *
 *     SYSTEM "\n\n" " " <document>\n...\n</document>\n\n<request>\n...\n</request>
 *     <intent>: NAME\n<response>\n...\n</response>
 *
 * Used by export (what is trained), generate (what is asked) and eval (what is read back).
 */

#include <stdbool.h>

#include "common/buf.h"
#include "common/span.h"

/* The system text. Source and licence: prompts/README.md. Static. */
struct da_span da_slimlm_system(void);

/* Appends the user message: document and request in their marks. */
void da_slimlm_user(struct da_span document, struct da_span request, struct da_buf *out);
/* Appends the whole raw prompt, white space at its end stripped. */
void da_slimlm_prompt(struct da_span document, struct da_span request, struct da_buf *out);
/* Appends the answer the model is trained to give. */
void da_slimlm_answer(const char *intent, struct da_span response, struct da_buf *out);

struct da_slimlm_reply {
    struct da_span intent;   /* as written, trimmed; empty when there is none */
    struct da_span response; /* trimmed */
    bool strict;             /* exactly the trained form, white space at the end aside */
    bool closed;             /* </response> was there */
};

/*
 * Reads an answer back; never fails. Not in the trained form it takes what it can: the intent
 * from the first "<intent>:" line, the response from "<response>" to "</response>" or the end,
 * or else what follows the intent line, or else all of the text. An answer cut before
 * "</response>" (generation may stop there) is strict if all before is in form.
 */
void da_slimlm_parse(struct da_span text, struct da_slimlm_reply *r);

#endif
