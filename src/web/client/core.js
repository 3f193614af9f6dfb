// What the visitor's and the agents' side share: the requests, the connection, the outbox, the state.
import { createConnection } from './connection.js';
import { createEmitter } from './emitter.js';
import { createHttp } from './http.js';
import { createOutbox } from './outbox.js';

/** Full jitter: anything from at once to 0.5 s, then 1 s, … 20 s. @param {number} failures */
const delay = (failures) => Math.random() * Math.min(20000, 500 * 2 ** failures);

export function createPace() {
  /** @type {Set<() => void>} */
  const sleepers = new Set();
  /** Who cannot do now what he must: while there is one, nothing is promised. */
  const ill = new Set();
  return {
    delay,
    /** Before the next attempt. Ends early where something speaks for trying now, but not before the server wants it. */
    pause: (/** @type {number} */ failures, /** @type {number} */ wait) => new Promise((/** @type {(v?: any) => void} */ resolve) => {
      const done = () => {
        clearTimeout(timer);
        sleepers.delete(done);
        resolve();
      };
      const timer = setTimeout(done, wait + delay(failures));
      if (!wait) sleepers.add(done);
    }),
    wake: () => sleepers.forEach((done) => done()),
    onill: () => {},
    onwell: () => {},
    ill(/** @type {unknown} */ who) {
      ill.add(who);
      this.onill();
    },
    well(/** @type {unknown} */ who) {
      if (ill.delete(who)) this.onwell();
    },
    get anyIll() { return ill.size > 0; },
  };
}

/**
 * Text by name, under this server's name. Where the storage is full or forbidden nothing is kept, and nothing else changes.
 * @param {import('./sakura.js').ClientOptions['storage']} storage @param {string} prefix
 */
export function createStore(storage, prefix) {
  /** @template T @param {(storage: any) => T} act @param {T} otherwise */
  function attempt(act, otherwise) {
    try {
      const s = storage === undefined ? globalThis.localStorage : storage;
      return s ? act(s) : otherwise;
    } catch {
      return otherwise;
    }
  }
  return {
    prefix,
    get: (/** @type {string} */ name) => attempt((s) => s.getItem(prefix + name), null),
    set: (/** @type {string} */ name, /** @type {string | null} */ value) => attempt((s) => {
      if (value === null) s.removeItem(prefix + name);
      else s.setItem(prefix + name, value);
      return true;
    }, false),
    keys: (/** @type {string} */ start) => attempt((s) => {
      const names = [];
      for (let i = 0; i < s.length; i++) {
        const name = s.key(i);
        if (name.startsWith(prefix + start)) names.push(name.slice(prefix.length));
      }
      return names;
    }, /** @type {string[]} */ ([])),
  };
}

/**
 * @param {import('./sakura.js').ClientOptions} [options]
 * @returns {import('./internal.js').Core}
 */
export function createCore(options = {}) {
  const base = (options.url || globalThis.location.origin).replace(/\/+$/, '');
  const { on, emit } = createEmitter();
  const pace = createPace();
  const http = createHttp(base, options, () => core.refused());
  /** @type {Map<string, import('./internal.js').LocalChat>} */
  const chats = new Map();
  /** @type {((type: string, data: any) => void)[]} */
  const readers = [];

  /** @type {import('./internal.js').Core} */
  const core = {
    base, options, http, pace, on, emit, chats,
    store: createStore(options.storage, `sakura ${base} `),
    state: 'connecting',
    keen: false,
    setState(state) {
      if (http.denied) state = 'denied';
      if (state === core.state) return;
      core.state = state;
      emit('state', state);
      chats.forEach((chat) => {
        chat.emit('state', state);
        if (state === 'live') chat.sayRead();
      });
    },
    refused() { core.setState('denied'); },
    onframe(reader) { readers.push(reader); },
    setToken(token) {
      http.setToken(token);
      core.setState('connecting');
      connection.restart();
      pace.wake();
    },
    deliver,
    connection: /** @type {any} */ (null),
    outbox: /** @type {any} */ (null),
    api: /** @type {any} */ (null),
  };

  const connection = core.connection = createConnection(core, (type, data) => {
    const chat = chats.get(data.chat_id);
    if (chat) chat.hear(type, data);
    readers.forEach((reader) => reader(type, data));
  });
  const outbox = core.outbox = createOutbox(core.store, pace, (item) => core.deliver(item), (item) => {
    const chat = chats.get(item.chat);
    if (chat) chat.emit('change');
  });
  pace.onill = () => { if (core.state === 'live') core.setState('stale'); };
  pace.onwell = connection.settle;

  /** @param {import('./outbox.js').Item} item */
  async function deliver(item) {
    const chat = chats.get(item.chat);
    const path = `/api/${item.message.role === 'user' ? 'users' : 'dashboard'}/chats/${encodeURIComponent(item.chat)}/send`;
    const { data } = await http.call('POST', path,
      { content: item.text, role: item.message.role, client_message_id: item.key });
    outbox.drop(item);
    connection.expect();
    const { message } = item;
    delete message.pending;
    message._id = data.message_id;
    message.timestamp = data.timestamp;
    if (chat) chat.sent(item);
    if (item.resolve) item.resolve(message);
  }

  core.api = {
    get state() { return core.state; },
    on,
    /** @type {import('./sakura.js').Sakura['request']} */
    request: async (method, path, body, headers) => (await http.call(method, path, body, headers)).data,
    setToken: core.setToken,
    close() {
      connection.stop();
      chats.forEach((chat) => chat.close());
    },
  };
  return core;
}
