/** Finds the links in a text. Only what can do no harm becomes one: http, https and mail addresses. */

import { h } from './dom.js';

// Bounded, so that a long text of dots and letters costs no more than its length.
const LINK = /\bhttps?:\/\/[^\s<>"']+|(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-z]{2,24}\b/gi;
const TAIL = '.,;:!?\'")]}»”’…';

/** @typedef {{ text: string, href?: string }} Part */

/**
 * What ends a sentence is not part of the address, but for a bracket that was opened within it.
 * @param {string} found
 */
function trim(found) {
  let end = found.length;
  while (end > 0 && TAIL.includes(found[end - 1])) end--;
  const kept = found.slice(0, end);
  return found[end] === ')' && kept.includes('(') ? kept + ')' : kept;
}

/**
 * @param {string} text
 * @returns {Part[]}
 */
export function parts(text) {
  /** @type {Part[]} */
  const out = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    const at = /** @type {number} */ (match.index);
    const found = trim(match[0]);
    if (at > from) out.push({ text: text.slice(from, at) });
    out.push({ text: found, href: found.includes('://') ? found : 'mailto:' + found });
    from = at + found.length;
  }
  if (from < text.length) out.push({ text: text.slice(from) });
  return out;
}

/**
 * @param {string} text
 * @returns {Node[]}
 */
export function linked(text) {
  return parts(text).map((part) =>
    part.href
      ? h('a', { href: part.href, target: '_blank', rel: 'noopener noreferrer nofollow' }, part.text)
      : document.createTextNode(part.text));
}
