/** The middle column: a search field and the list of whatever is chosen or searched for. */

import { fill, h, setText, show } from './dom.js';
import { firstMinute, nothing } from './empty.js';
import { icon } from './icons.js';
import { List } from './list.js';
import { everybody, pages } from './source.js';
import { belongs, fullName, sectionOf, UNIFIED } from './sections.js';

/** @typedef {import('../client/sakura.js').Sakura} Sakura */
/** @typedef {import('../client/sakura.js').Inbox} Inbox */
/** @typedef {import('./source.js').Source} Source */

const SEARCH_MS = 150;

export class InboxPane {
  /**
   * @param {{ sakura: Sakura, inbox: Inbox, customers: import('./customers.js').Customers, server: string }} from
   * @param {import('./row.js').RowView} view
   */
  constructor(from, view) {
    this.from = from;
    this.view = view;
    this.section = '';
    this.query = '';
    this.loaded = false;
    /** @type {Source} */
    this.source = everybody(from.inbox);
    this.list = new List(view, () => this.#end());
    this.title = h('h2', { class: 'pane-title' });
    this.search = h('input', {
      type: 'search', class: 'search', placeholder: 'Search name or e-mail', 'aria-label': 'Search by name or e-mail',
      'aria-keyshortcuts': '/', maxlength: 200, autocomplete: 'off', spellcheck: 'false', 'data-search': true,
      input: () => this.#typed(),
    });
    this.empty = h('div', { class: 'pane-empty' });
    this.node = h('section', { class: 'inbox', 'aria-label': 'Conversations' },
      h('header', { class: 'pane-head' }, this.title,
        h('div', { class: 'search-box', role: 'search' }, icon('search'), this.search)),
      this.list.node, this.empty);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** @param {string} section */
  choose(section) {
    if (this.section === section && !this.query) return;
    this.section = section;
    this.search.value = '';
    this.#follow('');
  }

  clear() {
    this.search.value = '';
    this.#follow('');
  }

  #typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#follow(this.search.value.trim()), SEARCH_MS);
  }

  /** @param {string} query */
  #follow(query) {
    clearTimeout(this.timer);
    this.query = query;
    const source = (this.source = this.#sourceOf(query));
    source.on(() => source === this.source && this.#draw());
    setText(this.title, query ? 'Search' : fullName(sectionOf(this.section)));
    this.#draw(true);
    if (!source.complete && source.rows.length === 0) this.#end();
  }

  /**
   * @param {string} query
   * @returns {Source}
   */
  #sourceOf(query) {
    const { sakura, inbox, customers } = this.from;
    if (query) {
      return pages(customers, (skip, limit) => inbox.search(query, { skip, limit }), { keeps: () => true, grow: false });
    }
    const section = sectionOf(this.section);
    if (section.id === UNIFIED) return everybody(inbox);
    const where = `category=${section.category}&status=${section.status}`;
    return pages(customers, (skip, limit) => sakura.request('GET', `/api/users?${where}&skip=${skip}&limit=${limit}`),
      { keeps: (row) => belongs(section, row), grow: true });
  }

  /** The inbox has begun: from here on an empty list is really empty. */
  begin() {
    this.loaded = true;
    this.#draw();
  }

  /** @param {readonly string[]} ids */
  changed(ids) {
    this.source.changed(ids);
  }

  /** A page that was refused is asked for again when something has come, not at once and for ever. */
  #end() {
    if (this.source.error) return;
    if (this.source.rows.length > 0 || this.section !== UNIFIED || this.query) void this.source.more();
  }

  /** @param {boolean} [other] */
  #draw(other = false) {
    const { source } = this;
    this.list.set(source.rows, other);
    const none = source.rows.length === 0;
    const first = none && this.loaded && source.complete && !this.query && this.section === UNIFIED;
    document.body.toggleAttribute('data-first', first);
    show(this.empty, none);
    if (none) fill(this.empty, this.#nothing(first));
  }

  /** @param {boolean} first */
  #nothing(first) {
    const { source, query } = this;
    if (first) return firstMinute(this.from.server);
    if (source.error) return nothing('That did not work', source.error);
    if (!source.complete || !this.loaded) return h('p', { class: 'waiting', role: 'status' }, 'Loading…');
    return query
      ? nothing('Nobody found', 'Search finds the beginnings of words in names and e-mail addresses.')
      : nothing('Nothing here', sectionOf(this.section).empty);
  }
}
