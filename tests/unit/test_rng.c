/*
 * numpy's default_rng, values made with numpy 1.24.2: state and first draws after
 * seeding, and Generator.choice(n, size=24, replace=True).
 */

#include "common/rng.h"
#include "tests/tap.h"

static const struct {
    uint64_t seed, state_hi, state_lo, inc_hi, inc_lo, raw[6];
} streams[] = {
    {12345u, 0x1905e0335aae9634u, 0x9199b0d09775add5u, 0xc9c7353e6e2b1f28u, 0x7d761f2d4027fae7u,
     {4193609425186963869u, 5843160025838961886u,
      14708796524633321433u, 12474696839993944336u,
      7214697784736971533u, 6139333351517228867u}},
    {1u, 0x9c5b484bfedb756cu, 0x2a6e7d6f320fbc7eu, 0x922af2da2645f895u, 0xa19857b95740937bu,
     {9441442522235856127u, 17532960557476522086u,
      2659275481604167885u, 17499493567006797778u,
      5752274989370667689u, 7808994663829368904u}},
};

static const struct {
    uint64_t seed, n;
    uint32_t index[24];
} choices[] = {
    {12345u, 1u,
     {0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u,
      0u, 0u}},
    {12345u, 2u,
     {1u, 0u, 1u, 0u, 0u, 1u, 1u, 1u, 1u, 0u, 1u, 0u, 1u, 1u, 0u, 0u, 0u, 1u, 1u, 1u, 1u, 0u,
      1u, 1u}},
    {12345u, 7u,
     {4u, 1u, 5u, 2u, 1u, 5u, 4u, 4u, 6u, 2u, 5u, 2u, 3u, 4u, 1u, 1u, 1u, 4u, 4u, 6u, 4u, 1u,
      6u, 6u}},
    {12345u, 1000u,
     {699u, 227u, 788u, 316u, 204u, 797u, 642u, 676u, 988u, 391u, 839u, 332u, 567u, 598u, 213u,
      186u, 229u, 672u, 613u, 941u, 706u, 248u, 914u, 948u}},
    {12345u, 70000u,
     {48945u, 15913u, 55205u, 22173u, 14292u, 55815u, 44987u, 47337u, 69191u, 27377u, 58759u,
      23296u, 39725u, 41881u, 14920u, 13071u, 16039u, 47092u, 42943u, 65926u, 49430u, 17377u,
      64043u, 66421u}},
    {12345u, 3000000000u,
     {2097645094u, 682008066u, 2365940964u, 950275018u, 2392096371u, 2028764011u, 2518275128u,
      1794926260u, 639429039u, 560202556u, 687406213u, 2018268131u, 1840423821u, 2825408595u,
      744737143u, 2846643454u, 2197300642u, 2001712358u, 391877584u, 287693806u, 1325518998u,
      217220497u, 2659439757u, 2092360499u}},
    {1u, 1u,
     {0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u,
      0u, 0u}},
    {1u, 2u,
     {0u, 1u, 1u, 1u, 0u, 0u, 1u, 1u, 0u, 0u, 1u, 0u, 0u, 1u, 0u, 0u, 1u, 1u, 0u, 0u, 1u, 1u,
      1u, 1u}},
    {1u, 7u,
     {3u, 3u, 5u, 6u, 0u, 1u, 5u, 6u, 1u, 2u, 6u, 2u, 1u, 5u, 1u, 2u, 4u, 3u, 0u, 0u, 6u, 5u,
      5u, 3u}},
    {1u, 1000u,
     {473u, 511u, 755u, 950u, 34u, 144u, 822u, 948u, 249u, 311u, 869u, 423u, 273u, 827u, 256u,
      409u, 643u, 549u, 85u, 27u, 865u, 753u, 837u, 538u}},
    {1u, 70000u,
     {33123u, 35827u, 52861u, 66532u, 2439u, 10091u, 57606u, 66405u, 17446u, 21828u, 60831u,
      29632u, 19121u, 57939u, 17989u, 28643u, 45068u, 38471u, 6001u, 1929u, 60591u, 52745u,
      58651u, 37670u}},
    {1u, 3000000000u,
     {1535464873u, 2851391088u, 104557657u, 2845948340u, 935494355u, 2607075741u, 1269979346u,
      770976088u, 1227597408u, 1931486993u, 1648781062u, 257217833u, 82677339u, 2260539325u,
      2452633609u, 989195148u, 1358039803u, 2365286109u, 371754396u, 909584487u, 373262675u,
      1360493668u, 2930717833u, 610365721u}},
};

static void test_streams(void)
{
    size_t i, k;
    for (i = 0; i < DA_ARRAY_LEN(streams); i++) {
        struct da_rng r;
        bool same = true;
        da_rng_init(&r, streams[i].seed);
        tap_ok(r.state_hi == streams[i].state_hi && r.state_lo == streams[i].state_lo &&
                   r.inc_hi == streams[i].inc_hi && r.inc_lo == streams[i].inc_lo,
               "state after seeding with %llu", (unsigned long long)streams[i].seed);
        for (k = 0; k < 6; k++)
            same &= da_rng_u64(&r) == streams[i].raw[k];
        tap_ok(same, "first draws with seed %llu", (unsigned long long)streams[i].seed);
    }
}

static void test_choices(void)
{
    size_t i, k;
    for (i = 0; i < DA_ARRAY_LEN(choices); i++) {
        struct da_rng r;
        bool same = true;
        da_rng_init(&r, choices[i].seed);
        for (k = 0; k < 24; k++)
            same &= da_rng_below(&r, choices[i].n) == choices[i].index[k];
        tap_ok(same, "choice from %llu with seed %llu", (unsigned long long)choices[i].n,
               (unsigned long long)choices[i].seed);
    }
}

static void test_ranges(void)
{
    struct da_rng r;
    double sum = 0, squares = 0;
    bool inside = true;
    int i;
    da_rng_init(&r, 7);
    for (i = 0; i < 100000; i++) {
        double u = da_rng_double(&r), x = da_rng_normal(&r);
        inside &= u >= 0 && u < 1;
        inside &= da_rng_below(&r, (uint64_t)1 << 40) < (uint64_t)1 << 40;
        sum += x;
        squares += x * x;
    }
    tap_ok(inside, "doubles lie in [0, 1), bounded draws below their bound");
    tap_ok(sum / 100000 < 0.02 && sum / 100000 > -0.02, "normal draws have mean 0");
    tap_ok(squares / 100000 < 1.03 && squares / 100000 > 0.97, "normal draws have variance 1");
}

int main(void)
{
    test_streams();
    test_choices();
    test_ranges();
    return tap_done();
}
