/** The arithmetic of a list of which only what is seen is drawn. */

/**
 * @param {{ top: number, height: number, row: number, count: number, over: number }} view
 *   how far it is scrolled, how much is seen, the height and number of rows, how many to draw beyond each edge
 * @returns {{ from: number, to: number }} rows to draw, `to` not included
 */
export function rangeOf({ top, height, row, count, over }) {
  const first = Math.floor(Math.max(0, top) / row) - over;
  const last = Math.ceil((Math.max(0, top) + height) / row) + over;
  const to = Math.min(count, Math.max(0, last));
  return { from: Math.max(0, Math.min(first, to)), to };
}

/**
 * A row that comes in above what one reads must not push it away.
 * @param {number} top how far it is scrolled
 * @param {number} row the height of one
 * @param {number} before where the first seen row stood
 * @param {number} after where it stands now; −1: nowhere
 * @returns {number} how far to be scrolled now
 */
export function anchored(top, row, before, after) {
  return top <= 0 || after < 0 ? top : Math.max(0, top + (after - before) * row);
}
