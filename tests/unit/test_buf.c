/* Buffers, spans, maps and arenas: limits and edges. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/map.h"
#include "common/span.h"
#include "tests/tap.h"

static void test_buf(void)
{
    struct da_buf b;
    struct da_err err;
    size_t len;
    char *p;
    da_buf_init(&b, 10);
    tap_ok(b.p[0] == 0 && b.len == 0, "an empty buffer is a string");
    da_buf_add_str(&b, "hello");
    da_buf_addf(&b, "-%d", 42);
    tap_is_str(b.p, "hello-42", "text and formatted text");
    da_buf_insert(&b, 5, "!", 1);
    tap_is_str(b.p, "hello!-42", "insert");
    da_buf_add_str(&b, "xyz");
    tap_ok(b.overflow && b.len == 9, "an addition beyond the maximum adds nothing");
    tap_is_int(da_buf_check(&b, "the reply", &err), DA_ELIMIT, "and is reported at the end");
    tap_is_str(err.msg, "the reply is larger than 10 bytes", "with the limit");
    da_buf_reset(&b);
    tap_ok(!b.overflow && b.len == 0, "reset clears it");
    da_buf_add(&b, "a\0b", 3);
    p = da_buf_take(&b, &len);
    tap_is_mem(p, len, "a\0b", 3, "bytes may be NUL; taken");
    free(p);
    p = da_buf_take(&b, &len);
    tap_ok(len == 0 && p[0] == 0, "an empty buffer can be taken");
    free(p);
    da_buf_release(&b);
}

static void test_span(void)
{
    struct da_span rest = da_span_str("a,,b"), piece;
    int n = 0;
    while (da_span_split(&rest, ',', &piece))
        n++;
    tap_is_int(n, 3, "split keeps empty pieces between separators");
    piece = da_span_trim(da_span_str(" \t x y \n"));
    tap_is_mem(piece.p, piece.len, "x y", 3, "trim");
    tap_is_int((long long)da_span_find(da_span_str("abababc"), da_span_str("abc")), 4, "find");
    tap_is_int((long long)da_span_find(da_span_str("abab"), da_span_str("abc")), 4,
               "find gives the length when there is nothing");
}

static void test_map(void)
{
    enum { N = 20000 };
    struct da_map m;
    bool ok = true, is_new;
    uint32_t i;
    da_map_init(&m);
    tap_ok(da_map_get(&m, "x", 1) == NULL, "nothing in an empty map");
    for (i = 0; i < N; i++)
        *da_map_add(&m, &i, sizeof i, &is_new) = i;
    for (i = 0; i < N; i++) {
        uint64_t *v = da_map_get(&m, &i, sizeof i);
        ok &= v && *v == i && m.entries[i].value == i;
    }
    tap_ok(ok && m.n == N, "20,000 keys are found, in order of insertion");
    *da_map_add(&m, &(uint32_t){5}, sizeof i, &is_new) += 1;
    tap_ok(!is_new && *da_map_get(&m, &(uint32_t){5}, sizeof i) == 6, "adding again finds it");
    (void)da_map_add(&m, "", 0, &is_new);
    tap_ok(is_new && da_map_get(&m, "", 0), "the empty key is a key");
    da_map_reset(&m);
    tap_ok(m.n == 0 && !da_map_get(&m, &(uint32_t){5}, sizeof i), "reset empties it");
    da_map_release(&m);
}

static void test_arena(void)
{
    struct da_arena a;
    bool ok = true;
    char *s;
    int i;
    da_arena_init(&a);
    for (i = 1; i < 2000; i++) {
        unsigned char *p = da_arena_alloc(&a, (size_t)i, 1);
        ok &= (uintptr_t)p % 16 == 0 && p[0] == 0 && p[i - 1] == 0;
        memset(p, 0xFF, (size_t)i);
    }
    tap_ok(ok, "pieces are aligned and zeroed");
    s = da_arena_strndup(&a, "abcdef", 3);
    tap_is_str(s, "abc", "strings");
    int *grown = NULL;
    size_t n = 0, cap = 0;
    for (ok = true; n < 100; n++) {
        DA_ARENA_GROW(&a, grown, n, cap);
        grown[n] = (int)n;
    }
    for (i = 0; i < 100; i++)
        ok &= grown[i] == i;
    tap_ok(ok && cap == 128, "an array that grows keeps what it had");
    da_arena_reset(&a);
    tap_is_int((long long)a.used_bytes, 0, "reset");
    da_arena_release(&a);
}

int main(void)
{
    test_buf();
    test_span();
    test_map();
    test_arena();
    return tap_done();
}
