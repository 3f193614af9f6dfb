// A visitor and an agent talk: each sees what the other does, at once and once.
import assert from 'node:assert/strict';
import { until } from '../support/browser.mjs';
import { line } from '../support/line.mjs';
import { Agent, Visitor } from '../support/people.mjs';
import { AWAY, shop, stage } from '../support/suite.mjs';

/** @type {Visitor} */
let visitor;
/** @type {Agent} */
let agent;
let guest;
const { world, step } = stage({ args: ['--presence-grace', '200'] }, async ({ browser, server, host }) => {
  guest = await browser.person('visitor');
  const staff = await browser.person('agent');
  agent = new Agent(await staff.open(`${server.url}/`));
  visitor = new Visitor(await guest.open(`${host.origin}/`, { width: 900 }));
});
const numbered = (what, count) => Array.from({ length: count }, (_, i) => `${what} ${String(i + 1).padStart(2, '0')}`);

step('what a visitor writes stands in the open console', async () => {
  const loads = agent.page.requested.length;
  await visitor.open();
  await visitor.writes('Is anybody there?');
  await visitor.sees('Is anybody there?');
  await agent.opens('Is anybody there?');
  await agent.sees('Is anybody there?');
  assert.ok(!agent.page.requested.slice(loads).some((r) => r === `GET ${world.server.url}/`), 'the console was loaded again');
});

step("an agent's reply stands in the open widget", async () => {
  await agent.writes('Yes. How can I help?');
  await visitor.sees('Yes. How can I help?');
  assert.deepEqual(await visitor.messages(), ['Is anybody there?', 'Yes. How can I help?']);
  assert.deepEqual(await agent.messages(), ['Is anybody there?', 'Yes. How can I help?']);
});

step('each sees the other type, and that it was read', async () => {
  await agent.types('Let me');
  await visitor.seesTyping();
  await agent.clears();
  await visitor.types('My order');
  await agent.seesTyping();
  await visitor.writes(' is late');
  await agent.sees('My order is late');
  await agent.page.bringToFront(); // an agent who looks elsewhere has not read it
  await visitor.seesRead();
  await agent.writes('It comes today');
  await visitor.sees('It comes today');
  await visitor.page.bringToFront();
  await agent.seesRead();
});

step('the visitor sees that agents are there, the agent that the visitor is', async () => {
  await visitor.seesOnline();
  await agent.seesHere();
});

step('fifty messages in a burst come in order, once each, both ways', async () => {
  const there = numbered('visitor', 50);
  const back = numbered('agent', 50);
  const [seenBefore, shownBefore] = [await agent.messages(), await visitor.messages()];
  await visitor.bursts(there);
  await agent.sees(there[49]);
  assert.deepEqual(await agent.messages(), [...seenBefore, ...there]);
  await agent.bursts(back);
  await visitor.sees(back[49]);
  assert.deepEqual(await visitor.messages(), [...shownBefore, ...there, ...back]);
  await agent.settled();
  assert.deepEqual(await agent.messages(), [...seenBefore, ...there, ...back]);
});

step('two agents on one chat see each other\'s replies and the same conversation', async () => {
  const second = new Agent(await (await world.browser.person('second agent')).open(`${world.server.url}/`));
  await second.opens('agent 50');
  await second.sees('agent 50');
  await Promise.all([agent.writes('from the first'), second.writes('from the second')]);
  for (const who of [agent, second]) {
    await who.sees('from the first');
    await who.sees('from the second');
    await who.settled();
  }
  const both = await agent.messages();
  const loaded = await second.messages(); // the newest page of them
  assert.deepEqual(loaded, both.slice(-loaded.length));
  await visitor.sees('from the first');
  await visitor.sees('from the second');
  assert.equal(new Set(both).size, both.length, 'a message stands there twice');
  await second.page.close();
});

step("a reload keeps the visitor's chat", async () => {
  const held = await visitor.messages();
  await visitor.page.reload();
  await visitor.open();
  await visitor.sees(held[held.length - 1]);
  const texts = await visitor.messages();
  assert.deepEqual(texts, held.slice(-texts.length));
  await visitor.writes('after the reload');
  await agent.sees('after the reload');
});

step('two tabs of one visitor show the same chat', async () => {
  const other = new Visitor(await guest.open(`${world.host.origin}/`));
  await other.open();
  await other.sees('after the reload');
  await other.writes('from the other tab');
  await visitor.sees('from the other tab');
  await agent.writes('to both tabs');
  for (const tab of [visitor, other]) {
    await tab.sees('to both tabs');
    const texts = await tab.messages();
    assert.equal(texts.filter((t) => t === 'from the other tab').length, 1);
    assert.equal(texts.filter((t) => t === 'to both tabs').length, 1);
  }
  await other.page.close();
});

