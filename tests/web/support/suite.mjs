/** What the browser tests have in common: one server, one browser, one foreign site for all tests of a file. */
import { after, afterEach, before } from 'node:test';
import { PATIENCE_MS, launch } from './browser.mjs';
import { startServer } from './server.mjs';
import { site } from './site.mjs';

/** A page of somebody's site with the widget on it. attributes: of the script's tag. */
export const shop = (server, attributes = '', more = '') => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Linden &amp; Pine</title><link rel="icon" href="data:,">
${more}<script async src="${server.url}/widget.js" ${attributes}></script></head>
<body><main><h1>Linden &amp; Pine</h1><p>Furniture for a long time.</p></main></body></html>`;

/**
 * Registers the start and the end. Gives an object that is filled when the tests begin: server, browser, host (the foreign site, whose
 * pages '/' … may be set at any time).
 * @param {{ args?: string[], auth?: boolean, deadline?: number }} [options] deadline: minutes until a file that hangs is ended
 */
export function stage({ args = [], auth = false, deadline = 8 } = {}) {
  const world = {};
  const late = setTimeout(() => {
    console.error(`not done after ${deadline} minutes:\n${world.server?.log().slice(-3000)}`);
    process.exit(1);
  }, (deadline * 60_000 * PATIENCE_MS) / 60_000);
  before(async () => {
    world.host = await site({});
    [world.server, world.browser] = await Promise.all([
      startServer({ args: ['--cors-origin', world.host.origin, ...args], auth }), launch()]);
    world.host.pages['/'] = { html: shop(world.server) };
  });
  afterEach(() => world.browser?.check());
  after(async () => {
    clearTimeout(late);
    await world.browser?.close();
    await world.host?.close();
    const code = await world.server?.discard();
    if (code !== 0 && code !== undefined) throw new Error(`the server ended with ${code}`);
  });
  return world;
}
