/*
 * Score files: whatever a board accepts, its page holds one script (its own), no
 * event handler and only tags that the program writes, and every format is valid
 * UTF-8.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/utf8.h"
#include "eval/leaderboard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)); p += strlen(what)) {
        n++;
    }
    return n;
}

static void check(const struct da_board *b)
{
    static const enum da_board_format all[] = {DA_BOARD_MD, DA_BOARD_CSV, DA_BOARD_JSON,
                                               DA_BOARD_LATEX, DA_BOARD_HTML};
    struct da_buf out;
    struct da_err err;
    da_buf_init(&out, 0);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        da_buf_reset(&out);
        if (da_board_render(b, all[i], &out, &err) != DA_OK || !da_utf8_valid(out.p, out.len)) {
            abort();
        }
    }
    if (count(out.p, "<script") != 1 || count(out.p, "<img") != 0 || count(out.p, "<b>x") != 0) {
        abort();
    }
    da_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[] = "/tmp/fuzz-board-XXXXXX";
    int fd = mkstemp(path);
    struct da_board_opts opts = {.n_samples = 2, .n_trials = 16};
    struct da_board *b = NULL;
    struct da_err err;
    if (fd < 0) {
        abort();
    }
    if (da_io_write_all(fd, data, size, path, &err) != DA_OK) {
        abort();
    }
    close(fd);
    da_board_new(&b, &opts);
    if (da_board_add_scores(b, path, &err) == DA_OK && da_board_finish(b, &err) == DA_OK) {
        check(b);
    }
    da_board_free(b);
    unlink(path);
    return 0;
}
