/*
 * What an interrupted run left behind: any journal beside any partial output is either refused or
 * taken up, never believed beyond the output's end. Up to the first byte 0: the journal.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/resume.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const keys[] = {"a", "b", "c", "dir/d"};

static void put(const char *name, const uint8_t *p, size_t len)
{
    if (da_io_write_file(name, p, len, NULL) != DA_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char folder[64];
    if (!folder[0]) {
        (void)snprintf(folder, sizeof folder, "%s/fuzz-resume-XXXXXX",
                       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (!mkdtemp(folder))
            abort();
    }
    char out[96], name[112];
    (void)snprintf(out, sizeof out, "%s/out", folder);
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
    size_t n = zero ? (size_t)(zero - data) : size;
    (void)snprintf(name, sizeof name, "%s.journal", out);
    put(name, data, n);
    (void)snprintf(name, sizeof name, "%s.partial", out);
    put(name, data + n, size - n);
    struct da_resume_opts opts = {.paths = {out}, .options_hash = "0123abcd", .restart = false,
                                  .sync_every_ms = 1000000};
    struct da_resume *r = NULL;
    if (da_resume_open(&r, &opts, NULL) == DA_OK) {
        struct stat st;
        if (stat(name, &st) != 0 || (size_t)st.st_size > size - n)
            abort();
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            bool done = false;
            char note[DA_RESUME_MAX_NOTE];
            struct da_span key = da_span_str(keys[i]);
            if (da_resume_next(r, key, &done, note, NULL) != DA_OK)
                break;
            if (done && memchr(note, 0, sizeof note) == NULL)
                abort();
            if (!done && (da_resume_write(r, 0, "x\n", 2, NULL) != DA_OK ||
                          da_resume_commit(r, key, "note", NULL) != DA_OK))
                abort();
        }
        da_resume_close(r);
    }
    (void)unlink(name);
    (void)snprintf(name, sizeof name, "%s.journal", out);
    (void)unlink(name);
    return 0;
}
