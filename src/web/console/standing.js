/** How the messages of a conversation stand together: days, groups, what is new, what the visitor has seen. */

import { close, dayName, sameDay } from './when.js';

/** @typedef {import('../client/sakura.js').Message} Message */
/** @typedef {import('./bubble.js').Standing} Standing */

/**
 * @param {Message | undefined} a
 * @param {Message | undefined} b
 */
function together(a, b) {
  return !!a && !!b && a.role === b.role && (a.agent && a.agent.id) === (b.agent && b.agent.id)
    && sameDay(a.timestamp, b.timestamp) && close(a.timestamp, b.timestamp);
}

/**
 * @param {readonly Message[]} messages
 * @param {{ seenTo: string | null, freshAfter: string | null | undefined }} marks seenTo: the last message that the
 *   visitor has read; freshAfter: the last that agents had read as this was opened, undefined: no line is drawn
 * @returns {Standing[]}
 */
export function standing(messages, { seenTo, freshAfter }) {
  const seen = seenTo ? messages.findIndex((m) => m._id === seenTo) : -1;
  const fresh = firstFresh(messages, freshAfter);
  return messages.map((m, i) => {
    const before = messages[i - 1];
    const day = before && sameDay(before.timestamp, m.timestamp) ? '' : dayName(m.timestamp);
    const first = !!day || i === fresh || !together(before, m);
    const last = i + 1 === fresh || !together(m, messages[i + 1]);
    return { day, fresh: i === fresh, first, last, seen: i <= seen };
  });
}

/**
 * @param {readonly Message[]} messages
 * @param {string | null | undefined} after
 * @returns {number} the first message of the visitor's behind that mark; −1: none, the mark is not loaded, or all is new
 */
function firstFresh(messages, after) {
  if (after === undefined) return -1;
  const mark = after === null ? -1 : messages.findIndex((m) => m._id === after);
  if (after !== null && mark < 0) return -1;
  const at = messages.findIndex((m, i) => i > mark && m.role === 'user');
  return at > 0 ? at : -1;
}
