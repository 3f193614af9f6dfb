// What a visitor and an agent load, as the running server gives it: gzip -9 of each body, the number of requests, and that what comes
// compressed is no larger. Prints a table; fails where a bound is passed.
import { get } from 'node:http';
import { gunzipSync, gzipSync } from 'node:zlib';
import { startServer } from './support/server.mjs';

/** The answer as it came over the line. @returns {Promise<{ status: number, headers: object, body: Buffer }>} */
function fetched(url, encoding) {
  return new Promise((resolve, reject) => {
    get(url, { headers: { 'Accept-Encoding': encoding } }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
    }).on('error', reject);
  });
}

/** Bytes of a body under gzip -9; of what is served compressed, the larger of both. */
async function weigh(url) {
  const [plain, packed] = [await fetched(url, 'identity'), await fetched(url, 'gzip')];
  if (plain.status !== 200 || packed.status !== 200) throw new Error(`${url}: ${plain.status}, ${packed.status}`);
  if (packed.headers['content-encoding'] !== 'gzip') throw new Error(`${url}: not compressed for who accepts it`);
  if (!gunzipSync(packed.body).equals(plain.body)) throw new Error(`${url}: compressed it is another text`);
  return { gzip: Math.max(gzipSync(plain.body, { level: 9 }).length, packed.body.length), text: plain.body.toString() };
}

/** A page and all that it names: scripts, styles, images, and what a module imports. */
async function pageLoad(url) {
  const queue = [url];
  const loaded = new Map();
  while (queue.length) {
    const next = queue.shift();
    if (loaded.has(next)) continue;
    const { gzip, text } = await weigh(next);
    loaded.set(next, gzip);
    const names = next === url
      ? [...text.matchAll(/<(?:script|link|img)\b[^>]*?\s(?:src|href)="?([^"\s>]+)/g)].map((m) => m[1])
      : [...text.matchAll(/\b(?:from|import)\s*["'](\.?\/[^"']+)["']/g)].map((m) => m[1]);
    for (const name of names) if (!name.startsWith('data:')) queue.push(new URL(name, next).href);
  }
  return loaded;
}

const server = await startServer();
let failed = false;
const row = (what, bytes, bound, requests = 1, most = 1) => {
  const fits = bytes <= bound && requests <= most;
  if (!fits) failed = true;
  console.log(`${what.padEnd(22)} ${String(bytes).padStart(6)} B of ${String(bound).padStart(6)}   ` +
    `${requests} request${requests === 1 ? ' ' : 's'} of ${most}   ${fits ? 'fits' : 'TOO MUCH'}`);
};
try {
  const client = await weigh(`${server.url}/client.js`);
  const agents = await weigh(server.url + client.text.match(/\/assets\/agents\.\w+\.js/)[0]);
  row('/client.js', client.gzip, 6144);
  row("  its agents' side", agents.gzip, 2048);
  const widget = await weigh(`${server.url}/widget.js`);
  const panel = await weigh(server.url + widget.text.match(/\/assets\/panel\.\w+\.js/)[0]);
  row('/widget.js', widget.gzip, 9216);
  row('  its panel, when opened', panel.gzip, 6144);
  row('  both', widget.gzip + panel.gzip, 9216 + 6144, 2, 2);
  const parts = await pageLoad(`${server.url}/`);
  row('/ (console)', [...parts.values()].reduce((a, b) => a + b, 0), 40 * 1024, parts.size, 4);
  for (const [url, bytes] of parts) console.log(`  ${new URL(url).pathname.padEnd(34)} ${String(bytes).padStart(6)} B`);
} finally {
  await server.discard();
}
process.exit(failed ? 1 : 0);
