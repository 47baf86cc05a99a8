#include "eval/filehash.h"

#include "common/io.h"
#include "engine/gguf.h"

enum da_rc da_gguf_sha256(const struct da_gguf *g, char hex[DA_SHA256_HEX_LEN + 1],
                          struct da_err *err)
{
    unsigned char sum[DA_SHA256_LEN];
    struct da_sha256 h;

    da_sha256_init(&h);
    for (size_t i = 0; i < da_gguf_n_files(g); i++) {
        struct da_mapped m;
        enum da_rc rc = da_io_map(da_gguf_file_path(g, i), &m, err);
        if (rc != DA_OK)
            return rc;
        da_sha256_add(&h, m.p, m.len);
        da_io_unmap(&m);
    }
    da_sha256_end(&h, sum);
    da_hex(sum, sizeof sum, hex);
    return DA_OK;
}
