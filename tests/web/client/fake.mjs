// A world without a network: a clock that moves when it is told to, and a server whose every answer can be held, lost or changed.
import { webcrypto } from 'node:crypto';
import { fileURLToPath } from 'node:url';

// SAKURA_CLIENT: as it is bundled for who loads it from the server, else as it is written.
const { SAKURA_CLIENT = fileURLToPath(new URL('../../../src/web/client/sakura.js', import.meta.url)) } = process.env;
const { createClient } = await import(SAKURA_CLIENT);
// The agents' side is loaded when it is first used, which no clock of ours waits for; it asks for the token first, and gets none: it
// would go on beside the tests, and end timers of theirs that have the same numbers.
await new Promise((loaded) => {
  const getToken = () => new Promise(() => loaded(undefined));
  createClient({ url: 'http://chat.test', storage: null, getToken }).inbox().start();
});

const realImmediate = setImmediate;
globalThis.crypto ??= webcrypto; // node 18
const setNow = (value) => Object.defineProperty(performance, 'now', { value, configurable: true, writable: true });

/** Lets everything run that waits for nothing but promises. */
export const settle = () => new Promise((resolve) => realImmediate(() => realImmediate(resolve)));

/** A seeded Math.random(), so that what fails once fails again. */
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Takes the place of timers, Date.now(), performance.now() and Math.random() until restore(). */
export class Clock {
  now = 1_000_000;
  skew = 0; // The wall clock's alone: people set it, nobody sets the other one.
  #timers = new Map();
  #next = 1;
  #kept = {
    setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout, dateNow: Date.now, random: Math.random,
    perfNow: performance.now,
  };

  constructor(seed = 1) {
    globalThis.setTimeout = (fn, ms = 0, ...args) => {
      const id = this.#next++;
      this.#timers.set(id, { at: this.now + (ms || 0), fn: () => fn(...args) });
      return id;
    };
    globalThis.clearTimeout = (id) => this.#timers.delete(id);
    Date.now = () => this.now + this.skew;
    setNow(() => this.now);
    Math.random = randomOf(seed);
  }

  restore() {
    globalThis.setTimeout = this.#kept.setTimeout;
    globalThis.clearTimeout = this.#kept.clearTimeout;
    Date.now = this.#kept.dateNow;
    Math.random = this.#kept.random;
    setNow(this.#kept.perfNow);
  }

  /** As so much time passes, in order, and with all that follows from it. */
  async advance(ms) {
    const end = this.now + ms;
    for (;;) {
      await settle();
      const [id, timer] = [...this.#timers].reduce((a, b) => (b[1].at < a[1].at ? b : a), [0, { at: Infinity }]);
      if (timer.at > end) break;
      this.#timers.delete(id);
      this.now = Math.max(this.now, timer.at);
      timer.fn();
    }
    this.now = end;
    await settle();
  }
}

/** localStorage of one origin, which several tabs may share. */
export class FakeStorage {
  map = new Map();
  full = false;
  get length() { return this.map.size; }
  key(i) { return [...this.map.keys()][i] ?? null; }
  getItem(name) { return this.map.get(name) ?? null; }
  removeItem(name) { this.map.delete(name); }
  setItem(name, value) {
    if (this.full) throw new Error('QuotaExceededError');
    this.map.set(name, String(value));
  }
}

class FakeSocket {
  subscriptions = new Map();
  closed = false;
  onopen = null;
  onmessage = null;
  onclose = null;
  said = [];

  constructor(server, url, protocols) {
    this.server = server;
    this.token = protocols[1] ?? null;
    server.sockets.push(this);
    setTimeout(() => {
      if (this.closed || server.deaf) return;
      if (server.down || server.blocked || !server.takes(this.token)) return this.drop(1006);
      this.open = true;
      this.onopen?.();
      this.hear({ type: 'connected' });
    }, server.latency);
  }

  /** From the server. */
  hear(frame) {
    if (this.server.deaf) return;
    setTimeout(() => { if (!this.closed && !this.server.deaf) this.onmessage?.({ data: JSON.stringify(frame) }); }, this.server.latency);
  }

  /** The connection ends, and the client is told. */
  drop(code) {
    if (this.closed) return;
    this.closed = true;
    this.onclose?.({ code });
  }

  send(text) {
    const frame = JSON.parse(text);
    this.said.push(frame);
    if (!this.server.deaf) setTimeout(() => { if (!this.closed) this.server.heard(this, frame); }, this.server.latency);
  }

  close() { this.closed = true; }
}

export class FakeServer {
  latency = 5;
  down = false; // Nothing can be reached.
  deaf = false; // Sockets stay open and carry nothing.
  blocked = false; // A proxy in between knows no WebSocket.
  auth = null; // The tokens that are taken; null: none is needed.
  epoch = 1;
  seq = 0;
  users = new Map();
  sockets = [];
  requests = [];
  storage = new FakeStorage();
  unknownChats = new Set(); // Not in memory after a restart: a widget's subscription is refused until it has asked.
  /** @type {(request: any, answer: () => any) => Promise<any>} Replaced by tests: hold, lose or change an answer. */
  between = async (request, answer) => answer();
  #ids = 0;

  takes(token) { return !this.auth || this.auth.has(token); }

  /** A client as a page of its own. */
  client(options = {}) {
    const server = this;
    return createClient({
      url: 'http://chat.test',
      storage: this.storage,
      fetch: (url, init) => this.#fetch(url, init),
      WebSocket: class extends FakeSocket {
        constructor(url, protocols) { super(server, url, protocols); }
      },
      ...options,
    });
  }

  chat(id) {
    for (const user of this.users.values()) if (user.chats.has(id)) return user.chats.get(id);
    return null;
  }

  create(key = `made ${++this.#ids}`, user_id = `user${++this.#ids}`) {
    for (const user of this.users.values()) {
      for (const chat of user.chats.values()) if (chat.key === key) return { user_id: user._id, chat_id: chat.chat_id };
    }
    if (!this.users.has(user_id)) this.users.set(user_id, { _id: user_id, name: user_id, email: '', chats: new Map() });
    const chat_id = `chat${++this.#ids}`;
    this.users.get(user_id).chats.set(chat_id, {
      chat_id, key, status: 'open', assigned_to: null, created_at: this.#time(), last_activity: this.#time(), changed: ++this.seq,
      read_up_to: { user: null, agent: null }, messages: [],
    });
    return { user_id, chat_id };
  }

  /** Somebody's message is stored, and told of. */
  post(chat_id, role, text, key) {
    const chat = this.chat(chat_id);
    if (!chat) return null;
    const old = key && chat.messages.find((m) => m.key === key);
    if (old) return old;
    const message = { _id: `m${++this.#ids}`, role, text, key, timestamp: this.#time(), seq: ++this.seq };
    chat.messages.push(message);
    chat.last_activity = message.timestamp;
    chat.changed = this.seq;
    this.tell('chat_updates', chat_id, { type: 'chat_updates', data: { chat_id, message_role: role } });
    return message;
  }

  change(chat_id, change) {
    Object.assign(this.chat(chat_id), change, { changed: ++this.seq });
    this.tell('chat_events', chat_id, { type: 'chat_changed', data: { chat_id } });
  }

  tell(topic, chat_id, frame) {
    for (const socket of this.sockets) {
      const has = socket.subscriptions.get(topic);
      if (!socket.closed && has && (has.has('') || has.has(chat_id))) socket.hear(frame);
    }
  }

  restart() {
    this.epoch++;
    for (const user of this.users.values()) for (const id of user.chats.keys()) this.unknownChats.add(id);
    this.sockets.forEach((socket) => socket.drop(1001));
  }

  get live() { return this.sockets.filter((socket) => socket.open && !socket.closed); }

  heard(socket, { action, subscription_type: topic, chat_id = '', since, message_id, side }) {
    if (action === 'ping') socket.hear({ type: 'pong', timestamp: '' });
    if (action === 'read') this.#read(chat_id, side, message_id);
    if (action === 'unsubscribe') socket.subscriptions.get(topic)?.delete(chat_id);
    if (action !== 'subscribe') return;
    if (this.unknownChats.has(chat_id)) {
      socket.hear({ type: 'error', message: `Not allowed to subscribe to ${topic}` });
      return;
    }
    const has = socket.subscriptions.get(topic) || new Set();
    socket.subscriptions.set(topic, has.add(chat_id));
    socket.hear({ type: 'subscribed', subscription_type: topic, chat_id: chat_id || undefined });
    if (topic === 'chat_updates' && since !== this.#cursor()) {
      socket.hear({ type: 'chat_updates', data: { chat_id: '*', message_role: 'system' } });
    }
  }

  #read(chat_id, side, message_id) {
    const chat = this.chat(chat_id);
    const place = (id) => chat.messages.findIndex((m) => m._id === id);
    if (!chat || place(message_id) <= place(chat.read_up_to[side])) return;
    chat.read_up_to = { ...chat.read_up_to, [side]: message_id };
    chat.changed = ++this.seq;
    this.tell('chat_events', chat_id, { type: 'read', data: { chat_id, side, message_id } });
  }

  #time() { return new Date(1.7e12 + ++this.#ids * 1000).toISOString(); }
  #cursor() { return `${this.epoch}.${this.seq}`; }

  #message(chat, m, widget) {
    const place = (id) => chat.messages.findIndex((one) => one._id === id);
    const at = place(m._id);
    const read = m.role === 'user' ? at <= place(chat.read_up_to.agent) : !widget || at <= place(chat.read_up_to.user);
    return { _id: m._id, role: m.role, text: m.text, content: m.text, timestamp: m.timestamp, read };
  }

  #rows(user, since, widget) {
    const [epoch, seq] = (since || '0.0').split('.').map(Number);
    const from = epoch === this.epoch ? seq : -1;
    return [...user.chats.values()].filter((chat) => chat.changed > from).map((chat) => ({
      chat_id: chat.chat_id, status: chat.status, assigned_to: chat.assigned_to, created_at: chat.created_at,
      last_activity: chat.last_activity, total_messages: chat.messages.length, read_up_to: chat.read_up_to,
      unread: chat.messages.filter((m) => !this.#message(chat, m, widget).read).length,
      messages: chat.messages.filter((m) => m.seq > from).map((m) => this.#message(chat, m, widget)),
    }));
  }

  async #fetch(url, { method, body, headers = {} }) {
    const { pathname, searchParams } = new URL(url);
    const token = headers.Authorization?.slice(7) ?? null;
    const request = { method, path: decodeURIComponent(pathname), query: searchParams, body: body && JSON.parse(body), headers, token };
    this.requests.push(request);
    await new Promise((resolve) => { setTimeout(resolve, this.latency); });
    const give = () => {
      if (this.down) throw new TypeError('fetch failed');
      return this.#answer(request);
    };
    const { status = 200, data = {}, page = null, etag = null, retryAfter = null } = await this.between(request, give);
    await new Promise((resolve) => { setTimeout(resolve, this.latency); });
    if (this.down) throw new TypeError('fetch failed');
    return {
      status, ok: status < 300, text: async () => (status === 304 ? '' : page || JSON.stringify(data)),
      headers: { get: (name) => ({ ETag: etag, 'Retry-After': retryAfter })[name] ?? null },
    };
  }

  #answer({ method, path, query, body, headers, token }) {
    const part = path.split('/');
    const made = method === 'POST' && path === '/api/users/chats/create';
    if (!(made && token === null) && !this.takes(token)) return { status: 401, data: { detail: 'The token has expired' } };
    if (path === '/ws/dashboard') return { status: 426, data: { detail: 'This path speaks WebSocket' } };
    if (made) return { data: { ...this.create(body.client_message_id, body.user_id), token: this.auth ? [...this.auth][0] : undefined } };
    if (part[5] === 'send' || part[4] === 'send') {
      const chat_id = part[part.length - 2];
      if (!this.chat(chat_id)) return { status: 404, data: { detail: `Chat not found: ${chat_id}` } };
      const { _id, timestamp } = this.post(chat_id, body.role, body.content, body.client_message_id);
      return { data: { message_id: _id, timestamp } };
    }
    if (part[2] === 'users' && part[4] === 'chats') {
      const user = this.users.get(part[3]);
      if (!user) return { status: 404, data: { detail: 'User not found' } };
      user.chats.forEach((chat, id) => this.unknownChats.delete(id));
      return { data: { user_id: user._id, chats: this.#rows(user, query.get('since'), true), cursor: this.#cursor() } };
    }
    if (path === '/api/debug/users-chats') {
      this.unknownChats.clear();
      const users = [...this.users.values()].map((user) => ({ ...user, chats: this.#rows(user, query.get('since'), false) }));
      return { data: { users: users.filter((user) => user.chats.length), cursor: this.#cursor() } };
    }
    const chat = this.chat(part[3]);
    if (!chat) return { status: 404, data: { detail: 'Chat not found' } };
    const etag = `"${chat.changed}"`;
    if (part[4] === 'messages') {
      if (headers['If-None-Match'] === etag) return { status: 304 };
      const before = query.get('before');
      const end = before ? chat.messages.findIndex((m) => m._id === before) : chat.messages.length;
      const start = Math.max(0, end - Number(query.get('limit')));
      const messages = chat.messages.slice(start, end).map((m) => this.#message(chat, m, false));
      return { etag, data: { messages, has_more: start > 0, next_before: start > 0 ? messages[0]._id : null } };
    }
    if (method === 'PATCH') {
      if (headers['If-Match'] !== etag) return { status: 412, data: { detail: 'The chat has changed' } };
      this.change(chat.chat_id, body);
    }
    const { status, assigned_to, read_up_to, created_at, last_activity } = chat;
    return { etag: `"${chat.changed}"`, data: { status, assigned_to, read_up_to, created_at, last_activity, messages: [] } };
  }
}

/** Texts as they are shown; who sees one twice, or in another order, fails here. */
export const texts = (chat) => chat.messages.map((message) => message.text);

/** fn gets a clock and a server; everything is as before at the end. */
export async function inWorld(fn, seed = 1) {
  const clock = new Clock(seed);
  const server = new FakeServer();
  const clients = [];
  const make = server.client.bind(server);
  server.client = (options) => {
    const client = make(options);
    clients.push(client);
    return client;
  };
  try {
    return await fn({ clock, server });
  } finally {
    clients.forEach((client) => client.close());
    clock.restore();
  }
}

/** A visitor with a chat, live. */
export async function visitor(world, options) {
  const sakura = world.server.client(options);
  const chat = await sakura.createChat();
  await world.clock.advance(200);
  return { sakura, chat, customer: sakura.customer(), id: chat.id };
}
