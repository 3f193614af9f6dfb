/** Above a conversation: whose it is, and what agents do most: take it, resolve it, look at the customer. */

import { h, setAttr, setText, show } from './dom.js';
import { icon } from './icons.js';

/** @typedef {import('./icons.js').IconName} IconName */

/**
 * @typedef {object} HeadView
 * @property {string} name
 * @property {string} line
 * @property {boolean} here
 * @property {string} assignee name of whose it is; empty: nobody's
 * @property {boolean} mine
 * @property {boolean} closed
 * @property {boolean} panel
 * @property {boolean} failed
 */

export class Head {
  /** @param {{ back(): void, assign(): void, resolve(): void, panel(): void }} act */
  constructor(act) {
    this.name = h('h1', { class: 'head-name', dir: 'auto', tabindex: -1, 'data-title': true });
    this.line = h('span', { class: 'head-line' });
    this.assign = button('person', 'assign', 'a', act.assign);
    this.resolve = button('check', 'resolve', 'e', act.resolve);
    this.reopen = button('reopen', 'reopen', 'e', act.resolve);
    this.panel = h('button', {
      type: 'button', class: 'square', 'aria-label': 'Customer details', title: 'Customer details (i)',
      'data-action': 'panel', 'aria-controls': 'panel', click: act.panel,
    }, icon('info'));
    this.node = h('header', { class: 'head' },
      h('button', {
        type: 'button', class: 'square back', 'aria-label': 'Back to the list', 'data-action': 'back', click: act.back,
      }, icon('back')),
      h('div', { class: 'head-who' }, this.name, this.line),
      this.assign, this.resolve, this.reopen, this.panel);
  }

  /** @param {HeadView} view */
  update(view) {
    setText(this.name, view.name);
    setText(this.line, view.line);
    setAttr(this.line, 'data-here', view.here && 'true');
    label(this.assign, view.mine ? 'Yours' : view.assignee || 'Assign to me');
    setAttr(this.assign, 'aria-pressed', String(view.mine));
    setAttr(this.assign, 'title', view.mine ? 'Give it back (a)' : view.assignee ? 'Take it over (a)' : 'Assign to me (a)');
    label(this.resolve, 'Resolve');
    label(this.reopen, 'Reopen');
    show(this.assign, !view.failed);
    show(this.resolve, !view.failed && !view.closed);
    show(this.reopen, !view.failed && view.closed);
    show(this.panel, !view.failed);
    setAttr(this.panel, 'aria-expanded', String(view.panel));
  }
}

/**
 * @param {IconName} name
 * @param {string} action
 * @param {string} key
 * @param {() => void} click
 */
function button(name, action, key, click) {
  return h('button', { type: 'button', class: 'action', 'data-action': action, 'aria-keyshortcuts': key, click },
    icon(name), h('span', { class: 'action-label' }));
}

/**
 * @param {HTMLElement} node
 * @param {string} text
 */
function label(node, text) {
  const span = /** @type {Element} */ (node.lastElementChild);
  setText(span, text);
}
