// Ten thousand customers: the first list is there at once, scrolling reaches the last of them, a new message redraws one row.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, until } from '../support/browser.mjs';
import { Agent } from '../support/people.mjs';
import { crowd, post } from '../support/seed.mjs';
import { startServer } from '../support/server.mjs';

const COUNT = Number(process.env.SAKURAD_CUSTOMERS || 10_000);
const KINDS = (process.env.SAKURAD_BROWSER || 'chromium firefox').split(' ');
let server;
let people;

before(async () => {
  server = await startServer();
  people = await crowd(server.url, COUNT);
});

after(async () => assert.equal(await server?.discard(), 0));

for (const kind of KINDS) {
  test(`${kind}: ${COUNT} customers`, async (t) => {
    const browser = await launch(kind);
    try {
      const agent = new Agent(await (await browser.person('agent')).open(`${server.url}/`));
      const { page } = agent;
      await t.test('few rows are drawn, and the list is as high as all that are loaded', async () => {
        await until(page, 'the list is there', () => document.querySelectorAll('[data-customer]').length >= 5);
        const drawn = (await agent.rows()).length;
        assert.ok(drawn < 100, `${drawn} rows are drawn`);
      });

      await t.test('a new message redraws one row', async () => {
        // One that is in sight and not at the top.
        const { name, chat } = (await agent.rows())[4];
        await page.evaluate(() => {
          window.touched = new Set();
          const list = document.querySelector('[data-list]');
          new MutationObserver((all) => all.forEach((m) => {
            if (m.attributeName === 'tabindex') return; // which row Tab reaches: the first, whichever that is
            const row = (m.target instanceof Element ? m.target : m.target.parentElement).closest('[data-customer]');
            if (row) window.touched.add(row.getAttribute('data-customer'));
            for (const node of [...m.addedNodes, ...m.removedNodes]) if (node.dataset?.customer) window.touched.add(node.dataset.customer);
          })).observe(list, { subtree: true, childList: true, attributes: true, characterData: true });
        });
        await post(server.url, [{ path: `/api/users/chats/${chat}/send`, body: { content: 'something new', role: 'user' } }]);
        await until(page, 'the row is the first', (wanted) => {
          const row = document.querySelector('[data-customer]');
          return row.textContent.includes(wanted) && row.textContent.includes('something new');
        }, name);
        const touched = await page.evaluate(() => window.touched.size);
        assert.equal(touched, 1, `${touched} rows were touched`);
      });

      await t.test('scrolling reaches the last customer', async () => {
        const last = people[0].name;
        const began = Date.now();
        const loaded = await until(page, `${last} is in sight`, (count, wanted) => {
          const scroll = document.querySelector('[data-list]').closest('.scroll');
          scroll.scrollTop = scroll.scrollHeight;
          const rows = [...document.querySelectorAll('[data-customer]')];
          return rows.length < 100 && Math.round(scroll.scrollHeight / 68) >= count && rows.some((row) => row.textContent.includes(wanted)) && scroll.scrollHeight;
        }, COUNT, last);
        console.log(`# ${kind}: the last of ${COUNT} after ${((Date.now() - began) / 1000).toFixed(1)} s, the list is ${loaded} px high`);
        assert.equal(new Set((await agent.rows()).map((r) => r.name)).size, (await agent.rows()).length, 'a customer stands there twice');
      });

      await t.test('and search finds one of them', async () => {
        const someone = people[Math.floor(COUNT / 3)];
        await page.keyboard.press('/');
        await until(page, '/ goes to the search', () => document.activeElement instanceof HTMLInputElement);
        await page.keyboard.type(someone.email);
        await until(page, 'the one is found', (name) => {
          const rows = [...document.querySelectorAll('[data-customer]')];
          return rows.length === 1 && rows[0].textContent.includes(name);
        }, someone.name);
      });
      browser.check();
    } finally {
      await browser.close();
    }
  });
}
