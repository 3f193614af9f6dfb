// An agent's day: several chats at once, others at the same ones, hostile names and texts, and being called while away.
import assert from 'node:assert/strict';
import { until } from '../support/browser.mjs';
import { Agent } from '../support/people.mjs';
import { stage } from '../support/suite.mjs';

const chats = {};
let count = 0;
let staff;
const { world, step } = stage({}, async ({ browser }) => {
  for (const name of ['Ada', 'Ben', 'Chloe']) chats[name] = await customer(name, `hello from ${name}`);
  staff = await browser.person('agent');
});

async function call(method, path, body) {
  const answer = await fetch(world.server.url + path, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  assert.equal(answer.status, 200, `${method} ${path}: ${answer.status}`);
  return answer.json();
}
const say = (chat_id, content) => call('POST', `/api/users/chats/${chat_id}/send`, { content, role: 'user' });
async function customer(name, content) {
  const made = await call('POST', '/api/users/chats/create', { name, email: `c${++count}@example.com` });
  await say(made.chat_id, content);
  return made;
}
const opened = async (options = {}, hash = '') => new Agent(await staff.open(`${world.server.url}/${hash}`, { width: 1400, ...options }));
const reply = (page) => page.evaluate(() => document.querySelector('[data-composer]').value);
const title = (page, text) => until(page, `${text} is open`, (t) => document.querySelector('[data-title]').textContent === t, text);

step('what is half written stays with its conversation, over a look at another one and a reload', async () => {
  const agent = await opened();
  const { page } = agent;
  await agent.opens('Ada');
  await agent.types('to Ada, half');
  await agent.opens('Ben');
  await agent.sees('hello from Ben');
  assert.equal(await reply(page), '');
  await agent.types('to Ben');
  await page.reload();
  await agent.sees('hello from Ben');
  assert.equal(await reply(page), 'to Ben');
  await agent.opens('Ada');
  await agent.sees('hello from Ada');
  assert.equal(await reply(page), 'to Ada, half');
  await page.keyboard.press('r');
  await page.keyboard.press('Enter');
  await agent.sees('to Ada, half');
  await agent.settled();
  await page.reload();
  await agent.sees('to Ada, half');
  assert.equal(await reply(page), '');
  await page.close();
});

step('where details do not fit beside the conversation they are closed, also when the window becomes so', async () => {
  const agent = await opened();
  const { page } = agent;
  await agent.opens('Ben');
  await until(page, 'details stand beside it', () => document.querySelector('[data-panel]').getClientRects().length > 0);
  await page.setViewport({ width: 1180, height: 700 });
  await until(page, 'details are closed', () => document.querySelector('[data-panel]').getClientRects().length === 0);
  assert.ok(await page.evaluate(() => {
    const { left, top, width, height } = document.querySelector('[data-action=send]').getBoundingClientRect();
    return document.elementFromPoint(left + width / 2, top + height / 2)?.closest('.composer') != null;
  }), 'something lies over the reply');
  // Over it they open when asked for, take the focus, and give it back.
  await page.evaluate(() => document.querySelector('[data-action=panel]').click());
  await until(page, 'details have the focus', () => document.activeElement?.closest('[data-panel]'));
  await page.keyboard.press('Escape');
  await until(page, 'the focus is back', () => document.activeElement?.matches('[data-action=panel]'));
  await page.close();
});

step('what somebody marks or reads in the details is not drawn again under his hands', async () => {
  const agent = await opened();
  const { page } = agent;
  await agent.opens('Ben');
  await until(page, 'details are there', () => document.querySelector('[data-panel] .other'));
  await page.evaluate(() => {
    document.querySelector('[data-panel] .other').focus();
    getSelection().selectAllChildren(document.querySelector('.fact dd'));
  });
  await call('PATCH', `/api/users/${chats.Ben.user_id}`, { category: 'human-chats' });
  await until(page, 'the change is drawn', () => document.querySelector('#inbox-select').value === 'human-chats');
  assert.ok(await page.evaluate(() => document.activeElement?.matches('.other')), 'the focus is gone');
  assert.equal(await page.evaluate(() => String(getSelection())), 'Ben');
  await page.close();
});

step('arrows belong to the conversation that has the focus; Escape leaves it, however one came to it', async () => {
  const agent = await opened();
  const { page } = agent;
  await agent.opens('Ben');
  await agent.opens('Ada');
  await title(page, 'Ada');
  await page.evaluate(() => document.querySelector('.thread-scroll').focus());
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  assert.ok((await page.evaluate(() => location.hash)).includes(chats.Ada.chat_id));
  await page.keyboard.press('Escape');
  await until(page, 'no conversation is open', () => !location.hash.includes('chat=') && document.querySelector('.talk').hidden);
  await page.close();
});

/** Runs in a page, before its scripts: what it rings and shows is written down. */
function listening(permission) {
  Object.assign(window, { notes: [], tones: 0, looks: true });
  Document.prototype.hasFocus = () => window.looks;
  window.Notification = class {
    static permission = permission;
    static requestPermission = async () => permission;
    constructor(name, { body, tag }) {
      window.notes.push({ name, body, tag, click: () => this.onclick() });
    }
    close() {}
  };
  const node = () => ({ connect: (to) => to });
  window.AudioContext = class {
    currentTime = 0;
    resume = async () => {};
    createGain = () => ({ ...node(), gain: { setValueAtTime() {}, linearRampToValueAtTime() {}, exponentialRampToValueAtTime() {} } });
    createOscillator = () => ({ ...node(), frequency: {}, start: () => window.tones++, stop() {} });
  };
}

step('an agent who looks elsewhere is called by a notification, a sound and the title; a click on it opens the chat', async () => {
  const agent = await opened({ before: listening, beforeArgs: ['granted'] });
  const { page } = agent;
  await agent.seesRow('hello from Chloe');
  for (const id of ['notifications', 'sound']) {
    await page.evaluate((name) => document.querySelector(`[data-action=${name}]`).click(), id);
    await until(page, `${id} are on`, (name) => document.querySelector(`[data-action=${name}]`).getAttribute('aria-checked') === 'true', id);
  }
  assert.equal(await page.evaluate(() => window.tones), 2, 'one hears what one has chosen');
  await page.evaluate(() => { window.looks = false; window.tones = 0; });
  const before = Number(/^\((\d+)\)/.exec(await page.title())?.[1] ?? 0);
  chats.Dora = await customer('Dora', 'is anybody there?');
  const [note] = await until(page, 'a notification is shown', () => window.notes.length && window.notes);
  assert.deepEqual([note.name, note.body, note.tag], ['Dora', 'is anybody there?', chats.Dora.chat_id]);
  assert.equal(await page.title(), `(${before + 1}) Inbox · Sakura`);
  // The clock of the sound stands still here: the first one has not ended, so the second is not heard over it.
  assert.equal(await page.evaluate(() => window.tones), 0);
  await page.evaluate(() => window.notes[0].click());
  await title(page, 'Dora');
  await page.close();
});

step('where notifications are forbidden the preferences say so, and none is made', async () => {
  const agent = await opened({ before: listening, beforeArgs: ['denied'] });
  const { page } = agent;
  await agent.seesRow('is anybody there?');
  await page.evaluate(() => document.querySelector('[data-action=notifications]').click());
  await until(page, 'the hint is there', () => /forbids/.test(document.querySelector('[data-preferences]').textContent));
  await page.evaluate(() => { window.looks = false; });
  await say(chats.Dora.chat_id, 'once more');
  await agent.seesRow('once more');
  assert.deepEqual(await page.evaluate(() => window.notes.length), 0);
  await page.close();
});

step('a name that turns text round, or shows nothing, spoils no line', async () => {
  await customer('\u202eevil\u202c\u0000 name', 'turned round');
  await customer('\u200b\u3164', 'called nothing');
  await customer('N'.repeat(500), 'a long name');
  const agent = await opened();
  await agent.seesRow('turned round');
  const names = Object.fromEntries((await agent.rows()).map(({ name, text }) => [text, name]));
  assert.equal(names['turned round'].replace(/ +/g, ' '), 'evil name');
  assert.match(names['called nothing'], /^Visitor |@example\.com$/);
  assert.ok(names['a long name'].length <= 120);
  await agent.page.close();
});

step('a message of 100 KB that is nearly an address all along does not hold the page up', async () => {
  const { chat_id } = await customer('Long', 'before it');
  await say(chat_id, 'a.'.repeat(50_000));
  await say(chat_id, `http://x.example/${'.'.repeat(50_000)}a`);
  await say(chat_id, 'behind it');
  const agent = await opened();
  await agent.opens('behind it');
  await agent.sees('behind it');
  await agent.page.close();
});

step('a link to a conversation that is not there says so and offers nothing to do with it', async () => {
  world.browser.expect(/404/);
  const agent = await opened({}, '#chat=0123456789abcdef01234567');
  const { page } = agent;
  await until(page, 'the server\'s sentence is there', () => /not found/i.test(document.querySelector('[data-thread]').innerText));
  const offered = await page.evaluate(() => ['assign', 'resolve', 'reopen', 'panel', 'send']
    .filter((name) => document.querySelector(`[data-action=${name}]`).getClientRects().length > 0));
  assert.deepEqual(offered, []);
  await agent.opens('Chloe');
  await agent.sees('hello from Chloe');
  await page.close();
});

/** Runs in a page, before its scripts: the search for this word is answered last. */
function slowFor(word) {
  const real = window.fetch;
  window.fetch = async (url, ...rest) => {
    const answer = await real(url, ...rest);
    if (String(url).includes(`q=${word}&`)) await new Promise((done) => { window.answer = done; });
    return answer;
  };
}

step('an answer to an earlier search that comes late changes nothing', async () => {
  const agent = await opened({ before: slowFor, beforeArgs: ['chl'] });
  const { page } = agent;
  await agent.seesRow('hello from Chloe');
  await page.keyboard.press('/');
  await page.keyboard.type('chl');
  await until(page, 'it was asked for', () => window.answer);
  await page.evaluate(() => { document.activeElement.value = ''; });
  await page.keyboard.type('ben');
  const found = () => [...document.querySelectorAll('[data-customer] .row-name')].map((e) => e.textContent).join();
  await until(page, 'Ben is found', `(${found})() === 'Ben'`);
  await page.evaluate(() => window.answer());
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0))));
  assert.equal(await page.evaluate(found), 'Ben');
  await page.close();
});

/** Runs in a page, before its scripts: at the moment one takes a chat somebody else does. */
function outrun(url) {
  const real = window.fetch;
  window.fetch = async (at, options, ...rest) => {
    if (options?.method === 'PATCH' && String(at) === url) await real(at, { method: 'PATCH', body: JSON.stringify({ assigned_to: 'somebody' }) });
    return real(at, options, ...rest);
  };
}

step('who is a moment too late to take a conversation is told, and sees whose it is', async () => {
  world.browser.expect(/412/);
  const agent = await opened({ before: outrun, beforeArgs: [`${world.server.url}/api/chats/${chats.Chloe.chat_id}`] });
  const { page } = agent;
  await agent.opens('Chloe');
  await agent.sees('hello from Chloe');
  await page.keyboard.press('a');
  await until(page, 'it says that somebody was faster', () => /was faster/.test(document.querySelector('[data-notes]').textContent));
  await until(page, 'it is shown whose it is', () => document.querySelector('[data-action=assign]').textContent === 'somebody');
  await page.close();
});
