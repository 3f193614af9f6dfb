// The widget on pages that make it hard: styles for everything, no storage, a server that is away, long histories, old browsers.
import assert from 'node:assert/strict';
import { Visitor } from '../support/people.mjs';
import { post } from '../support/seed.mjs';
import { site } from '../support/site.mjs';
import { shop, stage } from '../support/suite.mjs';

const AWAY = [/ERR_CONNECTION|ERR_EMPTY_RESPONSE|WebSocket connection to|NS_ERROR|establish a connection|Cross-Origin Request Blocked|error loading dynamically/i];
const { world, step } = stage({});

/** A person of their own on a page of their own. */
async function visit(name, { attributes = '', more = '', ...look } = {}) {
  world.host.pages[`/${name}`] = { html: shop(world.server, attributes, more) };
  return new Visitor(await (await world.browser.person(name)).open(`${world.host.origin}/${name}`, look));
}
const launcherIsThere = (guest) => guest.until('the launcher is there', "return root.querySelector('.launcher').getClientRects().length > 0");
const latestChats = async () => (await (await fetch(`${world.server.url}/api/users?limit=1`)).json()).users[0].chats;

step('opened before the first message it loads its panel and nothing else, and says nothing that it cannot know', async () => {
  const guest = await visit('first', { before: () => {
    window.sockets = [];
    window.WebSocket = class extends WebSocket {
      constructor(...args) {
        super(...args);
        window.sockets.push(String(args[0]));
      }
    };
  } });
  await guest.open();
  const asked = () => guest.page.requested.filter((r) => r.includes(world.server.url)).map((r) => r.replace(/.*\/(?=[\w.]+$)/, ''));
  assert.deepEqual(asked().map((name) => name.replace(/\.\w{10}\./, '.')), ['widget.js', 'panel.js']);
  assert.deepEqual(await guest.page.evaluate(() => window.sockets), []);
  assert.equal(await guest.do("return root.querySelector('.state').textContent"), '');
  assert.equal(await guest.do("return root.querySelector('.greeting').textContent"), 'How can we help?');
  await guest.writes('hello');
  await guest.settled();
  await guest.until('agents are known to be away', "return root.querySelector('.state').textContent === 'We reply later'");
  assert.equal(await guest.do("return root.querySelector('.tick').getAttribute('aria-label')"), 'Sent');
  await guest.page.close();
});

step('a message sent by the page before the known chats are loaded goes to the chat that the visitor has', async () => {
  const guest = await visit('known');
  await guest.open();
  await guest.writes('the first');
  await guest.settled();
  world.host.pages['/known'].html = shop(world.server, '', "<script>window.Sakura = [['send', 'the second']]</script>");
  await guest.page.reload();
  await guest.open();
  await guest.sees('the second');
  await guest.settled();
  assert.deepEqual(await guest.messages(), ['the first', 'the second']);
  assert.equal((await latestChats()).length, 1);
  await guest.page.close();
});

step('a page that says something of all its elements says nothing of the widget', async () => {
  const guest = await visit('loud', { more: `<style>* { all: unset !important; direction: rtl !important; unicode-bidi: bidi-override !important }
    :not(:defined) { display: none !important } html { font-size: 30px } sakura-chat { --accent: red !important; opacity: 0 !important }
    body > :last-child { transform: scale(0) !important } button, textarea, dialog { display: none !important }</style>` });
  await launcherIsThere(guest);
  await guest.open();
  await guest.writes('still (me)!');
  await guest.sees('still (me)!');
  const seen = await guest.do(`const style = (name) => getComputedStyle(root.querySelector(name)), box = root.querySelector('.panel').getBoundingClientRect();
    return [style('.panel').direction, style('.text').fontSize, style('.text').unicodeBidi === 'bidi-override', box.width, box.height > 300,
      style('.send').backgroundColor, getComputedStyle(root.host).opacity, getComputedStyle(root.host).transform];`);
  assert.deepEqual(seen, ['ltr', '15px', false, 384, true, 'rgb(37, 84, 199)', '1', 'none']);
  await guest.page.close();
});

