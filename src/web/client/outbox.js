/**
 * What waits to be sent is the message as it is shown, and what is needed to send it.
 * @typedef {import('./sakura.js').Message & {
 *   key: string,
 *   who: string, // whose it is: another visitor on this machine does not send it
 *   chat: string, // its id, or the key of the item that makes it
 *   about?: Record<string, string>, // makes a chat; no message
 *   tried?: boolean, // may have been stored
 *   twin?: string | null, // the stored message that this one seems to be
 *   adopted?: boolean, // another page wrote it
 *   resolve?: (message: import('./sakura.js').Message) => void,
 *   reject?: (error: unknown) => void,
 * }} Item
 */

/** A name that nobody else gives. (randomUUID() is not there in pages without TLS.) */
export const freshKey = () => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));

/**
 * In order for each chat, by the same key until it is stored or refused for good. Each item has an entry of its own in the
 * storage, so that two tabs overwrite nothing of each other; that both send it the key makes harmless.
 * @param {import('./internal.js').Core} core
 * @param {(item: Item) => void} changed
 */
export function createOutbox(core, changed) {
  const { store } = core;
  /** @type {Item[]} */
  let items = [];
  /** @type {Set<string>} */
  const busy = new Set();
  let last = 0;

  /** Those that make chats go one after the other: the first also makes the customer. @param {Item} item */
  const laneOf = (item) => item.about ? '' : item.chat;

  /** @param {string} lane */
  async function run(lane) {
    if (busy.has(lane)) return;
    busy.add(lane);
    for (let failures = 0; ;) {
      const item = items.find((one) => laneOf(one) === lane && one.pending);
      if (!item || (lane && items.some((one) => one.about && one.key === lane))) break;
      // What is not there any more another tab has sent, or somebody there has discarded.
      if (item.adopted && lane && !store('out' + item.key)) {
        outbox.drop(item);
        continue;
      }
      try {
        item.tried = true;
        await core.deliver(item);
        failures = 0;
      } catch (error) {
        const e = /** @type {any} */ (error);
        if ([400, 403, 404, 413, 422].includes(e.status)) fail(item, e);
        else await core.pause(failures++, e.wait);
      }
    }
    busy.delete(lane);
  }

  /** With a chat that cannot be made fails what was to be sent there. @param {Item} item @param {Error} error */
  function fail(item, error) {
    item.failed = error.message;
    delete item.pending;
    outbox.keep(item);
    if (item.reject) item.reject(error);
    if (item.about) outbox.of(item.key).forEach((one) => fail(one, error));
  }

  const outbox = {
    /** @param {Item} item */
    keep(item) {
      store('out' + item.key, JSON.stringify(item));
      changed(item);
    },
    /** @param {Item} item */
    drop(item) {
      items = items.filter((one) => one !== item);
      store('out' + item.key, null);
      changed(item);
    },
    /** @param {string} who @param {string} role @param {string} chat @param {string} text @param {Record<string, string>} [about] */
    add(who, role, chat, text, about) {
      last = Math.max(last + 1, Date.now());
      /** @type {Item} */
      const item = {
        _id: null, key: about ? chat : freshKey(), role, text, timestamp: new Date(last).toISOString(), read: false,
        pending: true, who, chat, about,
      };
      items.push(item);
      outbox.keep(item);
      return item;
    },
    /** Takes over what an earlier page has left, or another tab. @param {string} who */
    load(who) {
      const found = store('out').map((/** @type {string} */ text) => JSON.parse(text))
        .filter((/** @type {Item} */ item) => item.who === who && !items.some((one) => one.key === item.key))
        .sort((/** @type {Item} */ a, /** @type {Item} */ b) => a.timestamp < b.timestamp ? -1 : 1);
      for (const item of found) {
        item.tried = item.adopted = true;
        item.twin = null;
        last = Math.max(last, Date.parse(item.timestamp)); // This machine's clock may have been set back since.
        items.push(item);
      }
      return /** @type {Item[]} */ (found);
    },
    all: () => items,
    /** Messages of one chat. @param {string} chat */
    of: (chat) => items.filter((item) => item.chat === chat && !item.about),
    /** Sends what can be sent. */
    flush() {
      items.forEach((item) => run(laneOf(item)));
    },
  };
  return outbox;
}
