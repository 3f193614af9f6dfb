// What pages must be: strict, quiet before they are asked, usable by keyboard and by a screen reader.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { until } from '../support/browser.mjs';
import { Agent, Visitor } from '../support/people.mjs';
import { shop, stage } from '../support/suite.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let staff;
const { world, step } = stage({}, async ({ browser }) => {
  staff = await browser.person('agent');
});

/** Runs in a page, before its scripts. */
function countViolations() {
  window.violations = [];
  document.addEventListener('securitypolicyviolation', (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
}

const post = async (path, body) => (await fetch(world.server.url + path, { method: 'POST', headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body) })).json();

/** Runs in a page, before its scripts: WebSockets are no requests that a browser tells of. */
function countSockets() {
  window.sockets = [];
  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      window.sockets.push(String(args[0]));
    }
  };
}

step('before the visitor opens it, the widget asks for nothing but its script', async () => {
  const guest = new Visitor(await (await world.browser.person('quiet')).open(`${world.host.origin}/`, { before: countSockets }));
  await guest.until('the launcher is there', "return root.querySelector('.launcher')");
  // Whatever the script would begin by itself it has begun after this long.
  await guest.page.evaluate(() => new Promise((done) => setTimeout(done, 400)));
  const asked = () => guest.page.requested.filter((r) => r.includes(world.server.url));
  assert.deepEqual(asked(), [`GET ${world.server.url}/widget.js`]);
  assert.deepEqual(await guest.page.evaluate(() => window.sockets), []);
  await guest.open();
  await guest.writes('now there is a chat');
  await guest.sees('now there is a chat');
  await guest.settled();
  // Where a chat exists its state is asked for, and nothing is made or changed.
  guest.page.requested.length = 0;
  await guest.page.reload();
  await guest.until('the launcher is there', "return root.querySelector('.launcher')");
  await guest.page.evaluate(() => new Promise((done) => setTimeout(done, 400)));
  const own = asked().filter((r) => !r.startsWith('OPTIONS'));
  assert.ok(own.every((r) => /^GET .*(\/widget\.js|\/api\/users\/[^/]+\/chats(\?.*)?|\/ws\/dashboard.*)$/.test(r)), own.join('\n'));
  assert.ok(new Set(own.map((r) => r.replace(/\?.*/, ''))).size <= 3, own.join('\n'));
  await guest.page.close();
});

