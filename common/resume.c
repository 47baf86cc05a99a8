/*
 * Resumable outputs. The journal is text, one line an input:
 *
 *     docassist.journal/1 <options hash>\n
 *     <len 0> <len 1> <len 2> <note>\t<key>\n
 *
 * Each commit writes the outputs, then the journal line: a killed process loses
 * nothing that was committed. Once a second both are synced, outputs first, so
 * that a power cut costs about a second's work.
 */

#include "common/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/io.h"
#include "common/mem.h"

#define JOURNAL_TAG "docassist.journal/1 "

enum { MAX_JOURNAL_LINE = DA_RESUME_MAX_KEY + DA_RESUME_MAX_NOTE + 80 };

struct output {
    char *path, *partial; /* NULL when off; partial NULL for stdout */
    int fd;
    struct da_buf pending; /* bytes not written yet */
    uint64_t len;          /* bytes written and pending */
};

struct da_resume {
    struct output out[DA_RESUME_MAX_OUTPUTS];
    char *journal_path;
    int journal_fd;
    struct da_buf journal; /* lines not written yet */
    FILE *old;             /* journal of the earlier run, read in step; NULL when used up */
    uint64_t old_end;      /* bytes of it that count */
    uint64_t old_pos;
    uint64_t synced_ns, sync_every_ns;
};

static char *with_suffix(const char *path, const char *suffix)
{
    struct da_buf b;
    da_buf_init(&b, 0);
    da_buf_add_str(&b, path);
    da_buf_add_str(&b, suffix);
    return da_buf_take(&b, NULL);
}

/* One journal line taken apart; false for one that is torn or foreign. */
static bool parse_line(const char *line, uint64_t lens[DA_RESUME_MAX_OUTPUTS],
                       char note[DA_RESUME_MAX_NOTE], struct da_span *key)
{
    const char *p = line, *tab = strchr(line, '\t'), *nl = strchr(line, '\n');
    char *end;
    int i;
    size_t n;
    if (!tab || !nl || nl < tab)
        return false;
    for (i = 0; i < DA_RESUME_MAX_OUTPUTS; i++) {
        errno = 0;
        lens[i] = strtoull(p, &end, 10);
        if (errno || end == p || *end != ' ')
            return false;
        p = end + 1;
    }
    n = (size_t)(tab - p);
    if (p > tab || n >= DA_RESUME_MAX_NOTE)
        return false;
    memcpy(note, p, n);
    note[n] = 0;
    *key = da_span(tab + 1, (size_t)(nl - tab - 1));
    return true;
}

/* keep: what an earlier run left may still count. */
static enum da_rc open_output(struct output *o, bool keep, struct da_err *err)
{
    if (!o->path)
        return DA_OK;
    if (!o->partial) {
        o->fd = STDOUT_FILENO;
        return DA_OK;
    }
    o->fd = open(o->partial, O_RDWR | O_CREAT | O_CLOEXEC | (keep ? 0 : O_TRUNC), 0666);
    if (o->fd < 0)
        return da_fail_errno(err, DA_EIO, errno, "cannot create '%s'", o->partial);
    return DA_OK;
}

/* How much of the earlier run counts: the last journal line whose bytes all exist. */
static void read_old(struct da_resume *r, uint64_t lens[DA_RESUME_MAX_OUTPUTS])
{
    char line[MAX_JOURNAL_LINE];
    uint64_t sizes[DA_RESUME_MAX_OUTPUTS] = {0};
    int i;
    for (i = 0; i < DA_RESUME_MAX_OUTPUTS; i++) {
        struct stat st;
        if (r->out[i].partial && fstat(r->out[i].fd, &st) == 0)
            sizes[i] = (uint64_t)st.st_size;
    }
    while (fgets(line, sizeof line, r->old)) {
        uint64_t now[DA_RESUME_MAX_OUTPUTS];
        char note[DA_RESUME_MAX_NOTE];
        struct da_span key;
        if (!parse_line(line, now, note, &key))
            break;
        for (i = 0; i < DA_RESUME_MAX_OUTPUTS; i++)
            if (now[i] > sizes[i])
                return;
        memcpy(lens, now, sizeof now);
        r->old_end = (uint64_t)ftell(r->old);
    }
}

