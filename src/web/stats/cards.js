/** What is shown, a row each: a title, the figures behind it, and the unit that they are read in. */

import { byteRate, bytes, cores, count, percent, rate, time } from './units.js';

/** @typedef {import('./units.js').Unit} Unit */
/** limit: what of sakurad_limit it is held against; most: where the scale always ends.
 * @typedef {{ title: string, about: string, unit: Unit, lines: [string, string][], limit?: string, least?: number, most?: number }} Card */

/** lines: figure and name, the main one first. @type {Card[]} */
export const CARDS = [
  { title: 'Messages', about: 'stored durably', unit: rate, lines: [['messages', 'stored']], least: 10 },
  { title: 'Answers', about: 'all requests, this page’s too', unit: time, lines: [['request_p99', 'p99'], ['request_p50', 'p50']], least: 0.001 },
  { title: 'Processor', about: 'all threads', unit: cores, lines: [['cpu', 'used']], least: 0.1 },
  { title: 'Connections', about: 'open now', unit: count, lines: [['ws', 'WebSocket'], ['http', 'HTTP']], limit: 'connections', least: 10 },
  { title: 'Queues', about: 'operations waiting', unit: count, lines: [['writer_queue', 'writer'], ['reader_queue', 'readers']], limit: 'queue', least: 10 },
  { title: 'Batches', about: 'operations in one commit', unit: count, lines: [['batch_mean', 'mean'], ['batch_p99', 'p99']], limit: 'batch', least: 10 },
  { title: 'Notices and signals', about: 'sent to subscribers', unit: rate, lines: [['notices', 'notices'], ['signals', 'signals']], least: 10 },
  { title: 'Requests', about: 'answered', unit: rate, lines: [['requests', 'answered']], least: 10 },
  { title: 'Cache', about: 'reads that memory answered', unit: percent, lines: [['hits', 'hits']], most: 1 },
  { title: 'Store', about: 'operations of the database', unit: rate, lines: [['commits', 'commits'], ['reads', 'reads']], least: 10 },
  { title: 'Traffic', about: 'bytes of HTTP and WebSocket', unit: byteRate, lines: [['sent', 'sent'], ['bytes_in', 'received']], least: 1024 },
  { title: 'Memory', about: 'of the process, and of it the cache', unit: bytes, lines: [['memory', 'resident'], ['cache', 'cache']], least: 1 << 20 },
];

/** The way of a message, then the store by itself: name, who does it, figure. @type {[string, string, string][]} */
export const STAGES = [
  ['Parsed → queued', 'worker', 'parse_queued'],
  ['Queued → durable', 'writer, with the commit', 'queued_durable'],
  ['Durable → answered', 'worker', 'durable_answered'],
  ['Durable → notified', 'broadcaster', 'durable_notified'],
  ['Notified → written', 'broadcaster', 'notified_written'],
  ['Commit', 'the store: one batch', 'commit'],
  ['Read', 'the store: what the cache lacked', 'read'],
];
