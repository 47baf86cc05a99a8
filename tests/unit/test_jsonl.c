/* JSON Lines and files. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/jsonl.h"
#include "tests/tap.h"

static const char *write_temp(const char *name, const void *p, size_t len)
{
    static char path[512];
    struct da_err err;
    (void)snprintf(path, sizeof path, "%s/%s", tap_tmpdir(), name);
    if (da_io_write_file(path, p, len, &err) != DA_OK)
        tap_ok(false, "%s", err.msg);
    return path;
}

static void test_lines(void)
{
    static const char text[] = "\xEF\xBB\xBF{\"a\":1}\r\n\n  \n[2]\n\"last\"";
    const char *path = write_temp("lines.jsonl", text, sizeof text - 1);
    struct da_jsonl *r = NULL;
    struct da_json *j = NULL;
    struct da_err err;
    int64_t want_lines[] = {1, 4, 5};
    size_t i;
    tap_rc(da_jsonl_open(&r, path, &err), &err, "opens");
    for (i = 0; i < 3; i++) {
        bool ok = da_jsonl_next(r, &j, &err) == DA_OK && j != NULL;
        tap_ok(ok && da_jsonl_line_number(r) == (uint64_t)want_lines[i],
               "value on line %lld: BOM, CRLF, empty lines and a missing last LF are fine",
               (long long)want_lines[i]);
        da_json_free(j);
    }
    tap_ok(da_jsonl_next(r, &j, &err) == DA_OK && j == NULL, "then the end");
    da_jsonl_close(r);
}

static void test_errors(void)
{
    static const char text[] = "{\"a\":1}\n{\"a\":\n";
    char want[600];
    const char *path = write_temp("half.jsonl", text, sizeof text - 1);
    struct da_jsonl *r = NULL;
    struct da_json *j = NULL;
    struct da_err err;
    tap_rc(da_jsonl_open(&r, path, &err), &err, "opens");
    tap_rc(da_jsonl_next(r, &j, &err), &err, "line 1");
    da_json_free(j);
    tap_is_int(da_jsonl_next(r, &j, &err), DA_EFORMAT, "half a line");
    (void)snprintf(want, sizeof want,
                   "%s:2: invalid JSON at byte 5, after member 'a': the text ends where a value was "
                   "expected",
                   path);
    tap_is_str(err.msg, want, "is named with file and line");
    da_jsonl_close(r);
    tap_is_int(da_jsonl_open(&r, "/nonexistent/x.jsonl", &err), DA_ENOTFOUND, "a missing file");
    tap_is_str(err.msg, "cannot open '/nonexistent/x.jsonl': No such file or directory",
               "is named");
}

/* A line just below the limit is read whole, one above it is refused. */
static void test_limit(void)
{
    struct da_buf b;
    struct da_jsonl *r = NULL;
    struct da_span line;
    struct da_err err;
    size_t n = DA_JSONL_MAX_LINE;
    char *p;
    da_buf_init(&b, 0);
    p = da_buf_reserve(&b, 2 * n + 8);
    memset(p, 'x', 2 * n + 8);
    p[n] = '\n';
    b.len = 2 * n + 8;
    tap_rc(da_jsonl_open(&r, write_temp("long.jsonl", b.p, b.len), &err), &err, "opens");
    tap_ok(da_jsonl_next_line(r, &line, &err) == DA_OK && line.len == n,
           "a line of exactly the limit");
    tap_is_int(da_jsonl_next_line(r, &line, &err), DA_ELIMIT, "a longer one");
    tap_ok(strstr(err.msg, ":2: line is longer than 67108864 bytes") != NULL, "is named: %s",
           err.msg);
    da_jsonl_close(r);
    da_buf_release(&b);
}

static void test_files(void)
{
    struct da_mapped m = {NULL, 0};
    struct da_err err;
    struct da_buf b;
    char path[600];
    da_buf_init(&b, 0);
    tap_rc(da_io_map(write_temp("empty", "", 0), &m, &err), &err, "an empty file maps");
    tap_ok(m.p && m.len == 0, "to nothing");
    da_io_unmap(&m);
    tap_is_int(da_io_read_file(write_temp("ten", "0123456789", 10), 9, &b, &err), DA_ELIMIT,
               "a file beyond the limit");
    tap_is_int(da_io_map(tap_tmpdir(), &m, &err), DA_EIO, "a folder does not map");
    (void)snprintf(path, sizeof path, "%s/a/b/c", tap_tmpdir());
    tap_rc(da_io_make_dirs(path, &err), &err, "folders are made with their parents");
    tap_ok(da_io_is_dir(path), "and are there");
    tap_rc(da_io_make_dirs(path, &err), &err, "making them again is fine");
    da_buf_release(&b);
}

int main(void)
{
    test_lines();
    test_errors();
    test_limit();
    test_files();
    return tap_done();
}
