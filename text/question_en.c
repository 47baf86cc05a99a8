/*
 * English sentences into questions, without a parser. Each rule asks for a
 * sentence whose subject ends where its first auxiliary stands and refuses
 * everything it is not sure of: a question left out costs nothing, a crooked one
 * does.
 */

#include <string.h>

#include "common/utf8.h"
#include "text/chars.h"
#include "text/question_rules.h"

enum { MAX_SUBJECT = 7, MAX_TAIL = 14, MAX_LOOKED_AT = 20000 }; /* words */

struct sentence {
    struct da_question_maker *m;
    size_t unit;
    const char *p; /* one line */
    size_t len;
    const struct da_words *w;
};

/* Lists are words between spaces. */
static bool listed(const char *list, struct da_span word)
{
    if (word.len == 0 || word.len > 24)
        return false;
    for (const char *p = list; (p = strchr(p, word.p[0])) != NULL; p++) {
        if (p > list && p[-1] == ' ' && strncmp(p, word.p, word.len) == 0 && p[word.len] == ' ')
            return true;
    }
    return false;
}

static const char be[] = " is are was were ";
static const char modals[] = " can must should will may could would ";
static const char determiners[] =
    " the a an this these that our your its their his her my each every all some many most both"
    " several no any such other another certain ";
static const char no_subject_start[] =
    " i you we he she it they there here this that these those what which who whom whose when"
    " where"
    " why how if in on at for from with by as to of into about after before while although though"
    " because since unless until once so but and or yet nor not however therefore thus also then"
    " than please only finally first second third let see note its their his her my our your such"
    " one some both either neither another others none nothing everything all each many most more"
    " no any despite during through under over within without among between against like given"
    " except instead often usually sometimes never always now today recently just even still too"
    " figure table fig section chapter appendix page equation example yes ";
static const char clause_words[] =
    " that which who whom whose where when while if because although though since unless until"
    " and or"
    " but is are was were be been being has have had do does did can could will would shall"
    " should may"
    " might must not to whether how what why as than ";
static const char document_nouns[] =
    " document paper report manual guide agreement policy page letter form form memo article"
    " chapter"
    " section study handbook contract notice invoice ";
static const char irregular[] =
    " built made held written born begun sold bought sent set taken given shown won lost led known"
    " found drawn driven grown kept left meant paid put read run said seen spent told thought worn"
    " chosen broken spoken stolen taught caught brought laid cut hit let shut split spread cast ";
static const char places[] =
    " located based held situated headquartered born buried filmed hosted ";
static const char people[] =
    " engineer director professor author consultant manager specialist president founder scientist"
    " writer artist lawyer teacher chairman chair officer secretary minister researcher analyst"
    " architect designer developer editor journalist doctor physician nurse student lecturer"
    " poet painter composer singer actor actress politician economist mathematician physicist"
    " chemist biologist historian philosopher inventor entrepreneur expert member leader chief ";
static const char person_verbs[] =
    " wrote writes founded founds invented led leads created creates joined won discovered"
    " developed"
    " develops designed designs presented presents published served serves worked works teaches"
    " taught"
    " holds held announced proposed introduced built directed directs established received became"
    " signed started launched owns owned manages managed runs ran studied studies earned discussed"
    " described explained argued suggested reported claimed ";
static const char not_plural[] =
    " is was has its his this thus as us yes always perhaps plus versus previous various less"
    " across"
    " times years months weeks days hours minutes seconds percent percents degrees dollars"
    " euros pounds"
    " cents points pages bytes kbytes mbytes miles metres meters feet inches was does ";
static const char magnitudes[] = " hundred thousand million billion trillion dozen half percent ";
static const char no_noun[] =
    " more less than or and to of in at on by for per out over each different other new first"
    " last next"
    " such these those are is was were has have had the a an ";

static struct da_span key(const struct sentence *s, size_t i)
{
    return i < s->w->n ? da_words_key(s->w, i) : da_span("", 0);
}

static unsigned flags(const struct sentence *s, size_t i)
{
    return i < s->w->n ? s->w->items[i].flags : 0;
}

/* Whether only a space, a hyphen or a slash stands between words i and i+1. */
static bool tight(const struct sentence *s, size_t i)
{
    if (i + 1 >= s->w->n)
        return false;
    size_t a = s->w->items[i].end, b = s->w->items[i + 1].start;
    return b - a == 1 && (s->p[a] == ' ' || s->p[a] == '-' || s->p[a] == '/');
}

static bool tight_range(const struct sentence *s, size_t from, size_t to)
{
    for (size_t i = from; i + 1 < to; i++) {
        if (!tight(s, i))
            return false;
    }
    return true;
}

