/** Where an agent writes: Enter sends, Shift+Enter breaks the line, what is half written stays with its conversation. */

import { h } from './dom.js';
import { draft } from './drafts.js';
import { icon } from './icons.js';

const MAX_PX = 200;
const BORDERS_PX = 2;

/**
 * Is this Enter the end of a message? Not while an input method composes: there it chooses a word.
 * @param {Pick<KeyboardEvent, 'key' | 'shiftKey' | 'isComposing' | 'keyCode'>} event
 */
export function sends(event) {
  return event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
}

export class Composer {
  /** @param {{ send(text: string): void, typing(on: boolean): void }} to */
  constructor(to) {
    this.to = to;
    this.chatId = '';
    this.input = h('textarea', {
      id: 'reply', rows: 1, placeholder: 'Write a reply', 'aria-label': 'Reply', 'aria-keyshortcuts': 'r',
      enterkeyhint: 'send', dir: 'auto', 'data-composer': true,
      input: () => this.#typed(),
      keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
      blur: () => this.to.typing(false),
    });
    this.button = h('button', { class: 'send', 'aria-label': 'Send', title: 'Send (Enter)', 'data-action': 'send', disabled: true },
      icon('send'));
    this.node = h('form', {
      class: 'composer',
      submit: (/** @type {Event} */ event) => {
        event.preventDefault();
        this.#send();
      },
    }, this.input, this.button);
  }

  /**
   * @param {string} chatId
   * @param {string} name
   */
  open(chatId, name) {
    if (this.chatId === chatId) return;
    this.chatId = chatId;
    this.input.value = draft(chatId);
    this.input.setAttribute('aria-label', 'Reply to ' + name);
    this.#fit();
  }

  #typed() {
    this.#fit();
    draft(this.chatId, this.input.value);
    this.to.typing(this.input.value.trim() !== '');
  }

  /** As high as its text, within reason. */
  #fit() {
    const { style } = this.input;
    style.height = 'auto';
    style.height = Math.min(this.input.scrollHeight + BORDERS_PX, MAX_PX) + 'px';
    this.button.disabled = this.input.value.trim() === '';
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!sends(event)) return;
    event.preventDefault();
    this.#send();
  }

  #send() {
    const text = this.input.value.trim();
    if (!text) return;
    this.input.value = '';
    draft(this.chatId, '');
    this.#fit();
    this.to.typing(false);
    this.to.send(text);
    this.input.focus();
  }
}
