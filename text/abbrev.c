/*
 * Abbreviations and sentence openers of the larger European languages. Lists are
 * strings of words between spaces, so that adding one is typing it.
 */

#include "text/abbrev.h"

#include <string.h>

static const char never_ends[] =
    /* English */
    " mr mrs ms messrs dr prof rev hon gen col lt capt cmdr sgt maj adm gov sen rep pres supt mt"
    " st e.g i.e eg ie cf vs viz approx ca c.f resp incl excl esp fwd attn"
    /* German */
    " z.b d.h u.a o.a v.a i.d.r bzw vgl ggf evtl bspw sog hrsg hr fr dipl ing inkl zzgl geb"
    /* French */
    " mme mlle mgr p.ex env chap"
    /* Spanish, Portuguese, Italian */
    " sra srta dra dña profª excmo ud uds p.ej pág dott sig sig.ra ing avv"
    /* Dutch, Scandinavian, Polish, Czech, Russian, Turkish */
    " dhr mevr bijv d.w.z o.a t.ex bl.a f.eks tzw np ul prof.dr např tzv т.е"
    " т.д г ул им рис стр"
    " напр см örn bkz ";

static const char numbered[] =
    " no nos nr nro num núm n art arts abs par para fig figs figure eq eqs eqn tab tbl vol"
    " vols"
    " ch chs sec sect ser ed eds p pp pag pg bd kap abb s f ff v vv col cols app ex ver rev"
    " jan feb mar apr jun jul aug sep sept oct nov dec okt dez mai janv févr juil"
    " table figure section chapter equation appendix tel fax ext rm apt bldg № с"
    " т ч п ";

static const char maybe[] =
    " inc ltd co corp llc bros plc jr sr al esq dept univ assn ave blvd rd sq a.m p.m am pm"
    " u.s u.k u.n e.u d.c b.c a.d ph.d m.d b.a m.a b.sc m.sc usw etc.al cia s.a e.v gmbh ";

static const char openers[] =
    " a after all also although an and another any as at because before both but by despite during"
    " each either every finally first for from furthermore given he hence her here his how"
    " however i"
    " if in indeed instead it its later let many meanwhile moreover most my next no nor not now"
    " of on"
    " once one only or our over please second several she since so some still such that the"
    " their then"
    " there therefore these they this those though through thus to today under unlike until"
    " upon we"
    " what when where whether which while who why with within without yes yet you your"
    " der die das ein eine einer es er sie wir ich im am bei mit nach und aber auch diese dieser"
    " le la les un une il elle ils elles nous vous ce cette ces dans pour mais et"
    " el los las una en y pero su este esta lo gli nel per ma o os as um uma no na à"
    " в и на он она это но"
    " de het een ";

static const char months[] =
    " january february march april may june july august september october november december"
    " januar februar märz mai juni juli oktober dezember"
    " janvier février mars avril juin juillet août septembre octobre novembre"
    " décembre ";

static bool listed(const char *list, struct da_span word)
{
    if (word.len == 0 || word.len > 32)
        return false;
    for (const char *p = list; (p = strchr(p, word.p[0])) != NULL; p++) {
        if (p > list && p[-1] == ' ' && strncmp(p, word.p, word.len) == 0 && p[word.len] == ' ')
            return true;
    }
    return false;
}

enum da_abbrev da_abbrev_find(struct da_span word)
{
    if (listed(never_ends, word))
        return DA_ABBREV_NEVER_ENDS;
    if (listed(numbered, word))
        return DA_ABBREV_NUMBERED;
    if (listed(maybe, word))
        return DA_ABBREV_MAYBE;
    return DA_ABBREV_NONE;
}

bool da_abbrev_is_opener(struct da_span word)
{
    return listed(openers, word);
}

bool da_abbrev_is_month(struct da_span word)
{
    return listed(months, word);
}
