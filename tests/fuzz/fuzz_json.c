/* JSON: what is accepted must be written and accepted again, to the same text. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_tree(const struct da_json *j, struct da_buf *b)
{
    struct da_jw w;
    da_jw_init(&w, b);
    da_jw_value(&w, j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct da_json *first = NULL, *second = NULL;
    struct da_buf a, b;
    struct da_err err;
    da_buf_init(&a, 0);
    da_buf_init(&b, 0);
    if (da_json_parse((const char *)data, size, &first, &err) == DA_OK) {
        write_tree(first, &a);
        if (!da_utf8_valid(a.p, a.len) || da_json_parse(a.p, a.len, &second, &err) != DA_OK)
            abort();
        write_tree(second, &b);
        if (a.len != b.len || memcmp(a.p, b.p, a.len) != 0)
            abort();
    }
    da_json_free(first);
    da_json_free(second);
    da_buf_release(&a);
    da_buf_release(&b);
    return 0;
}
