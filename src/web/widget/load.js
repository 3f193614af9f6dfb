import { backOff } from '../client/core.js';
import { client, src } from './site.js';

/** @typedef {typeof import('./panel.js')} Module */

let tries = 0;

/** Where the panel stands; the build knows it. A browser may keep that a name could not be loaded, so each try has one of its own.
 * And after a restart the server may have another version: its script says which.
 * @returns {Promise<Module>} */
async function once() {
  let panel = PANEL;
  if (tries++) {
    const script = await (await fetch(src, { credentials: 'omit', cache: 'no-cache' })).text();
    panel = `${script.match(/\/assets\/panel\.\w+\.js/) || panel}?${tries}`;
  }
  panel = new URL(panel, src).href; // A script from elsewhere has no address of its own to begin from.
  return import(panel);
}

let hurry = () => {};
/** @type {Promise<Module | undefined> | null} */
let running = null;

/** Ends early when something speaks for trying now. @param {number} failures */
async function pause(failures) {
  await new Promise((/** @type {(v?: any) => void} */ done) => {
    hurry = done;
    setTimeout(done, backOff(failures));
  });
}

/** @param {() => boolean} wanted */
async function run(wanted) {
  for (let failures = 0; wanted(); failures++) {
    try {
      return await once();
    } catch {
      await pause(failures);
    }
  }
}

addEventListener('online', () => hurry());
client.on('state', (state) => state === 'live' && hurry());

/** The panel's part of the widget, as soon as it can be had; undefined: not wanted any more. @param {() => boolean} wanted */
export function load(wanted) {
  hurry();
  running = running || run(wanted).finally(() => { running = null; });
  return running;
}