static bool ends_in(struct da_span w, const char *tail)
{
    size_t n = strlen(tail);
    return w.len > n + 1 && memcmp(w.p + w.len - n, tail, n) == 0;
}

/*
 * Whether a capitalized word at the start of a sentence is no name: the document has it in lower
 * case; or has it nowhere inside a sentence, and it looks like a plural or a compound.
 */
static bool is_ordinary(const struct sentence *s, size_t i)
{
    const struct da_outline *o = s->m->o;
    struct da_span k = key(s, i);
    if (ends_in(k, "'s"))
        return false; /* "Microsoft's products" */
    for (size_t n = 0; n < o->words.n && n < MAX_LOOKED_AT; n++) {
        const struct da_word *x = &o->words.items[n];
        if (x->hash != s->w->items[i].hash)
            continue;
        if (!(x->flags & DA_WORD_CAPITAL))
            return s->w->items[i].end - s->w->items[i].start > 1;
        if (n > 0 && x->start - o->words.items[n - 1].end == 1)
            return false; /* "... by Siemens" */
    }
    bool compound = tight(s, i) && i + 1 < s->w->n && !(flags(s, i + 1) & DA_WORD_CAPITAL) &&
                    !listed(clause_words, key(s, i + 1)) &&
                    !listed(" alone itself himself herself themselves ", key(s, i + 1)) &&
                    !(flags(s, i + 1) & DA_WORD_STOP);
    return compound || (ends_in(k, "s") && !ends_in(k, "ss") && k.len > 4);
}

/* Appends words [from, to) as written; the first in lower case when it is an ordinary word. */
static void add_words(struct sentence *s, size_t from, size_t to, bool moved)
{
    struct da_buf *b = &s->m->text;
    const struct da_word *w = s->w->items;
    if (from >= to)
        return;
    if (b->len > 0 && b->p[b->len - 1] != ' ')
        da_buf_add_char(b, ' ');
    size_t a = w[from].start, z = w[to - 1].end;
    bool lower = moved && from == 0 && !(w[from].flags & DA_WORD_CAPS);
    if (lower && !listed(determiners, key(s, from)))
        lower = is_ordinary(s, from);
    if (lower) {
        struct da_span k = key(s, from);
        da_buf_add(b, k.p, k.len);
        a = w[from].end;
    }
    da_buf_add(b, s->p + a, z - a);
}

/* The first k words as a subject inside a question, without an adverb at their end. */
static void add_subject(struct sentence *s, size_t k)
{
    while (k > 1 && (listed(" also only just still already even now then ", key(s, k - 1)) ||
                     ends_in(key(s, k - 1), "ly")))
        k--;
    add_words(s, 0, k, true);
}

static void begin(struct sentence *s, const char *words)
{
    da_buf_reset(&s->m->text);
    da_buf_add_str(&s->m->text, words);
}

static void add(struct sentence *s, const char *words)
{
    struct da_buf *b = &s->m->text;
    if (b->len > 0 && words[0] != '?')
        da_buf_add_char(b, ' ');
    da_buf_add_str(b, words);
}

static void finish(struct sentence *s, enum da_question_kind kind, double weight)
{
    da_buf_add_char(&s->m->text, '?');
    da_question_add(s->m, kind, s->unit, weight);
}

/* Number of words of the plain subject that the sentence starts with, up to its first verb form in
 * `verbs`; 0 when there is none. */
static size_t subject(const struct sentence *s, const char *verbs)
{
    if (s->w->n < 4 || s->w->items[0].start != 0 ||
        !(flags(s, 0) & (DA_WORD_CAPITAL | DA_WORD_CAPS)))
        return 0;
    struct da_span first = key(s, 0);
    bool this_document = (da_span_is(first, "this") || da_span_is(first, "these")) &&
                         listed(document_nouns, key(s, 1));
    if ((listed(no_subject_start, first) && !this_document) || ends_in(first, "ly") ||
        ends_in(first, "ing"))
        return 0;
    for (size_t i = 1; i <= MAX_SUBJECT && i + 1 < s->w->n; i++) {
        if (!tight(s, i - 1))
            return 0;
        if (listed(verbs, key(s, i)))
            return i;
        if (listed(clause_words, key(s, i)))
            return 0;
    }
    return 0;
}

static bool all_capital(const struct sentence *s, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (!(flags(s, i) & DA_WORD_CAPITAL) || (flags(s, i) & DA_WORD_DIGITS))
            return false;
    }
    return from < to;
}

