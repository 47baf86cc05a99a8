/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INGEST_EXTRACT_XML_H
#define INGEST_EXTRACT_XML_H

/*
 * XML as a stream of events. Names are local names: the office formats' vocabularies differ
 * enough, and prefixes are the writer's choice. Nothing is fetched, no external entity read, no
 * entity expanded beyond the five of XML. Texts that follow one another come as one event.
 */

#include <stdbool.h>
#include <stddef.h>

enum da_xml_event { DA_XML_END, DA_XML_OPEN, DA_XML_CLOSE, DA_XML_TEXT };

struct da_xml;

/* p stays in use until close. NULL when there is nothing to parse. */
struct da_xml *da_xml_open(const char *p, size_t len);
void da_xml_close(struct da_xml *x); /* NULL allowed */

/* The next event; an empty element gives OPEN and CLOSE. After damage: DA_XML_END. */
enum da_xml_event da_xml_next(struct da_xml *x);
/* After OPEN: up to and with the element's CLOSE. */
void da_xml_skip(struct da_xml *x);

const char *da_xml_name(const struct da_xml *x); /* of OPEN and CLOSE */
bool da_xml_is(const struct da_xml *x, const char *name);
const char *da_xml_text(const struct da_xml *x); /* of TEXT; not NULL */
/* After OPEN: the attribute by local name, or by prefix and name ("r:id"), or NULL. Valid until the
 * next call with x. */
const char *da_xml_attr(struct da_xml *x, const char *name);
/* The attribute as a number, or otherwise when it is missing or none. */
long da_xml_attr_int(struct da_xml *x, const char *name, long otherwise);

bool da_xml_damaged(const struct da_xml *x); /* ended before its end */
size_t da_xml_offset(const struct da_xml *x); /* bytes read, about */

#endif
