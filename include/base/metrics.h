/* metrics.h: counters, gauges and histograms, one copy per thread, added up when scraped.
 * Thread:  metrics_thread_init() once on each thread that counts (also done lazily by the first count);
 *          the counting calls from any thread, each touching only its own slot (relaxed stores, one writer);
 *          metrics_render() from any thread. Slots of ended threads stay counted.
 * Owns:    the slots, until the process ends.
 * Cost:    a count is a thread-local load, an add and a store: no lock, no shared line.
 * To add one: a row in the table below; nothing else. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

/* X(id, name, labels or "", help). Rows with the same name stand together. */
#define METRIC_COUNTERS(X)                                                                                             \
    X(M_CONN_ACCEPTED, "sakurad_connections_accepted_total", "", "Connections accepted.")                              \
    X(M_CONN_REFUSED_MAX, "sakurad_connections_refused_total", "reason=\"max_connections\"", "Connections refused.")   \
    X(M_CONN_REFUSED_ADDR, "sakurad_connections_refused_total", "reason=\"per_address\"", "")                          \
    X(M_CONN_REFUSED_FD, "sakurad_connections_refused_total", "reason=\"descriptors\"", "")                            \
    X(M_CONN_REFUSED_RATE, "sakurad_connections_refused_total", "reason=\"rate\"", "")                                 \
    X(M_CONN_REFUSED_RING, "sakurad_connections_refused_total", "reason=\"handoff_full\"", "")                         \
    X(M_CONN_TIMEOUT_HEAD, "sakurad_connections_cut_total", "reason=\"head\"", "Connections cut by a deadline.")       \
    X(M_CONN_TIMEOUT_BODY, "sakurad_connections_cut_total", "reason=\"body\"", "")                                     \
    X(M_CONN_TIMEOUT_IDLE, "sakurad_connections_cut_total", "reason=\"idle\"", "")                                     \
    X(M_CONN_TIMEOUT_WRITE, "sakurad_connections_cut_total", "reason=\"write\"", "")                                   \
    X(M_CONN_CUT_MEMORY, "sakurad_connections_cut_total", "reason=\"memory\"", "")                                     \
    X(M_GAVE_WAY_REQUESTS, "sakurad_buffer_full_total", "what=\"requests\",outcome=\"gave_way\"",                      \
      "What happened where --buffer-mb was full: who held most gave way, or who came was refused.")                    \
    X(M_GAVE_WAY_ANSWERS, "sakurad_buffer_full_total", "what=\"answers\",outcome=\"gave_way\"", "")                    \
    X(M_GAVE_WAY_DASHBOARDS, "sakurad_buffer_full_total", "what=\"dashboard_answers\",outcome=\"gave_way\"", "")       \
    X(M_NO_ROOM_REQUESTS, "sakurad_buffer_full_total", "what=\"requests\",outcome=\"refused\"", "")                    \
    X(M_NO_ROOM_ANSWERS, "sakurad_buffer_full_total", "what=\"answers\",outcome=\"refused\"", "")                      \
    X(M_NO_ROOM_DASHBOARDS, "sakurad_buffer_full_total", "what=\"dashboard_answers\",outcome=\"refused\"", "")         \
    X(M_HTTP_BAD, "sakurad_http_malformed_total", "", "Requests refused before routing.")                              \
    X(M_AUTH_MISSING, "sakurad_auth_refused_total", "reason=\"no_token\"", "Requests refused by who sent them.")       \
    X(M_AUTH_BAD, "sakurad_auth_refused_total", "reason=\"bad_token\"", "")                                            \
    X(M_AUTH_DENIED, "sakurad_auth_refused_total", "reason=\"denied\"", "")                                            \
    X(M_ORIGIN_SIMPLE, "sakurad_origins_refused_total", "asked_for=\"answer\"",                                        \
      "Requests of pages of unlisted origins.")                                                                        \
    X(M_ORIGIN_PREFLIGHT, "sakurad_origins_refused_total", "asked_for=\"preflight\"", "")                              \
    X(M_ORIGIN_WEBSOCKET, "sakurad_origins_refused_total", "asked_for=\"websocket\"", "")                              \
    X(M_RATE_SEND, "sakurad_rate_limited_total", "kind=\"send\"", "Requests answered 429.")                            \
    X(M_RATE_CREATE, "sakurad_rate_limited_total", "kind=\"create\"", "")                                              \
    X(M_RATE_CONNECT, "sakurad_rate_limited_total", "kind=\"connect\"", "")                                            \
    X(M_RATE_SIGNAL, "sakurad_rate_limited_total", "kind=\"signal\"", "")                                              \
    X(M_BYTES_IN, "sakurad_received_bytes_total", "", "Bytes read from HTTP clients.")                                 \
    X(M_BYTES_OUT, "sakurad_sent_bytes_total", "", "Bytes written to HTTP clients.")                                   \
    X(M_CACHE_HIT, "sakurad_cache_lookups_total", "result=\"hit\"", "Cache lookups by GET routes.")                    \
    X(M_CACHE_MISS, "sakurad_cache_lookups_total", "result=\"miss\"", "")                                              \
    X(M_CACHE_EVICTED, "sakurad_cache_evicted_total", "", "Customers dropped from the cache for room.")                \
    X(M_CACHE_COMPOSED, "sakurad_refetch_composed_total", "", "Refetch bodies composed (one per version).")            \
    X(M_NOT_MODIFIED, "sakurad_not_modified_total", "", "GETs answered 304.")                                          \
    X(M_STORE_BATCH, "sakurad_store_ops_total", "kind=\"batch\"", "Store operations by kind.")                         \
    X(M_STORE_INSERT_MESSAGE, "sakurad_store_ops_total", "kind=\"insert_message\"", "")                                \
    X(M_STORE_WRITE_CUSTOMER, "sakurad_store_ops_total", "kind=\"write_user\"", "")                                    \
    X(M_STORE_WRITE_CHAT, "sakurad_store_ops_total", "kind=\"write_chat\"", "")                                        \
    X(M_STORE_ROLLUP, "sakurad_store_ops_total", "kind=\"rollup\"", "")                                                \
    X(M_STORE_READ, "sakurad_store_ops_total", "kind=\"read\"", "")                                                    \
    X(M_STORE_READ_WRITER, "sakurad_store_ops_total", "kind=\"read_on_writer\"", "")                                   \
    X(M_STORE_ERROR, "sakurad_store_errors_total", "", "Store operations that failed.")                                \
    X(M_STORE_REFUSED, "sakurad_store_refused_total", "", "Operations that the store can never do, answered alone.")   \
    X(M_STORE_RETRY, "sakurad_store_retries_total", "", "Batches tried again after an unclear result.")                \
    X(M_QUEUE_FULL_WRITER, "sakurad_queue_full_total", "queue=\"writer\"", "Operations refused: the queue was full.")  \
    X(M_QUEUE_FULL_READER, "sakurad_queue_full_total", "queue=\"reader\"", "")                                         \
    X(M_QUEUE_FULL_COMPRESSOR, "sakurad_queue_full_total", "queue=\"compressor\"", "")                                 \
    X(M_COMPRESSED, "sakurad_bodies_compressed_total", "", "Bodies of answers compressed (one per version).")          \
    X(M_COMPRESS_SAVED, "sakurad_compression_saved_bytes_total", "", "Bytes that answers were shorter for it.")        \
    X(M_WRITE_TIMEOUT, "sakurad_write_timeout_total", "", "Operations answered 503 by --write-timeout.")               \
    X(M_DEDUPLICATED, "sakurad_sends_deduplicated_total", "", "Sends answered from an earlier one with the same key.") \
    X(M_NOTICE_RAISED, "sakurad_notices_total", "event=\"raised\"", "Notices pushed to broadcasters.")                 \
    X(M_NOTICE_OVERFLOW, "sakurad_notices_total", "event=\"ring_full\"", "")                                           \
    X(M_NOTICE_DELIVERED, "sakurad_notices_total", "event=\"delivered\"", "")                                          \
    X(M_NOTICE_COALESCED, "sakurad_notices_total", "event=\"coalesced\"", "")                                          \
    X(M_SIGNAL_IN, "sakurad_signals_total", "event=\"received\"",                                                      \
      "Typing and read of WebSocket clients, and frames of chat_events.")                                              \
    X(M_SIGNAL_REFUSED, "sakurad_signals_total", "event=\"refused\"", "")                                              \
    X(M_SIGNAL_DELIVERED, "sakurad_signals_total", "event=\"delivered\"", "")                                          \
    X(M_SIGNAL_DROPPED, "sakurad_signals_total", "event=\"dropped\"", "")                                              \
    X(M_WS_OPENED, "sakurad_websockets_total", "event=\"opened\"", "WebSocket connections by event.")                  \
    X(M_WS_CLOSED, "sakurad_websockets_total", "event=\"closed\"", "")                                                 \
    X(M_WS_REFUSED, "sakurad_websockets_total", "event=\"refused\"", "")                                               \
    X(M_WS_DEAD, "sakurad_websockets_total", "event=\"dead\"", "")                                                     \
    X(M_WS_SLOW, "sakurad_websockets_total", "event=\"cut_slow\"", "")                                                 \
    X(M_WS_BYTES_OUT, "sakurad_websocket_sent_bytes_total", "", "Bytes written to WebSocket clients.")                 \
    X(M_WS_WRITES, "sakurad_websocket_writes_total", "", "Write calls to WebSocket clients.")                          \
    X(M_LOOP_STALLED, "sakurad_loop_stalled_total", "", "Times that a loop did not turn for a second.")

