/** What the page says by itself: to screen readers politely, and as a note that goes away to everybody. */

import { fill, h } from './dom.js';

const NOTE_MS = 6000;
const SPOKEN_LETTERS = 300;

/**
 * Why something did not work, in words for who wanted it.
 * @param {Error & { status?: number }} error
 */
export function sentence({ status, message }) {
  if (status === 0) return 'The server cannot be reached just now. Try again.';
  return status === 412 ? 'Somebody else was faster: the conversation is shown as it is now.' : message;
}

/**
 * @returns {{ node: HTMLElement, announce(text: string): void, note(text: string): void }}
 */
export function createVoice() {
  const spoken = h('div', { class: 'unseen', 'aria-live': 'polite', 'data-live': 'messages' });
  const notes = h('div', { class: 'notes', role: 'status', 'data-notes': true });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  return {
    node: h('div', { class: 'voice' }, spoken, notes),
    announce(text) {
      const line = h('p', {}, text.slice(0, SPOKEN_LETTERS));
      spoken.appendChild(line);
      while (spoken.childElementCount > 3) spoken.firstChild?.remove();
    },
    note(text) {
      clearTimeout(timer);
      fill(notes, h('p', { class: 'note' }, text));
      timer = setTimeout(() => fill(notes), NOTE_MS);
    },
  };
}
