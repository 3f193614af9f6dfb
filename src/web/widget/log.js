import { address, pieces } from './links.js';

/** What one side writes with no longer break stands together, with one time below. */
const GROUP_MS = 5 * 60000;
/** So many rows at first, and as many more when one scrolls to the oldest: a long history costs nothing before it is looked at. */
const PAGE = 100;

/** @typedef {import('../client/sakura.js').Message} Message */

/**
 * The messages of the chat as a list.
 * @param {import('./widget.js').Parts} parts
 * @param {ReturnType<typeof import('./words.js').wordsIn>} words
 */
export function createLog({ make, talk, customer, dataset, lang }, words) {
  const list = make('ol', 'log');
  const times = new Intl.DateTimeFormat(lang, { timeStyle: 'short' });
  const days = new Intl.DateTimeFormat(lang, { dateStyle: 'medium' });
  /** By all that is seen of them. @type {Map<string, HTMLElement>} */
  let rows = new Map();
  let most = PAGE;
  let drawn = talk.chat;

  /** @param {string} name @param {string | undefined | false} text */
  const line = (name, text) => text ? [make('div', name, [text], { dir: 'auto' })] : [];

  /** @param {Message} message */
  const side = ({ role, agent }) => role + agent?.id;

  /** @param {string} text */
  const linked = (text) => pieces(text).map((piece, index) => index % 2
    ? make('a', 'link', [piece], { href: address(piece), target: '_blank', rel: 'noopener nofollow noreferrer' }) : piece);

  /** @param {string} sign @param {string} meaning */
  const tick = (sign, meaning) => make('span', 'tick', [sign], { role: 'img', ariaLabel: meaning, title: meaning });

  /** @param {Message} message */
  const mark = ({ pending, read }) => pending ? tick('…', words.waiting) : read ? tick('✓✓', words.read) : tick('✓', words.sent);

  /** The server's own sentence is in its language: it can be looked at. @param {Message} message @param {string} failed */
  const trouble = (message, failed) => make('div', 'failed', [
    make('span', '', ['⚠ ', /large|long|most/i.test(failed) ? words.long : words.failed], { title: failed }), ' ',
    make('button', 'retry', [words.retry], { type: 'button', onclick: () => talk.chat?.retry(message) }), ' ',
    make('button', 'discard', [words.discard], { type: 'button', onclick: () => talk.chat?.discard(message) })]);

  /** @param {Message} message @param {Date} time */
  const below = (message, time) => message.failed ? trouble(message, message.failed)
    : make('div', 'meta', [times.format(time), ...message.role === 'user' ? [' ', mark(message)] : []]);

  /** @typedef {{ message: Message, time: Date }} Shown */
  /** @param {Shown} one @param {Shown} other */
  const apart = (one, other) => !one || !other || side(one.message) !== side(other.message)
    || +other.time - +one.time > GROUP_MS || one.time.toDateString() !== other.time.toDateString();

  /** It is changed as little as can be: a row that looks the same stays untouched. */
  function draw() {
    const before = rows;
    const { chat } = talk;
    const messages = chat ? chat.messages : [];
    if (chat !== drawn) most = PAGE;
    drawn = chat;
    let place = list.firstChild;
    rows = new Map();

    /** The next row. @param {string} looks @param {string} name @param {() => (Node | string)[]} fill */
    const row = (looks, name, fill) => {
      const item = before.get(looks) || make('li', '', fill());
      if (item.className !== name) item.className = name;
      rows.set(looks, item);
      if (item === place) place = place.nextSibling;
      else list.insertBefore(item, place);
    };

    const shown = messages.slice(Math.max(0, Math.ceil((messages.length - most) / PAGE) * PAGE))
      .map((message) => ({ message, time: new Date(message.timestamp) }));
    shown.forEach(({ message, time }, at) => {
      const { role, agent, text } = message;
      const [last, next] = [shown[at - 1], shown[at + 1]];
      const newDay = time.toDateString() !== last?.time.toDateString();
      row([message.key || message._id, newDay, message.pending, message.read, message.failed, message.timestamp].join(),
        `message${role === 'user' ? ' mine' : ''}${apart(last, shown[at]) ? ' first' : ''}${apart(shown[at], next) ? ' last' : ''}`
        + `${message.pending ? ' pending' : ''}`,
        () => [...line('day', newDay && days.format(time)), ...line('name', agent?.name),
          make('div', 'text', linked(text), { dir: 'auto' }), below(message, time)]);
    });
    // An empty chat is only what is known to be empty.
    if (!messages.length && (chat === null || !customer.known)) {
      row('greeting', 'greeting', () => line('text', dataset.greeting ?? words.greeting));
    }
    for (const { agent } of chat ? chat.typists.slice(0, 1) : []) {
      row(`typing${agent?.id}`, 'typing first', () => [...line('name', agent?.name),
        make('div', 'text', ['•••'], { role: 'img', ariaLabel: words.typing })]);
    }
    while (place) {
      const { nextSibling } = place;
      place.remove();
      place = nextSibling;
    }
  }

  return {
    list,
    draw,
    /** Older rows, if there are any. */
    more() {
      if (!talk.chat || talk.chat.messages.length <= most) return;
      most += PAGE;
      draw();
    },
  };
}