/* Gauges are sums of per-thread deltas: +1 on one thread and -1 on another add up to 0. */
#define METRIC_GAUGES(X)                                                                                               \
    X(G_CONN_OPEN, "sakurad_connections_open", "", "HTTP connections open now.")                                       \
    X(G_WS_OPEN, "sakurad_websockets_open", "", "WebSocket connections open now.")                                     \
    X(G_WS_PENDING_BYTES, "sakurad_websocket_pending_bytes", "", "Bytes waiting for slow subscribers.")                \
    X(G_WRITER_QUEUE, "sakurad_queue_depth", "queue=\"writer\"", "Operations waiting.")                                \
    X(G_READER_QUEUE, "sakurad_queue_depth", "queue=\"reader\"", "")                                                   \
    X(G_COMPRESSOR_QUEUE, "sakurad_queue_depth", "queue=\"compressor\"", "")                                           \
    X(G_STORE_LOG_BYTES, "sakurad_store_log_bytes", "", "Length of the SQLite store's -wal file.")                     \
    X(G_STORE_LOG_FRAMES, "sakurad_store_log_frames", "", "Pages written to it since it last began anew.")             \
    X(G_CACHE_BYTES, "sakurad_cache_bytes", "", "Bytes held by the cache.")                                            \
    X(G_CACHE_CUSTOMERS, "sakurad_cache_entries", "kind=\"user\"", "Entries held by the cache.")                       \
    X(G_CACHE_CHATS, "sakurad_cache_entries", "kind=\"chat\"", "")

