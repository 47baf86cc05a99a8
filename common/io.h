#ifndef COMMON_IO_H
#define COMMON_IO_H

/* Files: read whole, map, write atomically. "-" means stdin or stdout where stated. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

/* Appends the whole file ("-": stdin) to out; DA_ELIMIT beyond max_bytes. */
enum da_rc da_io_read_file(const char *path, size_t max_bytes, struct da_buf *out,
                           struct da_err *err);

/* A read-only mapping. An empty file maps to len 0 and a non-NULL p. */
struct da_mapped {
    const unsigned char *p;
    size_t len;
};
enum da_rc da_io_map(const char *path, struct da_mapped *ret, struct da_err *err);
void da_io_unmap(struct da_mapped *m); /* NULL and zeroed structs allowed */

/* Writes all len bytes to fd, through EINTR and short writes. */
enum da_rc da_io_write_all(int fd, const void *p, size_t len, const char *name,
                           struct da_err *err);

/* Short files: written to a temporary name in the same folder, synced, renamed. */
enum da_rc da_io_write_file(const char *path, const void *p, size_t len, struct da_err *err);

enum da_rc da_io_sync_dir_of(const char *path, struct da_err *err);
enum da_rc da_io_make_dirs(const char *path, struct da_err *err); /* like mkdir -p */
bool da_io_exists(const char *path);
bool da_io_is_dir(const char *path);
/* Appends dir + "/" + name (or name alone when dir is empty). */
void da_io_join(struct da_buf *out, const char *dir, const char *name);

#endif
