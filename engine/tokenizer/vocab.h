#ifndef ENGINE_TOKENIZER_VOCAB_H
#define ENGINE_TOKENIZER_VOCAB_H

/*
 * The description of a vocabulary: everything a source says about a tokenizer,
 * in one form, whether it came from GGUF, tokenizer.json or the program itself.
 * da_tokenizer_open_vocab makes a tokenizer of it; model import writes it out.
 *
 * Token texts are the bytes a token stands for: byte-level tokens are decoded
 * from GPT-2's printable alphabet, SentencePiece tokens keep U+2581 for a space
 * and "<0x0A>" for a byte.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/span.h"
#include "engine/tokenizer/split.h"
#include "engine/tokenizer/tokenizer.h"

enum {
    DA_VOCAB_MAX_TOKENS = 1 << 22,    /* the largest published vocabulary has 262,144 */
    DA_VOCAB_MAX_MERGES = (1 << 23) - 1,
    DA_VOCAB_MAX_TOKEN_LEN = 1 << 16, /* bytes */
    DA_VOCAB_MAX_ADDED_LEN = 1024     /* bytes of a token that is looked for in the text */
};

enum da_vocab_kind {
    DA_VOCAB_BPE,      /* merges in order of rank: GPT-2 and all its kin */
    DA_VOCAB_SPM,      /* SentencePiece BPE: the best score merges first */
    DA_VOCAB_UNIGRAM,  /* SentencePiece Unigram: the best sum of scores */
    DA_VOCAB_WORDPIECE /* BERT: longest match first */
};

/* GGUF's numbers. */
enum da_token_type {
    DA_TOKEN_NORMAL = 1,
    DA_TOKEN_UNKNOWN = 2,
    DA_TOKEN_CONTROL = 3,
    DA_TOKEN_USER = 4, /* found in the text before anything else */
    DA_TOKEN_UNUSED = 5,
    DA_TOKEN_BYTE = 6
};

/* How an added token (control or user) is matched; tokenizer.json's words. */
enum da_token_flag {
    DA_TOKEN_LSTRIP = 1 << 0,      /* takes the white space before it */
    DA_TOKEN_RSTRIP = 1 << 1,      /* takes the white space after it */
    DA_TOKEN_SINGLE_WORD = 1 << 2, /* not inside a word */
    DA_TOKEN_NORMALIZED = 1 << 3   /* looked for after normalization */
};

struct da_vocab_token {
    uint32_t at, len; /* in da_vocab.text */
    float score;
    uint8_t type;  /* enum da_token_type */
    uint8_t flags; /* enum da_token_flag */
};

struct da_vocab_merge {
    int32_t left, right, result;
};

/* Steps of normalization, in order. */
enum da_norm_step {
    DA_NORM_NFC,
    DA_NORM_NFD,
    DA_NORM_NFKC,
    DA_NORM_NFKD,
    DA_NORM_LOWERCASE,
    DA_NORM_STRIP_ACCENTS,    /* removes \p{Mn}, as BERT knows it */
    DA_NORM_STRIP_MARKS,      /* removes \p{M}, as tokenizers' StripAccents knows it */
    DA_NORM_BERT_CLEAN,       /* controls removed, white space to spaces */
    DA_NORM_BERT_CJK,         /* spaces around ideographs */
    DA_NORM_CHARSMAP,         /* SentencePiece's precompiled map */
    DA_NORM_COLLAPSE_SPACES,  /* runs of spaces become one, none at the ends */
    DA_NORM_COLLAPSE_WHITE,   /* the same for all white space */
    DA_NORM_SQUEEZE_SPACES,   /* runs of spaces become one */
    DA_NORM_STRIP_LEFT,       /* white space at the ends goes */
    DA_NORM_STRIP_RIGHT
};
enum { DA_NORM_MAX_STEPS = 8 };

struct da_vocab {
    enum da_vocab_kind kind;
    char name[32]; /* of a built-in vocabulary, else "" */
    bool borrowed; /* text, tokens and merges belong to the program's own image (ready.h) */
    size_t n_normal; /* so many tokens, the first, are known to be DA_TOKEN_NORMAL */
    struct da_buf text;
    struct da_vocab_token *tokens; /* [n], owned */
    size_t n, cap;
    double *exact_scores; /* [n], owned: Unigram scores that floats cannot hold; may be NULL */
    struct da_vocab_merge *merges; /* [n_merges] in order of rank, owned; BPE only */
    size_t n_merges, cap_merges;

    int32_t special[DA_TOK_N_SPECIAL]; /* -1: none */
    bool add_bos, add_eos, add_sep;

