/** What the browser tests have in common: one server, one browser, one foreign site for all tests of a file. */
import { after, before, test } from 'node:test';
import { PATIENCE_MS, launch } from './browser.mjs';
import { startServer } from './server.mjs';
import { site } from './site.mjs';

/** A page of somebody's site with the widget on it. attributes: of the script's tag. */
export const shop = (server, attributes = '', more = '') => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Linden &amp; Pine</title><link rel="icon" href="data:,">
${more}<script async src="${server.url}/widget.js" ${attributes}></script></head>
<body><main><h1>Linden &amp; Pine</h1><p>Furniture for a long time.</p></main></body></html>`;

/** What a browser itself writes on the console of a page whose server is away. */
export const AWAY = [/ERR_(CONNECTION|SOCKET|EMPTY_RESPONSE|NETWORK|CONTENT_LENGTH_MISMATCH)|WebSocket connection to/,
  /NS_ERROR_(CONNECTION_REFUSED|WEBSOCKET_CONNECTION_REFUSED|NET_)/,
  /establish a connection to the server|Cross-Origin Request Blocked.*did not succeed|interrupted while the page was loading/,
  /\b426\b/]; // A client whose WebSocket did not open asks that address why.

/**
 * A file's tests, in order, on one stage. When one fails the others are skipped: they go on where it should have ended, and each
 * would wait in vain.
 * @param {{ args?: string[], auth?: boolean, deadline?: number, kinds?: string[] }} options args: flags of the server;
 *   deadline: minutes until a file that hangs is ended; kinds: browsers, if not the one that SAKURAD_BROWSER names
 * @param {(stage: any) => Promise<void>} [prepare]
 */
export function stage({ args = [], auth = false, deadline = 8, kinds = [process.env.SAKURAD_BROWSER || 'chromium'] }, prepare = async () => {}) {
  const world = { server: null, host: null, browser: null, browsers: [], failed: false };
  const late = setTimeout(() => {
    console.error(`not done after ${deadline} minutes:\n${world.server?.log().slice(-3000)}`);
    process.exit(1);
  }, (deadline * 60_000 * PATIENCE_MS) / 60_000);

  before(async () => {
    world.host = await site({});
    world.server = await startServer({ args: ['--cors-origin', world.host.origin, ...args], auth });
    world.host.pages['/'] = { html: shop(world.server) };
    world.browsers = await Promise.all(kinds.map((kind) => launch(kind)));
    world.browser = world.browsers[0];
    await prepare(world);
  });
  after(async () => {
    clearTimeout(late);
    await Promise.all(world.browsers.map((browser) => browser.close()));
    await world.host?.close();
    const code = await world.server?.discard();
    if (code !== 0 && code !== undefined) throw new Error(`the server ended with ${code}`);
  });

  /** @param {string} name @param {() => Promise<void>} fn */
  const step = (name, fn) => test(name, async (t) => {
    if (world.failed) return t.skip('an earlier one failed');
    try {
      await fn();
      for (const browser of world.browsers) browser.check();
      for (const browser of world.browsers) browser.expected.length = 0;
    } catch (error) {
      world.failed = true;
      const found = world.browsers.flatMap((b) => b.problems.map((p) => `${p.page}: ${p.what}: ${p.text} ${p.url ?? ''}`));
      if (found.length) console.error(`# what the pages complained of:\n#   ${found.join('\n#   ')}`);
      throw error;
    }
  });
  return { world, step };
}
