/* Unicode class tables. Figures: tools/unicode/uclass_golden.py (unicodedata2 16.0.0, and
 * UnicodeData.txt of Debian's unicode-data 15.0), PropList.txt for White_Space. */

#include <stdio.h>
#include <string.h>

#include "common/hash.h"
#include "tests/tap.h"
#include "text/uclass.h"

enum { N_CODE_POINTS = 0x110000 };

static void test_categories(void)
{
    struct da_sha256 h;
    unsigned char sum[DA_SHA256_LEN];
    char hex[DA_SHA256_HEX_LEN + 1];
    unsigned n[128] = {0};
    da_sha256_init(&h);
    for (uint32_t c = 0; c < N_CODE_POINTS; c++) {
        const char *name = da_uclass_category_name(c);
        n[(unsigned char)name[0]]++;
        da_sha256_add(&h, name, 2);
    }
    da_sha256_end(&h, sum);
    da_hex(sum, sizeof sum, hex);
    tap_is_str(da_uclass_version, "16.0.0", "version");
    tap_is_str(hex, "984e7b98c95aa8dc77bdf74f92c363d68d9313b885ee23650242f3aaf45e7712",
               "categories of all code points equal unicodedata2 16.0.0");
    tap_is_int(n['L'], 141028, "letters");
    tap_is_int(n['M'], 2501, "marks");
    tap_is_int(n['P'], 855, "punctuation");
    tap_is_int(da_uclass_category(0x110000), DA_UCAT_CN, "beyond Unicode: unassigned");
    tap_is_int(da_uclass_category(0xffffffff), DA_UCAT_CN, "largest word: unassigned");
}

static void test_masks(void)
{
    bool same = true;
    for (uint32_t c = 0; c < N_CODE_POINTS; c++) {
        char k = da_uclass_category_name(c)[0];
        same = same && da_uclass_is_letter(c) == (k == 'L') && da_uclass_is_mark(c) == (k == 'M') &&
               da_uclass_is_number(c) == (k == 'N') && da_uclass_is_punct(c) == (k == 'P') &&
               da_uclass_is_symbol(c) == (k == 'S') &&
               da_uclass_in(c, DA_UMASK_Z) == (k == 'Z') &&
               da_uclass_in(c, DA_UMASK_C) == (k == 'C');
    }
    tap_ok(same, "the helpers agree with the category names everywhere");
}

static void test_space(void)
{
    static const uint32_t white[] = {0x9,    0xa,    0xb,    0xc,    0xd,    0x20,   0x85,
                                     0xa0,   0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004,
                                     0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028,
                                     0x2029, 0x202f, 0x205f, 0x3000};
    size_t n = 0, n_python = 0;
    bool order = true;
    for (uint32_t c = 0; c < N_CODE_POINTS; c++) {
        if (da_uclass_is_space(c)) {
            order = order && n < DA_ARRAY_LEN(white) && white[n] == c;
            n++;
        }
        n_python += da_uclass_is_space_python(c);
    }
    tap_ok(order && n == DA_ARRAY_LEN(white), "White_Space has its 25 code points");
    tap_is_int((long long)n_python, 29, "str.isspace() has 29");
}

/* Cased letters that are new in 16.0: the outside list is of 15.0. */
static bool is_newer_than_15(uint32_t c)
{
    return c == 0x1c89 || c == 0xa7cb || c == 0xa7cc || c == 0xa7da || c == 0xa7dc ||
           (c >= 0x10d50 && c <= 0x10d65);
}

static void test_lower(void)
{
    struct da_sha256 h;
    unsigned char sum[DA_SHA256_LEN];
    char hex[DA_SHA256_HEX_LEN + 1];
    unsigned n = 0;
    da_sha256_init(&h);
    for (uint32_t c = 0; c < N_CODE_POINTS; c++) {
        uint32_t to = da_uclass_lower(c);
        char line[32];
        if (to == c || is_newer_than_15(c))
            continue;
        int len = snprintf(line, sizeof line, "%u %u\n", (unsigned)c, (unsigned)to);
        da_sha256_add(&h, line, (size_t)len);
        n++;
    }
    da_sha256_end(&h, sum);
    da_hex(sum, sizeof sum, hex);
    tap_is_int(n, 1433, "simple lower-case mappings of 15.0");
    tap_is_str(hex, "d7dc80796be4141c847814a990fcab385d426c27e7c4dfb8f99c7464b3cd99be",
               "and they equal UnicodeData.txt");
    tap_is_int(da_uclass_lower(0x10d65), 0x10d85, "Garay, new in 16.0");
    tap_is_int(da_uclass_lower(0x130), 'i', "dotted capital I");
    tap_is_int(da_uclass_lower(0x110000), 0x110000, "beyond Unicode: itself");
}

int main(void)
{
    test_categories();
    test_masks();
    test_space();
    test_lower();
    return tap_done();
}
