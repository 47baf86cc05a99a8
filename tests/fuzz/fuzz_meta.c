/* Facts beside documents (--meta): any file is refused or gives rows that can be found again. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/hash.h"
#include "common/io.h"
#include "ingest/meta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char name[64];
    if (!name[0]) {
        (void)snprintf(name, sizeof name, "%s/fuzz-meta-XXXXXX",
                       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        int fd = mkstemp(name);
        if (fd < 0)
            abort();
        (void)close(fd);
    }
    struct da_meta *m = NULL;
    if (da_io_write_file(name, data, size, NULL) != DA_OK)
        abort();
    if (da_meta_open(&m, name, NULL) == DA_OK) {
        struct da_json *j = da_meta_find(m, da_span_str("a"));
        struct da_span path;
        if (strlen(da_meta_hash(m)) != DA_SHA256_HEX_LEN)
            abort();
        if (j && (da_json_need_str(j, "path", &path, NULL) != DA_OK || !da_span_is(path, "a")))
            abort();
        da_json_free(j);
        da_meta_close(m);
    }
    return 0;
}
