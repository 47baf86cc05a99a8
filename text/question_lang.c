/* Question phrases of some languages; the first row is the fallback. */

#include "text/question_lang.h"

#include <stdint.h>
#include <string.h>

#include "common/attr.h"
#include "common/utf8.h"

static const struct da_question_language languages[] = {
    {"en", "What does the document say about \"%s\"?",
     {"What is this document about?", "Which details does the document give?",
      "What is the most important point of the document?"}},
    {"de", "Was sagt das Dokument \u00fcber \u201e%s\u201c?",
     {"Worum geht es in diesem Dokument?", "Welche Einzelheiten nennt das Dokument?",
      "Was ist der wichtigste Punkt des Dokuments?"}},
    {"fr", "Que dit le document \u00e0 propos de \u00ab\u00a0%s\u00a0\u00bb ?",
     {"De quoi parle ce document ?", "Quels d\u00e9tails le document donne-t-il ?",
      "Quel est le point le plus important du document ?"}},
    {"es", "\u00bfQu\u00e9 dice el documento sobre \u00ab%s\u00bb?",
     {"\u00bfDe qu\u00e9 trata este documento?", "\u00bfQu\u00e9 detalles ofrece el documento?",
      "\u00bfCu\u00e1l es el punto m\u00e1s importante del documento?"}},
    {"it", "Che cosa dice il documento su \u00ab%s\u00bb?",
     {"Di che cosa parla questo documento?", "Quali dettagli fornisce il documento?",
      "Qual \u00e8 il punto pi\u00f9 importante del documento?"}},
    {"pt", "O que diz o documento sobre \"%s\"?",
     {"De que trata este documento?", "Que detalhes apresenta o documento?",
      "Qual \u00e9 o ponto mais importante do documento?"}},
    {"nl", "Wat zegt het document over \"%s\"?",
     {"Waar gaat dit document over?", "Welke details geeft het document?",
      "Wat is het belangrijkste punt van het document?"}},
    {"pl", "Co dokument m\u00f3wi o \u201e%s\u201d?",
     {"O czym jest ten dokument?", "Jakie szczeg\u00f3\u0142y podaje dokument?",
      "Co jest najwa\u017cniejsze w tym dokumencie?"}},
    {"tr", "Belgede \u201c%s\u201d hakk\u0131nda ne s\u00f6yleniyor?",
     {"Bu belge ne hakk\u0131nda?", "Belgede hangi ayr\u0131nt\u0131lar veriliyor?",
      "Belgenin en \u00f6nemli noktas\u0131 nedir?"}},
    {"ru", "\u0427\u0442\u043e \u0433\u043e\u0432\u043e\u0440\u0438\u0442\u0441\u044f \u0432 \u0434\u043e\u043a\u0443\u043c\u0435\u043d\u0442\u0435 \u043e \u00ab%s\u00bb?",
     {"\u041e \u0447\u0451\u043c \u044d\u0442\u043e\u0442 \u0434\u043e\u043a\u0443\u043c\u0435\u043d\u0442?",
      "\u041a\u0430\u043a\u0438\u0435 \u043f\u043e\u0434\u0440\u043e\u0431\u043d\u043e\u0441\u0442\u0438 \u043f\u0440\u0438\u0432\u0435\u0434\u0435\u043d\u044b \u0432 \u0434\u043e\u043a\u0443\u043c\u0435\u043d\u0442\u0435?",
      "\u0427\u0442\u043e \u0432 \u0434\u043e\u043a\u0443\u043c\u0435\u043d\u0442\u0435 \u0441\u0430\u043c\u043e\u0435 \u0432\u0430\u0436\u043d\u043e\u0435?"}},
    {"he", "\u05de\u05d4 \u05e0\u05d0\u05de\u05e8 \u05d1\u05de\u05e1\u05de\u05da \u05e2\u05dc \"%s\"?",
     {"\u05d1\u05de\u05d4 \u05e2\u05d5\u05e1\u05e7 \u05d4\u05de\u05e1\u05de\u05da?",
      "\u05d0\u05d9\u05dc\u05d5 \u05e4\u05e8\u05d8\u05d9\u05dd \u05e0\u05d5\u05ea\u05df \u05d4\u05de\u05e1\u05de\u05da?",
      "\u05de\u05d4\u05d9 \u05d4\u05e0\u05e7\u05d5\u05d3\u05d4 \u05d4\u05d7\u05e9\u05d5\u05d1\u05d4 \u05d1\u05d9\u05d5\u05ea\u05e8 \u05d1\u05de\u05e1\u05de\u05da?"}},
    {"ar", "\u0645\u0627\u0630\u0627 \u062a\u0642\u0648\u0644 \u0627\u0644\u0648\u062b\u064a\u0642\u0629 \u0639\u0646 \u00ab%s\u00bb\u061f",
     {"\u0639\u0645\u0651 \u062a\u062a\u062d\u062f\u062b \u0647\u0630\u0647 \u0627\u0644\u0648\u062b\u064a\u0642\u0629\u061f",
      "\u0645\u0627 \u0627\u0644\u062a\u0641\u0627\u0635\u064a\u0644 \u0627\u0644\u062a\u064a \u062a\u0630\u0643\u0631\u0647\u0627 \u0627\u0644\u0648\u062b\u064a\u0642\u0629\u061f",
      "\u0645\u0627 \u0623\u0647\u0645 \u0646\u0642\u0637\u0629 \u0641\u064a \u0627\u0644\u0648\u062b\u064a\u0642\u0629\u061f"}},
    {"hi", "\u0926\u0938\u094d\u0924\u093e\u0935\u0947\u091c\u093c \u092e\u0947\u0902 \u201c%s\u201d \u0915\u0947 \u092c\u093e\u0930\u0947 \u092e\u0947\u0902 \u0915\u094d\u092f\u093e \u0915\u0939\u093e \u0917\u092f\u093e \u0939\u0948?",
     {"\u092f\u0939 \u0926\u0938\u094d\u0924\u093e\u0935\u0947\u091c\u093c \u0915\u093f\u0938 \u092c\u093e\u0930\u0947 \u092e\u0947\u0902 \u0939\u0948?",
      "\u0926\u0938\u094d\u0924\u093e\u0935\u0947\u091c\u093c \u092e\u0947\u0902 \u0915\u094c\u0928 \u0938\u0947 \u0935\u093f\u0935\u0930\u0923 \u0926\u093f\u090f \u0917\u090f \u0939\u0948\u0902?",
      "\u0926\u0938\u094d\u0924\u093e\u0935\u0947\u091c\u093c \u0915\u0940 \u0938\u092c\u0938\u0947 \u092e\u0939\u0924\u094d\u0935\u092a\u0942\u0930\u094d\u0923 \u092c\u093e\u0924 \u0915\u094d\u092f\u093e \u0939\u0948?"}},
    {"ja", "\u6587\u66f8\u3067\u306f\u300c%s\u300d\u306b\u3064\u3044\u3066\u4f55\u304c\u8ff0\u3079\u3089\u308c\u3066\u3044\u307e\u3059\u304b\uff1f",
     {"\u3053\u306e\u6587\u66f8\u306f\u4f55\u306b\u3064\u3044\u3066\u306e\u3082\u306e\u3067\u3059\u304b\uff1f",
      "\u6587\u66f8\u306b\u306f\u3069\u306e\u3088\u3046\u306a\u8a73\u7d30\u304c\u66f8\u304b\u308c\u3066\u3044\u307e\u3059\u304b\uff1f",
      "\u6587\u66f8\u3067\u6700\u3082\u91cd\u8981\u306a\u70b9\u306f\u4f55\u3067\u3059\u304b\uff1f"}},
    {"zh", "\u6587\u6863\u5bf9\u201c%s\u201d\u6709\u4ec0\u4e48\u8bf4\u660e\uff1f",
     {"\u672c\u6587\u6863\u8bb2\u7684\u662f\u4ec0\u4e48\uff1f",
      "\u6587\u6863\u7ed9\u51fa\u4e86\u54ea\u4e9b\u7ec6\u8282\uff1f",
      "\u6587\u6863\u4e2d\u6700\u91cd\u8981\u7684\u4e00\u70b9\u662f\u4ec0\u4e48\uff1f"}},
    {"ko", "\ubb38\uc11c\uc5d0\uc11c '%s'\uc5d0 \ub300\ud574 \ubb34\uc5c7\uc774\ub77c\uace0 \ud558\ub098\uc694?",
     {"\uc774 \ubb38\uc11c\ub294 \ubb34\uc5c7\uc5d0 \uad00\ud55c \uac83\uc778\uac00\uc694?",
      "\ubb38\uc11c\uc5d0\ub294 \uc5b4\ub5a4 \uc138\ubd80 \uc815\ubcf4\uac00 \uc788\ub098\uc694?",
      "\ubb38\uc11c\uc5d0\uc11c \uac00\uc7a5 \uc911\uc694\ud55c \uc810\uc740 \ubb34\uc5c7\uc778\uac00\uc694?"}},
};

