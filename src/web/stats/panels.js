/** The panels of the page: each is made once, and drawn again with every second. */

import { h, setText, show } from '../console/dom.js';
import { STAGES } from './cards.js';
import { Chart, svg } from './chart.js';
import { THREAD_PREFIX } from './figures.js';
import { described } from './trouble.js';
import { count, percent, time } from './units.js';

/** @typedef {import('./chart.js').View} View */
/** @typedef {import('./figures.js').Figures} Figures */
/** shown: the figures of the moment that the page is at; null: not known. limits: of sakurad_limit.
 * @typedef {View & { shown: Figures | null, limits: { [what: string]: number } }} Scene */
/** @typedef {{ node: HTMLElement, measure: () => void, draw: (scene: Scene) => void }} Panel */

/**
 * @param {string} title
 * @param {string} about
 * @param {string} kind
 * @param {...Node} kids
 */
function frame(title, about, kind, ...kids) {
  return h('section', { class: `card ${kind}`, 'aria-label': title },
    h('h2', {}, title, h('span', { class: 'about' }, about)), ...kids);
}

/**
 * @param {import('./cards.js').Card} card
 * @returns {Panel}
 */
export function chartPanel(card) {
  const chart = new Chart({ figures: card.lines.map(([figure]) => figure), unit: card.unit, least: card.least, most: card.most });
  const values = card.lines.map(() => h('strong', {}));
  const limit = h('span', { class: 'limit' });
  const several = card.lines.length > 1;
  const legend = h('p', { class: 'figures' }, ...card.lines.map(([, name], i) => h('span', { class: i ? 'figure other' : 'figure', 'data-figure': card.lines[i][0] },
    several && h('span', { class: 'swatch' }), values[i], several && h('span', { class: 'name' }, name))), limit);
  const node = frame(card.title, card.about, 'plot', legend, chart.node);
  return {
    node,
    measure: () => chart.measure(),
    draw: (scene) => {
      card.lines.forEach(([figure], i) => setText(values[i], card.unit(scene.shown?.[figure])));
      const most = card.limit ? scene.limits[card.limit] : undefined;
      setText(limit, most ? `of at most ${count(most)}` : '');
      chart.draw(scene);
    },
  };
}

/** @returns {Panel} */
export function stagesPanel() {
  const rows = STAGES.map(([name, who, figure]) => {
    const chart = new Chart({ figures: [`${figure}_p99`, `${figure}_p50`], unit: time, bare: true });
    const [p50, p99] = [h('td', { class: 'value' }), h('td', { class: 'value main' })];
    const row = h('tr', {}, h('th', { scope: 'row' }, name, h('span', { class: 'who' }, who)), p50, p99,
      h('td', { class: 'course' }, chart.node));
    return { row, chart, p50, p99, figure };
  });
  const head = ['Stage', 'p50', 'p99', ''].map((name) => h(name ? 'th' : 'td', name ? { scope: 'col' } : {}, name));
  return {
    node: frame('Where the time of a message goes', '', 'stages',
      h('table', {}, h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows.map(({ row }) => row)))),
    measure: () => rows.forEach(({ chart }) => chart.measure()),
    draw: (scene) => {
      for (const { chart, p50, p99, figure } of rows) {
        setText(p50, time(scene.shown?.[`${figure}_p50`]));
        setText(p99, time(scene.shown?.[`${figure}_p99`]));
        chart.draw(scene);
      }
    },
  };
}

/**
 * A thread's place in the list: in the order that a message meets them, then by number.
 * @param {string} name
 */
function rank(name) {
  const kinds = ['acceptor', 'worker', 'writer', 'reader', 'broadcast'];
  const kind = kinds.indexOf(name.replace(/-\d+$/, ''));
  const number = Number(/\d+$/.exec(name) || 0);
  return (kind < 0 ? kinds.length : kind) * 1e4 + number;
}

/** @returns {Panel} */
export function threadsPanel() {
  const list = h('ul', {});
  const empty = h('p', { class: 'empty' }, 'Not known yet.');
  /** @type {Map<string, { node: HTMLElement, bar: Element, value: HTMLElement }>} */
  const rows = new Map();

  /** @param {string} name */
  function rowOf(name) {
    const known = rows.get(name);
    if (known) return known;
    const bar = svg('rect', { class: 'bar', height: 6, width: 0 });
    const value = h('span', { class: 'value' });
    const track = svg('svg', { class: 'track', viewBox: '0 0 100 6', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      svg('rect', { class: 'rail', width: 100, height: 6 }), bar);
    const row = { node: h('li', {}, h('span', { class: 'name' }, name.replace('broadcast-', 'broadcaster-')), track, value), bar, value };
    rows.set(name, row);
    const order = [...rows.keys()].sort((a, b) => rank(a) - rank(b));
    list.replaceChildren(...order.map((key) => /** @type {Node} */ (rows.get(key)?.node)));
    return row;
  }

  return {
    node: frame('Threads', 'share of a core', 'threads', empty, list),
    measure: () => {},
    draw: ({ shown }) => {
      const names = Object.keys(shown || {}).filter((figure) => figure.startsWith(THREAD_PREFIX));
      for (const figure of names) rowOf(figure.slice(THREAD_PREFIX.length));
      for (const [name, row] of rows) {
        const value = shown?.[THREAD_PREFIX + name];
        setText(row.value, percent(value));
        row.bar.setAttribute('width', String(Math.min(100, (value ?? 0) * 100).toFixed(1)));
      }
      show(empty, rows.size === 0);
    },
  };
}

/** @returns {Panel} */
export function troublePanel() {
  const list = h('ul', {});
  const empty = h('p', { class: 'empty' });
  return {
    node: frame('Refused, cut or lost', '', 'trouble', empty, list),
    measure: () => {},
    draw: ({ points, from, to }) => {
      /** @type {number[]} */
      const sums = [];
      for (const { troubles } of points) troubles?.forEach((n, i) => { sums[i] = (sums[i] ?? 0) + n; });
      const found = described(sums);
      list.replaceChildren(...found.map(({ what, hint, count: n }) => h('li', {},
        h('strong', {}, count(n)), h('span', { class: 'what' }, what), h('span', { class: 'hint' }, hint))));
      const minutes = Math.round((to - from) / 60000);
      setText(empty, `Nothing in the last ${minutes === 1 ? 'minute' : `${minutes} minutes`}.`);
      show(empty, found.length === 0);
    },
  };
}
