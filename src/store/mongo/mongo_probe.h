/* mongo_probe.h: does what listens there speak MongoDB's protocol? The driver only says that no server is suitable.
 * Thread:  any, at --check-config; it waits up to PROBE_MS for each address.
 * Without TLS: a server that wants it ends the connection, as others do that are no database. */
#pragma once
#include <mongoc/mongoc.h>

enum probe_result {
    PROBE_SILENT, /* nobody there, or no answer in time: it may be away */
    PROBE_MONGO,
    PROBE_OTHER /* it answered something else, or hung up */
};

enum probe_result mongo_probe(const mongoc_host_list_t *host);
