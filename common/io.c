/* Files: see io.h. */

#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static enum da_rc open_rc(int errnum)
{
    return errnum == ENOENT || errnum == ENOTDIR ? DA_ENOTFOUND : DA_EIO;
}

enum da_rc da_io_read_file(const char *path, size_t max_bytes, struct da_buf *out,
                           struct da_err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    size_t start = out->len;
    enum da_rc rc = DA_OK;
    if (fd < 0)
        return da_fail_errno(err, open_rc(errno), errno, "cannot open '%s'", path);
    for (;;) {
        enum { CHUNK = 65536 };
        char *to = da_buf_reserve(out, CHUNK);
        ssize_t n;
        if (!to) {
            rc = da_buf_check(out, path, err);
            break;
        }
        n = read(fd, to, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            rc = da_fail_errno(err, DA_EIO, errno, "cannot read '%s'", path);
            break;
        }
        if (n == 0)
            break;
        out->len += (size_t)n;
        out->p[out->len] = 0;
        if (out->len - start > max_bytes) {
            rc = da_fail(err, DA_ELIMIT, "'%s' is larger than %zu bytes", path, max_bytes);
            break;
        }
    }
    if (!is_stdin)
        (void)close(fd);
    return rc;
}

enum da_rc da_io_map(const char *path, struct da_mapped *ret, struct da_err *err)
{
    struct stat st;
    enum da_rc rc = DA_OK;
    void *p;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return da_fail_errno(err, open_rc(errno), errno, "cannot open '%s'", path);
    if (fstat(fd, &st) != 0) {
        rc = da_fail_errno(err, DA_EIO, errno, "cannot stat '%s'", path);
    } else if (!S_ISREG(st.st_mode)) {
        rc = da_fail(err, DA_EIO, "'%s' is not a regular file", path);
    } else if (st.st_size == 0) {
        ret->p = (const unsigned char *)"";
        ret->len = 0;
    } else {
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) {
            rc = da_fail_errno(err, DA_EIO, errno, "cannot map '%s'", path);
        } else {
            ret->p = p;
            ret->len = (size_t)st.st_size;
        }
    }
    (void)close(fd);
    return rc;
}

void da_io_unmap(struct da_mapped *m)
{
    if (m && m->p && m->len)
        (void)munmap((void *)(uintptr_t)m->p, m->len);
    if (m) {
        m->p = NULL;
        m->len = 0;
    }
}

enum da_rc da_io_write_all(int fd, const void *p, size_t len, const char *name,
                           struct da_err *err)
{
    const char *at = p;
    while (len) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return da_fail_errno(err, DA_EIO, errno, "cannot write '%s'", name);
        at += n;
        len -= (size_t)n;
    }
    return DA_OK;
}

enum da_rc da_io_sync_dir_of(const char *path, struct da_err *err)
{
    struct da_buf dir;
    const char *slash = strrchr(path, '/');
    enum da_rc rc = DA_OK;
    int fd;
    da_buf_init(&dir, 0);
    if (slash == path)
        da_buf_add_char(&dir, '/');
    else if (slash)
        da_buf_add(&dir, path, (size_t)(slash - path));
    else
        da_buf_add_char(&dir, '.');
    fd = open(dir.p, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        rc = da_fail_errno(err, DA_EIO, errno, "cannot open folder '%s'", dir.p);
    } else {
        /* Some file systems refuse to sync folders; the rename itself has happened. */
        if (fsync(fd) != 0 && errno != EINVAL)
            rc = da_fail_errno(err, DA_EIO, errno, "cannot sync folder '%s'", dir.p);
        (void)close(fd);
    }
    da_buf_release(&dir);
    return rc;
}

enum da_rc da_io_write_file(const char *path, const void *p, size_t len, struct da_err *err)
{
    struct da_buf tmp;
    enum da_rc rc;
    int fd;
    da_buf_init(&tmp, 0);
    da_buf_addf(&tmp, "%s.tmp-%ld", path, (long)getpid());
    fd = open(tmp.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        rc = da_fail_errno(err, open_rc(errno), errno, "cannot create '%s'", path);
        goto out;
    }
    rc = da_io_write_all(fd, p, len, path, err);
    if (rc == DA_OK && fsync(fd) != 0 && errno != EINVAL)
        rc = da_fail_errno(err, DA_EIO, errno, "cannot sync '%s'", path);
    if (close(fd) != 0 && rc == DA_OK)
        rc = da_fail_errno(err, DA_EIO, errno, "cannot close '%s'", path);
    if (rc == DA_OK && rename(tmp.p, path) != 0)
        rc = da_fail_errno(err, DA_EIO, errno, "cannot rename to '%s'", path);
    if (rc == DA_OK)
        rc = da_io_sync_dir_of(path, err);
    else
        (void)unlink(tmp.p);
out:
    da_buf_release(&tmp);
    return rc;
}

enum da_rc da_io_make_dirs(const char *path, struct da_err *err)
{
    struct da_buf b;
    enum da_rc rc = DA_OK;
    size_t i;
    da_buf_init(&b, 0);
    da_buf_add_str(&b, path);
    for (i = 1; i <= b.len; i++) {
        if (b.p[i] != '/' && b.p[i] != 0)
            continue;
        b.p[i] = 0;
        if (mkdir(b.p, 0777) != 0 && !da_io_is_dir(b.p)) {
            rc = da_fail_errno(err, DA_EIO, errno, "cannot create folder '%s'", b.p);
            break;
        }
        if (i < b.len)
            b.p[i] = '/';
    }
    da_buf_release(&b);
    return rc;
}

bool da_io_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool da_io_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

void da_io_join(struct da_buf *out, const char *dir, const char *name)
{
    size_t n = strlen(dir);
    da_buf_add(out, dir, n);
    if (n && dir[n - 1] != '/')
        da_buf_add_char(out, '/');
    da_buf_add_str(out, name);
}
