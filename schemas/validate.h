#ifndef SCHEMAS_VALIDATE_H
#define SCHEMAS_VALIDATE_H

/*
 * Checks a value against a JSON Schema (2020-12). Understood: type, enum, const,
 * properties, required, additionalProperties, items, minItems, maxItems,
 * minLength, minimum, maximum, pattern (POSIX extended), anyOf. A schema with
 * any other keyword that would restrict values is refused, not ignored.
 */

#include "common/json.h"

struct da_schema;

/* kind: "document", "annotation", "example", "prediction" or "score" (built in). */
enum da_rc da_schema_open(struct da_schema **ret, const char *kind, struct da_err *err);
/* The same from a schema's text, which is copied. */
enum da_rc da_schema_parse(struct da_schema **ret, struct da_span text, struct da_err *err);
void da_schema_close(struct da_schema *s);

/* DA_EFORMAT names the place: "at /source/bytes: must be a whole number". */
enum da_rc da_schema_check(const struct da_schema *s, const struct da_json *value,
                           struct da_err *err);

#endif
