// The console where agents need a token: the link brings one in, a bad one says so, and nobody sees what is another's.
import assert from 'node:assert/strict';
import { until } from '../support/browser.mjs';
import { Agent, Visitor } from '../support/people.mjs';
import { shop, stage } from '../support/suite.mjs';

const chats = {};
const { world, step } = stage({ auth: true }, async ({ server }) => {
  const token = server.token();
  for (const owner of ['north', 'south']) {
    const email = `${owner}@example.com`;
    await call('POST', '/api/users/data', token, { name: `Customer of ${owner}`, email, user_id: owner });
    const { chat_id, user_id } = await call('POST', '/api/users/chats/create', token, { email });
    await call('POST', `/api/users/chats/${chat_id}/send`, token, { content: `a secret of ${owner}`, role: 'user' });
    chats[owner] = { chat_id, user_id };
  }
});

async function call(method, path, token, body) {
  const answer = await fetch(world.server.url + path, { method, headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: body && JSON.stringify(body) });
  assert.equal(answer.status, 200, `${method} ${path}: ${answer.status}`);
  return answer.json();
}

/** A console opened by a link, and what a person sees who has nothing but a form for a token. */
const opened = async (name, path) => new Agent(await (await world.browser.person(name)).open(world.server.url + path));
const asksForToken = (page) => until(page, 'the page asks for a token', () => document.querySelector('[data-signin]')?.getClientRects().length > 0);
const REFUSED = [/ 40[134]\b|status of 40[134]/, /WebSocket connection to|establish a connection to the server|NS_ERROR_WEBSOCKET_CONNECTION_REFUSED/];

step('a link with a token opens the console, and the token leaves the address at once', async () => {
  const token = world.server.token({ sub: 'ann', name: 'Ann' });
  const agent = await opened('ann', `/#token=${token}`);
  await agent.seesRow('a secret of north');
  await agent.seesRow('a secret of south');
  const { page } = agent;
  assert.ok(!(await page.evaluate(() => location.href)).includes('token'), 'the address still has it');
  assert.equal(await page.evaluate(() => sessionStorage.getItem('sakura.token')), token);
  assert.equal(await page.evaluate(() => localStorage.getItem('sakura.token')), null);
  assert.ok(!page.requested.slice(1).some((r) => r.includes(token)), 'it stands in an address that was asked for');
  await agent.opens('a secret of north');
  await agent.writes('answered by Ann');
  await agent.sees('answered by Ann');
  await agent.settled();
  const { messages } = await call('GET', `/api/chats/${chats.north.chat_id}/messages`, world.server.token());
  assert.deepEqual(messages.find((m) => (m.content ?? m.text) === 'answered by Ann').agent, { id: 'ann', name: 'Ann' });
  await page.reload();
  await agent.seesRow('a secret of south');
  await page.close();
});

step('without a token the console asks for one and takes what is pasted', async () => {
  world.browser.expect(...REFUSED);
  const agent = await opened('nobody', '/');
  const { page } = agent;
  await asksForToken(page);
  assert.equal((await agent.rows()).length, 0);
  await page.evaluate(() => document.querySelector('[data-signin] :is(input, textarea)').focus());
  await page.evaluate(`(() => { const f = document.activeElement; f.value = ${JSON.stringify(world.server.token())};
    f.dispatchEvent(new InputEvent('input', { bubbles: true })); })()`);
  await page.keyboard.press('Enter');
  await agent.seesRow('Customer of north');
  await page.close();
});

for (const [what, claims] of [['expired', { exp: 1 }], ['signed by somebody else', null], ["a visitor's", 'widget']]) {
  step(`a token that is ${what} is refused, and the page says so and shows nothing`, async () => {
    world.browser.expect(...REFUSED);
    const token = claims === null ? `${world.server.token().split('.').slice(0, 2).join('.')}.${'A'.repeat(43)}`
      : claims === 'widget' ? world.server.token({ role: 'widget', sub: chats.north.user_id }) : world.server.token(claims);
    const agent = await opened(what, `/#token=${token}`);
    await asksForToken(agent.page);
    assert.ok(!(await agent.page.evaluate(() => location.href)).includes('token'));
    assert.ok(!(await agent.page.evaluate(() => document.body.innerText)).includes('secret'));
    await agent.page.close();
  });
}

step('a token that expires while the console is open ends it: the page asks for another', async () => {
  world.browser.expect(...REFUSED);
  // How long it takes to open the console depends on the machine; the server allows clocks to differ by a minute.
  for (let seconds = 4; ; seconds *= 2) {
    assert.ok(seconds < 120, 'the console never opened while its token was good');
    const { page } = await opened('short', `/#token=${world.server.token({ exp: Math.floor(Date.now() / 1000) - 60 + seconds })}`);
    const first = await until(page, 'there is a list, or a form', () => (document.querySelector('[data-customer]') ? 'list'
      : document.querySelector('[data-signin]') && 'form'));
    await asksForToken(page);
    await page.close();
    if (first === 'list') return;
  }
});

step("an owner's agent sees the owner's customers only, also by the address of another's chat", async () => {
  world.browser.expect(...REFUSED);
  const token = world.server.token({ owner: 'south' });
  const agent = await opened('south', `/#token=${token}`);
  await agent.seesRow('a secret of south');
  assert.deepEqual((await agent.rows()).map((r) => r.name), ['Customer of south']);
  await agent.page.goto(`${world.server.url}/#chat=${chats.north.chat_id}`);
  await until(agent.page, 'the page says that there is no such chat', () => /not found|no such|does not exist|cannot be/i.test(document.body.innerText));
  assert.ok(!(await agent.page.evaluate(() => document.body.innerText)).includes('secret of north'));
  await agent.page.close();
});

step('a visitor whom the site names by a token sees the own chat; another visitor does not', async () => {
  const token = world.server.token({ role: 'widget', sub: chats.north.user_id });
  world.host.pages['/known'] = { html: shop(world.server, `data-token="${token}"`) };
  const known = new Visitor(await (await world.browser.person('known')).open(`${world.host.origin}/known`));
  await known.open();
  await known.sees('a secret of north');
  const agent = await opened('agent', `/#token=${world.server.token({ sub: 'ann', name: 'Ann' })}`);
  await known.seesOnline();
  await agent.page.close();
  await known.writes('it is me');
  await known.sees('it is me');
  await known.settled();
  // Nobody knows this one yet, so there is no token to ask with whether agents are there: nothing is asked, and nothing refused.
  const other = new Visitor(await (await world.browser.person('other')).open(`${world.host.origin}/`));
  await other.open();
  await other.writes('I am somebody else');
  await other.settled();
  assert.deepEqual(await other.messages(), ['I am somebody else']);
  assert.deepEqual((await known.messages()).slice(-1), ['it is me']);
  await known.page.close();
  await other.page.close();
});
