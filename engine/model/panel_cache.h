#ifndef ENGINE_MODEL_PANEL_CACHE_H
#define ENGINE_MODEL_PANEL_CACHE_H

/*
 * Weights ready for the kernels, kept in a file of their own, so that the next
 * start reads instead of rearranging:
 *
 *     header   "DAPANELS", version, what the panels were made from and how they
 *              lie (struct da_panel_key), its hash; padded to 4096 bytes
 *     panels   as in memory
 *
 * The header is never parsed: what it must be follows from the model, and a file
 * whose header differs in one byte, or whose length is another, is not used. A
 * model counts as changed when the size, the time or the header and tensor table
 * of one of its files do.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/io.h"
#include "common/span.h"

struct da_loader;

enum { DA_PANEL_CACHE_ALIGN = 4096, DA_PANEL_CACHE_VERSION = 1 };

/* The header that a cache of these panels has. DA_EIO when a model file cannot be looked at. */
enum da_rc da_panel_cache_header(const struct da_loader *ld, struct da_buf *out,
                                 struct da_err *err);
/* Whether file holds n_bytes of panels under this header. */
bool da_panel_cache_matches(struct da_span header, uint64_t n_bytes, struct da_span file);

/* MODEL.panels, or a name made from the model's path in dir. */
void da_panel_cache_path(struct da_buf *out, const char *model_path, const char *dir);
/* True when the file is there and is this model's: its panels, n_bytes of them, are in dst then. */
bool da_panel_cache_read(const char *path, struct da_span header, unsigned char *dst,
                         uint64_t n_bytes, unsigned n_threads);
/* Best effort: a place that cannot be written is no error. */
void da_panel_cache_write(const char *path, struct da_span header, const unsigned char *panels,
                          uint64_t n_bytes);

#endif
