#include "eval/filehash.h"

#include "common/io.h"

enum da_rc da_file_sha256(const char *path, char hex[DA_SHA256_HEX_LEN + 1], struct da_err *err)
{
    struct da_mapped m = {NULL, 0};
    enum da_rc rc = da_io_map(path, &m, err);

    if (rc == DA_OK)
        da_sha256_hex(m.p, m.len, hex);
    da_io_unmap(&m);
    return rc;
}
