// SPDX-License-Identifier: GPL-3.0-or-later
// See cld.h. The only file that names CLD2, and the only one in C++.

#include "ingest/extract/cld.h"

#include <cstdio> // before CLD2, whose header needs it

#include <cld2/public/compact_lang_det.h>
#include <cld2/public/encodings.h>
#include <cstring>

int da_language_guess(const char *p, size_t len, char code[DA_LANGUAGE_CODE_MAX])
{
    CLD2::Language best[3];
    int percent[3], text_bytes = 0, n = len < 65536 ? static_cast<int>(len) : 65536;
    bool reliable = false;
    code[0] = 0;
    (void)CLD2::ExtDetectLanguageSummary(p, n, true, best, percent, &text_bytes, &reliable);
    const char *name = CLD2::LanguageCode(best[0]);
    if (best[0] == CLD2::UNKNOWN_LANGUAGE || std::strcmp(name, "un") == 0 ||
        std::strncmp(name, "xx", 2) == 0 || (!reliable && percent[0] < 50))
        return 0;
    if (std::strcmp(name, "iw") == 0)
        name = "he"; // CLD2 keeps the code of 1988
    if (std::strlen(name) >= DA_LANGUAGE_CODE_MAX)
        return 0;
    std::memcpy(code, name, std::strlen(name) + 1);
    return percent[0] * (reliable ? 10 : 5);
}

double da_language_fit(const char *p, size_t len)
{
    CLD2::CLDHints hints = {nullptr, nullptr, CLD2::UNKNOWN_ENCODING, CLD2::UNKNOWN_LANGUAGE};
    CLD2::Language best[3];
    double score[3], fit = 0;
    int percent[3], text_bytes = 0, n = len < 65536 ? static_cast<int>(len) : 65536;
    bool reliable = false;
    (void)CLD2::ExtDetectLanguageSummary(p, n, true, &hints, 0, best, percent, score, nullptr,
                                         &text_bytes, &reliable);
    for (int i = 0; i < 3; i++)
        if (best[i] != CLD2::UNKNOWN_LANGUAGE)
            fit += percent[i] / 100.0 * score[i];
    return fit;
}
