/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INGEST_EXTRACT_OCR_H
#define INGEST_EXTRACT_OCR_H

/* Text in pictures, by tesseract. Its data are loaded with the first picture of a process. */

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "ingest/extracted.h"
#include "ingest/request.h"

/* This build can read pictures, and the request allows it. */
bool da_ocr_wanted(const struct da_request *req);

/*
 * Appends the text of a picture of 32-bit pixels (native-endian 0x00RRGGBB) to out. False when
 * tesseract has no data for the request's languages or is not sure of anything it sees.
 */
bool da_ocr_pixels(const unsigned char *pixels, int width, int height, int stride, int dpi,
                   const struct da_request *req, struct da_buf *out);

/* An image file: PNG, JPEG, TIFF, GIF, BMP, WebP. */
void da_extract_image(const unsigned char *p, size_t len, const char *format,
                      const struct da_request *req, struct da_extracted *x);

#endif
