// The operators' page in a browser: it follows a server that works, says when it is away, and lets in who may see it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import test, { after, before } from 'node:test';
import { launch, until } from '../support/browser.mjs';
import { startServer } from '../support/server.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let browser;
let open;
let locked;
before(async () => {
  [browser, open, locked] = await Promise.all([launch(), startServer({ args: ['--workers', '3'] }), startServer({ auth: true })]);
});
after(async () => {
  await browser?.close();
  await Promise.all([open?.discard(), locked?.discard()]);
});

const state = (page, wanted) => until(page, `the state is ${wanted}`, (w) => document.querySelector('.state')?.dataset.state === w, wanted);
const figure = (name) => `[data-figure="${name}"] strong`;

/** Points of the messages' line: pieces that a gap divides begin with M each. */
const pieces = (page) => page.evaluate(() => document.querySelector('.chart .line').getAttribute('d').split('M').length - 1);

async function send(server, count) {
  const post = async (path, body) => (await fetch(server.url + path, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
  })).json();
  const { chat_id } = await post('/api/users/chats/create', { name: 'Ann', email: 'ann@example.com' });
  for (let i = 0; i < count; i++) await post(`/api/users/chats/${chat_id}/send`, { content: `m${i}`, role: 'user' });
}

test('figures follow what happens; a server that is away is said to be, and leaves a gap', async () => {
  const page = await (await browser.person('operator')).open(`${open.url}/stats`, { width: 1300, height: 900 });
  await state(page, 'live');
  const about = await page.$eval('[data-about]', (e) => e.textContent);
  assert.match(about, /^sakurad \S+ · 3 workers · 2 readers · \d+ broadcasters? · up/);
  await until(page, 'there are figures', (s) => document.querySelector(s).textContent.endsWith('/s'), figure('messages'));
  assert.equal(await page.$$eval('.threads li', (rows) => rows.filter((r) => r.textContent.startsWith('worker-')).length), 3);
  await send(open, 20);
  await until(page, 'messages are seen', () => document.querySelector('.chart .scale').textContent !== '' &&
    !/^M[\d.]+ (\d+(?:\.\d+)?)(L[\d.]+ \1)*$/.test(document.querySelector('.chart .line').getAttribute('d')));
  await until(page, 'a stage has a time', () => /[µm]s$/.test(document.querySelector('.stages .value.main').textContent));
  const before = await pieces(page);

  browser.expect(/ERR_CONNECTION|NS_ERROR|Failed to load resource|ERR_EMPTY|ERR_SOCKET/);
  await open.kill();
  await state(page, 'away');
  assert.match(await page.$eval('.state', (e) => e.textContent), /^No answer since \d\d:\d\d:\d\d/);
  assert.match(await page.$eval(figure('messages'), (e) => e.textContent), /^–/);
  await open.start();
  await state(page, 'live');
  await until(page, 'the line goes on behind a gap', (n) => document.querySelector('.chart .line').getAttribute('d').split('M').length - 1 > n, before);
  assert.match(await page.$eval('.chart .restart', (e) => e.getAttribute('d')), /^M/, 'the restart is marked');
  browser.check();
  await page.close();
});

test('who has no token is asked for one; the link that brings one opens the page and leaves no token in the address', async () => {
  browser.expect(/401|403/);
  const person = await browser.person('operator with a token');
  const page = await person.open(`${locked.url}/stats`);
  await until(page, 'a token is asked for', () => document.querySelector('[data-signin]'));
  await page.type('[data-token]', locked.token({ owner: 'o1' }));
  await page.keyboard.press('Enter');
  await until(page, 'a bound token is refused in words', () => /bound to an owner/.test(document.querySelector('[data-reason]')?.textContent ?? ''));
  await page.type('[data-token]', locked.token());
  await page.keyboard.press('Enter');
  await state(page, 'live');
  await page.reload();
  await state(page, 'live');
  await page.close();
  const linked = await (await browser.person('operator with a link')).open(`${locked.url}/stats#token=${locked.token()}`);
  await state(linked, 'live');
  assert.equal(await linked.evaluate(() => location.href), `${locked.url}/stats`);
  browser.check();
  await linked.close();
});

test('a screen reader and a phone find their way', async () => {
  const person = await browser.person('operator on a phone');
  for (const theme of ['light', 'dark']) {
    const page = await person.open(`${open.url}/stats`, { width: 360, height: 740, theme });
    await until(page, 'there are figures', (s) => document.querySelector(s).textContent.endsWith('/s'), figure('messages'));
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing sticks out');
    await page.evaluate(AXE);
    const found = await page.evaluate(async () => (await window.axe.run()).violations.map((v) => `${v.id}: ${v.nodes[0].html}`));
    assert.deepEqual(found, []);
    await page.close();
  }
  browser.check();
});