step("a page whose policy allows nothing inline: the widget works, and nothing is blocked", async () => {
  const { server } = world;
  const policy = `default-src 'none'; script-src ${server.url}; connect-src ${server.url} ${server.url.replace('http', 'ws')}; img-src data:; ` +
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
  world.host.pages['/strict'] = { html: shop(server, 'data-color="#a03050" data-title="Questions?"'),
    headers: { 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff' } };
  const person = await world.browser.person('strict');
  const guest = new Visitor(await person.open(`${world.host.origin}/strict`, { before: countViolations }));
  await guest.open();
  await guest.writes('under a strict policy https://example.com/');
  await guest.sees('under a strict policy https://example.com/');
  await guest.settled();
  const { users } = await (await fetch(`${server.url}/api/users?limit=1`)).json();
  await post(`/api/users/chats/${users[0].chats[0].chat_id}/send`, { content: 'answered', role: 'agent' });
  await guest.sees('answered');
  assert.equal(await guest.do("return getComputedStyle(root.querySelector('.panel')).position"), 'fixed', 'it is styled');
  assert.equal(await guest.do("return getComputedStyle(root.querySelector('.launcher')).backgroundColor"), 'rgb(160, 48, 80)');
  assert.deepEqual(await guest.page.evaluate(() => window.violations), []);
  await guest.page.close();
});

step('the pages of ours break no rule of their own policy and ask nobody else', async () => {
  for (const path of ['/', '/demo', '/stats']) {
    const page = await staff.open(world.server.url + path, { before: countViolations });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    assert.deepEqual(await page.evaluate(() => window.violations), [], path);
    assert.deepEqual(page.requested.filter((r) => !r.includes(world.server.url) && !/ (data|about|blob|ws):/.test(r)), [], path);
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'en', path);
    await page.close();
  }
});

/** What Tab reaches, until fn says that it is there. */
async function tabTo(page, what, found, back = false) {
  for (let i = 0; i < 30; i++) {
    if (back) await page.keyboard.down('Shift');
    await page.keyboard.press('Tab');
    if (back) await page.keyboard.up('Shift');
    if (await page.evaluate(`(() => { let e = document.activeElement; while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
      return Boolean(e && (${found})(e)); })()`)) return;
  }
  assert.fail(`Tab does not reach ${what}`);
}

step('the widget by keyboard alone', async () => {
  const guest = new Visitor(await (await world.browser.person('keys')).open(`${world.host.origin}/`));
  const { page } = guest;
  await guest.until('the launcher is there', "return root.querySelector('.launcher')");
  await tabTo(page, 'the launcher', "(e) => e.classList.contains('launcher')");
  assert.notEqual(await guest.do("return getComputedStyle(root.activeElement).outlineStyle"), 'none', 'the focus is seen');
  await page.keyboard.press('Enter');
  await guest.until('the field has the focus', "return root.activeElement?.classList.contains('field')");
  await page.keyboard.type('one line');
  await page.keyboard.down('Shift');
  await page.keyboard.press('Enter');
  await page.keyboard.up('Shift');
  await page.keyboard.type('and another');
  await page.keyboard.press('Enter');
  await guest.sees('one line\nand another');
  await tabTo(page, 'the close button', "(e) => e.classList.contains('close')", true);
  await page.keyboard.press('Escape');
  await guest.until('it is closed and the focus is on the launcher again',
    "return !root.querySelector('dialog').open && root.activeElement?.classList.contains('launcher')");
  await page.close();
});

step('the console by keyboard alone', async () => {
  for (const name of ['Keyboard One', 'Keyboard Two']) {
    const { chat_id } = await post('/api/users/chats/create', { name, email: `${name.replace(' ', '.')}@example.com` });
    await post(`/api/users/chats/${chat_id}/send`, { content: `I am ${name}` });
  }
  const agent = new Agent(await staff.open(`${world.server.url}/`));
  const { page } = agent;
  await agent.seesRow('Keyboard One');
  await tabTo(page, 'the list', '(e) => e.closest("[data-customer]")');
  await page.keyboard.press('ArrowDown');
  await until(page, 'the second row has the focus', () => document.activeElement?.closest('[data-customer]')?.textContent.includes('Keyboard One'));
  await page.keyboard.press('Enter');
  await agent.sees('I am Keyboard One');
  await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
  await page.keyboard.press('r');
  await until(page, 'r goes to the reply', () => document.activeElement?.hasAttribute('data-composer'));
  await page.keyboard.type('by keyboard');
  await page.keyboard.press('Enter');
  await agent.sees('by keyboard');
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await until(page, '/ goes to the search', () => document.activeElement instanceof HTMLInputElement);
  await page.keyboard.type('keyboard two');
  await until(page, 'the search has found one', () => {
    const rows = [...document.querySelectorAll('[data-customer]')];
    return rows.length === 1 && rows[0].textContent.includes('Keyboard Two');
  });
  await page.close();
});

step('search asks the server, so that it finds who is not loaded, and finds nobody who is not there', async () => {
  const agent = new Agent(await staff.open(`${world.server.url}/`));
  const { page } = agent;
  await agent.seesRow('Keyboard');
  await page.keyboard.press('/');
  await until(page, '/ goes to the search', () => document.activeElement instanceof HTMLInputElement);
  page.requested.length = 0;
  await page.keyboard.type('nobody is called so');
  await until(page, 'nobody is found', () => document.querySelectorAll('[data-customer]').length === 0);
  await until(page, 'the server was asked', () => performance.getEntriesByType('resource').some((e) => e.name.includes('/api/users?') && e.name.includes('q=nobody')));
  await page.close();
});

/** Problems that axe calls serious or critical, in a line each. */
async function troubles(page) {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
    return violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')
      .map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => `${n.target.flat().join(' ')} ${n.failureSummary}`).slice(0, 5).join(' | ')}`);
  });
}

// What axe looks at is the same in both browsers, but for what they make of the two main pages; and Firefox is told of a theme only as it starts.
const brief = process.env.SAKURAD_BROWSER === 'firefox';
for (const theme of brief ? ['light'] : ['light', 'dark']) {
  step(`axe finds nothing serious in any page (${theme})`, async () => {
    const guest = new Visitor(await (await world.browser.person('axe')).open(`${world.host.origin}/`, { theme }));
    await guest.until('the launcher is there', "return root.querySelector('.launcher')");
    if (!brief) assert.deepEqual(await troubles(guest.page), [], 'the launcher');
    await guest.open();
    await guest.writes('read this, https://example.com/');
    await guest.settled();
    assert.deepEqual(await troubles(guest.page), [], 'the widget');
    await guest.page.close();
    const agent = new Agent(await staff.open(`${world.server.url}/`, { theme }));
    await agent.seesRow('read this');
    if (!brief) assert.deepEqual(await troubles(agent.page), [], 'the console');
    await agent.opens('read this');
    await agent.writes('I read it');
    await agent.settled();
    assert.deepEqual(await troubles(agent.page), [], 'an open chat');
    if (!brief) await agent.page.setViewport({ width: 390, height: 780 });
    if (!brief) assert.deepEqual(await troubles(agent.page), [], 'an open chat on a phone');
    await agent.page.close();
    for (const path of brief ? [] : ['/demo', '/stats']) {
      const page = await staff.open(world.server.url + path, { theme });
      assert.deepEqual(await troubles(page), [], path);
      await page.close();
    }
  });
}

step('only new messages are announced, not the history', async () => {
  const guest = new Visitor(await (await world.browser.person('listener')).open(`${world.host.origin}/`));
  await guest.open();
  await guest.writes('first');
  await guest.settled();
  const { users } = await (await fetch(`${world.server.url}/api/users?limit=1`)).json();
  await guest.page.reload();
  await guest.open();
  await guest.sees('first');
  assert.equal(await guest.do("return root.querySelector('[role=log]').textContent"), '');
  await post(`/api/users/chats/${users[0].chats[0].chat_id}/send`, { content: 'something new', role: 'agent' });
  await guest.until('it is read out', "return root.querySelector('[role=log]').textContent.includes('something new')");
  assert.ok(!(await guest.do("return root.querySelector('[role=log]').textContent")).includes('first'));
  await guest.page.close();
});
