/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See ocr.h. The only file that names tesseract and leptonica. */

#include "ingest/extract/ocr.h"

#include <string.h>

#if DA_WITH_TESSERACT

#include <leptonica/allheaders.h>
#include <stdint.h>
#include <tesseract/capi.h>

#include "ingest/flow.h"

enum {
    MIN_CONFIDENCE = 40,       /* of 100, mean over the words: below it is noise */
    MIN_DPI = 70, MAX_DPI = 600, GUESS_DPI = 150
};
#define MAX_PIXELS ((int64_t)120 << 20) /* A0 at 200 dpi is 62 M */

bool da_ocr_wanted(const struct da_request *req)
{
    return req->ocr != DA_OCR_OFF;
}

/* Reads the picture that is set in api; frees api. */
static bool read_text(TessBaseAPI *api, struct da_buf *out)
{
    char *text = TessBaseAPIRecognize(api, NULL) == 0 ? TessBaseAPIGetUTF8Text(api) : NULL;
    bool sure = text != NULL && TessBaseAPIMeanTextConf(api) >= MIN_CONFIDENCE &&
                text[strspn(text, " \t\r\n\f")] != 0;
    if (sure)
        da_buf_add_str(out, text);
    TessDeleteText(text);
    TessBaseAPIEnd(api);
    TessBaseAPIDelete(api);
    return sure;
}

static TessBaseAPI *open_api(const struct da_request *req)
{
    TessBaseAPI *api = TessBaseAPICreate();
    const char *languages = req->ocr_languages[0] != 0 ? req->ocr_languages : "eng";
    if (api != NULL && TessBaseAPIInit3(api, NULL, languages) != 0) {
        TessBaseAPIDelete(api);
        api = NULL;
    }
    return api;
}

bool da_ocr_pixels(const unsigned char *pixels, int width, int height, int stride, int dpi,
                   const struct da_request *req, struct da_buf *out)
{
    if (width <= 0 || height <= 0 || (int64_t)width * height > MAX_PIXELS)
        return false;
    PIX *pix = pixCreate(width, height, 8);
    TessBaseAPI *api = pix != NULL ? open_api(req) : NULL;
    if (api == NULL) {
        pixDestroy(&pix);
        return false;
    }
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint32_t p;
            memcpy(&p, pixels + (size_t)y * (size_t)stride + 4 * (size_t)x, sizeof p);
            uint32_t grey = ((p >> 16 & 255) * 299 + (p >> 8 & 255) * 587 + (p & 255) * 114) / 1000;
            (void)pixSetPixel(pix, x, y, grey);
        }
    TessBaseAPISetImage2(api, pix);
    TessBaseAPISetSourceResolution(api, dpi);
    bool ok = read_text(api, out);
    pixDestroy(&pix);
    return ok;
}

void da_extract_image(const unsigned char *p, size_t len, const char *format,
                      const struct da_request *req, struct da_extracted *x)
{
    l_int32 kind, w = 0, h = 0, bps, spp, colormap;
    da_extracted_set_str(x, DA_XS_TYPE, "illustration", strlen("illustration"));
    (void)setMsgSeverity(L_SEVERITY_NONE);
    if (pixReadHeaderMem(p, len, &kind, &w, &h, &bps, &spp, &colormap) != 0) {
        (void)da_extracted_end(x, DA_ST_CORRUPT, "damaged %s", format);
        return;
    }
    if ((int64_t)w * h > MAX_PIXELS) {
        (void)da_extracted_end(x, DA_ST_TOO_LARGE, "%s of %d x %d pixels", format, w, h);
        return;
    }
    if (!da_ocr_wanted(req)) {
        (void)da_extracted_end(x, DA_ST_NEEDS_OCR, "%s of %d x %d pixels", format, w, h);
        return;
    }
    PIX *pix = pixReadMem(p, len);
    TessBaseAPI *api = pix != NULL ? open_api(req) : NULL;
    bool ok = false;
    struct da_buf text;
    da_buf_init(&text, 0);
    if (api != NULL) {
        int dpi = pixGetXRes(pix);
        TessBaseAPISetImage2(api, pix);
        TessBaseAPISetSourceResolution(api, dpi >= MIN_DPI && dpi <= MAX_DPI ? dpi : GUESS_DPI);
        ok = read_text(api, &text);
    }
    if (ok) {
        struct da_flow *flow = da_flow_new(true);
        struct da_flow_facts facts;
        da_flow_add_text(flow, text.p, text.len);
        da_flow_write(flow, &x->text, &facts);
        da_flow_free(flow);
    }
    da_buf_release(&text);
    if (pix == NULL)
        (void)da_extracted_end(x, DA_ST_CORRUPT, "damaged %s", format);
    else if (!ok)
        (void)da_extracted_end(x, DA_ST_NEEDS_OCR, "%s of %d x %d pixels: no text that can be read",
                               format, w, h);
    else
        da_extracted_ok(x);
    x->num[DA_XN_OCR_PAGES] = ok;
    pixDestroy(&pix);
}

#else

bool da_ocr_wanted(const struct da_request *req)
{
    (void)req;
    return false;
}

bool da_ocr_pixels(const unsigned char *pixels, int width, int height, int stride, int dpi,
                   const struct da_request *req, struct da_buf *out)
{
    (void)pixels;
    (void)width;
    (void)height;
    (void)stride;
    (void)dpi;
    (void)req;
    (void)out;
    return false;
}

void da_extract_image(const unsigned char *p, size_t len, const char *format,
                      const struct da_request *req, struct da_extracted *x)
{
    (void)p;
    (void)len;
    (void)req;
    (void)da_extracted_end(x, DA_ST_NEEDS_OCR, "%s", format);
}

#endif
