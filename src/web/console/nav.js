/** The inboxes with their counts, the state of the line, and the way to preferences and help. */

import { h, setAttr, setText, show } from './dom.js';
import { icon } from './icons.js';
import { write } from './route.js';
import { SECTIONS } from './sections.js';

/** @typedef {import('../client/sakura.js').State} State */

/** @type {Record<State, string>} */
export const STATES = {
  connecting: 'Connecting…',
  live: 'Connected',
  stale: 'Reconnecting…',
  offline: 'Offline',
  denied: 'Signed out',
};

export class Nav {
  /** @param {{ preferences(): void, help(): void }} act */
  constructor(act) {
    /** @type {Map<string, { link: HTMLElement, count: HTMLElement }>} */
    this.links = new Map();
    this.state = h('span', { class: 'state-text' });
    this.stateNode = h('p', { class: 'state', role: 'status', 'data-state': 'connecting' },
      h('span', { class: 'dot', 'aria-hidden': 'true' }), this.state);
    this.node = h('nav', { class: 'nav', 'aria-label': 'Inboxes' },
      h('p', { class: 'brand' }, icon('flower'), h('span', {}, 'Sakura')),
      h('ul', { class: 'sections' }, ...this.#items()),
      h('div', { class: 'nav-foot' }, this.stateNode,
        h('button', {
          type: 'button', class: 'square', 'aria-label': 'Keyboard shortcuts', title: 'Keyboard shortcuts (?)', 'data-action': 'help', click: act.help,
        }, icon('help')),
        h('button', {
          type: 'button', class: 'square', 'aria-label': 'Preferences', title: 'Preferences', 'data-action': 'preferences', click: act.preferences,
        }, icon('settings'))));
  }

  *#items() {
    let group = '';
    for (const section of SECTIONS) {
      if (section.group !== group) {
        group = section.group;
        yield h('li', { class: 'group', 'aria-hidden': 'true' }, group);
      }
      const [first, rest] = section.name.split(' ');
      const count = h('span', { class: 'count' });
      const link = h('a', { href: write({ section: section.id, chat: null }), class: 'section', 'data-section': section.id },
        section.group && h('span', { class: 'section-group' }, section.group + ' '),
        h('span', { class: 'section-name' }, first, rest && h('span', { class: 'section-rest' }, ' ' + rest)), count);
      this.links.set(section.id, { link, count });
      yield h('li', {}, link);
    }
  }

  /** @param {string} section */
  select(section) {
    for (const [id, { link }] of this.links) {
      setAttr(link, 'aria-current', id === section && 'page');
      if (id === section) link.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }
  }

  /** @param {Readonly<Record<string, number>> | null} counts null: one may not know them */
  counts(counts) {
    for (const [id, { count }] of this.links) {
      const n = counts ? counts[id] : undefined;
      show(count, !!n);
      setText(count, n ? n.toLocaleString('en') : '');
    }
  }

  /** @param {State} state */
  show(state) {
    setText(this.state, STATES[state]);
    setAttr(this.stateNode, 'data-state', state);
  }
}
