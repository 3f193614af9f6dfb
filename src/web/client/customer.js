// A visitor's side: who the visitor is, and the chats.
import { createChat } from './chat.js';
import { escape } from './core.js';
import { createLook } from './look.js';
import { freshKey } from './outbox.js';

/** The server takes so many subscriptions of one kind; a notice of any chat makes us look at all. */
const MAX_FOLLOWED = 64;

/** The customer that a token was signed for. @param {string | null} token @returns {string | undefined} */
function subject(token) {
  try {
    const part = /** @type {string} */ (token).split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
    const { role, sub } = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (c) => c.charCodeAt(0))));
    return role === 'widget' ? sub : undefined;
  } catch {
    return undefined;
  }
}

/** @param {import('./internal.js').Core} core */
export function createCustomer(core) {
  const { http, outbox, store, connection, chats, deliver, on, emit, api: { request } } = core;
  /** signed: the site's backend says who it is, and nothing of it is kept here. Without an id: nobody yet.
   * @typedef {{ id: string, token?: string, signed?: boolean }} Identity */
  /** @type {Identity} */
  let identity = recalled();
  let cursor = '';
  /** @type {Promise<void> | undefined} */
  let started;

  const who = () => identity.id;

  function recalled() {
    return JSON.parse(store('who') || '{"id":""}');
  }

  /** Another tab may have made the visitor known since. */
  function recall() {
    const kept = recalled();
    if (!started || identity.id || !kept.id) return;
    if (kept.token) core.setToken(kept.token);
    become(kept);
    look();
  }

  const look = createLook(core, async () => {
    const mine = identity;
    if (!mine.id) return;
    try {
      const data = await request('GET', `/api/users/${escape(mine.id)}/chats?since=${escape(cursor)}`);
      if (mine !== identity) return;
      const first = !cursor;
      cursor = data.cursor;
      for (const row of data.chats) {
        const chat = chats.get(row.chat_id) || add(row.chat_id, !first);
        chat.merge(row.messages);
        chat.apply(row);
      }
      // One that an earlier page remembered, and that is not there any more.
      chats.forEach((chat) => chat.loaded || outbox.of(chat.id).length || chat.close());
      remember(data.chats.length && customer.chats[0].id);
      emit('change');
    } catch (error) {
      const { status, message } = /** @type {any} */ (error);
      if (status !== 403 && message !== 'User not found') throw error;
      // Signed: not seen by the server before the first chat. Else gone with the server's data.
      if (mine === identity && !mine.signed) lose();
    }
  });

  /** Until they are loaded this is the chat: what is sent meanwhile goes there. @param {string | 0} id */
  function remember(id) {
    if (id && id !== store('last' + who())) store('last' + who(), id);
  }

  /** @param {string} id @param {boolean} loaded */
  function add(id, loaded) {
    const chat = createChat(core, id, 'user', look, who);
    chat.loaded = loaded;
    chats.set(id, chat);
    follow(chat);
    return chat;
  }

  /** @param {import('./internal.js').LocalChat} chat */
  function follow(chat) {
    if (chats.size <= MAX_FOLLOWED && !outbox.all().some((item) => item.about && item.key === chat.id)) {
      chat.off = connection.subscribe('chat_updates', chat.id, look, () => cursor);
    }
  }

  /** @param {Identity} next */
  function become(next) {
    if (identity.id !== next.id) {
      if (identity.id) [...chats.values()].forEach((chat) => chat.close());
      store('last' + who(), null);
      cursor = '';
    }
    identity = next;
    if (!next.signed) store('who', next.id ? JSON.stringify(next) : null);
    // What an earlier page has left, or another tab.
    for (const { chat, about } of outbox.load(who())) if (!chats.has(chat)) add(chat, !!about);
    const last = store('last' + who());
    if (last && !chats.has(last)) add(last, false);
    outbox.flush();
    emit('change');
  }

  /** The history is out of reach; what waits goes to a new chat. */
  function lose() {
    const waiting = outbox.all().filter((item) => item.pending && !item.about);
    become({ id: '' });
    core.setToken(null);
    if (!waiting[0]) return;
    const { id } = customer.create({});
    for (const item of waiting) {
      item.chat = id;
      item.who = '';
      outbox.keep(item);
    }
  }

  /** @param {import('./outbox.js').Item} item a chat to be made */
  async function make(item) {
    const { key } = item;
    if (!/** @type {any} */ (item.about).client_message_id) {
      item.about = { ...identity.id ? { user_id: identity.id } : { email: 'unknown@example.com' }, ...item.about, client_message_id: key };
      outbox.keep(item); // The same request each time: the key is good for no other.
    }
    const { user_id, chat_id, token } = await request('POST', '/api/users/chats/create', item.about).catch((/** @type {import('./http.js').SakuraError} */ error) => {
      // Nothing else has been tried yet.
      if (!identity.id && !error.status) core.setState('offline');
      throw error;
    });
    outbox.drop(item);
    const chat = chats.get(key) || add(key, true);
    chats.delete(key);
    chat.id = chat_id;
    chats.set(chat_id, chat);
    for (const waiting of outbox.of(key)) {
      waiting.chat = chat_id;
      waiting.who = user_id;
      outbox.keep(waiting);
    }
    if (token && !identity.signed && token !== await http.token()) core.setToken(token);
    if (!identity.signed) {
      if (!identity.id) identity.id = user_id; // The same visitor, by name now.
      become({ id: user_id, token });
    }
    remember(chat_id);
    connection.start();
    follow(chat);
    outbox.flush();
    look();
  }

  on('seen', recall);
  core.deliver = (item) => item.about ? make(item) : deliver(item);
  core.deniedState = () => identity.id ? 'denied' : 'live';
  core.denied = () => {
    if (identity.id && !identity.signed && !core.options.getToken) lose();
    else core.setState('denied');
  };
  core.onframe = (type, data) => {
    if (type === 'website_status') {
      customer.online = data.online;
      customer.agents = data.agents;
      emit('status');
    } else if (/^chat_/.test(type)) {
      core.soon(look, data);
    }
  };

  async function begin() {
    const token = await http.token().catch(() => null);
    const id = subject(token);
    if (!token && identity.token) http.setToken(identity.token);
    become(id ? { id, signed: true } : identity);
    connection.subscribe('website_status');
    const first = look();
    // Where only a first message waits, there may be no token to connect with before it has arrived.
    if (identity.id || !outbox.all()[0]) connection.start();
    await first;
  }

  const customer = {
    on,
    get id() { return identity.id || null; },
    get known() { return !!(identity.id || store('out')[0]); },
    get chats() { return [...chats.values()].sort((a, b) => a.last_activity < b.last_activity ? 1 : -1); },
    get unread() { return customer.chats.reduce((sum, chat) => sum + chat.unread, 0); },
    /** @type {boolean | null} */
    online: null,
    agents: 0,
    start: () => started = started || begin(),
    /** @param {{ token: string }} who */
    async identify({ token }) {
      const id = subject(token);
      if (!id) throw new TypeError('not a token of a visitor');
      if (!started) connection.subscribe('website_status');
      started = started || Promise.resolve();
      become({ id, signed: true });
      core.setToken(token);
      connection.start();
      await look();
    },
    reset() {
      outbox.all().forEach(outbox.drop);
      become({ id: '' });
      core.setToken(null);
    },
    /** @param {Record<string, string>} about */
    create(about) {
      customer.start();
      recall();
      const key = freshKey();
      outbox.add(who(), 'user', key, '', about);
      const chat = add(key, true);
      chat.last_activity = new Date().toISOString();
      outbox.flush();
      emit('change');
      return chat;
    },
  };
  return customer;
}
