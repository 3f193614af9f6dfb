/*
 * /widget.js: the chat on somebody's site, by one tag:
 *   <script async src="https://chat.example.com/widget.js" data-title="Help" data-color="#2554c7"></script>
 * All data-attributes may be left out: title; greeting (above the first message); color (any CSS colour);
 * token (a widget token that the site's backend signed); lang (else the page's, else the browser's);
 * name and email (unproven, of a visitor who writes for the first time); position (left or right).
 *
 * window.Sakura: open(), close(), send(text), identify({ token } or { name, email }), reset(), on(event, fn) with the events
 * open, close, message (one from the other side), unread (how many). Before the script is there:
 *   (window.Sakura = window.Sakura || []).push(['open']);
 * push() works the same afterwards.
 *
 * Until the visitor opens it nothing but the script is asked for; where there is a chat already, its state. The panel is a module of
 * its own (panel.js), loaded by the first opening; all that both need is handed to it, so that nothing is loaded twice.
 *
 * Hooks for tests: the host is the element <sakura-chat> at the end of the body, its shadow root is open. In it, by class:
 *   button.launcher with .badge (empty: nothing unread; aria-busy: the panel is not there yet);
 *   .said (role=log: what is new from the other side, for some seconds);
 *   and from the first opening on dialog.panel with .title, .state (also .online: agents are there),
 *     select.select (an option for each chat, and the last one begins a new one), button.close,
 *     .scroll > .log > .message (also .first and .last of its group, .mine, .pending) with .day, .name, .text > a.link,
 *       .meta (time; ✓ stored, ✓✓ read) or .failed > .retry, .discard; .greeting in an empty chat; and .typing,
 *     .count (near the limit), textarea.field, button.send.
 */
import { button, icon, make } from './dom.js';
import { addStyles, appear, count, launcher, said, shadow } from './frame.js';
import { load } from './load.js';
import { LANGUAGES } from './labels.js';
import { changed, client, customer, dataset, emit, lang, on, src, title } from './site.js';
import { talk } from './talk.js';

/** How long a message stays in the log that is read out; the panel's list keeps it. */
const SAID_MS = 9000;

/** @typedef {typeof parts} Parts */
const parts = { make, button, icon, addStyles, shadow, launcher, said, client, customer, talk, emit, lang, title, dataset,
  language: LANGUAGES.indexOf(lang) };

/** @type {any} */
const page = window;
let unread = 0;
let wanted = false;
let lived = false;
/** @type {ReturnType<typeof import('./panel.js').createPanel> | undefined} */
let panel;

const start = () => customer.start().catch(() => {}); // The state says what is wrong.

/** @param {boolean} now */
function want(now) {
  wanted = now;
  launcher.setAttribute('aria-busy', String(now && !panel));
}

/** Where the panel cannot be loaded the launcher says that it is busy, until it can be or the visitor gives up. */
async function open() {
  if (customer.known) start();
  want(true);
  const module = panel || await load(() => wanted);
  if (module) panel = panel || /** @type {any} */ (module).createPanel(parts);
  if (!wanted) return;
  want(true);
  panel?.open();
}

function close() {
  want(false);
  panel?.close();
}

/** @type {Record<string, (...values: any[]) => any>} */
const api = {
  open,
  close,
  send: talk.send,
  on,
  identify({ token, name = talk.about.name, email = talk.about.email }) {
    Object.assign(talk.about, { name, email });
    if (!token) return;
    talk.choose();
    return customer.identify({ token });
  },
  reset() {
    close();
    customer.reset();
    talk.choose();
  },
  push: ([name, ...values]) => api[name](...values),
};

/** A browser tells a script nothing of a call that it forbids: the same as of a server that is away, but this script may be had. */
async function explain() {
  lived = true; // Once.
  const answer = await fetch(src, { method: 'HEAD', credentials: 'omit', cache: 'no-store' });
  if (answer.ok) console.warn(`sakura: calls fail: is ${origin} in the server's --cors-origin?`);
}

function begin() {
  const calls = page.Sakura;
  page.Sakura = api;
  appear();
  launcher.onclick = () => wanted ? close() : open();
  on('draw', () => {
    panel?.draw();
    if (unread === customer.unread) return;
    unread = customer.unread;
    count(unread);
    emit('unread', unread);
  });
  client.on('state', (state) => {
    changed();
    if (state === 'offline' && !lived && navigator.onLine) explain().catch(() => {});
    lived = lived || state === 'live';
  });
  customer.on('status', changed);
  customer.on('change', talk.pick);
  customer.on('message', (message) => {
    if (message.role === 'user') return;
    const line = make('p', '', [`${message.agent?.name || title}: ${message.text}`]);
    said.append(line);
    setTimeout(() => line.remove(), SAID_MS);
    emit('message', message);
  });
  if (dataset.token) api.identify(dataset);
  else if (customer.known) start();
  if (Array.isArray(calls)) calls.forEach(api.push);
}

// A second tag, or the same again after the page replaced its body: one widget is enough. And a browser from before 2023 has none.
if (!page.Sakura?.identify && 'replaceSync' in CSSStyleSheet.prototype) begin();
