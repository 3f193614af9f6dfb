/** From scrapes to the figures that the page shows, by the names that cards.js knows them by. */

import { between, change, mean, quantile } from './change.js';

/** @typedef {import('./metrics.js').Metrics} Metrics */
/** @typedef {import('./metrics.js').Labels} Labels */
/** @typedef {{ [name: string]: number | null }} Figures */

/** @type {[string, string, Labels?][]} figure, counter: how much of it a second */
const RATES = [
  ['messages', 'sakurad_store_ops_total', { kind: 'insert_message' }],
  ['requests', 'sakurad_http_requests_total'],
  ['notices', 'sakurad_notices_total', { event: 'delivered' }],
  ['signals', 'sakurad_signals_total', { event: 'delivered' }],
  ['commits', 'sakurad_store_commit_seconds_count'],
  ['reads', 'sakurad_store_read_seconds_count'],
  ['bytes_in', 'sakurad_received_bytes_total'],
  ['bytes_out', 'sakurad_sent_bytes_total'],
  ['bytes_ws', 'sakurad_websocket_sent_bytes_total'],
  ['cpu', 'process_cpu_seconds_total'],
];

/** @type {[string, string, Labels?][]} figure, gauge */
const LEVELS = [
  ['http', 'sakurad_connections_open'],
  ['ws', 'sakurad_websockets_open'],
  ['writer_queue', 'sakurad_queue_depth', { queue: 'writer' }],
  ['reader_queue', 'sakurad_queue_depth', { queue: 'reader' }],
  ['memory', 'process_resident_memory_bytes'],
  ['cache', 'sakurad_cache_bytes'],
];

/** @type {[string, string, Labels?][]} figure, histogram: its p50 and p99 */
const TIMES = [
  ['parse_queued', 'sakurad_stage_seconds', { stage: 'parse_queued' }],
  ['queued_durable', 'sakurad_stage_seconds', { stage: 'queued_durable' }],
  ['durable_answered', 'sakurad_stage_seconds', { stage: 'durable_answered' }],
  ['durable_notified', 'sakurad_stage_seconds', { stage: 'durable_notified' }],
  ['notified_written', 'sakurad_stage_seconds', { stage: 'notified_written' }],
  ['request', 'sakurad_request_seconds'],
  ['commit', 'sakurad_store_commit_seconds'],
  ['read', 'sakurad_store_read_seconds'],
];

const BATCH = 'sakurad_batch_operations';
const LOOKUPS = 'sakurad_cache_lookups_total';
const THREAD = 'sakurad_thread_cpu_seconds_total';

/** Of a thread's figure: which part of a core it uses. */
export const THREAD_PREFIX = 'thread:';

/**
 * @param {Metrics} last the scrape before this one
 * @param {Metrics} now
 * @param {number} seconds between these two
 * @param {Metrics} early one of some seconds ago: shares and quantiles of a single second would be noise
 * @returns {Figures}
 */
export function figures(last, now, seconds, early) {
  /** @type {Figures} */
  const out = {};
  for (const [figure, name, labels] of RATES) out[figure] = per(change(last, now, name, labels), seconds);
  for (const [figure, name, labels] of LEVELS) out[figure] = now.value(name, labels);
  for (const [figure, name, labels] of TIMES) {
    const seen = between(early.histogram(name, labels), now.histogram(name, labels));
    out[`${figure}_p50`] = quantile(seen, 0.5);
    out[`${figure}_p99`] = quantile(seen, 0.99);
  }
  const batches = between(early.histogram(BATCH), now.histogram(BATCH));
  out.batch_mean = mean(batches);
  out.batch_p99 = quantile(batches, 0.99);
  out.hits = share(change(early, now, LOOKUPS, { result: 'hit' }), change(early, now, LOOKUPS));
  out.sent = out.bytes_out === null ? null : out.bytes_out + (out.bytes_ws ?? 0);
  for (const { labels } of now.rows(THREAD))
    out[THREAD_PREFIX + labels.thread] = per(change(last, now, THREAD, { thread: labels.thread }), seconds);
  return out;
}

/**
 * @param {number | null} amount
 * @param {number} seconds
 */
function per(amount, seconds) {
  return amount === null || seconds <= 0 ? null : amount / seconds;
}

/**
 * @param {number | null} part
 * @param {number | null} whole
 */
function share(part, whole) {
  return part === null || !whole ? null : part / whole;
}