step('settings are text and a colour: none is markup, and none is style', async () => {
  const nasty = '&lt;img src=x onerror=&quot;window.hit=1&quot;&gt;';
  const guest = await visit('nasty', { attributes: `data-title="${nasty}" data-greeting="${nasty}" data-name="${nasty}" data-lang="${nasty}"
    data-color="red;}*{display:none" data-position="left:0;}*{display:none}"` });
  await launcherIsThere(guest);
  await guest.open();
  assert.match(await guest.do("return root.querySelector('.title').textContent + root.querySelector('.greeting').textContent"), /<img.*<img/);
  assert.equal(await guest.do("return getComputedStyle(root.querySelector('.launcher')).backgroundColor"), 'rgb(37, 84, 199)');
  assert.equal(await guest.page.evaluate(() => window.hit), undefined);
  await guest.page.close();
});

step('a colour may be written as in a style sheet; one that is none is told of', async () => {
  for (const [text, painted] of [['teal', 'rgb(0, 128, 128)'], ['#a35', 'rgb(170, 51, 85)'], ['hsl(0 100% 50%)', 'rgb(255, 0, 0)'],
    ['#0f08', 'rgb(0, 255, 0)'], ['inherit', null], ['url(x)', null]]) {
    const warned = [];
    const guest = await visit('painted', { before: () => {}, attributes: `data-color="${text}"` });
    guest.page.on('console', (m) => warned.push(m.text()));
    await guest.page.reload();
    await launcherIsThere(guest);
    assert.equal(await guest.do("return getComputedStyle(root.querySelector('.launcher')).backgroundColor"), painted ?? 'rgb(37, 84, 199)', text);
    assert.equal(warned.filter((line) => line.includes('data-color')).length, painted ? 0 : 1, text);
    await guest.page.close();
  }
});

step('where attributes are not reflected (Firefox before 119) everything has its name and its role all the same', async () => {
  const guest = await visit('plain', { before: () => {
    for (const name of ['ariaLabel', 'role']) delete Element.prototype[name];
  } });
  await guest.open();
  await guest.writes('names');
  await guest.settled();
  const without = await guest.do(`return [...root.querySelectorAll('button, select, textarea, dialog, [tabindex]')]
    .filter((e) => !e.getAttribute('aria-label') && !e.textContent).map((e) => e.className)`);
  assert.deepEqual(without, []);
  assert.deepEqual(await guest.do("return ['.said', '.state', '.tick'].map((name) => root.querySelector(name).getAttribute('role'))"),
    ['log', 'status', 'img']);
  await guest.page.close();
});

step('a browser that has no constructed style sheets is left alone', async () => {
  const guest = await visit('old', { before: () => {
    delete CSSStyleSheet.prototype.replaceSync;
  } });
  await guest.page.evaluate(() => new Promise((done) => setTimeout(done, 300)));
  assert.equal(await guest.page.evaluate(() => document.querySelector('sakura-chat')), null);
  await guest.page.close();
});

step('in a frame without storage it works as long as the page is there', async () => {
  world.host.pages['/inner'] = { html: shop(world.server) };
  world.host.pages['/outer'] = { html: '<!doctype html><title>frame</title><link rel="icon" href="data:,"><iframe sandbox="allow-scripts" src="/inner" width="600" height="600"></iframe>' };
  world.browser.expect(...AWAY, /CORS policy|ERR_FAILED/); // Nobody has let the origin "null" call.
  const page = await (await world.browser.person('framed')).open(`${world.host.origin}/outer`);
  const frame = page.frames().find((each) => each.url().endsWith('/inner'));
  const root = "document.querySelector('sakura-chat').shadowRoot";
  await frame.waitForFunction(`document.querySelector('sakura-chat')?.shadowRoot.querySelector('.launcher')`);
  await frame.evaluate(`${root}.querySelector('.launcher').click()`);
  await frame.waitForFunction(`${root}.querySelector('dialog')?.open`);
  await frame.evaluate("Sakura.send('kept in memory')");
  await frame.waitForFunction(`${root}.querySelector('.message.pending')?.textContent.includes('kept in memory')`);
  await page.close();
});