/* Opens the journal of an earlier run and cuts the outputs to what it vouches for. */
static enum da_rc adopt(struct da_resume *r, const char *options_hash, struct da_err *err)
{
    char head[MAX_JOURNAL_LINE];
    uint64_t lens[DA_RESUME_MAX_OUTPUTS] = {0};
    size_t tag = strlen(JOURNAL_TAG);
    int i;
    if (!fgets(head, sizeof head, r->old) || !strchr(head, '\n')) {
        r->old_pos = r->old_end = 0; /* killed before the first line was out */
        (void)fclose(r->old);
        r->old = NULL;
        return DA_OK;
    }
    head[strcspn(head, "\n")] = 0;
    if (strncmp(head, JOURNAL_TAG, tag) != 0 || strcmp(head + tag, options_hash) != 0)
        return da_fail(err, DA_EMISMATCH,
                       "'%s' was begun with other options: use the same ones to continue, or "
                       "--restart to begin again",
                       r->out[0].partial);
    r->old_pos = r->old_end = (uint64_t)ftell(r->old);
    read_old(r, lens);
    for (i = 0; i < DA_RESUME_MAX_OUTPUTS; i++) {
        struct output *o = &r->out[i];
        if (!o->partial)
            continue;
        if (ftruncate(o->fd, (off_t)lens[i]) != 0 || lseek(o->fd, (off_t)lens[i], SEEK_SET) < 0)
            return da_fail_errno(err, DA_EIO, errno, "cannot continue '%s'", o->partial);
        o->len = lens[i];
    }
    (void)fseek(r->old, (long)r->old_pos, SEEK_SET);
    return DA_OK;
}

