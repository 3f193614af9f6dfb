/*
 * /widget.js: the chat on somebody's site, by one tag:
 *   <script async src="https://chat.example.com/widget.js" data-title="Help" data-color="#2554c7"></script>
 * All data-attributes may be left out: title; color (#rrggbb); token (a widget token that the site's backend signed);
 * lang (else the page's, else the browser's); name and email (unproven, of a visitor who writes for the first time);
 * position (left or right).
 *
 * window.Sakura: open(), close(), send(text), identify({ token } or { name, email }), reset(), on(event, fn) with the events
 * open, close, message (one from the other side), unread (how many). Before the script is there:
 *   (window.Sakura = window.Sakura || []).push(['open']);
 * push() works the same afterwards.
 *
 * Until the visitor opens it nothing but the script is asked for; where there is a chat already, its state.
 *
 * Hooks for tests: the host is the element <sakura-chat> at the end of the body, its shadow root is open. In it, by class:
 *   button.launcher with .badge (empty: nothing unread); .said (role=log: what is new from the other side, for some seconds);
 *   and from the first opening on dialog.panel with .title, .state (also .online: agents are there),
 *     select.select (an option for each chat, and the last one begins a new one), button.close,
 *     .scroll > .log > .message (also .first of its side, .mine, .pending) with .day, .name, .text > a.link,
 *       .meta (time; ✓ stored, ✓✓ read) or .failed > .retry, .discard; and .typing,
 *     textarea.field, button.send.
 */
import { make } from './dom.js';
import { appear, count, launcher, shadow } from './frame.js';
import { close, draw, open, said } from './panel.js';
import { changed, client, customer, dataset, emit, on, title } from './site.js';
import { about, choose, pick, send } from './talk.js';

/** How long a message stays in the log that is read out; the panel's list keeps it. */
const SAID_MS = 9000;

/** @type {any} */
const page = window;
let unread = 0;

/** @type {Record<string, (...values: any[]) => any>} */
const api = {
  open,
  close,
  send,
  on,
  identify({ token, name = about.name, email = about.email }) {
    Object.assign(about, { name, email });
    choose();
    return token && customer.identify({ token });
  },
  reset() {
    close();
    customer.reset();
    choose();
  },
  push: ([name, ...values]) => api[name](...values),
};

// A second tag, or the same again after the page replaced its body: one widget is enough.
if (!page.Sakura?.identify) {
  const calls = page.Sakura;
  page.Sakura = api;
  appear();
  shadow.append(said);
  launcher.onclick = open;
  on('draw', () => {
    draw();
    if (unread === customer.unread) return;
    unread = customer.unread;
    count(unread);
    emit('unread', unread);
  });
  client.on('state', changed);
  customer.on('status', changed);
  customer.on('change', pick);
  customer.on('message', (message) => {
    if (message.role === 'user') return;
    const line = make('p', '', [`${message.agent?.name || title}: ${message.text}`]);
    said.append(line);
    setTimeout(() => line.remove(), SAID_MS);
    emit('message', message);
  });
  if (dataset.token) api.identify(dataset);
  else if (customer.known) customer.start().catch(() => {});
  if (Array.isArray(calls)) calls.forEach(api.push);
}
