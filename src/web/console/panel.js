/** Beside a conversation: what is known of its customer, where it stands, and the customer's other conversations. */

import { activeAt, emailOf, nameOf } from './customer.js';
import { fill, h, setAttr } from './dom.js';
import { icon } from './icons.js';
import { write } from './route.js';
import { brief, full } from './when.js';

/** @typedef {import('../client/sakura.js').CustomerRow} CustomerRow */
/**
 * @typedef {object} PanelView
 * @property {CustomerRow} customer
 * @property {string} chatId
 * @property {string} section
 * @property {boolean} here
 * @property {boolean | null} ai null: not known yet
 * @property {string} assignee
 * @property {string} lastSeen
 */

/** Where a conversation can be moved: an inbox, and in that of people what is escalated. */
const INBOXES = [
  { value: 'agent-inbox', name: 'Agent inbox' },
  { value: 'human-chats', name: 'Human chats' },
  { value: 'escalated', name: 'Human chats · Escalated' },
];

/** @param {CustomerRow} customer */
export function inboxOf(customer) {
  return customer.category === 'human-chats' && customer.status === 'escalated' ? 'escalated' : String(customer.category);
}

/**
 * Location and device are what a site reported, in whatever form: its plain values, the best known ones first.
 * @param {unknown} value
 * @param {string[]} first
 * @returns {string}
 */
export function described(value, first) {
  if (!value || typeof value !== 'object') return '';
  const all = /** @type {Record<string, unknown>} */ (value);
  const names = first.filter((name) => name in all);
  const chosen = names.length ? names : Object.keys(all);
  const texts = chosen.map((name) => all[name]).filter((v) => typeof v === 'string' || typeof v === 'number').map(String);
  return [...new Set(texts.filter(Boolean))].slice(0, 6).join(', ');
}

export class Panel {
  /** @param {{ close(): void, ai(on: boolean): void, move(inbox: string): void }} act */
  constructor(act) {
    this.act = act;
    /** @type {Map<Element, string>} */
    this.drawn = new Map();
    this.body = h('div', { class: 'panel-body' });
    this.node = h('aside', { class: 'panel', id: 'panel', 'aria-label': 'Customer', 'data-panel': true },
      h('header', { class: 'panel-head' },
        h('button', {
          type: 'button', class: 'square back-panel', 'aria-label': 'Back to the conversation', 'data-action': 'back-panel', click: act.close,
        }, icon('back')),
        h('h2', {}, 'Details')),
      this.body);
    this.ai = h('button', {
      type: 'button', class: 'switch', role: 'switch', id: 'ai-switch', 'aria-labelledby': 'ai-label', 'data-action': 'ai',
      click: () => act.ai(this.ai.getAttribute('aria-checked') !== 'true'),
    });
    this.inbox = h('select', { id: 'inbox-select', 'data-action': 'move', change: () => act.move(this.inbox.value) },
      ...INBOXES.map(({ value, name }) => h('option', { value }, name)));
    this.facts = h('dl', { class: 'facts' });
    this.chats = h('ul', { class: 'others' });
    fill(this.body,
      h('section', {},
        h('div', { class: 'setting' }, h('label', { for: 'inbox-select' }, 'Inbox'), this.inbox),
        h('div', { class: 'setting' }, h('span', { id: 'ai-label' }, 'AI answers'), this.ai)),
      h('section', {}, h('h3', {}, 'Customer'), this.facts),
      h('section', {}, h('h3', {}, 'Conversations'), this.chats));
  }

  /** @param {PanelView} view */
  update(view) {
    const { customer } = view;
    this.inbox.value = inboxOf(customer);
    setAttr(this.ai, 'aria-checked', String(view.ai === true));
    this.ai.disabled = view.ai === null;
    const known = facts(view);
    this.#draw(this.facts, known, () => known.filter(([, value]) => value).map(([name, value, hint]) =>
      h('div', { class: 'fact' }, h('dt', {}, name), h('dd', { dir: 'auto' }, value, hint && h('span', { class: 'hint' }, hint)))));
    const chats = [...customer.chats].sort((a, b) => (activeAt(a) < activeAt(b) ? 1 : -1)).map((chat) => ({
      href: write({ section: view.section, chat: chat.chat_id }), current: chat.chat_id === view.chatId && 'true', id: chat.chat_id,
      text: chat.messages.length ? chat.messages[chat.messages.length - 1].text.slice(0, 100) : 'No messages yet',
      hint: [brief(activeAt(chat)), chat.status === 'closed' ? 'Resolved' : '', chat.unread ? chat.unread + ' unread' : '']
        .filter(Boolean).join(' · '),
    }));
    this.#draw(this.chats, chats, () => chats.map(({ href, current, id, text, hint }) => h('li', {},
      h('a', { href, class: 'other', 'aria-current': current, 'data-chat': id },
        h('span', { dir: 'auto' }, text), h('span', { class: 'hint' }, hint)))));
  }

  /**
   * What is the same is left alone: somebody may be marking it to copy it, or have the focus in it.
   * @param {Element} node
   * @param {unknown} what
   * @param {() => Node[]} make
   */
  #draw(node, what, make) {
    const now = JSON.stringify(what);
    if (this.drawn.get(node) === now) return;
    this.drawn.set(node, now);
    fill(node, ...make());
  }
}

/**
 * @param {PanelView} view
 * @returns {[string, string, string?][]}
 */
function facts({ customer, here, assignee, lastSeen }) {
  const claimed = customer.claimed_email;
  return [
    ['Name', nameOf(customer)],
    ['E-mail', emailOf(customer)],
    ['Says to be', claimed || '', 'not proven'],
    ['Assigned to', assignee || 'Nobody'],
    ['Last seen', here ? 'On the site now' : full(lastSeen)],
    ['Visits', customer.total_visits ? String(customer.total_visits) : ''],
    ['Location', described(customer.location, ['city', 'region', 'country'])],
    ['Device', described(customer.device, ['browser', 'os', 'type', 'platform'])],
    ['Address', customer.ip || ''],
    ['Mood', customer.vibe && customer.vibe !== 'neutral' ? customer.vibe : ''],
    ['Owner', customer.dashboard_user_id || ''],
  ];
}
