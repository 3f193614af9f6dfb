/** What was refused, cut or lost, in words: counters that stand still on a good day. */

import { change } from './change.js';

/** @typedef {import('./metrics.js').Metrics} Metrics */
/** @typedef {{ what: string, hint: string, count: number }} Trouble */

/** @type {[string, string, string, { [label: string]: string }?][]} what, what to look at, counter */
const COUNTERS = [
  ['Store errors', 'the log has the reason', 'sakurad_store_errors_total'],
  ['Writes not done in time', '--write-timeout; is the disk slow?', 'sakurad_write_timeout_total'],
  ['Refused: queue full', '--queue', 'sakurad_queue_full_total'],
  ['Refused or cut: memory full', '--buffer-mb', 'sakurad_buffer_full_total'],
  ['Notices lost between threads', 'subscribers were told to look again', 'sakurad_notices_total', { event: 'ring_full' }],
  ['Slow subscribers cut', '--ws-backlog', 'sakurad_websockets_total', { event: 'cut_slow' }],
  ['WebSockets that fell silent', 'their network, mostly', 'sakurad_websockets_total', { event: 'dead' }],
  ['Connections refused', '--max-connections, --max-per-address, --rate-connect', 'sakurad_connections_refused_total'],
  ['Connections cut by a deadline', 'idle ones among them', 'sakurad_connections_cut_total'],
  ['Answered 429', '--rate-send and its kin', 'sakurad_rate_limited_total'],
  ['Tokens refused', 'none, a bad one, or another customer\'s data', 'sakurad_auth_refused_total'],
  ['Pages of unlisted origins', '--cors-origin', 'sakurad_origins_refused_total'],
  ['Malformed requests', 'not HTTP, or too large', 'sakurad_http_malformed_total'],
  ['Loops that did not turn for a second', 'is the machine overloaded?', 'sakurad_loop_stalled_total'],
];

/**
 * @param {Metrics} before
 * @param {Metrics} after of the same process
 * @returns {number[]} how often each happened between the two
 */
export function troubles(before, after) {
  return [
    failed(after) - failed(before),
    ...COUNTERS.map(([, , name, labels]) => change(before, after, name, labels) ?? 0),
  ];
}

/**
 * @param {number[]} counts summed over the time that is looked at
 * @returns {Trouble[]} what happened at all
 */
export function described(counts) {
  const all = [['Answered 5xx', 'health and the log have the reason'], ...COUNTERS];
  return all.map(([what, hint], i) => ({ what, hint, count: counts[i] ?? 0 })).filter(({ count }) => count > 0);
}

/** @param {Metrics} metrics */
function failed(metrics) {
  return metrics.rows('sakurad_http_requests_total')
    .reduce((sum, { labels, value }) => sum + (labels.code.startsWith('5') ? value : 0), 0);
}
