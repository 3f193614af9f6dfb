// What tools/screenshots takes: every page, light and dark, desktop and phone, of the same invented world.
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch, until } from './support/browser.mjs';
import { Agent, Visitor } from './support/people.mjs';
import { crowd, post } from './support/seed.mjs';
import { startServer } from './support/server.mjs';
import { site } from './support/site.mjs';
import { AGENTS, TALK, movedClock, populate, setPageClock } from './support/world.mjs';

const OUT = process.argv[2];
const README = fileURLToPath(new URL('../../docs/images/', import.meta.url));
if (!OUT) throw new Error('usage: node screenshots.mjs FOLDER');

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 780 };

/** A furniture shop, so that the widget stands where it will stand. Its style is the site's own affair. */
const shopPage = (server, attributes) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Linden &amp; Pine</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><style>
:root{color-scheme:light dark;--bg:#faf8f5;--fg:#2b2723;--dim:#7c736a;--card:#fff;--wood:#c79f74;--cloth:#8fa394;--line:#e8e1d8}
@media(prefers-color-scheme:dark){:root{--bg:#1d1a17;--fg:#ece6df;--dim:#a0968b;--card:#27231f;--wood:#8a6a48;--cloth:#5d7063;--line:#3a342e}}
*{box-sizing:border-box;margin:0}body{font:16px/1.6 Georgia,serif;background:var(--bg);color:var(--fg)}
header{display:flex;gap:32px;align-items:baseline;padding:24px 6vw;border-bottom:1px solid var(--line)}header b{font-size:22px;letter-spacing:.02em}
nav{display:flex;gap:24px;color:var(--dim);font-size:15px}main{padding:48px 6vw;display:grid;gap:40px;max-width:1000px}
h1{font-weight:400;font-size:clamp(30px,4vw,46px);line-height:1.15;max-width:14em}p{color:var(--dim);max-width:32em}
.goods{display:grid;grid-template-columns:repeat(auto-fill,minmax(200px,1fr));gap:24px}
.goods div{background:var(--card);border:1px solid var(--line);border-radius:10px;overflow:hidden;padding-bottom:14px}
.goods span{display:block;padding:0 16px;font-size:15px}.goods span+span{color:var(--dim)}svg{display:block;width:100%;height:130px;margin-bottom:12px}
@media(max-width:600px){nav{display:none}main{padding:28px 6vw}}</style>
<script async src="${server.url}/widget.js" ${attributes}></script></head>
<body><header><b>Linden &amp; Pine</b><nav><span>Sofas</span><span>Tables</span><span>Shelves</span><span>Lamps</span></nav></header>
<main><h1>Furniture that is still there in thirty years.</h1><p>Made of oak, walnut and linen in a workshop by the river, and carried up your stairs.</p>
<div class="goods">
<div><svg viewBox="0 0 200 130" preserveAspectRatio="xMidYMid slice"><rect width="200" height="130" fill="var(--line)"/><rect x="35" y="62" width="130" height="34" rx="10" fill="var(--cloth)"/><rect x="45" y="42" width="110" height="34" rx="10" fill="var(--cloth)"/><rect x="48" y="96" width="6" height="12" fill="var(--wood)"/><rect x="146" y="96" width="6" height="12" fill="var(--wood)"/></svg><span>Sofa Fjord</span><span>from 1,290</span></div>
<div><svg viewBox="0 0 200 130" preserveAspectRatio="xMidYMid slice"><rect width="200" height="130" fill="var(--line)"/><rect x="40" y="58" width="120" height="9" rx="3" fill="var(--wood)"/><rect x="50" y="67" width="6" height="42" fill="var(--wood)"/><rect x="144" y="67" width="6" height="42" fill="var(--wood)"/></svg><span>Table Linden</span><span>from 680</span></div>
<div><svg viewBox="0 0 200 130" preserveAspectRatio="xMidYMid slice"><rect width="200" height="130" fill="var(--line)"/><path d="M80 30h40l12 34H68z" fill="var(--cloth)"/><rect x="97" y="64" width="6" height="40" fill="var(--wood)"/><rect x="82" y="104" width="36" height="6" rx="3" fill="var(--wood)"/></svg><span>Lamp Birk</span><span>from 120</span></div>
</div></main></body></html>`;

const attributes = (token) => `data-title="Linden &amp; Pine" data-color="#3f6b4f" ${token ? `data-token="${token}"` : ''}`;

const folder = mkdtempSync(join(tmpdir(), 'sakurad-pictures-'));
const clock = movedClock(folder);
clock.at('2 08:00');
const host = await site({});
const server = await startServer({ auth: true, args: ['--cors-origin', host.origin], environment: clock.environment });
const pid = server.pid;
const empty = await startServer({});
let count = 0;

// A third one is at work all the time, for the operators' page: a stream of messages that rises and falls.
const busy = await startServer({});
const people = await crowd(busy.url, 50);
let sent = 0;
const work = setInterval(() => {
  const wave = 3 + 2 * Math.sin(sent / 60);
  const posts = people.slice(0, Math.ceil(wave)).map(({ chat_id }) => ({ path: `/api/users/chats/${chat_id}/send`, body: { content: `message ${sent++}` } }));
  post(busy.url, posts, 1).catch(() => {});
}, 50);

async function picture(page, name, options = {}) {
  const path = join(options.folder ?? OUT, `${name}.png`);
  // Carets blink, and a pointer that stands somewhere marks what it stands on.
  await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.screenshot({ path });
  count++;
  console.log(`${String(Math.round(statSync(path).size / 1024)).padStart(5)} KB  ${path}`);
}

const browser = await launch('chromium');
browser.expect(/./); // the offline pictures are of a server that was killed
try {
  const { user_id } = await populate(server, clock);
  const visitorToken = server.token({ role: 'widget', sub: user_id });
  host.pages['/'] = { html: shopPage(server, attributes(visitorToken)) };
  host.pages['/new'] = { html: shopPage(server, attributes('')) };
  const before = { before: setPageClock, beforeArgs: [clock.shift] };
  const last = TALK[TALK.length - 1][2];
  const person = (name) => browser.person(name);
  const signedIn = async (look) => new Agent(await (await person('mira'))
    .open(`${server.url}/#token=${server.token(AGENTS.mira)}`, { ...look, ...before }));

  // The README's first: a site and its agents' console, and the same conversation in both.
  const demo = new Visitor(await (await person('demo')).open(`${server.url}/demo#token=${server.token(AGENTS.mira)}`,
    { width: 1360, height: 620, ...before }));
  await demo.until('the widget is there', "return root.querySelector('.launcher')");
  await demo.page.evaluate((token) => globalThis.Sakura.identify({ token }), visitorToken);
  await demo.open();
  await demo.sees(last);
  await until(demo.page, 'the console in the frame shows the same', (text) => {
    const inside = document.querySelector('iframe').contentDocument;
    const row = [...inside.querySelectorAll('[data-customer]')].find((r) => r.textContent.includes('Sofia'));
    if (row && !inside.querySelector('li.message')) row.querySelector('a').click();
    return inside.querySelector('.head [data-here]') && [...inside.querySelectorAll('.bubble')].some((b) => b.textContent === text);
  }, last);
  await demo.seesOnline();
  await picture(demo.page, 'demo-talk');
  if (process.env.SAKURAD_README === 'yes') {
    mkdirSync(README, { recursive: true });
    await picture(demo.page, 'demo', { folder: README });
  }
  await demo.page.close();

  await (await person('listener')).open(`${busy.url}/`); // somebody is told of them
  const stats = await (await person('operator')).open(`${busy.url}/stats`, DESKTOP);
  for (const theme of ['light', 'dark']) {
    // The visitor first: then the agent sees her there.
    const guest = new Visitor(await (await person('sofia')).open(`${host.origin}/`, { ...DESKTOP, theme, ...before }));
    await guest.open();
    await guest.sees(last);
    const agent = await signedIn({ ...DESKTOP, theme });
    await agent.opens('Sofia Marino');
    await agent.sees(last);
    await agent.seesHere();
    await guest.seesOnline();
    await picture(agent.page, `console-${theme}`);
    await picture(guest.page, `widget-${theme}`);
    if (process.env.SAKURAD_README === 'yes' && theme === 'light') {
      await agent.page.setViewport({ width: 1280, height: 740 });
      await picture(agent.page, 'console', { folder: README });
      await guest.page.setViewport({ width: 1000, height: 700 });
      await picture(guest.page, 'widget', { folder: README });
    }
    const mobile = await signedIn({ ...PHONE, theme });
    await mobile.seesRow('Sofia Marino');
    await picture(mobile.page, `console-list-phone-${theme}`);
    await mobile.opens('Sofia Marino');
    await mobile.sees(last);
    await picture(mobile.page, `console-chat-phone-${theme}`);
    await mobile.page.close();
    await guest.page.close();
    const pocket = new Visitor(await (await person('sofia')).open(`${host.origin}/`, { ...PHONE, theme, ...before }));
    await pocket.until('the launcher is there', "return root.querySelector('.launcher')");
    await picture(pocket.page, `widget-closed-phone-${theme}`);
    await pocket.open();
    await pocket.sees(last);
    await picture(pocket.page, `widget-phone-${theme}`);
    const fresh = new Visitor(await (await person('new')).open(`${host.origin}/new`, { ...DESKTOP, theme, ...before }));
    await fresh.open();
    await fresh.page.evaluate(() => new Promise((done) => setTimeout(done, 500)));
    await picture(fresh.page, `widget-new-${theme}`);
    for (const { page } of [agent, pocket, fresh]) await page.close();

    for (const [name, look] of [['', DESKTOP], ['-phone', PHONE]]) {
      const signIn = await (await person('nobody')).open(`${server.url}/`, { ...look, theme });
      await until(signIn, 'the page asks for a token', () => document.querySelector('[data-signin]'));
      await picture(signIn, `sign-in${name}-${theme}`);
      const nothing = await (await person('first')).open(`${empty.url}/`, { ...look, theme });
      await nothing.evaluate(() => new Promise((done) => setTimeout(done, 500)));
      await picture(nothing, `empty${name}-${theme}`);
      const demo = await (await person('newcomer')).open(`${empty.url}/demo`, { ...look, theme });
      await demo.evaluate(() => new Promise((done) => setTimeout(done, 700)));
      await picture(demo, `demo${name}-${theme}`);
      for (const page of [signIn, nothing, demo]) await page.close();
    }
  }

  // By now the operators' page has something to show.
  for (const theme of ['light', 'dark']) {
    for (const [name, look] of [['', DESKTOP], ['-phone', PHONE]]) {
      await stats.setViewport(look);
      await stats.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
      await stats.evaluate(() => new Promise((done) => setTimeout(done, 1500)));
      await picture(stats, `stats${name}-${theme}`);
    }
  }

  // What it looks like when the server is away.
  const guest = new Visitor(await (await person('sofia')).open(`${host.origin}/`, { ...DESKTOP, ...before }));
  await guest.open();
  await guest.sees(last);
  const agent = await signedIn(DESKTOP);
  await agent.opens('Sofia Marino');
  await agent.sees(last);
  await server.kill();
  await guest.writes('Are you still there?');
  await agent.writes('They just called, two minutes.');
  await guest.until('the widget says that it is offline', "return !root.querySelector('.state').classList.contains('online')");
  await until(agent.page, 'it waits', () => document.querySelector('li.message[data-state=pending]'));
  await guest.page.evaluate(() => new Promise((done) => setTimeout(done, 1500)));
  await picture(guest.page, 'widget-offline');
  await picture(agent.page, 'console-offline');
  console.log(`${count} pictures`);
} finally {
  clearInterval(work);
  await browser.close();
  await host.close();
  await Promise.all([server.kill(), empty.discard(), busy.discard()]);
  clock.forget(pid);
  rmSync(server.directory, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
}
