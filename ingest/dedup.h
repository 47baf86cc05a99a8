#ifndef INGEST_DEDUP_H
#define INGEST_DEDUP_H

/*
 * Near duplicates over a whole corpus. Two documents are near duplicates when
 * their MinHash signatures (text/minhash.h) meet in a band and agree in at least
 * `threshold` of their rows; clusters are the connected components of that
 * relation, so the order of the input changes nothing but the order of the
 * output. Records of one id are one document: they are in one cluster. A cluster
 * is named by the smallest id in it (of several records with that id, by the one
 * with the smallest source path); a document without near duplicates is a cluster
 * of its own.
 *
 * Memory: 9 bytes a document, 8 for each different document of the largest set
 * that meets in one band, and a fixed amount; signatures live in a temporary SQLite
 * file. The input is read twice, so standard input is copied to disk.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/log.h"

struct da_dedup_opts {
    const char *const *inputs; /* document records; "-" is stdin */
    size_t n_inputs;
    const char *output;    /* path or "-" */
    const char *work_path; /* temporary files begin with this; removed at the end */
    double threshold;      /* 0..1 */
    bool drop;             /* keep only the document that names its cluster */
    unsigned n_threads;    /* 0: all processors */
    size_t memory_bytes;   /* for one band's keys; 0: 64 MiB. Smaller means more passes */
    struct da_log *log;
    const volatile sig_atomic_t *stop; /* may be NULL */
};

struct da_dedup_stats {
    uint64_t n_documents;
    uint64_t n_clusters;   /* of two documents or more */
    uint64_t n_duplicates; /* documents beyond the first of their cluster */
    uint64_t n_compared;   /* signatures compared */
};

enum da_rc da_dedup(const struct da_dedup_opts *opts, struct da_dedup_stats *stats,
                    struct da_err *err);

#endif
