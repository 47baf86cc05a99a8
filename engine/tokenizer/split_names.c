/* What pre-splits are called in GGUF files and how tokenizer.json files spell them. */

#include "engine/tokenizer/split.h"

#include <string.h>

#include "common/attr.h"

#define STEPS_1(a) {{(a)}, 1}
#define STEPS_2(a, b) {{(a), (b)}, 2}
#define STEPS_3(a, b, c) {{(a), (b), (c)}, 3}
#define SPLIT_CODER                                                                              \
    {{DA_SPLIT_NEWLINES, DA_SPLIT_SPACE_L, DA_SPLIT_SPACE_P, DA_SPLIT_CODER_CJK,                 \
      DA_SPLIT_DIGITS},                                                                          \
     5}
/* Falcon's own tokenizer cuts digits after text has become bytes; llama.cpp leaves that out. */
#define SPLIT_FALCON                                                                             \
    {{DA_SPLIT_PUNCT_RUNS, DA_SPLIT_GPT2, DA_SPLIT_BYTE_DIGITS, DA_SPLIT_ASCII_3}, 4}
#define SPLIT_DEFAULT                                                                            \
    {{DA_SPLIT_PUNCT_DEFAULT, DA_SPLIT_GPT2, DA_SPLIT_DIGIT_RUNS, DA_SPLIT_ASCII_3}, 4}

/* The first name of a pre-split is the one written into files. Source: llama.cpp, whose files
 * carry these names. */
static const struct {
    const char *name;
    struct da_split split;
} names[] = {
    {"gpt-2", STEPS_1(DA_SPLIT_GPT2)},
    {"phi-2", STEPS_1(DA_SPLIT_GPT2)},
    {"mpt", STEPS_1(DA_SPLIT_GPT2)},
    {"olmo", STEPS_1(DA_SPLIT_GPT2)},
    {"jais", STEPS_1(DA_SPLIT_GPT2)},
    {"trillion", STEPS_1(DA_SPLIT_GPT2)},
    {"granite-docling", STEPS_1(DA_SPLIT_GPT2)},
    {"modern-bert", STEPS_1(DA_SPLIT_GPT2)},
    {"roberta-bpe", STEPS_1(DA_SPLIT_GPT2)},
    {"jina-v1-en", STEPS_1(DA_SPLIT_GPT2)},
    {"jina-v2-code", STEPS_1(DA_SPLIT_GPT2)},
    {"jina-v2-es", STEPS_1(DA_SPLIT_GPT2)},
    {"jina-v2-de", STEPS_1(DA_SPLIT_GPT2)},
    {"exaone4", STEPS_1(DA_SPLIT_GPT2)},
    {"gigachat", STEPS_1(DA_SPLIT_GPT2)},
    {"llama-bpe", STEPS_1(DA_SPLIT_LLAMA3)},
    {"llama3", STEPS_1(DA_SPLIT_LLAMA3)},
    {"llama-v3", STEPS_1(DA_SPLIT_LLAMA3)},
    {"falcon3", STEPS_1(DA_SPLIT_LLAMA3)},
    {"falcon-h1", STEPS_1(DA_SPLIT_LLAMA3)},
    {"lfm2", STEPS_1(DA_SPLIT_LLAMA3)},
    {"dbrx", STEPS_1(DA_SPLIT_LLAMA3)},
    {"smaug-bpe", STEPS_1(DA_SPLIT_LLAMA3)},
    {"chatglm-bpe", STEPS_1(DA_SPLIT_LLAMA3)},
    {"glm4", STEPS_1(DA_SPLIT_LLAMA3)},
    {"qwen2", STEPS_1(DA_SPLIT_QWEN2)},
    {"stablelm2", STEPS_1(DA_SPLIT_QWEN2)},
    {"deepseek-r1-qwen", STEPS_1(DA_SPLIT_QWEN2)},
    {"megrez", STEPS_1(DA_SPLIT_QWEN2)},
    {"hunyuan", STEPS_1(DA_SPLIT_QWEN2)},
    {"grok-2", STEPS_1(DA_SPLIT_QWEN2)},
    {"qwen35", STEPS_1(DA_SPLIT_QWEN35)},
    {"gpt-4o", STEPS_1(DA_SPLIT_O200K)},
    {"llama4", STEPS_1(DA_SPLIT_O200K)},
    {"kanana2", STEPS_1(DA_SPLIT_O200K)},
    {"tekken", STEPS_1(DA_SPLIT_TEKKEN)},
    {"pixtral", STEPS_1(DA_SPLIT_LLAMA3)},
    {"cl100k_base", STEPS_1(DA_SPLIT_CL100K)}, /* ours: llama.cpp has no name for it */
    {"starcoder", STEPS_2(DA_SPLIT_DIGITS, DA_SPLIT_GPT2)},
    {"smollm", STEPS_2(DA_SPLIT_DIGITS, DA_SPLIT_GPT2)},
    {"refact", STEPS_2(DA_SPLIT_DIGITS, DA_SPLIT_GPT2)},
    {"command-r", STEPS_2(DA_SPLIT_DIGITS, DA_SPLIT_GPT2)},
    {"codeshell", STEPS_2(DA_SPLIT_DIGITS, DA_SPLIT_GPT2)},
    {"exaone", STEPS_2(DA_SPLIT_DIGITS, DA_SPLIT_GPT2)},
    {"minerva-7b", STEPS_2(DA_SPLIT_DIGITS, DA_SPLIT_GPT2)},
    {"falcon", SPLIT_FALCON},
    {"deepseek-coder", SPLIT_CODER},
    {"deepseek-v3", STEPS_3(DA_SPLIT_DIGITS_1TO3, DA_SPLIT_CJK_RUNS, DA_SPLIT_DEEPSEEK3)},
    {"bloom", STEPS_1(DA_SPLIT_BLOOM)},
    {"poro-chat", STEPS_1(DA_SPLIT_BLOOM)},
    {"gpt3-finnish", STEPS_1(DA_SPLIT_BLOOM)},
    {"viking", STEPS_2(DA_SPLIT_BLOOM, DA_SPLIT_DIGITS)},
    {"gemma4", STEPS_1(DA_SPLIT_LINES)},
    {"default", SPLIT_DEFAULT},
};

