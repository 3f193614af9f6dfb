/**
 * Who the agent is. A token says it (its claims `sub` and `name`); without authentication everybody may call himself
 * what he likes, and the name is kept in this browser.
 */

import { kept } from './kept.js';

/** @typedef {{ id: string, name: string, proven: boolean }} Me */

const NAME = 'sakura.name';

/**
 * @param {string | null} token
 * @returns {{ sub?: string, name?: string }} what the token says, unchecked: the server checks it, this only shows it
 */
export function claims(token) {
  try {
    const part = String(token).split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(part), (c) => c.charCodeAt(0));
    const found = JSON.parse(new TextDecoder().decode(bytes));
    return found && typeof found === 'object' ? found : {};
  } catch {
    return {};
  }
}

/**
 * @param {string | null} token
 * @returns {Me}
 */
export function agentOf(token) {
  const { sub, name } = claims(token);
  if (typeof sub === 'string' && sub) {
    return { id: sub, name: typeof name === 'string' && name ? name : sub, proven: true };
  }
  const own = kept(NAME) || 'Agent';
  return { id: own, name: own, proven: false };
}

/**
 * @param {Me} me
 * @param {string} name
 */
export function callMe(me, name) {
  me.name = me.id = kept(NAME, name.trim().slice(0, 128)) || 'Agent';
}