static bool names_person(const struct sentence *s, size_t subj)
{
    if (subj < 2 || subj > 4 || !all_capital(s, 0, subj) || listed(determiners, key(s, 0)))
        return false;
    for (size_t i = subj + 1; i < s->w->n && i < subj + 10; i++) {
        if (listed(people, key(s, i)))
            return true;
    }
    return false;
}

static bool is_participle(struct da_span w)
{
    return (ends_in(w, "ed") && w.len > 4 && !ends_in(w, "eed")) || listed(irregular, w);
}

/* X is a Y. */
static void rule_definition(struct sentence *s)
{
    size_t k = subject(s, be);
    if (k == 0 || !tight(s, k))
        return;
    struct da_span verb = key(s, k), next = key(s, k + 1);
    bool plural = da_span_is(verb, "are") || da_span_is(verb, "were");
    bool noun = da_span_is(next, "a") || da_span_is(next, "an") || da_span_is(next, "the") ||
                da_span_is(next, "one");
    if (!noun || (plural && da_span_is(next, "a")) || da_span_is(key(s, k + 2), "following"))
        return;
    begin(s, names_person(s, k) ? "Who" : "What");
    add_words(s, k, k + 1, false);
    add_subject(s, k);
    finish(s, names_person(s, k) ? DA_Q_WHO : DA_Q_WHAT_IS, 1.0);
}

static bool is_year(const struct sentence *s, size_t i)
{
    struct da_span w = key(s, i);
    return w.len == 4 && (flags(s, i) & DA_WORD_NUMBER) &&
           (memcmp(w.p, "20", 2) == 0 || (w.p[0] == '1' && w.p[1] >= '5'));
}

static const char month_names[] = " january february march april may june july august september"
                                  " october november december ";

/* Words of the date that starts at i ("2019", "May 2019", "May 5, 2019", "5 May 2019"), or 0. */
static size_t date_words(const struct sentence *s, size_t i)
{
    if (is_year(s, i))
        return 1;
    bool month = listed(month_names, key(s, i)) && (flags(s, i) & DA_WORD_CAPITAL);
    bool day = (flags(s, i) & DA_WORD_NUMBER) && key(s, i).len <= 2;
    if (month && is_year(s, i + 1))
        return 2;
    if (month && (flags(s, i + 1) & DA_WORD_NUMBER) && key(s, i + 1).len <= 2 && is_year(s, i + 2))
        return 3;
    if (day && listed(month_names, key(s, i + 1)) && is_year(s, i + 2))
        return 3;
    return 0;
}

/* X was Yed in 1999 / in Rome / by Z. */
static void rule_passive(struct sentence *s)
{
    size_t k = subject(s, be);
    if (k == 0)
        return;
    size_t v = k + 1;
    if (ends_in(key(s, v), "ly") || da_span_is(key(s, v), "first"))
        v++;
    if (!tight_range(s, k, v + 2) || !is_participle(key(s, v)))
        return;
    struct da_span prep = key(s, v + 1);
    bool past = da_span_is(key(s, k), "was") || da_span_is(key(s, k), "were");
    if (past && (da_span_is(prep, "in") || da_span_is(prep, "on")) && date_words(s, v + 2) > 0) {
        begin(s, "When");
    } else if (listed(places, key(s, v)) && (flags(s, v + 2) & DA_WORD_CAPITAL) &&
               (da_span_is(prep, "in") || da_span_is(prep, "at") || da_span_is(prep, "near"))) {
        begin(s, "Where");
    } else if (da_span_is(prep, "by") &&
               ((flags(s, v + 2) & DA_WORD_CAPITAL) ||
                (da_span_is(key(s, v + 2), "the") && (flags(s, v + 3) & DA_WORD_CAPITAL)))) {
        begin(s, "By whom");
    } else {
        return;
    }
    char first = s->m->text.p[0], second = s->m->text.p[3];
    add_words(s, k, k + 1, false);
    add_subject(s, k);
    add_words(s, k + 1, v + 1, false);
    if (first == 'B')
        finish(s, DA_Q_WHO, 0.95);
    else
        finish(s, second == 'n' ? DA_Q_WHEN : DA_Q_WHERE, 1.05);
}

/* X aux Y because Z. */
static void rule_why(struct sentence *s)
{
    static const char aux[] = " is are was were can must should will may could cannot ";
    size_t k = subject(s, aux);
    if (k == 0 || da_span_is(key(s, k), "cannot"))
        return;
    for (size_t j = k + 2; j < s->w->n && j <= k + MAX_TAIL; j++) {
        if (!tight(s, j - 1) || listed(" which that who if when ", key(s, j)))
            return;
        if (!da_span_is(key(s, j), "because"))
            continue;
        begin(s, "Why");
        da_buf_add_char(&s->m->text, ' ');
        da_buf_add(&s->m->text, key(s, k).p, key(s, k).len);
        add_subject(s, k);
        add_words(s, k + 1, j, false);
        finish(s, DA_Q_WHY, 1.15);
        return;
    }
}

