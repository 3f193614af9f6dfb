/** Where a token is asked for, and says why: none yet, or the server's sentence about the one given. */

import { h } from './dom.js';
import { icon } from './icons.js';

const TOKEN = 'sakura.token';

/** @returns {string | null} */
export function storedToken() {
  try {
    return sessionStorage.getItem(TOKEN);
  } catch {
    return null;
  }
}

/**
 * @param {string | null} token null: signed out
 * @returns {boolean} is it kept?
 */
export function storeToken(token) {
  try {
    if (token) sessionStorage.setItem(TOKEN, token);
    else sessionStorage.removeItem(TOKEN);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} reason
 * @param {(token: string) => void} signIn
 */
export function signInPage(reason, signIn) {
  const field = h('textarea', {
    id: 'token', rows: 4, spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', required: true,
    'aria-describedby': 'reason', 'data-token': true,
    keydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== 'Enter' || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    },
  });
  const form = h('form', {
    class: 'signin-card',
    submit: (/** @type {Event} */ event) => {
      event.preventDefault();
      const token = field.value.replace(/^.*#token=/s, '').replace(/\s+/g, '');
      if (token) signIn(token);
    },
  },
  h('p', { class: 'brand' }, icon('flower'), h('span', {}, 'Sakura')),
  h('h1', {}, 'Sign in'),
  h('p', { id: 'reason', class: 'reason', role: 'alert', 'data-reason': true }, reason),
  h('label', { for: 'token' }, 'Token, or the link that brought it'),
  field,
  h('button', { class: 'primary', 'data-action': 'sign-in' }, 'Sign in'),
  h('p', { class: 'hint' }, 'Whoever runs the server makes one:'),
  h('code', { class: 'command' }, 'sakurad --auth-key FILE --issue-token dashboard --subject ann --name Ann'));
  return h('main', { class: 'signin', 'data-signin': true }, form);
}
