/**
 * The list of customers: thousands of rows, of which some thirty are drawn. Rows stand in the flow and are keyed by
 * customer, so a new message writes into one row and moves that one; no other row is touched.
 */

import { h } from './dom.js';
import { Row } from './row.js';
import { anchored, rangeOf } from './virtual.js';

/** @typedef {import('../client/sakura.js').CustomerRow} CustomerRow */

export const ROW_PX = 68;
const OVER = 6;
/** The next page is asked for this many rows before the end is seen. */
const AHEAD = 40;

export class List {
  /**
   * @param {import('./row.js').RowView} view
   * @param {() => void} onEnd the end of what is loaded comes near
   */
  constructor(view, onEnd) {
    this.view = view;
    this.onEnd = onEnd;
    /** @type {readonly CustomerRow[]} */
    this.rows = [];
    /** @type {Map<string, Row>} */
    this.drawn = new Map();
    this.from = 0;
    this.height = 0;
    this.list = h('ul', { class: 'rows', 'aria-label': 'Conversations', 'data-list': true });
    this.space = h('div', { class: 'space' }, this.list);
    this.node = h('div', { class: 'scroll' }, this.space);
    this.node.addEventListener('scroll', () => this.draw(), { passive: true });
    this.node.addEventListener('keydown', (event) => this.#key(event));
    new ResizeObserver(() => {
      this.height = this.node.clientHeight;
      this.draw();
    }).observe(this.node);
  }

  /**
   * @param {readonly CustomerRow[]} rows
   * @param {boolean} [other] it is another list: begin at its top
   */
  set(rows, other = false) {
    const top = this.node.scrollTop;
    const first = this.rows[Math.floor(top / ROW_PX)];
    const before = Math.floor(top / ROW_PX);
    this.rows = rows;
    if (other) this.node.scrollTop = 0;
    const after = first && top > 0 ? rows.findIndex((r) => r._id === first._id) : -1;
    this.#space();
    if (!other && after !== before) this.node.scrollTop = anchored(top, ROW_PX, before, after);
    this.draw();
  }

  #space() {
    const height = this.rows.length * ROW_PX + 'px';
    if (this.space.style.height !== height) this.space.style.height = height;
  }

  draw() {
    const { from, to } = rangeOf({
      top: this.node.scrollTop, height: this.height, row: ROW_PX, count: this.rows.length, over: OVER,
    });
    const wanted = this.rows.slice(from, to);
    const ids = new Set(wanted.map((row) => row._id));
    const focused = document.activeElement;
    for (const [id, row] of this.drawn) {
      if (ids.has(id)) continue;
      row.node.remove();
      this.drawn.delete(id);
    }
    this.#place(wanted);
    if (from !== this.from) {
      this.from = from;
      this.list.style.transform = `translateY(${from * ROW_PX}px)`;
    }
    this.#reachable();
    if (focused instanceof HTMLElement && focused !== document.activeElement && this.list.contains(focused)) {
      focused.focus({ preventScroll: true });
    }
    if (to > this.rows.length - AHEAD) this.onEnd();
  }

  /** @param {readonly CustomerRow[]} wanted */
  #place(wanted) {
    let at = this.list.firstChild;
    for (const customer of wanted) {
      let row = this.drawn.get(customer._id);
      if (!row) this.drawn.set(customer._id, (row = new Row(customer, this.view)));
      else if (row.customer !== customer) row.update(customer, this.view);
      if (row.node === at) at = at.nextSibling;
      else this.list.insertBefore(row.node, at);
    }
  }

  /** Exactly one row can be reached by Tab: the open one, else the one that was, else the first; arrows go on from there. */
  #reachable() {
    const rows = [...this.drawn.values()];
    const stop = rows.find((row) => row.link.hasAttribute('aria-current')) || rows.find((row) => row.link.tabIndex === 0)
      || this.drawn.get(this.list.querySelector('li')?.dataset.customer || '');
    for (const row of rows) {
      const index = row === stop ? 0 : -1;
      if (row.link.tabIndex !== index) row.link.tabIndex = index;
    }
  }

  /**
   * Something beside the rows themselves has changed: presence, typing, what is open.
   * @param {Iterable<string>} [ids] customers; default: all that are drawn
   */
  refresh(ids = this.drawn.keys()) {
    for (const id of [...ids]) {
      const row = this.drawn.get(id);
      if (row) row.update(row.customer, this.view);
    }
    this.#reachable();
  }

  /** @param {number} index */
  reveal(index) {
    const top = index * ROW_PX;
    const { scrollTop } = this.node;
    if (top < scrollTop) this.node.scrollTop = top;
    else if (top + ROW_PX > scrollTop + this.height) this.node.scrollTop = top + ROW_PX - this.height;
    this.draw();
  }

  /** @param {number} index */
  focus(index) {
    const customer = this.rows[index];
    if (!customer) return;
    this.reveal(index);
    this.drawn.get(customer._id)?.link.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const item = document.activeElement?.closest('[data-customer]');
    const index = item ? this.rows.findIndex((r) => r._id === item.getAttribute('data-customer')) : -1;
    const page = Math.max(1, Math.floor(this.height / ROW_PX) - 1);
    /** @type {Record<string, number>} */
    const to = {
      ArrowDown: index + 1, ArrowUp: index - 1, PageDown: index + page, PageUp: index - page,
      Home: 0, End: this.rows.length - 1,
    };
    if (index < 0 || !(event.key in to) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.focus(Math.max(0, Math.min(this.rows.length - 1, to[event.key])));
  }
}
