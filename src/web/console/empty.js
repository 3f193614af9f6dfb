/** What stands where there is nothing yet, and how there will be something. */

import { h } from './dom.js';
import { icon } from './icons.js';

/**
 * @param {string} title
 * @param {string} text
 */
export function nothing(title, text) {
  return h('div', { class: 'empty', 'data-empty': true }, h('h2', {}, title), h('p', {}, text));
}

/**
 * The very first minute: no conversation at all.
 * @param {string} server where the widget comes from
 */
export function firstMinute(server) {
  const tag = `<script async src="${server}/widget.js"></script>`;
  const copied = h('span', {}, 'Copy');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(tag);
      copied.textContent = 'Copied';
    } catch {
      getSelection()?.selectAllChildren(code);
      copied.textContent = 'Press Ctrl+C';
    }
  };
  const code = h('code', { 'data-tag': true }, tag);
  return h('div', { class: 'empty', 'data-empty': 'first' },
    h('h2', {}, 'No conversations yet'),
    h('p', {}, 'Put this tag on your site, and start the server with ', h('code', {}, '--cors-origin'), ' and the site’s address. ',
      'What visitors write there stands here a moment later.'),
    h('div', { class: 'snippet' }, code,
      h('button', { type: 'button', class: 'textual', 'data-action': 'copy', click: copy }, icon('copy'), copied)),
    window.top === window
      ? h('p', {}, 'Or try it first: ', h('a', { href: '/demo' }, 'a page with the widget on it'), '.')
      : h('p', {}, 'Or write something in the chat of the page beside this.'));
}
