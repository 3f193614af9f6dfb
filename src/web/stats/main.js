/** The operators' page: what the server says of itself in /metrics, as it happens. */

import { fill, h, setText } from '../console/dom.js';
import { signInPage, storedToken, storeToken } from '../console/signin.js';
import { setTheme } from '../console/theme.js';
import { CARDS } from './cards.js';
import { History } from './history.js';
import { chartPanel, stagesPanel, threadsPanel, troublePanel } from './panels.js';
import { Poll } from './poll.js';
import { span } from './units.js';

/** @typedef {import('./metrics.js').Metrics} Metrics */
/** @typedef {import('./panels.js').Scene} Scene */
/** @typedef {import('./poll.js').News} News */

const MINUTE_MS = 60000;
const WINDOWS = [1, 5, 15]; // minutes

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
const history = new History(WINDOWS[WINDOWS.length - 1] * MINUTE_MS);
const poll = new Poll(() => token, hear);

let token = takeToken() || storedToken();
let minutes = 5;
/** @type {number | null} the moment that the pointer is at */
let cursor = null;
/** @type {number | null} performance.now() of the last answer */
let answered = null;
/** @type {{ [what: string]: number }} */
let limits = {};

/* ---- what is on the page ---- */

const about = h('p', { class: 'about', 'data-about': true });
const state = h('p', { class: 'state', role: 'status', 'data-state': 'asking' }, h('span', { class: 'dot' }), h('span', { class: 'said' }, 'Asking…'));
const moment = h('span', { class: 'moment' });
const choices = WINDOWS.map((each) => h('button', {
  'aria-pressed': String(each === minutes), 'data-minutes': each, click: () => choose(each),
}, `${each} min`));
const panels = [...CARDS.slice(0, 3).map(chartPanel), stagesPanel(), threadsPanel(), ...CARDS.slice(3).map(chartPanel), troublePanel()];
const grid = h('main', { class: 'cards' }, ...panels.map(({ node }) => node));
const page = h('div', { class: 'page' },
  h('header', {},
    h('h1', {}, 'Figures'), about, state,
    h('div', { class: 'tools' }, moment, h('div', { class: 'choice', role: 'group', 'aria-label': 'Time shown' }, ...choices))),
  grid);

/** @param {number} chosen */
function choose(chosen) {
  minutes = chosen;
  choices.forEach((button, i) => button.setAttribute('aria-pressed', String(WINDOWS[i] === chosen)));
  draw();
}

/**
 * All layout is read before anything is written: a second costs one layout, however many charts there are.
 */
function draw() {
  if (!page.isConnected) return;
  const to = performance.now();
  const from = to - minutes * MINUTE_MS;
  const points = history.since(from);
  const pointed = cursor === null ? null : history.near(cursor);
  const shown = pointed ?? points[points.length - 1];
  /** @type {Scene} */
  const scene = { points, from, to, cursor: pointed ? pointed.at : null, shown: shown?.figures ?? null, limits };
  for (const panel of panels) panel.measure();
  for (const panel of panels) panel.draw(scene);
  setText(moment, pointed ? clock(pointed.at) : '');
}

/** @param {number} at performance.now() */
function clock(at) {
  return new Date(performance.timeOrigin + at).toLocaleTimeString('en-GB');
}

/* ---- what is heard ---- */

/** @param {News} news */
function hear({ status, metrics, point }) {
  if (status === 401 || status === 403) {
    signIn(status);
    return;
  }
  if (!page.isConnected) fill(app, page);
  history.add(point);
  if (metrics) {
    answered = point.at;
    introduce(metrics);
  }
  say(status);
  draw();
}

/** @param {number} status */
function say(status) {
  const since = answered === null ? '' : ` since ${clock(answered)}`;
  const why = status === 0 ? `No answer${since}` : `Answered ${status}${since}`;
  state.dataset.state = status === 200 ? 'live' : 'away';
  setText(/** @type {Node} */ (state.lastChild), status === 200 ? 'Live' : `${why}. Asking again every second.`);
}

/** @param {Metrics} metrics */
function introduce(metrics) {
  const info = metrics.rows('sakurad_info')[0]?.labels;
  const started = metrics.value('process_start_time_seconds');
  const up = started === null ? '' : `up\u00a0${span(Math.max(0, Date.now() / 1000 - started))}`;
  const parts = info ? [
    `sakurad ${info.version}`, `${info.workers} workers`, `${info.readers} readers`, `${info.broadcasters} broadcasters`,
  ] : ['sakurad'];
  setText(about, [...parts, up].filter(Boolean).map((part) => part.replace(/^(1 \w+)s$/, '$1')).join(' · '));
  limits = {};
  for (const { labels, value } of metrics.rows('sakurad_limit')) limits[labels.what] = value;
}

/* ---- who may see it ---- */

/** The link that --issue-token prints brings a token: out of the address with it, at once. */
function takeToken() {
  const found = /^#token=(.+)$/.exec(location.hash);
  if (!found) return null;
  window.history.replaceState(null, '', location.pathname + location.search);
  const given = decodeURIComponent(found[1]);
  storeToken(given);
  return given;
}

/** @param {number} status of the answer that refused */
function signIn(status) {
  poll.stop();
  const reason = status === 403 ? 'These figures are of the whole server: a token that is bound to an owner does not show them.'
    : token ? 'This token is not good here, or not any more.' : 'This server asks who you are.';
  fill(app, signInPage(reason, (given) => {
    token = given;
    storeToken(given);
    poll.start();
  }));
}

/* ---- begin ---- */

grid.addEventListener('pointermove', (event) => {
  const chart = /** @type {Element} */ (event.target).closest('.chart, .spark');
  const box = chart?.getBoundingClientRect();
  const share = box ? (event.clientX - box.left) / box.width : 0;
  cursor = box ? performance.now() - (1 - share) * minutes * MINUTE_MS : null;
  draw();
});
grid.addEventListener('pointerleave', () => {
  cursor = null;
  draw();
});
addEventListener('resize', draw);
document.addEventListener('visibilitychange', () => {
  if (document.hidden) poll.stop();
  else poll.start();
});
setTheme();
fill(app, page);
if (!document.hidden) poll.start();
