/**
 * A small world for pictures: a furniture shop's conversations of two days. The server's clock is moved between the messages
 * (libfaketime), so that the same times stand in every picture; the pages' clock is set to the same moment.
 */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** When the pictures are taken: a Tuesday morning. */
const NOW = Date.UTC(2026, 2, 3, 10, 24);

const LIBRARY = ['x86_64', 'aarch64'].map((m) => `/usr/lib/${m}-linux-gnu/faketime/libfaketimeMT.so.1`).find(existsSync);

/** A server's clock that stands where one puts it. environment: to start the server with. */
export function movedClock(directory) {
  if (!LIBRARY) throw new Error('libfaketime is not installed; see tools/lib/packages.sh');
  const file = join(directory, 'clock');
  const began = Date.now();
  /** @param {string} time "dd hh:mm" of that March */
  const at = (time) => {
    const [day, hour, minute] = time.split(/[ :]/).map(Number);
    const offset = (Date.UTC(2026, 2, day, hour, minute) - began) / 1000;
    writeFileSync(`${file}.new`, `${offset < 0 ? '' : '+'}${offset.toFixed(3)}\n`);
    renameSync(`${file}.new`, file);
  };
  return {
    at,
    now: () => at('3 10:24'),
    /** For a page, before its own scripts: its Date says the same. */
    shift: NOW - began,
    environment: { LD_PRELOAD: LIBRARY, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1' },
    /** What the library leaves in shared memory of a process that was killed. */
    forget: (pid) => {
      for (const name of [`faketime_shm_${pid}`, `sem.faketime_sem_${pid}`]) rmSync(join('/dev/shm', name), { force: true });
    },
  };
}

/** Runs in a page. @param {number} shift */
export function setPageClock(shift) {
  const Real = Date;
  globalThis.Date = /** @type {any} */ (class extends Real {
    constructor(...args) {
      if (args.length) super(...args);
      else super(Real.now() + shift);
    }

    static now() {
      return Real.now() + shift;
    }
  });
}

export const AGENTS = { mira: { sub: 'mira', name: 'Mira Lindholm' }, tomas: { sub: 'tomas', name: 'Tomás Rey' } };

/** [customer, address, inbox, status, [[time, who, text]…], assigned to, read by agents] */
const CONVERSATIONS = [
  ['Oliver Grant', 'oliver.grant@example.com', 'human-chats', 'resolved', [
    ['2 09:12', 'user', 'Hi, is the walnut desk in stock in Leeds?'],
    ['2 09:15', 'mira', 'Good morning Oliver! Two are left there. Shall I put one aside for you?'],
    ['2 09:16', 'user', 'Yes please, I can come by on Thursday.'],
    ['2 09:17', 'mira', 'Done. It is under your name until Friday evening.'],
    ['2 09:18', 'user', 'Brilliant, thank you 🙂'],
  ], 'mira', true],
  ['Hannah Weiss', 'hannah@example.org', 'agent-inbox', 'resolved', [
    ['2 11:40', 'user', 'How do I clean the oiled oak table?'],
    ['2 11:43', 'tomas', 'A damp cloth and a drop of soap, then wipe it dry. Once a year it likes a thin coat of oil.'],
    ['2 11:44', 'user', 'Perfect, thanks!'],
  ], 'tomas', true],
  ['Léa Fontaine', 'lea.fontaine@example.net', 'agent-inbox', 'active', [
    ['2 16:05', 'user', 'Bonjour, livrez-vous en Belgique ?'],
    ['2 16:09', 'tomas', 'Bonjour Léa ! Oui, en 4 à 6 jours, 19 € par commande.'],
    ['2 16:10', 'user', 'Super, je commande ce soir.'],
  ], 'tomas', true],
  ['Kenji Sato', 'kenji.sato@example.com', 'human-chats', 'escalated', [
    ['2 17:31', 'user', 'My order 4417 arrived with a cracked drawer front.'],
    ['2 17:36', 'mira', 'I am sorry, Kenji. Could you send us the number on the label under the drawer?'],
    ['2 17:52', 'user', 'It says LP-2208-W.'],
    ['2 17:55', 'mira', 'Thank you. I have asked the workshop for a new front and will tell you the date tomorrow.'],
  ], 'mira', true],
  ['Amira Haddad', 'amira@example.com', 'agent-inbox', 'active', [
    ['3 08:47', 'user', 'مرحبا، هل يمكنني تغيير لون الأريكة؟'],
    ['3 08:55', 'tomas', 'أهلا أميرة، نعم، حتى يوم الخميس.'],
  ], null, true],
  ['Grace Okafor', 'grace.okafor@example.com', 'agent-inbox', 'active', [
    ['3 09:20', 'user', 'Can I return a lamp without the box?'],
    ['3 09:31', 'mira', 'Yes, within 30 days. Just wrap it well; the label is on its way to you.'],
    ['3 09:33', 'user', 'That was quick. Thank you!'],
  ], 'mira', true],
  ['Jonas Keller', 'jonas.keller@example.org', 'human-chats', 'active', [
    ['3 09:48', 'user', 'The assembly guide for the Fjord shelf is missing page 3'],
    ['3 09:49', 'user', 'Is there a PDF?'],
  ], null, false],
  ['Priya Nair', 'priya.nair@example.com', 'agent-inbox', 'active', [
    ['3 10:02', 'user', 'Do you have the linen cover in size L again?'],
  ], null, false],
];

/** The conversation in the widget and in front in the console. */
export const TALK = [
  ['3 10:11', 'user', 'Hello! My sofa was meant to come today between 8 and 10. Is it still on its way?'],
  ['3 10:13', 'mira', 'Good morning Sofia! Let me look… The van left our depot at 9:40, so it is a little late.'],
  ['3 10:13', 'mira', 'You are the next stop but one. You can follow it here: https://linden-pine.example.com/track/5102'],
  ['3 10:16', 'user', 'Oh good, I was worried I had missed it. Can the two of them carry it up to the third floor?'],
  ['3 10:18', 'mira', 'Yes, that is part of it. They will ring ten minutes before.'],
  ['3 10:21', 'user', 'Wonderful, thank you so much 🙏'],
];
const VISITOR = { name: 'Sofia Marino', email: 'sofia.marino@example.com', location: { city: 'Bologna', country: 'Italy' },
  device: { browser: 'Firefox', os: 'Android', type: 'mobile' } };

/**
 * Fills a server that has authentication; gives Sofia's chat and customer.
 * @returns {Promise<{ chat_id: string, user_id: string }>}
 */
export async function populate(server, clock) {
  const token = server.token({ sub: 'seed' });
  const call = async (method, path, body, as = token) => {
    const answer = await fetch(server.url + path, { method, body: JSON.stringify(body),
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${as}` } });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const exp = Math.floor(NOW / 1000) + 365 * 86_400;
  const tokens = Object.fromEntries(Object.entries(AGENTS).map(([id, agent]) => [id, server.token({ ...agent, exp })]));
  const say = (chat_id, who, content) => call('POST', `/api/users/chats/${chat_id}/send`,
    { content, role: who === 'user' ? 'user' : 'agent' }, tokens[who] ?? token);

  for (const [name, email, category, status, talk, assigned_to, read] of CONVERSATIONS) {
    clock.at(talk[0][0]);
    const { chat_id, user_id } = await call('POST', '/api/users/chats/create', { name, email });
    let last;
    for (const [time, who, text] of talk) {
      clock.at(time);
      last = await say(chat_id, who, text);
    }
    if (read) await call('POST', `/api/chats/${chat_id}/read`, { message_id: last.message_id });
    if (assigned_to) await call('PATCH', `/api/chats/${chat_id}`, { assigned_to });
    await call('PATCH', `/api/users/${user_id}`, { category, status });
  }
  clock.at(TALK[0][0]);
  const { chat_id, user_id } = await call('POST', '/api/users/chats/create', VISITOR);
  await call('POST', '/api/users/data', VISITOR);
  await call('PATCH', `/api/chats/${chat_id}`, { assigned_to: 'mira' });
  for (const [time, who, text] of TALK) {
    clock.at(time);
    await say(chat_id, who, text);
  }
  clock.now();
  return { chat_id, user_id };
}
