/* Question phrases of some languages; the first row is the fallback. */

#include "text/question_lang.h"

#include "common/attr.h"
#include "text/wordlang.h"

static const struct da_question_language languages[] = {
    {"en",
     "What does the document say about \"%s\"?",
     {"What is this document about?", "Which details does the document give?",
      "What is the most important point of the document?"}},
    {"de",
     "Was sagt das Dokument über „%s“?",
     {"Worum geht es in diesem Dokument?", "Welche Einzelheiten nennt das Dokument?",
      "Was ist der wichtigste Punkt des Dokuments?"}},
    {"fr",
     "Que dit le document à propos de «\u00a0%s\u00a0» ?",
     {"De quoi parle ce document ?", "Quels détails le document donne-t-il ?",
      "Quel est le point le plus important du document ?"}},
    {"es",
     "¿Qué dice el documento sobre «%s»?",
     {"¿De qué trata este documento?", "¿Qué detalles ofrece el documento?",
      "¿Cuál es el punto más importante del documento?"}},
    {"it",
     "Che cosa dice il documento su «%s»?",
     {"Di che cosa parla questo documento?", "Quali dettagli fornisce il documento?",
      "Qual è il punto più importante del documento?"}},
    {"pt",
     "O que diz o documento sobre \"%s\"?",
     {"De que trata este documento?", "Que detalhes apresenta o documento?",
      "Qual é o ponto mais importante do documento?"}},
    {"nl",
     "Wat zegt het document over \"%s\"?",
     {"Waar gaat dit document over?", "Welke details geeft het document?",
      "Wat is het belangrijkste punt van het document?"}},
    {"pl",
     "Co dokument mówi o „%s”?",
     {"O czym jest ten dokument?", "Jakie szczegóły podaje dokument?",
      "Co jest najważniejsze w tym dokumencie?"}},
    {"tr",
     "Belgede “%s” hakkında ne söyleniyor?",
     {"Bu belge ne hakkında?", "Belgede hangi ayrıntılar veriliyor?",
      "Belgenin en önemli noktası nedir?"}},
    {"ru",
     "Что говорится в документе о «%s»?",
     {"О чём этот документ?", "Какие подробности приведены в документе?",
      "Что в документе самое важное?"}},
    {"he",
     "מה נאמר במסמך על \"%s\"?",
     {"במה עוסק המסמך?", "אילו פרטים נותן המסמך?", "מהי הנקודה החשובה ביותר במסמך?"}},
    {"ar",
     "ماذا تقول الوثيقة عن «%s»؟",
     {"عمّ تتحدث هذه الوثيقة؟", "ما التفاصيل التي تذكرها الوثيقة؟", "ما أهم نقطة في الوثيقة؟"}},
    {"hi",
     "दस्तावेज़ में “%s” के बारे में क्या कहा गया है?",
     {"यह दस्तावेज़ किस बारे में है?", "दस्तावेज़ में कौन से विवरण दिए गए हैं?",
      "दस्तावेज़ की सबसे महत्वपूर्ण बात क्या है?"}},
    {"ja",
     "文書では「%s」について何が述べられていますか？",
     {"この文書は何についてのものですか？", "文書にはどのような詳細が書かれていますか？",
      "文書で最も重要な点は何ですか？"}},
    {"zh",
     "文档对“%s”有什么说明？",
     {"本文档讲的是什么？", "文档给出了哪些细节？", "文档中最重要的一点是什么？"}},
    {"ko",
     "문서에서 '%s'에 대해 무엇이라고 하나요?",
     {"이 문서는 무엇에 관한 것인가요?", "문서에는 어떤 세부 정보가 있나요?",
      "문서에서 가장 중요한 점은 무엇인가요?"}},
};

const struct da_question_language *da_question_language(struct da_span code,
                                                        const struct da_outline *o)
{
    size_t n = 0;
    while (n < code.len && code.p[n] != '-' && code.p[n] != '_')
        n++;
    if (n == 0 || da_span_is(da_span(code.p, n), "und")) {
        code = da_span_str(da_wordlang_guess(&o->words, NULL));
        n = code.len;
    }
    for (size_t l = 0; l < DA_ARRAY_LEN(languages); l++) {
        if (da_span_is(da_span(code.p, n), languages[l].code))
            return &languages[l];
    }
    return &languages[0];
}
