/**
 * Where one is, as the address says it: `#chat=ID`, `#inbox=SECTION`, both, or nothing. Going somewhere is changing
 * the address, so back, forward, reload and a link in a mail all do what they should.
 */

import { sectionOf, UNIFIED } from './sections.js';

/** @typedef {{ section: string, chat: string | null }} Place */

/**
 * @param {string} hash
 * @returns {Place}
 */
export function read(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  return { section: sectionOf(given.get('inbox')).id, chat: given.get('chat') || null };
}

/**
 * @param {Place} place
 * @returns {string} with its #
 */
export function write(place) {
  const out = new URLSearchParams();
  if (place.section !== UNIFIED) out.set('inbox', place.section);
  if (place.chat) out.set('chat', place.chat);
  return '#' + out;
}

/**
 * A token that a link brings (`/#token=…`); it is not to stay in the address.
 * @param {string} hash
 * @returns {string | null}
 */
export function tokenIn(hash) {
  return new URLSearchParams(hash.replace(/^#/, '')).get('token') || null;
}
