/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See xml.h. Over libxml2's reader; the only file that names libxml2. */

#include "ingest/extract/xml.h"

#if DA_WITH_ZIP

#include <libxml/xmlreader.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct da_xml {
    xmlTextReaderPtr r;
    bool close_pending; /* an empty element was opened */
    bool damaged, ended;
    xmlChar *attr; /* the last one asked for */
};

static void no_message(void *ctx, const char *fmt, ...)
{
    (void)ctx;
    (void)fmt;
}

struct da_xml *da_xml_open(const char *p, size_t len)
{
    if (len == 0 || len > INT_MAX)
        return NULL;
    xmlSetGenericErrorFunc(NULL, no_message);
    xmlTextReaderPtr r = xmlReaderForMemory(p, (int)len, NULL, NULL,
                                            XML_PARSE_NONET | XML_PARSE_NOERROR |
                                                XML_PARSE_NOWARNING | XML_PARSE_NOCDATA |
                                                XML_PARSE_RECOVER);
    if (r == NULL)
        return NULL;
    struct da_xml *x = da_calloc(1, sizeof *x);
    x->r = r;
    return x;
}

void da_xml_close(struct da_xml *x)
{
    if (x == NULL)
        return;
    xmlFree(x->attr);
    xmlFreeTextReader(x->r);
    free(x);
}

enum da_xml_event da_xml_next(struct da_xml *x)
{
    if (x->close_pending) {
        x->close_pending = false;
        return DA_XML_CLOSE;
    }
    while (!x->ended) {
        int rc = xmlTextReaderRead(x->r);
        if (rc != 1) {
            x->ended = true;
            x->damaged = rc < 0;
            break;
        }
        switch (xmlTextReaderNodeType(x->r)) {
        case XML_READER_TYPE_ELEMENT:
            x->close_pending = xmlTextReaderIsEmptyElement(x->r) == 1;
            return DA_XML_OPEN;
        case XML_READER_TYPE_END_ELEMENT:
            return DA_XML_CLOSE;
        case XML_READER_TYPE_TEXT:
        case XML_READER_TYPE_CDATA:
        case XML_READER_TYPE_SIGNIFICANT_WHITESPACE:
        case XML_READER_TYPE_WHITESPACE:
            return DA_XML_TEXT;
        default:
            break;
        }
    }
    return DA_XML_END;
}

void da_xml_skip(struct da_xml *x)
{
    unsigned depth = 1;
    while (depth > 0) {
        enum da_xml_event e = da_xml_next(x);
        if (e == DA_XML_END)
            return;
        depth += e == DA_XML_OPEN;
        depth -= e == DA_XML_CLOSE;
    }
}

const char *da_xml_name(const struct da_xml *x)
{
    const char *name = (const char *)xmlTextReaderConstLocalName(x->r);
    return name != NULL ? name : "";
}

bool da_xml_is(const struct da_xml *x, const char *name)
{
    return strcmp(da_xml_name(x), name) == 0;
}

const char *da_xml_text(const struct da_xml *x)
{
    const char *text = (const char *)xmlTextReaderConstValue(x->r);
    return text != NULL ? text : "";
}

const char *da_xml_attr(struct da_xml *x, const char *name)
{
    xmlFree(x->attr);
    x->attr = NULL;
    bool qualified = strchr(name, ':') != NULL;
    while (xmlTextReaderMoveToNextAttribute(x->r) == 1) {
        const char *own = qualified ? (const char *)xmlTextReaderConstName(x->r) : da_xml_name(x);
        if (own != NULL && strcmp(own, name) == 0) {
            x->attr = xmlTextReaderValue(x->r);
            break;
        }
    }
    (void)xmlTextReaderMoveToElement(x->r);
    return (const char *)x->attr;
}

long da_xml_attr_int(struct da_xml *x, const char *name, long otherwise)
{
    const char *v = da_xml_attr(x, name);
    char *end;
    long n = v != NULL ? strtol(v, &end, 10) : 0;
    return v != NULL && end != v ? n : otherwise;
}

bool da_xml_damaged(const struct da_xml *x)
{
    return x->damaged;
}

size_t da_xml_offset(const struct da_xml *x)
{
    long n = xmlTextReaderByteConsumed(x->r);
    return n > 0 ? (size_t)n : 0;
}

#endif
