// What the visitor's and the agents' side share: the requests, the connection, the outbox, the state.
import { createConnection } from './connection.js';
import { createEmitter } from './emitter.js';
import { createHttp } from './http.js';
import { createOutbox } from './outbox.js';

export const escape = encodeURIComponent;

/** Full jitter: anything from at once to 0.5 s, then 1 s, … 20 s. @param {number} failures */
export const backOff = (failures) => Math.random() * Math.min(20000, 500 * 2 ** failures);

/** What a token says, unproven. @param {string | null} token @returns {{ role?: string, sub?: string }} */
export function claims(token) {
  try {
    const part = /** @type {string} */ (token).split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
    return JSON.parse(decodeURIComponent(globalThis.escape(atob(part)))); // Its bytes are UTF-8.
  } catch {
    return {};
  }
}

/** A timer that is set to more than 2^31 ms goes off at once: longer than an hour nobody waits. */
const MOST_MS = 3600000;

/**
 * Values by name, under this server's name. Where the storage is full or forbidden nothing is kept, what is no JSON is not there,
 * and nothing else changes.
 * @param {import('./sakura.js').ClientOptions['storage']} storage @param {string} prefix
 */
function createStore(storage, prefix) {
  /** @param {(s: any) => any} use */
  function attempt(use) {
    try {
      return use(storage === undefined ? globalThis.localStorage : storage);
    } catch {
      return null;
    }
  }
  const store = {
    /** @param {string} name */
    get: (name) => attempt((s) => JSON.parse(s.getItem(prefix + name))),
    /** @param {string} name @param {any} value null: not any more */
    set(name, value) { attempt((s) => value ? s.setItem(prefix + name, JSON.stringify(value)) : s.removeItem(prefix + name)); },
    /** Of whom all names that begin so are. @param {string} name @param {string} who @returns {any[]} */
    all: (name, who) => (attempt((s) => Array.from(s, (_, i) => s.key(i))) || [])
      .filter((/** @type {string} */ key) => key.startsWith(prefix + name))
      .map((/** @type {string} */ key) => store.get(key.slice(prefix.length)))
      .filter((/** @type {any} */ value) => value?.who === who),
  };
  return store;
}

/**
 * @param {import('./sakura.js').ClientOptions} [options]
 * @returns {import('./internal.js').Core}
 */
export function createCore(options = {}) {
  const base = (options.url || globalThis.location.origin).replace(/\/+$/, '');
  /** @type {Set<() => void>} */
  const sleepers = new Set();

  /** @type {import('./internal.js').Core} */
  const core = Object.assign(/** @type {any} */ (createEmitter()), /** @satisfies {Partial<import('./internal.js').Core>} */ ({
    base, options,
    chats: new Map(),
    ill: new Set(),
    store: createStore(options.storage, `sakura ${base} `),
    state: 'connecting',
    denied: '',
    closed: false,
    settle(next) {
      const now = core.denied || (connection.holds() && !core.ill.size ? 'live' : next || core.state);
      if (now === core.state) return;
      core.state = now;
      core.emit('state', now);
      core.chats.forEach((chat) => {
        chat.emit('state', now);
        if (now === 'live') chat.sayRead();
      });
    },
    doubt() { if (core.state === 'live') core.settle('stale'); },
    refused() {
      core.denied = 'denied';
      core.settle();
    },
    pause: (failures, wait = 0) => new Promise((/** @type {(v?: any) => void} */ resolve) => {
      if (core.closed) return; // What has not been sent another page will send.
      if (!wait) sleepers.add(resolve);
      setTimeout(() => {
        sleepers.delete(resolve);
        resolve();
      }, Math.min(wait, MOST_MS) + backOff(failures));
    }),
    wake: () => sleepers.forEach((resolve) => resolve()),
    soon(look, { spread_ms: ms }) {
      if (ms) setTimeout(look, Math.random() * Math.min(ms, MOST_MS));
      else look();
    },
    setToken(token) {
      core.useToken(token);
      connection.restart();
      core.settle('connecting');
      core.wake();
    },
    close() {
      core.closed = true;
      connection.end();
      core.chats.forEach((chat) => chat.close());
    },
    request: async (method, path, body, headers) => (await core.call(method, path, body, headers)).data,
    async deliver(item) {
      const { role, text, key, chat: id } = item;
      const data = await core.request('POST', `/api/${role === 'user' ? 'users' : 'dashboard'}/chats/${escape(id)}/send`,
        { content: text, role, client_message_id: key });
      connection.expect();
      delete item.pending;
      item._id = data.message_id;
      item.timestamp = data.timestamp;
      const chat = core.chats.get(id);
      if (!chat || chat.sent(item)) core.outbox.drop(item);
      else core.store.set('out' + key, null);
      item.resolve?.(item);
    },
    hear(type, data) {
      core.chats.forEach((chat) => {
        if (data.chat_id === chat.id || data.chat_id === '*') chat.hear(type, data);
      });
      core.heard(type, data);
    },
    heard() {},
    since: () => '',
    look: async () => {},
  }));
  Object.assign(core, createHttp(core));
  const connection = core.connection = createConnection(core);
  core.outbox = createOutbox(core);
  return core;
}
