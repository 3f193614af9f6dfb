import { make } from './dom.js';
import { pieces } from './links.js';
import { labels, lang } from './site.js';
import { chat } from './talk.js';

/**
 * The messages of the chat as a list that is changed as little as can be: a row that looks the same stays untouched.
 * What one side writes within a minute has one time below.
 */
export function createLog() {
  const locale = navigator.language.startsWith(lang) ? undefined : lang;
  const { format: timeOf } = new Intl.DateTimeFormat(locale, { timeStyle: 'short' });
  const { format: dayOf } = new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric', month: 'short' });
  const list = make('ol', 'log', {});
  /** By all that is seen of them. @type {Map<string, HTMLElement>} */
  let rows = new Map();

  /** @param {import('../client/sakura.js').Message} message @param {string} time */
  const below = (message, time) => message.failed
    ? [make('span', 'failed', {}, message.failed),
      make('button', 'retry', { onclick: () => chat?.retry(message) }, labels[2]),
      make('button', 'discard', { onclick: () => chat?.discard(message) }, labels[10])]
    : [time, message.role !== 'user' ? '' : message.pending ? ' …' : message.read
      ? make('span', 'tick', { role: 'img', 'aria-label': labels[9] }, '✓✓') : ' ✓'];

  function draw() {
    const before = rows;
    let place = list.firstChild;
    rows = new Map();

    /** The next row. @param {string} looks @param {string} part @param {() => (Node | string)[]} fill */
    const row = (looks, part, fill) => {
      const item = before.get(looks) || make('li', part, {}, ...fill());
      rows.set(looks, item);
      if (item === place) place = place.nextSibling;
      else list.insertBefore(item, place);
    };
    /** @param {string} part @param {string | undefined | false} text */
    const line = (part, text) => text ? [make('div', part, { dir: 'auto' }, text)] : [];

    const seen = (chat ? chat.messages : []).map((message) => {
      const date = new Date(message.timestamp);
      return { ...message, message, who: message.role + message.agent?.id, day: dayOf(date), time: timeOf(date) };
    });
    seen.forEach(({ message, role, agent, text, pending, failed, read, key, _id, who, day, time }, index) => {
      const prior = seen[index - 1];
      const next = seen[index + 1];
      const newDay = prior?.day !== day;
      const first = newDay || prior.who !== who;
      const last = next?.who !== who || next.time !== time || pending || failed;
      const part = `message${role === 'user' ? ' mine' : ''}${first ? ' first' : ''}${pending ? ' pending' : ''}`;
      row([part, key || _id, newDay, last, read, failed, time].join(), part, () => [
        ...line('day', newDay && day),
        ...line('name', first && agent?.name),
        make('div', 'text', { dir: 'auto' }, ...pieces(text).map((piece, index) => index % 2
          ? make('a', 'link', { href: piece, target: '_blank', rel: 'noopener nofollow noreferrer' }, piece) : piece)),
        ...last ? [make('div', 'meta', {}, ...below(message, time))] : [],
      ]);
    });
    const typist = chat?.typists[0];
    if (typist) row('…' + typist.agent?.id, 'typing first', () => [...line('name', typist.agent?.name), ...line('text', '•••')]);
    while (place) {
      const { nextSibling } = place;
      place.remove();
      place = nextSibling;
    }
  }

  return { list, draw };
}
