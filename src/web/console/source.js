/**
 * Where a list gets its customers: the inbox itself, or pages of a section or a search that the server filters. All
 * are most recent first, grow by pages, and follow what changes.
 */

import { lastActive } from './customer.js';
import { emitter } from './events.js';
import { sentence } from './say.js';

/** @typedef {import('../client/sakura.js').CustomerRow} CustomerRow */
/** @typedef {import('./customers.js').Customers} Customers */
/** @typedef {{ users: CustomerRow[], total: number }} Page */
/**
 * @typedef {object} Source
 * @property {readonly CustomerRow[]} rows
 * @property {boolean} complete are these all?
 * @property {string} error the server's sentence, where the last page did not come
 * @property {() => Promise<void>} more fetches the next page; does nothing while one is under way
 * @property {(ids: readonly string[]) => void} changed the inbox has other rows for these, so the line is there again
 * @property {(fn: () => void) => void} on the rows are others now
 */

export const PAGE = 100;

/**
 * @param {import('../client/sakura.js').Inbox} inbox
 * @returns {Source}
 */
export function everybody(inbox) {
  const heard = emitter();
  let error = '';
  let busy = false;
  return {
    get rows() { return inbox.customers; },
    get complete() { return inbox.complete; },
    get error() { return error; },
    async more() {
      if (busy || inbox.complete) return;
      busy = true;
      error = await inbox.more().then(() => '', sentence);
      busy = false;
      heard.emit();
    },
    changed() {
      error = '';
      heard.emit();
    },
    on: heard.on,
  };
}

/**
 * The rows after one of them has changed: it moves to where it belongs, or goes.
 * @param {readonly CustomerRow[]} rows
 * @param {CustomerRow} row
 * @param {{ keep: boolean, grow: boolean, complete: boolean }} how keep: it belongs here; grow: it may come in;
 *   complete: false: it comes in only above what is loaded, what lies below will come with its page
 * @returns {readonly CustomerRow[]}
 */
export function placed(rows, row, { keep, grow, complete }) {
  const had = rows.some((r) => r._id === row._id);
  if (!had && !(keep && grow)) return rows;
  const others = rows.filter((r) => r._id !== row._id);
  if (!keep) return others;
  const at = others.findIndex((r) => lastActive(r) <= lastActive(row));
  if (at < 0 && !had && !complete) return rows;
  others.splice(at < 0 ? others.length : at, 0, row);
  return others;
}

/**
 * @param {Customers} customers
 * @param {(skip: number, limit: number) => Promise<Page>} fetchPage
 * @param {{ keeps(row: CustomerRow): boolean, grow: boolean }} rule keeps: does a changed row still belong here?
 * @returns {Source}
 */
export function pages(customers, fetchPage, { keeps, grow }) {
  const heard = emitter();
  let busy = false;
  /** @type {Source} */
  const source = {
    rows: [],
    complete: false,
    error: '',
    async more() {
      if (busy || source.complete) return;
      busy = true;
      try {
        const { users } = await fetchPage(source.rows.length, PAGE);
        const known = new Set(source.rows.map((r) => r._id));
        const fresh = users.filter((row) => !known.has(row._id)).map((row) => customers.take(row));
        source.rows = [...source.rows, ...fresh];
        source.complete = users.length < PAGE;
        source.error = '';
      } catch (e) {
        source.error = sentence(/** @type {Error} */ (e));
      }
      busy = false;
      heard.emit();
    },
    changed(ids) {
      source.error = '';
      for (const id of ids) {
        const row = customers.byId.get(id);
        if (row) source.rows = placed(source.rows, row, { keep: keeps(row), grow, complete: source.complete });
      }
      heard.emit();
    },
    on: heard.on,
  };
  return source;
}
