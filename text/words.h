#ifndef TEXT_WORDS_H
#define TEXT_WORDS_H

/*
 * Words of text in any language: runs of letters, marks and digits; an
 * apostrophe between letters and a point or comma between digits belong to the
 * word ("don't", "1,500.25"). In scripts written without spaces every letter is
 * a word. Keys are lower case.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/span.h"

enum da_word_flag {
    DA_WORD_NUMBER = 1 << 0,  /* digits, points and commas only */
    DA_WORD_DIGITS = 1 << 1,  /* has a digit */
    DA_WORD_CAPITAL = 1 << 2, /* starts with a capital */
    DA_WORD_CAPS = 1 << 3,    /* two letters or more, all of them capitals */
    DA_WORD_SOLID = 1 << 4,   /* one letter of a script without spaces */
    DA_WORD_STOP = 1 << 5     /* a function word: "the", "and", "des" */
};

struct da_word {
    size_t start, end; /* bytes of the text */
    size_t key;        /* offset into da_words.keys */
    uint32_t key_len;
    unsigned flags;
    uint64_t hash; /* of the key */
};

struct da_words {
    struct da_word *items; /* [n], owned */
    size_t n, cap;
    struct da_buf keys;
    uint64_t stops[1024]; /* hashes of function words, open addressing; private */
};

void da_words_init(struct da_words *w);
void da_words_release(struct da_words *w);
/* Replaces w's words by those of the text (valid UTF-8). */
void da_words_split(struct da_words *w, const char *p, size_t len);
/* The word in lower case; valid until the next split. */
struct da_span da_words_key(const struct da_words *w, size_t i);

/* Index of the first word that starts at or after byte offset at; w->n when there is none. */
size_t da_words_at(const struct da_words *w, size_t at);

/* key: lower case. Function words of English and, where they cannot be mistaken for English
 * content words, of German, French, Spanish, Italian, Portuguese and Dutch. */
bool da_word_is_stop(struct da_span key);

#endif
