/* config_table.h: the options, one row each, and the walk over them. Private to app/config*.c.
 * To add an option: a field in struct config and a row in config_table.c; nothing else.
 * Thread:  constant data. */
#pragma once
#include "app/config.h"

enum option_type {
    OPTION_ACTION, /* no value, flag only: sets config.action to row.min */
    OPTION_BOOL,   /* --name or --name=true|false */
    OPTION_INT,    /* int64_t between min and max */
    OPTION_CHOICE, /* an enum: the index in choices */
    OPTION_TEXT,   /* char * */
    OPTION_LIST,   /* struct config_list; a flag may be repeated, the environment separates by commas */
};

/* NULL when the value is right; else what is wrong with it: "is not …; give …". */
typedef const char *(*option_check_fn)(const char *value);

struct option_row {
    char letter;      /* of an action: -h; 0: none */
    const char *flag; /* without "--"; the environment name is SAKURAD_ + this in upper case */
    enum option_type type;
    size_t offset;        /* of the field in struct config */
    const char *fallback; /* the default as a user would write it; lists: comma-separated; NULL: computed */
    int64_t (*computed)(void);
    const char *computed_text;  /* what --help says of a computed default */
    int64_t min, max;           /* OPTION_INT; min of OPTION_ACTION: the action */
    const char *unit;           /* NULL: a bare number or text */
    const char *placeholder;    /* what --help writes for the value */
    const char *const *choices; /* OPTION_CHOICE: ends with NULL */
    option_check_fn check;      /* OPTION_TEXT and OPTION_LIST (each item); NULL: anything not empty */
    void (*tidy)(const char *value, struct buf *out); /* OPTION_LIST: how each item is kept; NULL: as it is given */
    bool flag_only;                                   /* no environment variable: it makes this run do something else */
    bool uri;                                         /* printed with its password masked */
    const char *group;
    const char *help;
};

#define OPTION_ENV_LEN 64

extern const struct option_row option_rows[];
extern const unsigned option_count;

const struct option_row *option_find(struct slice flag); /* NULL: there is none */
void option_env_name(const struct option_row *row, char out[static OPTION_ENV_LEN]);

static inline void *option_field(struct config *c, const struct option_row *row)
{
    return (char *)c + row->offset;
}

/* Checks that are shared by rows (config_check.c). */
const char *check_listen(const char *value);
const char *check_origin(const char *value);
void tidy_origin(const char *value, struct buf *out);
const char *check_store(const char *value);
const char *check_network(const char *value);
const char *check_issue(const char *value);
const char *check_agent(const char *value); /* of --subject and --name */