/* Histograms of microseconds (the batch size: of operations), exported in seconds where the name says so. */
#define METRIC_HISTOGRAMS(X)                                                                                           \
    X(H_PARSE_QUEUED, "sakurad_stage_seconds", "stage=\"parse_queued\"", "Time of a send by stage.")                   \
    X(H_QUEUED_DURABLE, "sakurad_stage_seconds", "stage=\"queued_durable\"", "")                                       \
    X(H_DURABLE_ANSWERED, "sakurad_stage_seconds", "stage=\"durable_answered\"", "")                                   \
    X(H_DURABLE_NOTIFIED, "sakurad_stage_seconds", "stage=\"durable_notified\"", "")                                   \
    X(H_NOTIFIED_WRITTEN, "sakurad_stage_seconds", "stage=\"notified_written\"", "")                                   \
    X(H_REQUEST, "sakurad_request_seconds", "", "First byte of a request's head parsed to its answer queued.")         \
    X(H_READ, "sakurad_store_read_seconds", "", "Time of one store read.")                                             \
    X(H_COMMIT, "sakurad_store_commit_seconds", "", "Time of one batch in the store.")                                 \
    X(H_BATCH_OPS, "sakurad_batch_operations", "", "Operations in one batch.")

#define METRIC_ID(id, name, labels, help) id,
enum metric_counter { METRIC_COUNTERS(METRIC_ID) METRIC_COUNTER_COUNT };
enum metric_gauge { METRIC_GAUGES(METRIC_ID) METRIC_GAUGE_COUNT };
enum metric_histogram { METRIC_HISTOGRAMS(METRIC_ID) METRIC_HISTOGRAM_COUNT };

#define METRIC_ROUTES_MAX 64

void metrics_thread_init(void);
void metrics_add(enum metric_counter id, uint64_t n);
void metrics_gauge(enum metric_gauge id, int64_t delta);        /* its value is the sum of all threads' deltas */
void metrics_observe(enum metric_histogram id, uint64_t value); /* microseconds or operations */
/* Requests by route and status: sakurad_http_requests_total{route="…",code="…"}. route < METRIC_ROUTES_MAX,
 * its name given once before threads start. */
void metrics_set_routes(const char *const *names, unsigned count);
void metrics_request(unsigned route, int status);

/* Values another module keeps itself (build info, a store's driver counters, …): called at each scrape,
 * appends whole lines in Prometheus text format. At most 16; before threads start. */
typedef void (*metrics_extra_fn)(struct buf *out, void *arg);
void metrics_register(metrics_extra_fn fn, void *arg);

uint64_t metrics_counter(enum metric_counter id); /* the sum now; for tests and health */
int64_t metrics_gauge_value(enum metric_gauge id);
void metrics_render(struct buf *out); /* Prometheus text format 0.0.4 */
