#ifndef ENGINE_TOKENIZER_SPLIT_H
#define ENGINE_TOKENIZER_SPLIT_H

/*
 * Pre-splits: where a text is cut before its pieces are tokenized.
 *
 * Each family of models cuts by a regular expression of its own. Here every
 * expression is a scanner over the Unicode class tables that finds the end of
 * the piece starting at an offset. No character is looked at more than a few
 * times, so splitting is linear. A pre-split is a list of steps; each step cuts
 * the pieces of the step before it, as in Hugging Face's `Sequence` of
 * pre-tokenizers, and sees nothing beyond the piece it cuts.
 *
 * The expressions are public facts: tiktoken's openai_public.py, the
 * tokenizer.json files of the models, llama.cpp's list of pre-tokenizers.
 * A byte that is not UTF-8 counts as a symbol of its own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/span.h"

/*
 * Shorthand below: CONTR = 's|'t|'re|'ve|'m|'ll|'d, (?i:CONTR) in either case,
 * WS = \s*[\r\n]+|\s+(?!\S)|\s+, U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}],
 * W = [\p{Ll}\p{Lm}\p{Lo}\p{M}], X = [^\r\n\p{L}\p{N}].
 */
enum da_split_step {
    DA_SPLIT_NONE,   /* no cut */
    DA_SPLIT_GPT2,   /* CONTR| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
    DA_SPLIT_CL100K, /* Llama 3's, but white space that ends the text is one piece */
    DA_SPLIT_LLAMA3, /* (?i:CONTR)|X?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|WS */
    DA_SPLIT_QWEN2,  /* (?i:CONTR)|X?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|WS */
    DA_SPLIT_QWEN35, /* (?i:CONTR)|X?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|WS */
    DA_SPLIT_O200K,  /* X?U*W+(?i:CONTR)?|X?U+W*(?i:CONTR)?|\p{N}{1,3}|
                         ?[^\s\p{L}\p{N}]+[\r\n/]*|WS */
    DA_SPLIT_TEKKEN, /* X?U*W+|X?U+W*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|WS */
    DA_SPLIT_DEEPSEEK3,   /* [ASCII punctuation][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|
                              ?[\p{P}\p{S}]+[\r\n]*|WS */
    DA_SPLIT_DIGITS,      /* each \p{N} alone */
    DA_SPLIT_DIGIT_RUNS,  /* \p{N}+ */
    DA_SPLIT_DIGITS_1TO3, /* \p{N}{1,3} */
    DA_SPLIT_BYTE_DIGIT,  /* each \p{N} alone among the characters that stand for bytes: 0-9 and the
                             bytes that are superscripts and fractions in Latin-1 */
    DA_SPLIT_BYTE_DIGITS, /* runs of these */
    DA_SPLIT_ASCII_3,     /* [0-9][0-9][0-9] */
    DA_SPLIT_PUNCT,       /* each \p{P} or ASCII punctuation alone */
    DA_SPLIT_PUNCT_RUNS,  /* [\p{P}ASCII punctuation]+ */
    DA_SPLIT_PUNCT_DEFAULT, /* [\p{P}$+<=>^~|]+ */
    DA_SPLIT_NEWLINES,    /* each [\r\n] alone */
    DA_SPLIT_LINES,       /* [^\n]+|[\n]+ */
    DA_SPLIT_CJK_RUNS,    /* [U+4E00-9FA5 U+3040-309F U+30A0-30FF]+ */
    DA_SPLIT_CODER_CJK,   /* [U+4E00-9FA5 U+0800-4E00 U+AC00-D7FF]+ */
    DA_SPLIT_SPACE_L,     /* \s?\p{L}+ */
    DA_SPLIT_SPACE_P,     /* \s?\p{P}+ */
    DA_SPLIT_BLOOM,       /*  ?[^\s(|.,!?... and CJK and Arabic stops]+ */
    DA_SPLIT_METASPACE,   /* before each U+2581 */
    DA_SPLIT_N_STEPS
};

enum { DA_SPLIT_MAX_STEPS = 6 };

struct da_split {
    uint8_t steps[DA_SPLIT_MAX_STEPS]; /* enum da_split_step */
    uint8_t n;
};

/* The pre-split behind a name of GGUF's tokenizer.ggml.pre; false when the name is unknown. */
bool da_split_by_name(struct da_span name, struct da_split *out);
/* The first such name that gives this pre-split, or NULL. */
const char *da_split_name(const struct da_split *s);
/* The step that a regular expression of a tokenizer.json stands for; false when not listed. */
bool da_split_by_regex(struct da_span regex, enum da_split_step *out);

/* End of the piece that starts at offset at; at < end, the text ends at end. */
size_t da_split_next(enum da_split_step step, const char *p, size_t at, size_t end);

/* The ends of up to max pieces from offset at on, into ends; returns how many (0: at is end). */
size_t da_split_many(enum da_split_step step, const char *p, size_t at, size_t end,
                     uint32_t *ends, size_t max);

#endif