step('a site that the server does not let call is told so, once', async () => {
  const stranger = await site({});
  stranger.pages['/'] = { html: shop(world.server) };
  world.browser.expect(...AWAY, /CORS policy|ERR_FAILED/);
  const warned = [];
  const guest = new Visitor(await (await world.browser.person('stranger')).open(`${stranger.origin}/`));
  guest.page.on('console', (m) => warned.push(m.text()));
  await guest.open();
  await guest.writes('anybody?');
  await guest.until('it says that it waits', "return root.querySelector('.state').textContent.startsWith('Offline')");
  for (let i = 0; i < 200 && !warned.some((line) => line.includes('--cors-origin')); i++) await new Promise((done) => setTimeout(done, 50));
  assert.deepEqual(warned.filter((line) => line.includes('--cors-origin')), [`sakura: calls fail: is ${stranger.origin} in the server's --cors-origin?`]);
  await guest.page.close();
  await stranger.close();
});

step('the panel cannot be loaded: the launcher is busy, a second click gives up, and it opens when the server is back', async () => {
  world.browser.expect(...AWAY);
  const guest = await visit('patient', { more: '<input id="theirs">' });
  await launcherIsThere(guest);
  await world.server.kill();
  const busy = () => guest.do("return root.querySelector('.launcher').getAttribute('aria-busy')");
  const click = () => guest.do("root.querySelector('.launcher').click()");
  await click();
  assert.equal(await busy(), 'true');
  await guest.page.evaluate(() => window.Sakura.send('sent without a panel'));
  await click();
  assert.equal(await busy(), 'false');
  await click();
  assert.equal(await busy(), 'true');
  await guest.page.evaluate(() => document.querySelector('#theirs').focus());
  await world.server.start();
  await guest.until('it has opened', "return root.querySelector('dialog')?.open");
  assert.equal(await guest.page.evaluate(() => document.activeElement.id), 'theirs', 'who writes elsewhere goes on writing there');
  assert.equal(await busy(), 'false');
  await guest.sees('sent without a panel');
  await guest.settled();
  await guest.page.close();
});

step('a history of a thousand messages is drawn in pieces; the oldest is reached by scrolling', async () => {
  const guest = await visit('long');
  await guest.open();
  await guest.writes('message 0');
  await guest.settled();
  const [{ chat_id }] = await latestChats();
  await post(world.server.url, Array.from({ length: 1000 }, (_, i) =>
    ({ path: `/api/users/chats/${chat_id}/send`, body: { content: `message ${i + 1}`, role: i % 3 ? 'user' : 'agent' } })), 1);
  await guest.page.reload();
  await guest.open();
  await guest.sees('message 1000');
  const rows = () => guest.do("return root.querySelectorAll('.message').length");
  assert.ok(await rows() <= 300, String(await rows()));
  await guest.until('the oldest is there', `const s = root.querySelector('.scroll'); s.scrollTop = -s.scrollHeight;
    return [...root.querySelectorAll('.message .text')][0].textContent === 'message 0'`);
  assert.deepEqual(await guest.messages(), Array.from({ length: 1001 }, (_, i) => `message ${i}`));
  await guest.page.close();
});

step('four thousand characters without a blank make nothing wider; one more is not sent, and says why', async () => {
  const guest = await visit('wide');
  await guest.open();
  await guest.bursts(['W'.repeat(4000)]);
  await guest.sees('W'.repeat(4000));
  await guest.settled();
  assert.ok(await guest.do("const s = root.querySelector('.scroll'); return s.scrollWidth <= s.clientWidth"));
  await guest.bursts(['x'.repeat(4001)]);
  assert.equal(await guest.do("return root.querySelector('.count').textContent"), 'Too long: 4001 / 4000');
  assert.equal((await guest.messages()).length, 1);
  assert.equal(await guest.do("return root.querySelector('.field').value.length"), 4001, 'nothing of it is lost');
  await guest.page.close();
});

