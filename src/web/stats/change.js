/** What happened between two scrapes. Where that cannot be known it is null: it is never guessed, and never 0. */

/** @typedef {import('./metrics.js').Metrics} Metrics */
/** @typedef {import('./metrics.js').Histogram} Histogram */
/** @typedef {import('./metrics.js').Labels} Labels */

const STARTED = 'process_start_time_seconds';

/**
 * Is `after` of another process? Then none of its counters goes on from `before`. Start times are made from two clocks that
 * are read one after the other, so they differ a little from scrape to scrape.
 * @param {Metrics} before
 * @param {Metrics} after
 */
export function restarted(before, after) {
  const [first, second] = [before.value(STARTED), after.value(STARTED)];
  if (first !== null && second !== null && Math.abs(second - first) > 1) return true;
  const [fewer, more] = [after.value('process_cpu_seconds_total'), before.value('process_cpu_seconds_total')];
  return fewer !== null && more !== null && fewer < more;
}

/**
 * @param {Metrics} before
 * @param {Metrics} after
 * @param {string} name
 * @param {Labels} [wanted]
 * @returns {number | null} how far the counter has come
 */
export function change(before, after, name, wanted) {
  const end = after.value(name, wanted);
  const begin = before.value(name, wanted) ?? 0; // a row that is new began at 0
  return end === null || end < begin ? null : end - begin;
}

/**
 * What was observed between two states of a histogram.
 * @param {Histogram | null} before
 * @param {Histogram | null} after
 * @returns {Histogram | null} null: nothing, or they do not belong together
 */
export function between(before, after) {
  if (!after || (before && before.bounds.length !== after.bounds.length)) return null;
  const counts = after.counts.map((count, i) => count - (before ? before.counts[i] : 0));
  const fell = counts.some((count, i) => count < (i ? counts[i - 1] : 0));
  if (fell || !counts[counts.length - 1]) return null;
  return { bounds: after.bounds, counts, sum: after.sum - (before ? before.sum : 0) };
}

/**
 * Within a bucket values are taken as spread evenly, as Prometheus does. What lies beyond the last bound that is finite counts
 * as that bound.
 * @param {Histogram | null} histogram
 * @param {number} share 0.99: so many of a hundred are below
 */
export function quantile(histogram, share) {
  if (!histogram) return null;
  const { bounds, counts } = histogram;
  const rank = share * counts[counts.length - 1];
  const i = counts.findIndex((count) => count >= rank && count > 0);
  if (i < 0) return null;
  const [low, below] = i ? [bounds[i - 1], counts[i - 1]] : [0, 0];
  if (bounds[i] === Infinity) return i ? low : null;
  return low + (bounds[i] - low) * ((rank - below) / (counts[i] - below));
}

/** @param {Histogram | null} histogram */
export function mean(histogram) {
  return histogram ? histogram.sum / histogram.counts[histogram.counts.length - 1] : null;
}
