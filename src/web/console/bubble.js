/** One message of a conversation: how it looks pending, failed, sent and seen. */

import { fill, h, setAttr } from './dom.js';
import { icon } from './icons.js';
import { linked } from './links.js';
import { clock, full } from './when.js';

/** @typedef {import('../client/sakura.js').Message} Message */
/**
 * Where a message stands among its neighbours.
 * @typedef {object} Standing
 * @property {string} day name of the day that begins with it; empty: the day before goes on
 * @property {boolean} fresh is it the first that was unread when the conversation was opened?
 * @property {boolean} first does it begin what one says in one breath?
 * @property {boolean} last does it end it?
 * @property {boolean} seen has the visitor read it?
 */
/** @typedef {{ retry(m: Message): void, discard(m: Message): void }} Again */

/**
 * Whose words these are: the visitor's stand left, ours right, the system's in the middle.
 * @param {string} role
 * @returns {'user' | 'agent' | 'assistant' | 'system'}
 */
export function sideOf(role) {
  return role === 'user' || role === 'agent' || role === 'system' ? role : role === 'assistant' ? role : 'agent';
}

/**
 * @param {Message} message
 * @param {string} visitor
 */
export function authorOf(message, visitor) {
  if (message.role === 'user') return visitor;
  if (message.role === 'assistant') return 'AI';
  return message.agent ? message.agent.name : message.role === 'agent' ? 'Agent' : message.role;
}

/**
 * In a conversation of two one sees who speaks; a name is shown where there may be several: agents with names, the AI.
 * Screen readers are told it always.
 * @param {Message} message
 */
function named(message) {
  return message.role !== 'user' && (message.role !== 'agent' || !!message.agent);
}

export class Bubble {
  /** @param {Again} again */
  constructor(again) {
    this.again = again;
    this.node = h('li', { class: 'message' });
    this.drawn = '';
    this.text = '';
  }

  /**
   * @param {Message} message
   * @param {Standing} at
   * @param {string} visitor
   * @returns {boolean} has it changed?
   */
  update(message, at, visitor) {
    const state = message.failed ? 'failed' : message.pending ? 'pending' : 'sent';
    const author = authorOf(message, visitor);
    const now = `${message._id} ${state} ${message.failed} ${author} ${message.timestamp} ${at.day} ${at.fresh} ${at.first} ${at.last} ${at.seen}`;
    if (now === this.drawn && message.text === this.text) return false;
    this.drawn = now;
    this.text = message.text;
    setAttr(this.node, 'data-message', message._id);
    setAttr(this.node, 'data-side', sideOf(message.role));
    setAttr(this.node, 'data-state', state);
    setAttr(this.node, 'data-first', at.first && 'true');
    setAttr(this.node, 'data-last', at.last && 'true');
    fill(this.node,
      at.day && h('div', { class: 'day' }, h('span', {}, at.day)),
      at.fresh && h('div', { class: 'fresh' }, h('span', {}, 'New')),
      at.first && h('div', { class: named(message) ? 'author' : 'unseen', dir: 'auto' }, author),
      h('div', { class: 'bubble', dir: 'auto', title: full(message.timestamp) }, ...linked(message.text)),
      this.#foot(message, at, state));
    return true;
  }

  /**
   * @param {Message} message
   * @param {Standing} at
   * @param {string} state
   */
  #foot(message, at, state) {
    if (state === 'failed') {
      return h('div', { class: 'foot failed' },
        h('span', {}, 'Not sent: ' + message.failed),
        h('button', { type: 'button', class: 'textual', 'data-action': 'retry', click: () => this.again.retry(message) }, 'Try again'),
        h('button', { type: 'button', class: 'textual', 'data-action': 'discard', click: () => this.again.discard(message) }, 'Discard'));
    }
    if (state === 'pending') return h('div', { class: 'foot' }, icon('clock'), h('span', {}, 'Sending…'));
    if (!at.last) return null;
    const ours = sideOf(message.role) === 'agent' || sideOf(message.role) === 'assistant';
    return h('div', { class: 'foot' },
      h('time', {}, clock(message.timestamp)),
      ours && h('span', { class: at.seen ? 'ticks seen' : 'ticks' },
        icon(at.seen ? 'ticks' : 'check'), h('span', { class: at.seen ? '' : 'unseen' }, at.seen ? 'Seen' : 'Sent')));
  }
}