step('Escape in the list of chats closes the list, not the panel; the field is large enough for phones not to zoom', async () => {
  const guest = await visit('escape');
  await guest.open();
  await guest.writes('one chat');
  await guest.settled();
  await guest.do("root.querySelector('.select').focus()");
  await guest.page.keyboard.press('Escape');
  assert.equal(await guest.do("return root.querySelector('dialog').open"), true);
  for (const name of ['.field', '.select']) assert.ok(parseFloat(await guest.do(`return getComputedStyle(root.querySelector('${name}')).fontSize`)) >= 16);
  await guest.do("root.querySelector('.field').focus()");
  await guest.page.keyboard.press('Escape');
  assert.equal(await guest.do("return root.querySelector('dialog').open"), false);
  await guest.page.close();
});

step('a hundred chats are a list of a hundred and one', async () => {
  const guest = await visit('many');
  await guest.open();
  await guest.writes('chat 0');
  await guest.settled();
  const { users: [{ _id }] } = await (await fetch(`${world.server.url}/api/users?limit=1`)).json();
  const made = await post(world.server.url, Array.from({ length: 99 }, () => ({ path: '/api/users/chats/create', body: { user_id: _id } })), 1);
  await post(world.server.url, made.map(({ chat_id }, i) => ({ path: `/api/users/chats/${chat_id}/send`, body: { content: `chat ${i + 1}` } })), 1);
  await guest.page.reload();
  await guest.open();
  await guest.until('all chats are in the list', "return root.querySelector('.select').options.length === 101");
  await guest.do("const s = root.querySelector('.select'); s.selectedIndex = 50; s.dispatchEvent(new Event('change'))");
  const chosen = await guest.do("return root.querySelector('.select').options[50].textContent");
  await guest.sees(chosen);
  await guest.do("const s = root.querySelector('.select'); s.selectedIndex = 100; s.dispatchEvent(new Event('change'))");
  await guest.until('a new chat is empty', "return !root.querySelector('.message') && root.querySelector('.greeting')");
  await guest.page.close();
});

step('what one writes is refused: it says so in words, and can be sent again or discarded', async () => {
  if (world.browser.kind !== 'chromium') return; // The answer is put in the server's place by Chromium's own protocol.
  const guest = await visit('refused', { attributes: 'data-lang="de"' });
  await guest.open();
  await guest.writes('vorher');
  await guest.settled();
  world.browser.expect(/422/);
  await guest.page.setRequestInterception(true);
  let refuse = true;
  guest.page.on('request', (r) => (refuse && r.method() === 'POST' && r.url().endsWith('/send') ? r.respond({ status: 422,
    headers: { 'Access-Control-Allow-Origin': '*' }, contentType: 'application/json', body: '{"detail":"No such word"}' }) : r.continue()));
  for (const text of ['eins', 'zwei']) {
    await guest.writes(text);
    await guest.until('it has failed', "return [...root.querySelectorAll('.message')].pop().querySelector('.failed')");
  }
  assert.equal(await guest.do("return root.querySelector('.failed').innerText.replace(/\\s+/g, ' ').trim()"), '⚠ Nicht gesendet Erneut versuchen Verwerfen');
  assert.equal(await guest.do("return root.querySelector('.failed [title]').title"), 'No such word');
  refuse = false;
  await guest.do("root.querySelector('.discard').click()");
  await guest.until('one is gone', "return root.querySelectorAll('.failed').length === 1");
  await guest.do("root.querySelector('.retry').click()");
  await guest.until('none has failed', "return !root.querySelector('.failed')");
  await guest.settled();
  assert.deepEqual(await guest.messages(), ['vorher', 'zwei']);
  await guest.page.close();
});

step('it is not printed', async () => {
  if (world.browser.kind !== 'chromium') return; // Firefox cannot be told to look as if it printed.
  const guest = await visit('paper');
  await launcherIsThere(guest);
  await guest.page.emulateMediaType('print');
  assert.equal(await guest.do('return getComputedStyle(root.host).display'), 'none');
  await guest.page.close();
});