step('what is written as markup or as a dangerous link stays text', async () => {
  const nasty = ['<img src=x onerror="window.hit=1"><script>window.hit=1</script>', 'javascript:window.hit=1//https://x.example.com',
    '[x](javascript:window.hit=1)', 'data:text/html,<script>hit=1</script>', '"><svg onload=window.hit=1>', '&lt;b&gt;&#x3c;'];
  const good = 'look at https://shop.example.com/a?b=1&c=<i>';
  for (const text of nasty) await visitor.bursts([text]);
  await visitor.bursts([good]);
  await agent.sees(good);
  for (const who of [visitor, agent]) {
    for (const text of nasty) await who.sees(text);
    assert.equal(await who.page.evaluate(() => window.hit), undefined);
    const links = await who.links();
    assert.ok(links.some(([href]) => href === 'https://shop.example.com/a?b=1&c='), String(links));
    for (const [href, rel] of links) {
      assert.match(href, /^(https?|mailto):/);
      assert.match(rel, /\bnoopener\b/);
    }
  }
});

step('a name that is markup stays text, in the console\'s list too', async () => {
  const name = '<img src=x onerror="window.hit=2">';
  const answer = await fetch(`${world.server.url}/api/users/chats/create`, { method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name, email: 'markup@example.com' }) });
  const { chat_id } = await answer.json();
  await fetch(`${world.server.url}/api/users/chats/${chat_id}/send`, { method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ content: '<b onclick=hit=2>bold</b>' }) });
  await agent.seesRow(name);
  await agent.opens(name);
  await agent.sees('<b onclick=hit=2>bold</b>');
  assert.equal(await agent.page.evaluate(() => window.hit), undefined);
});

step('window.Sakura: calls made before the script is there are kept, and each does what it says', async () => {
  world.host.pages['/api'] = { html: shop(world.server).replace('<script async', `<script>
    window.Sakura = window.Sakura || []; Sakura.push(['open']); window.heard = []; Sakura.push(['on', 'message', (m) => heard.push(m.text)]);</script>
    <script async`) };
  const guest = new Visitor(await (await world.browser.person('caller')).open(`${world.host.origin}/api`));
  await guest.until('the queued open() was done', "return root.querySelector('dialog')?.open");
  await guest.page.evaluate(() => window.Sakura.send('sent by the page'));
  await guest.sees('sent by the page');
  await agent.opens('sent by the page');
  await agent.writes('answered');
  await until(guest.page, 'the page heard of it', () => window.heard.includes('answered'));
  await guest.page.evaluate(() => window.Sakura.close());
  await guest.until('the panel is closed', "return !root.querySelector('dialog').open");
  await agent.writes('while it is closed');
  await guest.until('the launcher counts what is unread', "return root.querySelector('.badge').textContent === '1'");
  await guest.page.evaluate(() => window.Sakura.reset());
  await guest.open();
  await guest.until('a visitor who was forgotten has no messages', "return root.querySelectorAll('.message').length === 0");
});

step('on a bad line: what is missed while it is cut comes by itself, and what is sent again because its answer was lost stands there once', async () => {
  world.browser.expect(...AWAY);
  const bad = await line(world.server.port);
  try {
    world.host.pages['/far'] = { html: shop(bad) };
    const visitor = new Visitor(await (await world.browser.person('visitor on a bad line')).open(`${world.host.origin}/far`));
    await visitor.open();
    await visitor.writes('on a bad line');
    await agent.opens('on a bad line');
    const far = new Agent(await (await world.browser.person('agent on a bad line')).open(`${bad.url}/`));
    await far.opens('on a bad line');
    const said = ['on a bad line'];
    // Neither writes anything itself that would make it look.
    bad.cut();
    await visitor.until('the widget has lost the server', "return !root.querySelector('.state').classList.contains('online')");
    await agent.writes('while it was cut');
    await agent.settled();
    said.push('while it was cut');
    bad.mend();
    for (const who of [visitor, far]) await who.sees('while it was cut');
    for (const [who, text] of [[visitor, 'sent more than once'], [far, 'answered more than once']]) {
      who.page.requested.length = 0;
      const lost = bad.lose(8, /^POST \S+\/send /);
      await who.writes(text);
      await lost;
      await who.settled();
      said.push(text);
      assert.ok(who.page.requested.filter((r) => /^POST .*\/send$/.test(r)).length > 1, 'a browser asks again by itself, but not so often: the page did, too');
      for (const reader of [visitor, agent, far]) {
        await reader.sees(text);
        assert.deepEqual(await reader.messages(), said);
      }
    }
    await far.page.close();
    await visitor.page.close();
  } finally {
    await bad.close();
  }
});
