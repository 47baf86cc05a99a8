#ifndef INGEST_HYPHENS_H
#define INGEST_HYPHENS_H

/*
 * Words divided at the end of a line: joined when the document gives reason, by the words it has
 * inside its lines.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/map.h"
#include "common/span.h"

struct da_hyphens {
    struct da_map words; /* lower-case words and hyphenated words seen inside lines */
    struct da_map stems; /* the first bytes of the long ones */
};

enum da_join { DA_JOIN_SPACE, DA_JOIN_NOTHING, DA_JOIN_DROP_HYPHEN };

void da_hyphens_init(struct da_hyphens *h);
void da_hyphens_release(struct da_hyphens *h);

/* Takes in the words of a line. after_hyphen: what the call for the line before returned, false
 * for the first. True: this line ends with a hyphen. */
bool da_hyphens_note(struct da_hyphens *h, struct da_span line, bool after_hyphen);

/* How the line next continues the text before. */
enum da_join da_hyphens_join(const struct da_hyphens *h, struct da_span before,
                             struct da_span next);

/* A letter, as far as words at line ends go: any byte of a character beyond ASCII is one. */
bool da_is_word_byte(char c);

#endif