/* X must do Y. */
static void rule_modal(struct sentence *s)
{
    size_t k = subject(s, modals);
    struct da_span verb = key(s, k ? k : 0), next = key(s, k + 1);
    if (k == 0 || !tight(s, k) ||
        listed(" be not also only have no never either both still always then now ", next) ||
        ends_in(next, "ly") || listed(" may would could will ", verb))
        return;
    begin(s, "What ");
    da_buf_add(&s->m->text, verb.p, verb.len);
    add_subject(s, k);
    add(s, "do");
    finish(s, DA_Q_WHAT_DO, 0.85);
}

/* The base of a transitive verb in the third person or the past; empty when not listed. */
static struct da_span base_verb(struct da_span w, bool *past)
{
    static const char bases[] =
        " provide describe contain include cover offer support require explain present store"
        " use show"
        " represent define produce receive need create generate identify measure track monitor"
        " publish"
        " sell deliver return record list cause affect replace combine convert simplify detect"
        " address"
        " introduce propose examine discuss outline summarize recommend establish develop"
        " implement"
        " enable collect compare evaluate investigate demonstrate reveal own manufacture design ";
    *past = false;
    if (ends_in(w, "s") && listed(bases, da_span(w.p, w.len - 1)))
        return da_span(w.p, w.len - 1);
    if (ends_in(w, "es") && listed(bases, da_span(w.p, w.len - 2)))
        return da_span(w.p, w.len - 2);
    *past = true;
    if (ends_in(w, "ed") && listed(bases, da_span(w.p, w.len - 1)))
        return da_span(w.p, w.len - 1);
    if (ends_in(w, "ed") && listed(bases, da_span(w.p, w.len - 2)))
        return da_span(w.p, w.len - 2);
    return da_span("", 0);
}

/* X provides Y. */
static void rule_object(struct sentence *s)
{
    static const char forms[] =
        " provides describes contains includes covers offers supports requires explains"
        " presents stores"
        " uses shows represents defines produces receives needs creates generates identifies"
        " measures"
        " tracks monitors publishes sells delivers returns records lists causes affects"
        " replaces combines"
        " converts detects addresses introduces proposes examines discusses outlines summarizes"
        " recommends"
        " establishes develops implements enables collects compares evaluates investigates"
        " demonstrates"
        " reveals owns manufactures designs provided described included offered supported required"
        " explained presented stored used showed represented defined produced received needed"
        " created"
        " generated measured tracked monitored published delivered returned recorded caused"
        " affected"
        " replaced combined converted detected introduced proposed examined discussed outlined"
        " summarized recommended established developed implemented collected compared evaluated"
        " investigated demonstrated revealed ";
    static const char no_object[] =
        " by in on to at from with for as when if of and or only is are was were be has have"
        " not than"
        " under over during after before until into through about because ";
    size_t k = subject(s, forms);
    bool past;
    if (k == 0 || !tight(s, k) || listed(no_object, key(s, k + 1)) ||
        (flags(s, k) & DA_WORD_CAPITAL))
        return;
    struct da_span base = base_verb(key(s, k), &past);
    if (base.len == 0)
        return;
    begin(s, past ? "What did" : "What does");
    add_subject(s, k);
    da_buf_add_char(&s->m->text, ' ');
    da_buf_add(&s->m->text, base.p, base.len);
    finish(s, DA_Q_WHAT_DO, 0.95);
}

/* Whether the number at word i counts what follows and is no label ("plot 17 asks"). */
static bool may_count(const struct sentence *s, size_t i)
{
    if (i == 0)
        return true;
    if (!tight(s, i - 1) || s->p[s->w->items[i - 1].end] != ' ')
        return false;
    struct da_span before = key(s, i - 1);
    if (listed(" no number version level step page section line least ", before))
        return false;
    return (flags(s, i - 1) & DA_WORD_STOP) || ends_in(before, "ed") ||
           listed(
               " holds contains includes employs serves houses covers runs counts found made sold"
               " took lost won built bought exactly nearly almost roughly approximately ",
               before);
}

