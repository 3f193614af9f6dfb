// What the visitor's and the agents' side share: the requests, the connection, the outbox, the state.
import { createConnection } from './connection.js';
import { createEmitter } from './emitter.js';
import { createHttp } from './http.js';
import { createOutbox } from './outbox.js';

export const escape = encodeURIComponent;

/** Full jitter: anything from at once to 0.5 s, then 1 s, … 20 s. @param {number} failures */
export const backOff = (failures) => Math.random() * Math.min(20000, 500 * 2 ** failures);

/**
 * Text by name, under this server's name. store(name): the text, of "out" all texts whose names begin so; store(name, text):
 * keeps it, null: not any more. Where the storage is full or forbidden nothing is kept, and nothing else changes.
 * @param {import('./sakura.js').ClientOptions['storage']} storage @param {string} prefix
 */
const createStore = (storage, prefix) => (/** @type {string} */ name, /** @type {string | null} */ text = '') => {
  const all = name === 'out';
  name = prefix + name;
  try {
    const s = /** @type {any} */ (storage === undefined ? globalThis.localStorage : storage);
    if (all) {
      return Array.from({ length: s.length }, (_, i) => s.key(i)).filter((key) => key.startsWith(name)).map((key) => s.getItem(key));
    }
    return text ? s.setItem(name, text) : text === null ? s.removeItem(name) : s.getItem(name);
  } catch {
    return all ? [] : null;
  }
};

/**
 * @param {import('./sakura.js').ClientOptions} [options]
 * @returns {import('./internal.js').Core}
 */
export function createCore(options = {}) {
  const base = (options.url || globalThis.location.origin).replace(/\/+$/, '');
  const { on, emit } = createEmitter();
  /** @type {import('./internal.js').Core['chats']} */
  const chats = new Map();
  /** @type {Set<() => void>} */
  const sleepers = new Set();
  const ill = new Set();

  /** @type {import('./internal.js').Core} */
  const core = {
    base, options, on, emit, chats,
    http: createHttp(base, options, () => core.denied()),
    store: createStore(options.storage, `sakura ${base} `),
    state: 'connecting',
    setState(state) {
      if (http.denied) state = core.deniedState();
      if (state === core.state) return;
      core.state = state;
      emit('state', state);
      chats.forEach((chat) => {
        chat.emit('state', state);
        if (state === 'live') chat.sayRead();
      });
    },
    doubt() { if (core.state === 'live') core.setState('stale'); },
    denied: () => core.setState('denied'),
    deniedState: () => 'denied',
    delay: backOff,
    pause: (failures, wait) => new Promise((/** @type {(v?: any) => void} */ resolve) => {
      const timer = setTimeout(done, (wait || 0) + core.delay(failures));
      function done() {
        clearTimeout(timer);
        sleepers.delete(done);
        resolve();
      }
      if (!wait) sleepers.add(done);
    }),
    soon(look, { spread_ms: ms }) {
      if (ms) setTimeout(look, Math.random() * ms);
      else look();
    },
    wake: () => sleepers.forEach((done) => done()),
    ill(who, now) {
      if (now) {
        ill.add(who);
        core.doubt();
      } else if (ill.delete(who)) connection.settle();
    },
    isIll: () => ill.size > 0,
    setToken(token) {
      http.setToken(token);
      core.setState('connecting');
      connection.restart();
      core.wake();
    },
    async deliver(item) {
      const { role, text, key, chat: id } = item;
      const data = await core.api.request('POST', `/api/${role === 'user' ? 'users' : 'dashboard'}/chats/${escape(id)}/send`,
        { content: text, role, client_message_id: key });
      connection.expect();
      delete item.pending;
      item._id = data.message_id;
      item.timestamp = data.timestamp;
      const chat = chats.get(id);
      if (!chat || chat.sent(item)) outbox.drop(item);
      else core.store('out' + key, null);
      if (item.resolve) item.resolve(item);
      if (chat) chat.look();
    },
    onframe: () => {},
    connection: /** @type {any} */ (0),
    outbox: /** @type {any} */ (0),
    api: {
      get state() { return core.state; },
      on,
      /** @type {import('./sakura.js').Sakura['request']} */
      request: async (method, path, body, headers) => (await http.call(method, path, body, headers)).data,
      setToken: (/** @type {string | null} */ token) => core.setToken(token),
      close() {
        core.pause = () => new Promise(() => {}); // What has not been sent another page will send.
        connection.stop();
        chats.forEach((chat) => chat.close());
      },
    },
  };
  const { http } = core;
  const connection = core.connection = createConnection(core, (type, data) => {
    chats.forEach((chat) => {
      if (data.chat_id === chat.id || data.chat_id === '*') chat.hear(type, data);
    });
    core.onframe(type, data);
  });
  const outbox = core.outbox = createOutbox(core, ({ chat: id }) => {
    const chat = chats.get(id);
    if (chat) chat.emit('change');
  });
  return core;
}