static enum da_rc start_journal(struct da_resume *r, const char *options_hash,
                                struct da_err *err)
{
    int i;
    r->journal_fd = open(r->journal_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (r->journal_fd < 0)
        return da_fail_errno(err, DA_EIO, errno, "cannot create '%s'", r->journal_path);
    if (ftruncate(r->journal_fd, (off_t)r->old_end) != 0 ||
        lseek(r->journal_fd, (off_t)r->old_end, SEEK_SET) < 0)
        return da_fail_errno(err, DA_EIO, errno, "cannot continue '%s'", r->journal_path);
    if (r->old_end)
        return DA_OK;
    for (i = 0; i < DA_RESUME_MAX_OUTPUTS; i++)
        if (r->out[i].partial && ftruncate(r->out[i].fd, 0) != 0)
            return da_fail_errno(err, DA_EIO, errno, "cannot empty '%s'", r->out[i].partial);
    da_buf_addf(&r->journal, JOURNAL_TAG "%s\n", options_hash);
    return DA_OK;
}

enum da_rc da_resume_open(struct da_resume **ret, const struct da_resume_opts *opts,
                          struct da_err *err)
{
    struct da_resume *r = da_calloc(1, sizeof *r);
    enum da_rc rc = DA_OK;
    int i;
    r->journal_fd = -1;
    r->sync_every_ns = (uint64_t)(opts->sync_every_ms ? opts->sync_every_ms : 1000) * 1000000u;
    r->synced_ns = da_now_ns(da_clock_system());
    da_buf_init(&r->journal, 0);
    for (i = 0; i < DA_RESUME_MAX_OUTPUTS; i++) {
        struct output *o = &r->out[i];
        const char *path = opts->paths[i];
        o->fd = -1;
        da_buf_init(&o->pending, 0);
        o->path = path ? da_strdup(path) : NULL;
        o->partial = path && strcmp(path, "-") != 0 ? with_suffix(path, ".partial") : NULL;
    }
    if (r->out[0].partial)
        r->journal_path = with_suffix(opts->paths[0], ".journal");
    if (r->journal_path && opts->restart)
        (void)unlink(r->journal_path);
    for (i = 0; i < DA_RESUME_MAX_OUTPUTS && rc == DA_OK; i++)
        rc = open_output(&r->out[i], r->journal_path != NULL, err);
    if (rc == DA_OK && r->journal_path) {
        r->old = fopen(r->journal_path, "r");
        if (r->old)
            rc = adopt(r, opts->options_hash, err);
        if (rc == DA_OK)
            rc = start_journal(r, opts->options_hash, err);
    }
    if (rc == DA_OK)
        *ret = r;
    else
        da_resume_close(r);
    return rc;
}

enum da_rc da_resume_next(struct da_resume *r, struct da_span key, bool *done,
                          char note[DA_RESUME_MAX_NOTE], struct da_err *err)
{
    char line[MAX_JOURNAL_LINE];
    uint64_t lens[DA_RESUME_MAX_OUTPUTS];
    struct da_span old_key;
    *done = false;
    note[0] = 0;
    if (!r->old)
        return DA_OK;
    if (r->old_pos >= r->old_end || !fgets(line, sizeof line, r->old) ||
        !parse_line(line, lens, note, &old_key)) {
        note[0] = 0;
        (void)fclose(r->old);
        r->old = NULL;
        return DA_OK;
    }
    if (!da_span_eq(old_key, key))
        return da_fail(err, DA_EMISMATCH,
                       "'%s' was begun with other inputs: it has '%.*s' where '%.*s' comes now; "
                       "use --restart to begin again",
                       r->out[0].partial, (int)old_key.len, old_key.p, (int)key.len, key.p);
    r->old_pos = (uint64_t)ftell(r->old);
    *done = true;
    return DA_OK;
}

static enum da_rc sync_file(int fd, const char *path, struct da_err *err)
{
    if (fsync(fd) != 0 && errno != EINVAL)
        return da_fail_errno(err, DA_EIO, errno, "cannot sync '%s'", path);
    return DA_OK;
}

static enum da_rc write_pending(int fd, struct da_buf *pending, const char *path,
                                struct da_err *err)
{
    enum da_rc rc = DA_OK;
    if (pending->len)
        rc = da_io_write_all(fd, pending->p, pending->len, path, err);
    da_buf_reset(pending);
    return rc;
}

/* What is pending goes to the files; with sync also to the disk. */
static enum da_rc flush(struct da_resume *r, bool sync, struct da_err *err)
{
    enum da_rc rc = DA_OK;
    int i;
    for (i = 0; i < DA_RESUME_MAX_OUTPUTS && rc == DA_OK; i++) {
        struct output *o = &r->out[i];
        if (!o->path)
            continue;
        rc = write_pending(o->fd, &o->pending, o->path, err);
        if (rc == DA_OK && sync && o->partial)
            rc = sync_file(o->fd, o->path, err);
    }
    if (rc == DA_OK && r->journal_fd >= 0) {
        rc = write_pending(r->journal_fd, &r->journal, r->journal_path, err);
        if (rc == DA_OK && sync)
            rc = sync_file(r->journal_fd, r->journal_path, err);
    }
    if (sync)
        r->synced_ns = da_now_ns(da_clock_system());
    return rc;
}

enum da_rc da_resume_write(struct da_resume *r, unsigned i, const void *p, size_t len,
                           struct da_err *err)
{
    struct output *o = &r->out[i];
    if (!o->path)
        return DA_OK;
    da_buf_add(&o->pending, p, len);
    o->len += len;
    return da_buf_check(&o->pending, o->path, err);
}

enum da_rc da_resume_commit(struct da_resume *r, struct da_span key, const char *note,
                            struct da_err *err)
{
    uint64_t now = da_now_ns(da_clock_system());
    int i;
    if (key.len > DA_RESUME_MAX_KEY || memchr(key.p, '\n', key.len) ||
        strlen(note) >= DA_RESUME_MAX_NOTE || strchr(note, '\t'))
        return da_fail(err, DA_ELIMIT, "'%.*s' cannot be a journal key",
                       (int)(key.len < 80 ? key.len : 80), key.p);
    if (r->journal_fd >= 0) {
        for (i = 0; i < DA_RESUME_MAX_OUTPUTS; i++)
            da_buf_addf(&r->journal, "%llu ",
                        r->out[i].partial ? (unsigned long long)r->out[i].len : 0ull);
        da_buf_addf(&r->journal, "%s\t%.*s\n", note, (int)key.len, key.p);
    }
    return flush(r, now - r->synced_ns >= r->sync_every_ns, err);
}

enum da_rc da_resume_finish(struct da_resume *r, struct da_err *err)
{
    enum da_rc rc = flush(r, true, err);
    int i;
    for (i = 0; i < DA_RESUME_MAX_OUTPUTS && rc == DA_OK; i++) {
        struct output *o = &r->out[i];
        if (o->partial && rename(o->partial, o->path) != 0)
            rc = da_fail_errno(err, DA_EIO, errno, "cannot rename '%s'", o->partial);
    }
    if (rc == DA_OK && r->journal_path) {
        (void)unlink(r->journal_path);
        rc = da_io_sync_dir_of(r->journal_path, err);
    }
    da_resume_close(r);
    return rc;
}

void da_resume_close(struct da_resume *r)
{
    int i;
    if (!r)
        return;
    if (r->journal_fd >= 0)
        (void)flush(r, false, NULL);
    for (i = 0; i < DA_RESUME_MAX_OUTPUTS; i++) {
        struct output *o = &r->out[i];
        if (o->partial && o->fd >= 0)
            (void)close(o->fd);
        da_buf_release(&o->pending);
        free(o->path);
        free(o->partial);
    }
    if (r->old)
        (void)fclose(r->old);
    if (r->journal_fd >= 0)
        (void)close(r->journal_fd);
    da_buf_release(&r->journal);
    free(r->journal_path);
    free(r);
}
