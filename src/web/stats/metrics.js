/** What GET /metrics says, read from Prometheus' text format. A line that cannot be read is as if it were not there. */

/** @typedef {{ [name: string]: string }} Labels */
/** @typedef {{ labels: Labels, value: number }} Row */
/** Counts are cumulative: of `bounds[i]` or less. The last bound is Infinity.
 * @typedef {{ bounds: number[], counts: number[], sum: number }} Histogram */

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?[ \t]*$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

export class Metrics {
  /** @param {string} text */
  constructor(text) {
    /** @type {Map<string, Row[]>} */
    this.names = new Map();
    for (const line of text.split('\n')) {
      const parts = line.startsWith('#') ? null : LINE.exec(line);
      const value = parts ? number(parts[3]) : undefined;
      if (!parts || value === undefined) continue;
      const rows = this.names.get(parts[1]);
      const row = { labels: labels(parts[2] || ''), value };
      if (rows) rows.push(row);
      else this.names.set(parts[1], [row]);
    }
  }

  /**
   * @param {string} name
   * @param {Labels} [wanted] rows that have these, whatever else they have
   * @returns {Row[]}
   */
  rows(name, wanted = {}) {
    const rows = this.names.get(name) || [];
    return rows.filter((row) => Object.entries(wanted).every(([key, value]) => row.labels[key] === value));
  }

  /**
   * The sum of those rows; null where there is none.
   * @param {string} name
   * @param {Labels} [wanted]
   */
  value(name, wanted) {
    const rows = this.rows(name, wanted);
    return rows.length ? rows.reduce((sum, row) => sum + row.value, 0) : null;
  }

  /**
   * @param {string} name
   * @param {Labels} [wanted] must leave one histogram
   * @returns {Histogram | null}
   */
  histogram(name, wanted) {
    const buckets = this.rows(`${name}_bucket`, wanted)
      .map((row) => ({ bound: number(row.labels.le) ?? NaN, count: row.value }))
      .sort((a, b) => a.bound - b.bound);
    if (!buckets.length || buckets[buckets.length - 1].bound !== Infinity) return null;
    return { bounds: buckets.map((b) => b.bound), counts: buckets.map((b) => b.count), sum: this.value(`${name}_sum`, wanted) ?? 0 };
  }
}

/**
 * @param {string} text
 * @returns {number | undefined} undefined: not a number
 */
function number(text) {
  if (text === 'NaN') return NaN;
  const infinite = /^([+-]?)Inf$/.exec(text);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  const value = text ? Number(text) : NaN;
  return Number.isNaN(value) ? undefined : value;
}

/**
 * @param {string} text
 * @returns {Labels}
 */
function labels(text) {
  /** @type {Labels} */
  const found = {};
  for (const [, name, value] of text.matchAll(LABEL))
    found[name] = value.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
  return found;
}
