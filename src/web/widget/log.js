import { make } from './dom.js';
import { pieces } from './links.js';
import { closing, lang, sending } from './site.js';
import { chat } from './talk.js';

/** As long as the start of a timestamp is the same (2026-11-30T20), what one side writes stands together, with one time below. */
const HOUR = 13;

export const list = make('ol', 'log');
/** By all that is seen of them. @type {Map<string, HTMLElement>} */
let rows = new Map();
/** Made when they are needed: the first use of the browser's languages takes its time. @type {Intl.DateTimeFormat} */
let times;
/** @type {Intl.DateTimeFormat} */
let days;

/** @param {string} name @param {string | undefined | false} text */
const line = (name, text) => text ? [make('div', name, [text], { dir: 'auto' })] : [];

/** @param {string} text */
const linked = (text) => pieces(text).map((piece, index) => index % 2
  ? make('a', 'link', [piece], { href: piece, target: '_blank', rel: 'noopener nofollow noreferrer' }) : piece);

/** @param {import('../client/sakura.js').Message} message */
const below = (message) => message.failed
  ? make('div', 'failed', [`⚠ ${message.failed}`, make('button', 'retry', [sending], { onclick: () => chat?.retry(message) }),
    make('button', 'discard', ['✕'], { ariaLabel: closing, onclick: () => chat?.discard(message) })])
  : make('div', 'meta', [`${times.format(new Date(message.timestamp))} `,
    make('span', 'tick', [message.role !== 'user' ? '' : message.pending ? '…' : message.read ? '✓✓' : '✓'])]);

/** The messages of the chat as a list that is changed as little as can be: a row that looks the same stays untouched. */
export function drawLog() {
  const before = rows;
  let place = list.firstChild;
  let day = '';
  let group = '';
  rows = new Map();
  times = times || new Intl.DateTimeFormat(lang, { timeStyle: 'short' });
  days = days || new Intl.DateTimeFormat(lang, { dateStyle: 'medium' });

  /** The next row. @param {string} looks @param {string} name @param {() => (Node | string)[]} fill */
  const row = (looks, name, fill) => {
    const item = before.get(looks) || make('li', name, fill());
    rows.set(looks, item);
    if (item === place) place = place.nextSibling;
    else list.insertBefore(item, place);
  };

  for (const message of chat ? chat.messages : []) {
    const { role, agent, text, timestamp } = message;
    const today = days.format(new Date(timestamp));
    const newDay = today !== day && (day = today);
    const newGroup = role + agent?.id + timestamp.slice(0, HOUR);
    const first = newDay || newGroup !== group;
    group = newGroup;
    const name = `message${role === 'user' ? ' mine' : ''}${first ? ' first' : ''}${message.pending ? ' pending' : ''}`;
    row([name, message.key || message._id, newDay, message.read, message.failed, timestamp].join(), name, () => [
      ...line('day', newDay), ...line('name', first && agent?.name), make('div', 'text', linked(text), { dir: 'auto' }), below(message)]);
  }
  for (const { agent } of chat ? chat.typists.slice(0, 1) : []) {
    row(`typing${agent?.id}`, 'typing first', () => [...line('name', agent?.name), ...line('text', '•••')]);
  }
  while (place) {
    const { nextSibling } = place;
    place.remove();
    place = nextSibling;
  }
}
