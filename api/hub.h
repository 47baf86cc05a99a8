#ifndef API_HUB_H
#define API_HUB_H

/*
 * Where models come from: a model hub that speaks Hugging Face's HTTP paths, and
 * packages of a Python package index (PEP 503, PEP 691). What they answer is
 * treated as hostile: names of files cannot leave their folder.
 */

#include <stddef.h>
#include <stdint.h>

#include "api/download.h"
#include "common/err.h"

enum {
    DA_HUB_MAX_FILES = 1 << 14,
    DA_HUB_MAX_PATH = 512,
    DA_HUB_MAX_LIST_BYTES = 16 << 20,
    DA_HUB_COMMIT_LEN = 64
};

struct da_hub_file {
    char *path;      /* inside the repository; owned */
    uint64_t size;   /* 0: unknown */
    char sha256[65]; /* of large files, else "" */
    char git[41];    /* git's SHA-1 of small ones, else "" */
};

struct da_hub_repo {
    char commit[DA_HUB_COMMIT_LEN + 1];
    struct da_hub_file *files; /* [n]; owned */
    size_t n, cap;
};

/* "org/name", or "name" alone: letters, digits and .-_ . DA_EUSAGE. */
enum da_rc da_hub_check_repo(const char *repo, struct da_err *err);

/* endpoint: without the last slash. */
enum da_rc da_hub_list(const struct da_fetch *f, const char *endpoint, const char *repo,
                       const char *revision, struct da_hub_repo *out, struct da_err *err);
void da_hub_repo_release(struct da_hub_repo *r);

/* Fetches one of its files to folder/path. */
enum da_rc da_hub_get(const struct da_fetch *f, const char *endpoint, const char *repo,
                      const struct da_hub_repo *r, const struct da_hub_file *file,
                      const char *folder, struct da_err *err);

/* Appends the address of a package's file; index: ".../simple". sha256: 65 bytes, "" when the index
 * does not say. */
enum da_rc da_index_find(const struct da_fetch *f, const char *index, const char *package,
                         const char *filename, struct da_buf *url, char *sha256,
                         struct da_err *err);

#endif
