/*
 * A main for fuzz targets where there is no libFuzzer: runs the target on the empty input and on
 * each file named. An input that the target does not survive is the last one printed.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/io.h"
#include "common/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* On a heap block of exactly this size, so that a sanitizer sees a read past its end. */
static void run_bytes(const unsigned char *p, size_t len)
{
    uint8_t *copy = da_try_alloc(len, 1);
    if (!copy && len)
        return;
    if (len)
        memcpy(copy, p, len);
    (void)LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static int run_file(const char *path)
{
    struct da_mapped file = {0};
    struct da_err err = {0};
    (void)printf("# %s\n", path);
    (void)fflush(stdout);
    if (da_io_map(path, &file, &err) != DA_OK) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    run_bytes(file.p, file.len);
    da_io_unmap(&file);
    return 0;
}

int main(int argc, char **argv)
{
    int i, failed = 0;
    run_bytes(NULL, 0);
    for (i = 1; i < argc; i++)
        failed |= run_file(argv[i]);
    return failed;
}
