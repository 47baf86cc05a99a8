/*
 * SHA-256 by the SHA instructions (Intel SDM volume 2: SHA256RNDS2, SHA256MSG1,
 * SHA256MSG2). They want the eight variables as two registers, a b e f and c d g h
 * with a and c on top, and do two rounds at a time.
 */
#include "common/sha256_x86.h"

#if defined(__x86_64__)
#include <immintrin.h>

static __m128i load(const void *p)
{
    return _mm_loadu_si128(p);
}

/* Four rounds with the words w. */
#define ROUNDS(i, w)                                                                               \
    do {                                                                                           \
        __m128i x = _mm_add_epi32(w, load(k + 4 * (i)));                                           \
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, x);                                               \
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(x, 0x0e));                      \
    } while (0)

/* The four words after w3, from the sixteen before them, in place of w0; then four rounds. */
#define NEXT_ROUNDS(i, w0, w1, w2, w3)                                                             \
    do {                                                                                           \
        w0 = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));              \
        w0 = _mm_sha256msg2_epu32(w0, w3);                                                         \
        ROUNDS(i, w0);                                                                             \
    } while (0)

void da_sha256_x86(uint32_t state[8], const uint32_t k[64], const unsigned char *p, size_t n_blocks)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i badc = _mm_shuffle_epi32(load(state), 0xb1);
    __m128i hgfe = _mm_shuffle_epi32(load(state + 4), 0x1b);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8), cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
    for (; n_blocks > 0; n_blocks--, p += 64) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w0 = _mm_shuffle_epi8(load(p), big_endian);
        __m128i w1 = _mm_shuffle_epi8(load(p + 16), big_endian);
        __m128i w2 = _mm_shuffle_epi8(load(p + 32), big_endian);
        __m128i w3 = _mm_shuffle_epi8(load(p + 48), big_endian);
        ROUNDS(0, w0);
        ROUNDS(1, w1);
        ROUNDS(2, w2);
        ROUNDS(3, w3);
        for (unsigned i = 4; i < 16; i += 4) {
            NEXT_ROUNDS(i, w0, w1, w2, w3);
            NEXT_ROUNDS(i + 1, w1, w2, w3, w0);
            NEXT_ROUNDS(i + 2, w2, w3, w0, w1);
            NEXT_ROUNDS(i + 3, w3, w0, w1, w2);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}
#else
typedef int da_not_x86_sha256; /* a translation unit may not be empty */
#endif
