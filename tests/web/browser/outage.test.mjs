// The server is killed and comes back, for three seconds and for forty, while people on both sides go on writing. Both browsers
// go through the same outages at once: what it costs is the waiting.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/browser.mjs';
import { Agent, Visitor } from '../support/people.mjs';
import { AWAY, stage } from '../support/suite.mjs';

const KINDS = (process.env.SAKURAD_BROWSER || 'chromium firefox').split(' ');

/** @type {{ browser: import('../support/browser.mjs').Browser, visitor: Visitor, agent: Agent, chat: string, said: string[] }[]} */
let pairs = [];

const { world, step } = stage({ kinds: KINDS }, async ({ server, host, browsers }) => {
  pairs = await Promise.all(browsers.map(async (browser) => {
    const { kind } = browser;
    const agent = new Agent(await (await browser.person('agent')).open(`${server.url}/`));
    const visitor = new Visitor(await (await browser.person('visitor')).open(`${host.origin}/`));
    await visitor.open();
    await visitor.writes(`hello from ${kind}`);
    await agent.opens(`hello from ${kind}`);
    await agent.sees(`hello from ${kind}`);
    await agent.writes(`hello ${kind}`);
    await visitor.sees(`hello ${kind}`);
    await agent.seesRow(`hello ${kind}`);
    const chat = (await agent.rows()).find((row) => row.text.includes(`hello ${kind}`)).chat;
    return { browser, visitor, agent, chat, said: [`hello from ${kind}`, `hello ${kind}`] };
  }));
});

/** What the server has, oldest first. */
async function history(chat) {
  const { messages } = await (await fetch(`${world.server.url}/api/chats/${chat}/messages?limit=200`)).json();
  return messages.map((m) => m.content ?? m.text);
}

async function outage(seconds) {
  for (const { browser } of pairs) browser.check();
  for (const { browser } of pairs) browser.expect(...AWAY);
  // It is killed in the middle of what both send: of some the answer is lost, and they are sent again.
  await Promise.all(pairs.map(({ visitor, agent, said }, i) => {
    const burst = (side) => Array.from({ length: 5 }, (_, n) => `${side} ${i}, before ${seconds} s, ${n}`);
    said.push(...burst('visitor'), ...burst('agent'));
    return Promise.all([visitor.bursts(burst('visitor')), agent.bursts(burst('agent'))]);
  }));
  const ended = Date.now() + seconds * 1000;
  await world.server.kill();
  await Promise.all(pairs.map(async ({ visitor, agent, said }, i) => {
    for (let n = 1; n <= 3; n++) {
      await visitor.writes(`visitor ${i}, away ${seconds} s, ${n}`);
      await agent.writes(`agent ${i}, away ${seconds} s, ${n}`);
      said.push(`visitor ${i}, away ${seconds} s, ${n}`, `agent ${i}, away ${seconds} s, ${n}`);
    }
    // Both say that they wait, and show what they will send.
    await visitor.until('the widget says that it is offline',
      "return !root.querySelector('.state').classList.contains('online') && root.querySelectorAll('.message.pending').length >= 3");
    await until(agent.page, 'the console shows three that wait',
      () => document.querySelectorAll('li.message[data-state=pending]').length >= 3);
  }));
  await sleep(ended - Date.now());
  await world.server.start();
  const back = Date.now();
  await Promise.all(pairs.map(async ({ browser, visitor, agent, chat, said }, i) => {
    for (const who of [visitor, agent]) {
      for (const text of said.slice(-16)) await who.sees(text);
      await who.settled();
    }
    console.log(`# ${browser.kind}: away ${seconds} s, both sides complete ${((Date.now() - back) / 1000).toFixed(1)} s after it came back`);
    const stored = await history(chat);
    assert.deepEqual([...stored].sort(), [...said].sort(), 'stored: each once');
    for (const side of ['visitor', 'agent']) {
      const own = (texts) => texts.filter((t) => t.startsWith(`${side} ${i}`));
      assert.deepEqual(own(stored), own(said), `the ${side}'s are in order`);
    }
    for (const who of [visitor, agent]) {
      await until(who.page, 'the page has the server\'s order', `(${JSON.stringify(stored)}).join('\\n') ===
        [...(${widgetRoot})?.querySelectorAll('.message .text') ?? document.querySelectorAll('li.message .bubble')]
          .map((e) => e.textContent).join('\\n')`);
    }
    // And the line is as good as before.
    await visitor.writes(`visitor ${i}, after ${seconds} s`);
    await agent.sees(`visitor ${i}, after ${seconds} s`);
    await agent.writes(`agent ${i}, after ${seconds} s`);
    await visitor.sees(`agent ${i}, after ${seconds} s`);
    said.push(`visitor ${i}, after ${seconds} s`, `agent ${i}, after ${seconds} s`);
    browser.check();
  }));
}

const widgetRoot = `document.querySelector('sakura-chat')?.shadowRoot`;

step('killed for 3 s: both sides come back by themselves, nothing is missing, nothing twice', () => outage(3));

step('what a visitor wrote while the server was away is sent by the next page', async () => {
  for (const { browser } of pairs) browser.expect(...AWAY);
  await world.server.kill();
  await Promise.all(pairs.map(async ({ visitor, said }, i) => {
    await visitor.writes(`visitor ${i}, before leaving`);
    await visitor.until('it waits', "return root.querySelector('.message.pending')");
    said.push(`visitor ${i}, before leaving`);
    await visitor.page.goto('about:blank');
  }));
  await world.server.start();
  await Promise.all(pairs.map(async ({ visitor, agent }, i) => {
    await visitor.page.goto(`${world.host.origin}/`);
    await agent.sees(`visitor ${i}, before leaving`);
    await visitor.open();
    await visitor.sees(`visitor ${i}, before leaving`);
    await visitor.settled();
    await until(agent.page, 'once', (text) => [...document.querySelectorAll('li.message .bubble')].filter((e) => e.textContent === text).length === 1,
      `visitor ${i}, before leaving`);
  }));
});

step('killed for 40 s: the same', () => outage(40));