    bool byte_level;       /* symbols are bytes; else characters */
    bool ignore_merges;    /* a piece that is a token is that token */
    bool all_reachable;    /* merging a token's bytes gives that token: known of built-in ones */
    bool byte_fallback;    /* unknown characters become "<0x..>" tokens */
    bool drop_unk;         /* ... or, with no such tokens, give nothing at all */
    bool fuse_unk;         /* neighbouring unknown characters give one unknown token */
    bool escape_spaces;    /* ' ' stands in the vocabulary as U+2581 */
    bool add_space_prefix; /* a space before the text */
    bool prefix_first;     /* ... only before its very start, not after an added token */
    bool prefix_unless_space; /* ... but not when it begins with one */
    bool lone_prefix;      /* ... also before an added token that begins the text */
    bool late_spaces;      /* the prefix and U+2581 come after added tokens have been looked for */
    bool float_scores;     /* Unigram: sums in single precision over the whole text */
    char pre[32];          /* GGUF's name of the pre-split when read from one, else "" */
    struct da_split split;
    uint8_t norm[DA_NORM_MAX_STEPS]; /* enum da_norm_step */
    uint8_t n_norm;
    uint8_t n_norm_late; /* so many of them, the last, come after added tokens, too */
    struct da_buf charsmap;       /* for DA_NORM_CHARSMAP */
    char word_prefix[16];         /* WordPiece: "##", before tokens that go on a word */
    struct da_buf chat_template;  /* Jinja, may be empty */
};

/* "nfc", "lowercase", ...: what steps are called in files; -1 for an unknown name. */
const char *da_norm_name(enum da_norm_step step);
int da_norm_by_name(struct da_span name);

/* Keys of our own in GGUF files: the normalization steps, and ignore_merges. */
#define DA_VOCAB_NORM_KEY "docassist.tokenizer.normalizer"
#define DA_VOCAB_WHOLE_KEY "docassist.tokenizer.ignore_merges"
extern const char *const da_vocab_gguf_id_keys[DA_TOK_N_SPECIAL];

struct da_vocab *da_vocab_new(enum da_vocab_kind kind);
void da_vocab_free(struct da_vocab *v); /* NULL allowed */

/* Appends a token; DA_ELIMIT beyond DA_VOCAB_MAX_TOKENS or DA_VOCAB_MAX_TOKEN_LEN. */
enum da_rc da_vocab_add(struct da_vocab *v, struct da_span text, float score,
                        enum da_token_type type, unsigned flags, struct da_err *err);
enum da_rc da_vocab_add_merge(struct da_vocab *v, int32_t left, int32_t right, int32_t result,
                              struct da_err *err);
struct da_span da_vocab_text(const struct da_vocab *v, int32_t id); /* "" beyond the vocabulary */

/* GPT-2's alphabet: bytes to printable characters and back. da_bytes_from_printable appends the
 * bytes and returns false, appending nothing, when text holds a character outside the alphabet. */
void da_printable_from_bytes(struct da_span bytes, struct da_buf *out);
bool da_bytes_from_printable(struct da_span text, struct da_buf *out);

/* A token's text as GGUF files spell it: the printable alphabet for byte-level tokens, U+2581
 * before WordPiece tokens that begin a word and no "##" before the others, else as it is. */
void da_vocab_spelling(const struct da_vocab *v, int32_t id, struct da_buf *out);

struct da_textmap;
/* Adds the merge of two spelled texts; one whose parts or result are no tokens can never happen and
 * is left out. bytes is working memory. */
enum da_rc da_vocab_add_merge_text(struct da_vocab *v, const struct da_textmap *map,
                                   struct da_span left, struct da_span right,
                                   struct da_buf *bytes, struct da_err *err);

/* BERT's words: "##", its normalization, [CLS] before and [SEP] after. */
void da_vocab_set_bert(struct da_vocab *v, bool strip_accents, bool lowercase);

/* Sources. On success *ret is the caller's. */
enum da_rc da_vocab_builtin(struct da_vocab **ret, const char *name, struct da_err *err);
/* The same without tokens; NULL when there is no such vocabulary. */
struct da_vocab *da_vocab_builtin_frame(const char *name);
enum da_rc da_vocab_from_gguf(struct da_vocab **ret, const struct da_gguf *g, struct da_err *err);
/* Puts a vocabulary under the standard keys, filled up to n_vocab tokens. DA_EMISMATCH when it has
 * more, DA_EUNSUPPORTED when GGUF cannot express it. */
struct da_gguf_writer;
enum da_rc da_vocab_write_gguf(struct da_gguf_writer *w, const struct da_vocab *v,
                               uint32_t n_vocab, struct da_err *err);
/* json: the text of a tokenizer.json; config: of the tokenizer_config.json beside it, or empty. */
enum da_rc da_vocab_from_hf(struct da_vocab **ret, struct da_span json, struct da_span config,
                            struct da_err *err);
/* A SentencePiece .model file, BPE or Unigram. */
enum da_rc da_vocab_from_sentencepiece(struct da_vocab **ret, struct da_span model,
                                       struct da_err *err);
/* tiktoken's text: a base64 token and its rank a line. */
enum da_rc da_vocab_from_ranks(struct da_vocab **ret, struct da_span text, struct da_err *err);
/* GPT-2's vocab.json and merges.txt. */
enum da_rc da_vocab_from_gpt2(struct da_vocab **ret, struct da_span vocab, struct da_span merges,
                              struct da_err *err);
/* BERT's vocab.txt: a token a line. */
enum da_rc da_vocab_from_bert(struct da_vocab **ret, struct da_span text, bool lowercase,
                              struct da_err *err);

#endif
