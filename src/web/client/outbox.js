/**
 * What waits to be sent. `chat` is the chat's id, or the key of the item that makes it.
 * @typedef {{ key: string, at: number, who: string, chat: string, text?: string, about?: Record<string, string>,
 *   failed?: string }} Kept
 * @typedef {Kept & { message: import('./sakura.js').Message, twin?: string, tried?: boolean, adopted?: boolean,
 *   resolve?: (message: import('./sakura.js').Message) => void, reject?: (error: unknown) => void }} Item
 */

/**
 * In order for each chat, by the same key until it is stored or refused for good. Each item has an entry of its own in the
 * storage, so that two tabs overwrite nothing of each other; that both send it the key makes harmless.
 * @param {import('./internal.js').Store} store
 * @param {import('./internal.js').Pace} pace
 * @param {(item: Item) => Promise<void>} deliver
 * @param {(item: Item) => void} changed
 */
export function createOutbox(store, pace, deliver, changed) {
  /** @type {Item[]} */
  let items = [];
  const busy = new Set();
  let last = 0;

  /** @param {Item} item */
  function keep({ key, at, who, chat, text, about, failed }) {
    store.set(`out.${key}`, JSON.stringify({ key, at, who, chat, text, about, failed }));
  }

  /** @param {Item} item */
  function drop(item) {
    items = items.filter((other) => other !== item);
    store.set(`out.${item.key}`, null);
  }

  /** @param {Item} item */
  const waits = (item) => items.some((other) => other.about && other.key === item.chat && other !== item);
  /** Those that make chats go one after the other: the first also makes the customer. @param {Item} item */
  const laneOf = (item) => item.about ? '' : item.chat;

  /** @param {string} lane */
  async function run(lane) {
    if (busy.has(lane)) return;
    busy.add(lane);
    for (let failures = 0; ;) {
      const item = items.find((one) => laneOf(one) === lane && !one.failed && !waits(one));
      if (!item) break;
      if (item.adopted && !store.get(`out.${item.key}`)) { // Another tab has sent it, or somebody there discarded it.
        drop(item);
        changed(item);
        continue;
      }
      try {
        item.tried = true;
        await deliver(item);
        failures = 0;
      } catch (error) {
        const e = /** @type {any} */ (error);
        if ([400, 403, 404, 413, 422].includes(e.status)) {
          fail(item, e);
        } else {
          await pace.pause(failures++, e.wait);
        }
      }
    }
    busy.delete(lane);
  }

  /** @param {Item} item @param {Error} error */
  function fail(item, error) {
    item.failed = item.message.failed = error.message;
    delete item.message.pending;
    keep(item);
    if (item.reject) item.reject(error);
    changed(item);
    if (item.about) items.filter((other) => other.chat === item.key && other !== item).forEach((other) => fail(other, error));
  }

  return {
    get items() { return items; },
    drop,
    keep,
    /** @param {Omit<Item, 'at' | 'message'>} given @param {string} role */
    add(given, role) {
      last = Math.max(last + 1, Date.now());
      const item = /** @type {Item} */ ({ at: last, ...given });
      last = Math.max(last, item.at);
      item.message = {
        _id: null, key: item.key, role, text: item.text || '', timestamp: new Date(item.at).toISOString(), read: false,
      };
      if (item.failed) item.message.failed = item.failed;
      else item.message.pending = true;
      items.push(item);
      if (!item.adopted) keep(item);
      return item;
    },
    /** Takes over what an earlier page, or another tab, has left. @param {string} who @param {string} role */
    load(who, role) {
      const found = store.keys('out.').map((name) => JSON.parse(store.get(name) || 'null'))
        .filter((item) => item && item.who === who && !items.some((other) => other.key === item.key))
        .sort((a, b) => a.at - b.at);
      return found.map((item) => this.add({ ...item, adopted: true }, role));
    },
    /** @param {string} chat */
    of: (chat) => items.filter((item) => item.chat === chat && !item.about),
    /** Sends what can be sent. */
    flush() {
      new Set(items.map(laneOf)).forEach(run);
    },
    /** @param {Item} item */
    retry(item) {
      delete item.failed;
      delete item.message.failed;
      item.message.pending = true;
      keep(item);
      changed(item);
      this.flush();
    },
  };
}

/** A name that nobody else gives. Pages without TLS have no randomUUID(). */
export const freshKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