#define CONTR "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define PREFIX "[^\\r\\n\\p{L}\\p{N}]?"
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define WHITE "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define STOPS "…。，、।۔،"

/* Spellings found in the tokenizer.json files of published models. */
static const struct {
    const char *regex;
    enum da_split_step step;
} regexes[] = {
    {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
     DA_SPLIT_GPT2},
    {"'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
     DA_SPLIT_GPT2},
    {CONTR "|" PREFIX "\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" WHITE,
     DA_SPLIT_LLAMA3},
    {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++"
     "[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
     DA_SPLIT_LLAMA3},
    {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++"
     "[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s",
     DA_SPLIT_CL100K},
    {CONTR "|" PREFIX "\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" WHITE, DA_SPLIT_QWEN2},
    {CONTR "|" PREFIX "[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*" WHITE,
     DA_SPLIT_QWEN35},
    {PREFIX UPPER "*" LOWER "+" CONTR "?|" PREFIX UPPER "+" LOWER "*" CONTR
                  "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" WHITE,
     DA_SPLIT_O200K},
    {PREFIX UPPER "*" LOWER "+|" PREFIX UPPER "+" LOWER
                  "*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" WHITE,
     DA_SPLIT_TEKKEN},
    {"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?"
     "[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
     DA_SPLIT_DEEPSEEK3},
    {"\\p{N}", DA_SPLIT_DIGITS},
    {"\\p{N}+", DA_SPLIT_DIGIT_RUNS},
    {"\\p{N}{1,3}", DA_SPLIT_DIGITS_1TO3},
    {"[0-9][0-9][0-9]", DA_SPLIT_ASCII_3},
    {"[\r\n]", DA_SPLIT_NEWLINES},
    {"\\s?\\p{L}+", DA_SPLIT_SPACE_L},
    {"\\s?\\p{P}+", DA_SPLIT_SPACE_P},
    {"[一-龥぀-ゟ゠-ヿ]+", DA_SPLIT_CJK_RUNS},
    {"[一-龥ࠀ-一가-퟿]+", DA_SPLIT_CODER_CJK},
    {" ?[^(\\s|[.,!?" STOPS "])]+", DA_SPLIT_BLOOM},
    {" ?[^(\\s|.,!?" STOPS ")]+", DA_SPLIT_BLOOM},
};

bool da_split_by_name(struct da_span name, struct da_split *out)
{
    for (size_t i = 0; i < DA_ARRAY_LEN(names); i++) {
        if (da_span_is(name, names[i].name)) {
            *out = names[i].split;
            return true;
        }
    }
    return false;
}

const char *da_split_name(const struct da_split *s)
{
    for (size_t i = 0; i < DA_ARRAY_LEN(names); i++)
        if (names[i].split.n == s->n && memcmp(names[i].split.steps, s->steps, s->n) == 0)
            return names[i].name;
    return NULL;
}

bool da_split_by_regex(struct da_span regex, enum da_split_step *out)
{
    for (size_t i = 0; i < DA_ARRAY_LEN(regexes); i++) {
        if (da_span_is(regex, regexes[i].regex)) {
            *out = regexes[i].step;
            return true;
        }
    }
    return false;
}
