#ifndef ENGINE_TOKENIZER_TOKENIZER_H
#define ENGINE_TOKENIZER_TOKENIZER_H

/*
 * Text to token ids and back, for every tokenizer kind the engine knows.
 *
 * A tokenizer is made once from a source (built-in name, GGUF, tokenizer.json,
 * ...) and never changes: any number of threads may use one. What encoding
 * needs to write stands in a struct da_tok_scratch, one a thread.
 *
 * Encoding is linear (times a logarithm in pieces without any boundary) on
 * every input. Text may hold any bytes: byte-level tokenizers give back
 * exactly what went in, others see U+FFFD for each byte that is not UTF-8.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/span.h"

struct da_gguf;
struct da_tokenizer;
struct da_tok_scratch;
struct da_vocab;

/* Longest text of one call: offsets are 32 bits wide. */
#define DA_TOK_MAX_TEXT ((size_t)1 << 30)

enum {
    DA_TOK_ADD_SPECIAL = 1 << 0,  /* what the model wants around a text: BOS, EOS, [CLS], ... */
    DA_TOK_PARSE_SPECIAL = 1 << 1, /* text such as "<|im_end|>" becomes its control token */
    DA_TOK_MARKED = 1 << 2 /* but not where da_tokenizer_mark has marked it; marks vanish */
};

/* U+FDD0, a character that Unicode reserves for uses like this one. */
#define DA_TOK_MARK "\xef\xb7\x90"

/* A growing list of token ids. */
struct da_ids {
    int32_t *p; /* owned */
    size_t n, cap;
};
void da_ids_init(struct da_ids *ids);
void da_ids_release(struct da_ids *ids);
void da_ids_reset(struct da_ids *ids); /* empty, memory kept */
void da_ids_add(struct da_ids *ids, int32_t id);

/*
 * Opening. A source is "o200k_base", "cl100k_base", or the path of a file, told by
 * its content: GGUF, tokenizer.json, SentencePiece .model, tiktoken ranks,
 * vocab.json with merges.txt beside it, vocab.txt; or of a folder that holds one.
 */
enum da_rc da_tokenizer_open(struct da_tokenizer **ret, const char *source, struct da_err *err);
/* Copies what it needs: g may be closed afterwards. */
enum da_rc da_tokenizer_open_gguf(struct da_tokenizer **ret, const struct da_gguf *g,
                                  struct da_err *err);
/* Takes ownership of v, also on failure. */
enum da_rc da_tokenizer_open_vocab(struct da_tokenizer **ret, struct da_vocab *v,
                                   struct da_err *err);
void da_tokenizer_close(struct da_tokenizer *t); /* NULL allowed */

/* The description it was made from, for writing into another file. Owned by t. */
const struct da_vocab *da_tokenizer_vocab(const struct da_tokenizer *t);
/* "o200k_base", or the kind and pre-split ("bpe/qwen2", "spm"): for records and messages. */
const char *da_tokenizer_name(const struct da_tokenizer *t);

/* Working memory and caches for encoding, about 2 MB. May move between tokenizers, which empties
 * the caches. */
struct da_tok_scratch *da_tok_scratch_new(void);
void da_tok_scratch_free(struct da_tok_scratch *s); /* NULL allowed */

/* Appends the ids of text. DA_ELIMIT when the text is too long. flags: DA_TOK_*. */
enum da_rc da_tokenizer_encode(const struct da_tokenizer *t, struct da_tok_scratch *s,
                               struct da_span text, unsigned flags, struct da_ids *out,
                               struct da_err *err);
/*
 * Appends text with a mark inside whatever looks like a control token. Texts of users are put into
 * a chat template like this: the template's own control tokens are found in what it renders, those
 * that a document spells out are not, and with DA_TOK_MARKED it is tokenized as if the marks had
 * never been there. Marks that the text has itself are left out.
 */
void da_tokenizer_mark(const struct da_tokenizer *t, struct da_span text, struct da_buf *out);
/* The number of ids that encoding gives. */
enum da_rc da_tokenizer_count(const struct da_tokenizer *t, struct da_tok_scratch *s,
                              struct da_span text, unsigned flags, size_t *n,
                              struct da_err *err);

/*
 * Decoding. da_tokenizer_decode appends exactly the bytes the ids stand for,
 * control tokens left out unless DA_TOK_DECODE_SPECIAL; ids outside the
 * vocabulary give nothing.
 */
enum { DA_TOK_DECODE_SPECIAL = 1 << 0 };
void da_tokenizer_decode(const struct da_tokenizer *t, const int32_t *ids, size_t n,
                         unsigned flags, struct da_buf *out);

/* Streaming: each call appends only whole UTF-8 characters; bytes that can never become one turn
 * into U+FFFD. Zero it (or da_tok_stream_init) before the first id of a text. */
struct da_tok_stream {
    char pending[4];
    unsigned n_pending;
    bool started;
};
void da_tok_stream_init(struct da_tok_stream *st);
void da_tok_stream_add(struct da_tok_stream *st, const struct da_tokenizer *t, int32_t id,
                       unsigned flags, struct da_buf *out);
/* What is still pending becomes one U+FFFD. */
void da_tok_stream_end(struct da_tok_stream *st, struct da_buf *out);

/* Facts. Ids run from 0 to da_tokenizer_size() - 1; some may be unused. */
size_t da_tokenizer_size(const struct da_tokenizer *t);
/* The text of an id in the vocabulary: the bytes it stands for (SentencePiece: with U+2581 for a
 * space and "<0x0A>" for a byte), "" for ids that do not exist. Owned by t. */
struct da_span da_tokenizer_token(const struct da_tokenizer *t, int32_t id);
/* The id of a control or added token by its text ("<|im_end|>"), or -1. */
int32_t da_tokenizer_find(const struct da_tokenizer *t, struct da_span text);
bool da_tokenizer_is_control(const struct da_tokenizer *t, int32_t id);
/* Ids after which a model has nothing more to say: EOS, end of turn, end of message. */
bool da_tokenizer_is_end(const struct da_tokenizer *t, int32_t id);

enum da_tok_special {
    DA_TOK_BOS,
    DA_TOK_EOS,
    DA_TOK_EOT, /* end of turn */
    DA_TOK_EOM, /* end of message */
    DA_TOK_UNK,
    DA_TOK_SEP,
    DA_TOK_PAD,
    DA_TOK_CLS,
    DA_TOK_MASK,
    DA_TOK_N_SPECIAL
};
int32_t da_tokenizer_special(const struct da_tokenizer *t, enum da_tok_special which); /* or -1 */
/* Whether DA_TOK_ADD_SPECIAL puts BOS before a text. */
bool da_tokenizer_adds_bos(const struct da_tokenizer *t);
/* The Jinja chat template that came with the vocabulary, or an empty span. Owned by t. */
struct da_span da_tokenizer_chat_template(const struct da_tokenizer *t);

#endif
