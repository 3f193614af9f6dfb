/* problem.h: the bodies of errors, in the form and the words that clients in the field know from FastAPI and pydantic 2.
 * Private to api/.
 * Thread:  any; appends to the caller's buf. */
#pragma once
#include "base/buf.h"

/* {"detail":"<sentence>"} */
void problem_sentence(struct buf *out, struct slice sentence);

/* One rule broken: an element of {"detail":[…]}, status 422, in pydantic's words. */
enum rule {
    RULE_MISSING,       /* "Field required" */
    RULE_STRING_TYPE,   /* "Input should be a valid string" */
    RULE_STRING_SHORT,  /* "String should have at least N characters" */
    RULE_STRING_LONG,   /* "String should have at most N characters" */
    RULE_BOOL_TYPE,     /* "Input should be a valid boolean" */
    RULE_INT_PARSING,   /* "…, unable to parse string as an integer" */
    RULE_FLOAT_TYPE,    /* "Input should be a valid number" */
    RULE_GREATER_EQUAL, /* "Input should be greater than or equal to N" */
    RULE_LESS_EQUAL,    /* "Input should be less than or equal to N" */
    RULE_DICT_TYPE,     /* "Input should be a valid dictionary" */
    RULE_JSON_INVALID,  /* "JSON decode error" */
    RULE_VALUE_ERROR,   /* "Value error, <reason>" */
    RULE__COUNT
};

struct rule_break {
    enum rule rule;
    const char *where;   /* "body", "query" or "path" */
    struct slice field;  /* ptr NULL: loc is [where] alone */
    struct slice input;  /* JSON text of what came; empty: null */
    int64_t limit;       /* N */
    struct slice reason; /* RULE_JSON_INVALID (ctx.error), RULE_VALUE_ERROR */
};
void problem_rules(struct buf *out, const struct rule_break *breaks, size_t count);
