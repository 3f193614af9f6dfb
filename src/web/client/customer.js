// A visitor's side: who the visitor is, and the chats.
import { createChat } from './chat.js';
import { createEmitter } from './emitter.js';
import { createLook } from './look.js';
import { freshKey } from './outbox.js';

/** The server takes so many subscriptions of one kind; a notice of any chat makes us look at all. */
const MAX_FOLLOWED = 64;

/** The customer that a token was signed for. @param {string | null} token @returns {string | null} */
function subject(token) {
  try {
    const bytes = atob(/** @type {string} */ (token).split('.')[1].replace(/-/g, '+').replace(/_/g, '/'));
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0))));
    return claims.role === 'widget' ? claims.sub : null;
  } catch {
    return null;
  }
}

/** @param {import('./internal.js').Core} core */
export function createCustomer(core) {
  const { http, outbox, store, connection, chats } = core;
  const { on, emit } = createEmitter();
  /** signed: the site's backend says who it is; then nothing of it is kept here.
   * @typedef {{ id: string, token?: string, signed?: boolean }} Identity */
  /** @type {Identity | null} */
  let identity = JSON.parse(store.get('who') || 'null');
  let cursor = '';
  let loaded = false;
  /** @type {Promise<void> | null} */
  let started = null;

  const who = () => identity ? identity.id : '';

  const look = createLook(async () => {
    const mine = identity;
    if (!mine) return;
    let data;
    try {
      const since = cursor ? `?since=${encodeURIComponent(cursor)}` : '';
      ({ data } = await http.call('GET', `/api/users/${encodeURIComponent(mine.id)}/chats${since}`));
    } catch (error) {
      const { status, message } = /** @type {any} */ (error);
      if (mine !== identity) return;
      // Signed, but not seen by the server before the first chat; or gone with the server's data.
      if (status !== 403 && message !== 'User not found') throw error;
      if (!mine.signed) forget();
      return;
    }
    if (mine !== identity) return;
    cursor = data.cursor;
    for (const row of data.chats) {
      const chat = chats.get(row.chat_id) || add(row.chat_id);
      chat.merge(row.messages);
      chat.loaded = true;
      chat.apply(row);
    }
    loaded = true;
    emit('change');
  }, core.pace);

  /** @param {string} id */
  function add(id) {
    const chat = createChat(core, id, 'user', who());
    chat.complete = true;
    chat.loaded = loaded;
    chat.look = look;
    chats.set(id, chat);
    follow(chat);
    return chat;
  }

  /** @param {import('./internal.js').LocalChat} chat */
  function follow(chat) {
    if (chat.key || chats.size > MAX_FOLLOWED) return;
    chat.offs.push(connection.subscribe('chat_updates', chat.id, look, () => cursor),
      connection.subscribe('chat_events', chat.id, look));
  }

  function adopt() {
    for (const item of outbox.load(who(), 'user')) {
      if (!chats.has(item.chat)) add(item.chat).key = item.about ? item.key : '';
    }
    outbox.flush();
  }

  /** @param {Identity | null} next */
  function become(next) {
    if (next && identity && next.id === identity.id) {
      identity = next;
      return;
    }
    identity = next;
    cursor = '';
    loaded = false;
  }

  function forget() {
    [...chats.values()].forEach((chat) => chat.close());
    become(null);
    store.set('who', null);
    emit('change');
  }

  /** @param {import('./outbox.js').Item} item a chat to be made */
  async function make(item) {
    const body = item.about = item.about && item.about.client_message_id ? item.about : {
      ...(identity ? { user_id: identity.id } : { email: 'unknown@example.com' }), ...item.about, client_message_id: item.key,
    };
    outbox.keep(item); // The same request each time: the key is good for no other.
    const { data } = await http.call('POST', '/api/users/chats/create', body);
    const mine = identity;
    if (!mine || !mine.signed) {
      become({ id: data.user_id, token: data.token || (mine && mine.token) });
      store.set('who', JSON.stringify(identity));
    }
    const chat = chats.get(item.key) || add(data.chat_id);
    chats.delete(item.key);
    chat.id = data.chat_id;
    chat.key = '';
    chats.set(chat.id, chat);
    for (const waiting of outbox.of(item.key)) {
      waiting.chat = chat.id;
      waiting.who = who();
      outbox.keep(waiting);
    }
    outbox.drop(item);
    if (data.token && data.token !== await http.current() && !(mine && mine.signed)) core.setToken(data.token);
    follow(chat);
    emit('change');
    outbox.flush();
  }

  const { deliver } = core;
  core.deliver = (item) => item.about ? make(item) : deliver(item);

  // A visitor without a chat has no token, and with authentication no connection: nothing can be missed either.
  const { refused } = core;
  core.refused = () => {
    if (identity && identity.signed || core.options.getToken) return refused();
    forget();
    core.setToken(null);
  };

  core.onframe((type, data) => {
    if (type === 'website_status') {
      customer.online = data.online;
      customer.agents = data.agents;
      emit('status');
    } else if (type === 'chat_message_notification' || type === 'chat_changed') {
      setTimeout(() => look().catch(() => {}), data.spread_ms ? Math.random() * data.spread_ms : 0);
    }
  });
  core.on('message', (message, chat) => emit('message', message, chat));

  async function begin() {
    const token = await http.current().catch(() => null);
    const id = subject(token);
    if (id) identity = { id, signed: true };
    if (!token && identity && identity.token) http.setToken(identity.token);
    adopt();
    connection.subscribe('website_status');
    if (!identity) loaded = true;
    const first = look();
    connection.start();
    await first;
  }

  const customer = {
    on,
    get id() { return identity && identity.id; },
    get chats() {
      return [...chats.values()].sort((a, b) => (a.last_activity < b.last_activity ? 1 : -1));
    },
    get unread() { return this.chats.reduce((sum, chat) => sum + chat.unread, 0); },
    /** @type {boolean | null} */
    online: null,
    agents: 0,
    start() {
      started = started || begin();
      return started;
    },
    /** @param {{ token: string }} who */
    async identify({ token }) {
      await customer.start().catch(() => {});
      const id = subject(token);
      if (!id) throw new Error('not a token of a visitor');
      [...chats.values()].forEach((chat) => chat.close());
      become({ id, signed: true });
      core.setToken(token);
      adopt();
      await look();
    },
    reset() {
      outbox.items.filter((item) => item.who === who()).forEach(outbox.drop);
      forget();
      core.setToken(null);
    },
    /** @param {{ name?: string, email?: string }} [about] */
    async create(about = {}) {
      customer.start().catch(() => {});
      const key = freshKey();
      const item = outbox.add({ key, who: who(), chat: key, about: /** @type {Record<string, string>} */ (about) }, 'user');
      const chat = add(key);
      chat.key = key;
      chat.loaded = true;
      chat.last_activity = item.message.timestamp;
      outbox.flush();
      emit('change');
      return chat;
    },
  };
  return customer;
}