/* 5,000 data breaches ... */
static void rule_how_many(struct sentence *s)
{
    for (size_t i = 0; i + 1 < s->w->n; i++) {
        struct da_span n = key(s, i);
        size_t at = s->w->items[i].start;
        bool signless = at == 0 || s->p[at - 1] == ' ';
        if (!(flags(s, i) & DA_WORD_NUMBER) || !signless || memchr(n.p, '.', n.len) || n.len > 9 ||
            is_year(s, i) || da_span_is(n, "1") || !may_count(s, i))
            continue;
        for (size_t j = i + 1; j < s->w->n && j <= i + 3 && tight(s, j - 1); j++) {
            struct da_span w = key(s, j);
            if ((flags(s, j) & (DA_WORD_CAPITAL | DA_WORD_DIGITS)) || listed(magnitudes, w) ||
                listed(no_noun, w) || ends_in(w, "ly") || listed(not_plural, w))
                break;
            bool plural = (w.len > 3 && w.p[w.len - 1] == 's' && !ends_in(w, "ss") &&
                           !ends_in(w, "ous") && !ends_in(w, "us") && !ends_in(w, "is")) ||
                          listed(" people children men women ", w);
            if (!plural)
                continue;
            begin(s, "How many");
            add_words(s, i + 1, j + 1, false);
            add(s, "does the document mention");
            finish(s, DA_Q_HOW_MANY, 0.95);
            return;
        }
    }
}

/* In 2019, ... */
static void rule_event(struct sentence *s)
{
    for (size_t i = 0; i + 1 < s->w->n; i++) {
        struct da_span prep = key(s, i);
        size_t n = tight(s, i) ? date_words(s, i + 1) : 0;
        bool in = da_span_is(prep, "in") || (da_span_is(prep, "on") && n == 3);
        bool since = da_span_is(prep, "since");
        if (n == 0 || (!in && !since) || (n == 3 && in && da_span_is(prep, "in")))
            continue;
        bool past = false, future = false;
        for (size_t k = 0; k < s->w->n; k++) {
            future |= listed(" will shall plans planned scheduled expected ", key(s, k));
            past |= listed(" was were had became began ", key(s, k)) ||
                    (ends_in(key(s, k), "ed") && !(flags(s, k) & DA_WORD_CAPITAL)) ||
                    listed(irregular, key(s, k)) || listed(person_verbs, key(s, k));
        }
        if (!past && !future && !since)
            return;
        begin(s, since    ? "What has happened since"
                 : future ? "What is to happen"
                          : "What happened");
        if (!since) {
            da_buf_add_char(&s->m->text, ' ');
            da_buf_add(&s->m->text, prep.p, prep.len);
        }
        add_words(s, i + 1, i + 1 + n, false);
        finish(s, DA_Q_EVENT, since ? 0.7 : 0.8);
        return;
    }
}

/* Jane Doe wrote X. */
static void rule_person(struct sentence *s)
{
    for (size_t k = 2; k <= 4 && k + 2 < s->w->n; k++) {
        if (!listed(person_verbs, key(s, k)) || (flags(s, k) & DA_WORD_CAPITAL))
            continue;
        if (s->w->items[0].start != 0 || !all_capital(s, 0, k) || !tight_range(s, 0, k + 2) ||
            listed(determiners, key(s, 0)) || listed(no_subject_start, key(s, 0)) ||
            listed(" university company institute department ministry group committee council ",
                   key(s, k - 1)))
            return;
        size_t end = k + 1;
        while (end < s->w->n && end < k + MAX_TAIL && tight(s, end - 1) &&
               !listed(" and but which who while because where when he she his her ", key(s, end)))
            end++;
        if (end < k + 3 || listed(" the a an of in on at to for with by from as ", key(s, end - 1)))
            return;
        begin(s, "Who");
        add_words(s, k, end, false);
        finish(s, DA_Q_WHO, 1.0);
        return;
    }
}

/* X costs $5. */
static void rule_cost(struct sentence *s)
{
    size_t k = subject(s, " costs cost ");
    if (k == 0 || k + 1 >= s->w->n || !(flags(s, k + 1) & DA_WORD_DIGITS))
        return;
    begin(s, da_span_is(key(s, k), "costs") ? "How much does" : "How much do");
    add_subject(s, k);
    add(s, "cost");
    finish(s, DA_Q_HOW_MUCH, 1.1);
}

void da_question_english(struct da_question_maker *m, size_t unit)
{
    struct da_buf line;
    da_buf_init(&line, 0);
    da_outline_add_text(m->o, unit, &line);
    da_words_split(&m->sentence, line.p, line.len);
    struct sentence s = {m, unit, line.p, line.len, &m->sentence};
    rule_definition(&s);
    rule_passive(&s);
    rule_why(&s);
    rule_modal(&s);
    rule_how_many(&s);
    rule_event(&s);
    rule_person(&s);
    rule_cost(&s);
    rule_object(&s);
    da_buf_release(&line);
}