/* Common words that no two of these languages share in this combination. */
static const struct {
    const char *code, *words;
} hints[] = {
    {"en", " the of and to is that for with this are "},
    {"de", " der die und das ist nicht mit ein zu den "},
    {"fr", " le les des est et une dans pour que qui "},
    {"es", " el los las y que una del para por con "},
    {"it", " il di che della per non sono gli un \u00e8 "},
    {"pt", " o os uma do da n\u00e3o em para com que "},
    {"nl", " het een van de en dat niet zijn op voor "},
    {"pl", " i w na z jest nie si\u0119 do \u017ce dla "},
    {"tr", " ve bir bu i\u00e7in ile olarak olan de da en "},
};

/* A language written in a script of its own (or nearly). */
static const char *code_of_script(uint32_t cp)
{
    if (cp >= 0x0590 && cp <= 0x05FF)
        return "he";
    if (cp >= 0x0600 && cp <= 0x06FF)
        return "ar";
    if (cp >= 0x0900 && cp <= 0x097F)
        return "hi";
    if (cp >= 0x3040 && cp <= 0x30FF)
        return "ja";
    if (cp >= 0x4E00 && cp <= 0x9FFF)
        return "zh";
    if (cp >= 0xAC00 && cp <= 0xD7A3)
        return "ko";
    if (cp >= 0x0400 && cp <= 0x04FF)
        return "ru";
    return NULL;
}

