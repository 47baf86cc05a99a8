/* SHA-256: FIPS 180-4 examples (NIST CSRC). XXH64: values of the reference xxhsum 0.8. */

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"
#include "tests/tap.h"

static void sha_is(const char *text, const char *want)
{
    char hex[DA_SHA256_HEX_LEN + 1];
    da_sha256_hex(text, strlen(text), hex);
    tap_is_str(hex, want, "SHA-256 of '%.20s'", text);
}

static void test_sha256(void)
{
    char hex[DA_SHA256_HEX_LEN + 1];
    unsigned char out[DA_SHA256_LEN];
    struct da_sha256 h;
    char block[1000];
    int i;
    sha_is("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha_is("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha_is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    memset(block, 'a', sizeof block);
    da_sha256_init(&h);
    for (i = 0; i < 1000; i++) /* a million 'a' in uneven pieces */
        da_sha256_add(&h, block, 999);
    da_sha256_add(&h, block, 1000);
    da_sha256_end(&h, out);
    da_hex(out, sizeof out, hex);
    tap_is_str(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
               "SHA-256 of a million 'a' in pieces");
    /* long pieces may go by the processor's own instructions */
    char *all = da_malloc(1000000);
    memset(all, 'a', 1000000);
    da_sha256_hex(all, 1000000, hex);
    tap_is_str(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
               "SHA-256 of a million 'a' at once");
    for (i = 0; i < 1000000; i++)
        all[i] = (char)((uint32_t)i * 7919u >> 5);
    for (i = 4000; i < 4400; i++) {
        char small[DA_SHA256_HEX_LEN + 1];
        da_sha256_init(&h);
        for (int k = 0; k < i; k += 1000)
            da_sha256_add(&h, all + k, (size_t)(i - k < 1000 ? i - k : 1000));
        da_sha256_end(&h, out);
        da_hex(out, sizeof out, small);
        da_sha256_hex(all, (size_t)i, hex);
        if (strcmp(hex, small) != 0)
            break;
    }
    tap_ok(i == 4400, "400 lengths around the border of long pieces, at once and in small ones");
    free(all);
}

static void test_xxh64(void)
{
    tap_ok(da_hash64("", 0, 0) == 0xef46db3751d8e999u, "XXH64 of nothing");
    tap_ok(da_hash64("a", 1, 0) == 0xd24ec4f1a98c6e5bu, "XXH64 of 'a'");
    tap_ok(da_hash64("abc", 3, 0) == 0x44bc2cf5ad770999u, "XXH64 of 'abc'");
    tap_ok(da_hash64("Nobody inspects the spammish repetition", 39, 0) == 0xfbcea83c8a378bf1u,
           "XXH64 of 39 bytes");
}

int main(void)
{
    test_sha256();
    test_xxh64();
    return tap_done();
}
