/** Keys for what agents do all day. They are single letters, so they rest while one writes, and can be turned off. */

import { fill, h } from './dom.js';
import { kept } from './kept.js';

const NAME = 'sakura.shortcuts';

/** @type {readonly { keys: string[], action: string, text: string }[]} */
export const SHORTCUTS = [
  { keys: ['j', '↓'], action: 'next', text: 'Next conversation' },
  { keys: ['k', '↑'], action: 'previous', text: 'Previous conversation' },
  { keys: ['/'], action: 'search', text: 'Search' },
  { keys: ['r'], action: 'reply', text: 'Reply' },
  { keys: ['e'], action: 'resolve', text: 'Resolve or reopen' },
  { keys: ['a'], action: 'assign', text: 'Assign to me, or give back' },
  { keys: ['i'], action: 'panel', text: 'Customer details' },
  { keys: ['?'], action: 'help', text: 'These shortcuts' },
  { keys: ['Esc'], action: 'escape', text: 'Leave what is open' },
];

/** @type {Record<string, string>} */
const NAMES = { '↓': 'ArrowDown', '↑': 'ArrowUp', Esc: 'Escape' };

export function shortcutsOn() {
  return kept(NAME) !== 'off';
}

/** @param {boolean} on */
export function setShortcuts(on) {
  kept(NAME, on ? '' : 'off');
}

/**
 * @param {{ key: string, ctrlKey?: boolean, metaKey?: boolean, altKey?: boolean, isComposing?: boolean, defaultPrevented?: boolean }} event
 * @param {{ writing: boolean, on: boolean }} where writing: in a field; on: are letters wanted?
 * @returns {string | null} what to do
 */
export function actionOf(event, { writing, on }) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  if (event.key === 'Escape') return 'escape';
  if (writing || !on) return null;
  const found = SHORTCUTS.find(({ keys }) => keys.some((key) => (NAMES[key] || key) === event.key));
  return found ? found.action : null;
}

/** @param {EventTarget | null} target */
export function isField(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** @param {Record<string, () => void>} actions */
export function listenKeys(actions) {
  document.addEventListener('keydown', (event) => {
    if (document.querySelector('dialog[open]')) return;
    // Where something has the focus, arrows are its own: they scroll the conversation.
    if (event.key.startsWith('Arrow') && event.target !== document.body) return;
    const action = actionOf(event, { writing: isField(event.target), on: shortcutsOn() });
    if (!action || !actions[action]) return;
    if (action !== 'escape') event.preventDefault();
    actions[action]();
  });
}

export function helpDialog() {
  const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': 'help-title', 'data-help': true });
  fill(dialog,
    h('h2', { id: 'help-title' }, 'Keyboard shortcuts'),
    h('dl', { class: 'keys' }, ...SHORTCUTS.map(({ keys, text }) => h('div', {},
      h('dt', {}, text), h('dd', {}, ...keys.map((key) => h('kbd', {}, key)))))),
    h('form', { method: 'dialog' }, h('button', { class: 'primary' }, 'Close')));
  return dialog;
}