static const char *judge(const struct da_outline *o)
{
    size_t hits[DA_ARRAY_LEN(hints)] = {0}, script[DA_ARRAY_LEN(languages)] = {0}, kana = 0;
    for (size_t i = 0; i < o->words.n; i++) {
        struct da_span k = da_words_key(&o->words, i);
        uint32_t cp;
        da_utf8_decode(k.p, k.p + k.len, &cp);
        const char *own = code_of_script(cp);
        for (size_t l = 0; own && l < DA_ARRAY_LEN(languages); l++)
            script[l] += strcmp(languages[l].code, own) == 0;
        kana += own && strcmp(own, "ja") == 0;
        for (size_t h = 0; !own && h < DA_ARRAY_LEN(hints) && k.len < 8; h++) {
            const char *q = hints[h].words;
            while ((q = strchr(q, k.p[0])) != NULL) {
                if (q[-1] == ' ' && strncmp(q, k.p, k.len) == 0 && q[k.len] == ' ')
                    break;
                q++;
            }
            hits[h] += q != NULL;
        }
    }
    if (kana * 10 > o->words.n)
        return "ja";
    for (size_t l = 0; l < DA_ARRAY_LEN(languages); l++) {
        if (script[l] * 2 > o->words.n)
            return languages[l].code;
    }
    size_t best = 0;
    for (size_t h = 1; h < DA_ARRAY_LEN(hints); h++) {
        if (hits[h] > hits[best])
            best = h;
    }
    return hints[best].code;
}

const struct da_question_language *da_question_language(struct da_span code,
                                                        const struct da_outline *o)
{
    size_t n = 0;
    while (n < code.len && code.p[n] != '-' && code.p[n] != '_')
        n++;
    if (n == 0 || da_span_is(da_span(code.p, n), "und")) {
        code = da_span_str(judge(o));
        n = code.len;
    }
    for (size_t l = 0; l < DA_ARRAY_LEN(languages); l++) {
        if (da_span_is(da_span(code.p, n), languages[l].code))
            return &languages[l];
    }
    return &languages[0];
}
