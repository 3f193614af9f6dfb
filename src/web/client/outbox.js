/**
 * What waits to be sent is the message as it is shown, and what is needed to send it. Whose key is the chat's is no message:
 * it makes the chat.
 * @typedef {import('./sakura.js').Message & {
 *   key: string,
 *   who: string, // whose it is: another visitor on this machine does not send it
 *   chat: string, // its id; before it is made, the key to make it by
 *   about?: Record<string, string>, // what the chat is made of
 *   resolve?: (message: import('./sakura.js').Message) => void,
 *   reject?: (error: unknown) => void,
 * }} Item
 */

/** A name that nobody else gives. (randomUUID() is not there in pages without TLS.) */
export const freshKey = () => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));

/** No other answer comes to the same request. */
const FOR_GOOD = [400, 403, 404, 413, 422];

/**
 * One after the other, in the order of writing, by the same key until it is stored or refused for good. Each item has an
 * entry of its own in the storage, so that two tabs overwrite nothing of each other; that both send it the key makes harmless.
 * @param {import('./internal.js').Core} core
 */
export function createOutbox(core) {
  const { store, chats } = core;
  /** @type {Item[]} */
  let items = [];
  let sending = false;
  let last = 0;

  /** @param {Item} item @param {Item | null} kept */
  function changed(item, kept) {
    store.set('out' + item.key, kept);
    chats.get(item.chat)?.emit('change');
  }

  /** @param {Item} item */
  const makes = ({ key, chat }) => key === chat;

  /** @param {import('./sakura.js').Message} message */
  const failed = (message) => items.find((item) => item === message && item.failed);

  const outbox = {
    /** @param {Item} item @param {Partial<Item>} [change] */
    keep: (item, change) => changed(Object.assign(item, change), item),
    /** @param {Item} item */
    drop(item) {
      items = items.filter((one) => one !== item);
      changed(item, null);
    },
    /** @param {string} who @param {string} role @param {string} chat @param {string} text @param {Item['about']} about @param {string} [key] */
    add(who, role, chat, text, about, key = freshKey()) {
      last = Math.max(last + 1, Date.now());
      /** @type {Item} */
      const item = {
        _id: null, key, role, text, timestamp: new Date(last).toISOString(), read: false, pending: true, who, chat, about,
      };
      items.push(item);
      outbox.keep(item);
      return item;
    },
    /** Whose turn it is now: takes over what an earlier page has left, or another tab. @param {string} who */
    load(who) {
      items = items.filter((item) => !item.who || item.who === who);
      /** @type {Item[]} */
      const found = store.all('out', who);
      for (const item of found.sort((a, b) => a.timestamp < b.timestamp ? -1 : 1)) {
        last = Math.max(last, Date.parse(item.timestamp) || 0); // This machine's clock may have been set back since.
        if (!items.some((one) => one.key === item.key)) items.push(item);
      }
      outbox.flush();
    },
    all: () => items,
    /** Messages of one chat. @param {string} chat */
    of: (chat) => items.filter((item) => item.chat === chat && !makes(item)),
    /** Sends what can be sent. */
    async flush() {
      if (sending) return;
      sending = true;
      let failures = 0;
      for (let item; item = items.find((one) => one.pending);) {
        try {
          await core.deliver(item);
          failures = 0;
        } catch (error) {
          const { status, message, wait } = /** @type {import('./http.js').SakuraError} */ (error);
          if (!FOR_GOOD.includes(status)) {
            if (!status) core.settle('offline');
            await core.pause(failures++, wait);
            continue;
          }
          delete item.pending;
          if (makes(item)) outbox.drop(item); // Each message for the chat says it.
          else outbox.keep(item, { failed: message });
          item.reject?.(error);
        }
      }
      sending = false;
    },
    /** @param {import('./sakura.js').Message} message */
    retry(message) {
      const item = failed(message);
      if (!item) return;
      delete item.failed;
      outbox.keep(item, { pending: true });
      outbox.flush();
    },
    /** @param {import('./sakura.js').Message} message */
    discard(message) {
      const item = failed(message);
      if (item) outbox.drop(item);
    },
  };
  return outbox;
}
