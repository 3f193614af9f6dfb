/* settings.h: which store it is and how it is opened.
 * Thread:  plain values, read while a store is opened and not kept.
 * Owns:    nothing: the URI is the caller's. */
#pragma once
#include "base/buf.h"

struct store_settings {
    char *uri;                /* sqlite:PATH, mongodb://… or mongodb+srv://… */
    int64_t write_timeout_ms; /* of an operation; the MongoDB driver's timeouts are parts of it */
    int64_t readers;          /* threads that will each hold a store_reader */
    bool required;            /* MongoDB: opening fails where the database cannot be reached */
    bool shared;              /* MongoDB: another server that has the database is to hand it over */
    bool owners_matter;       /* some principals see one owner's customers only: chats are to lead to theirs */
};

enum store_kind { STORE_UNKNOWN, STORE_SQLITE, STORE_MONGO };
/* By the URI's scheme; *rest: what follows it. */
enum store_kind store_kind_of(const char *uri, struct slice *rest);

/* The URI with its password replaced by ***: for logs, health and --print-config. */
void store_mask_uri(const char *uri, struct buf *out);
