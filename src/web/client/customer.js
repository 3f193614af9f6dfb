// A visitor's side: who the visitor is, and the chats.
import { createChat } from './chat.js';
import { claims, escape } from './core.js';
import { createLook } from './look.js';
import { freshKey } from './outbox.js';

/** The server takes so many subscriptions of one kind; a notice of any chat makes us look at all. */
const MAX_FOLLOWED = 64;

/** Whom a token was signed for, where it was for a visitor. @param {string | null} token */
function customerOf(token) {
  const { role, sub } = claims(token);
  return role === 'widget' && sub;
}

/** @param {import('./internal.js').Core} core */
export function createCustomer(core) {
  const { outbox, store, connection, chats, deliver, on, emit, request } = core;
  /** signed: the site's backend says who it is, and nothing of it is kept here. Without an id: nobody yet.
   * @typedef {{ id: string, token?: string, signed?: boolean }} Identity */
  /** @type {Identity} */
  let identity = recalled();
  let cursor = '';
  /** @type {Promise<void> | undefined} */
  let started;

  const who = () => identity.id;

  /** @returns {Identity} */
  function recalled() {
    const kept = store.get('who');
    return typeof kept?.id === 'string' ? kept : { id: '' };
  }

  /** Another tab may have made the visitor known since. */
  function recall() {
    const kept = recalled();
    if (!started || identity.id || !kept.id) return;
    if (kept.token) core.setToken(kept.token);
    become(kept);
    look();
  }

  const look = core.look = createLook(core, async () => {
    const mine = identity;
    if (!mine.id) return;
    try {
      const data = await request('GET', `/api/users/${escape(mine.id)}/chats?since=${escape(cursor)}`);
      if (mine !== identity) return;
      for (const row of data.chats) {
        const chat = chats.get(row.chat_id) || add(row.chat_id, !!cursor);
        chat.merge(row.messages);
        chat.apply(row);
      }
      cursor = data.cursor;
      // One that an earlier page remembered, and that is not there any more.
      chats.forEach((chat) => chat.loaded || outbox.of(chat.id)[0] || chat.close());
      remember(customer.chats[0]?.id);
      emit('change');
    } catch (error) {
      const { status, message } = /** @type {any} */ (error);
      if (status !== 403 && message !== 'User not found') throw error;
      // Signed: not seen by the server before the first chat. Else gone with the server's data.
      if (mine === identity && !mine.signed) lose();
    }
  });

  /** Until they are loaded this is the chat: what is sent meanwhile goes there. @param {string | null} [id] null: none */
  function remember(id) {
    if (id !== undefined && id !== store.get('last' + who())) store.set('last' + who(), id);
  }

  /** @param {string} id @param {boolean} loaded @param {Record<string, string>} [about] it is to be made of that */
  function add(id, loaded, about) {
    const chat = createChat(core, id, 'user', look, who);
    chat.loaded = loaded;
    chat.about = about;
    chats.set(id, chat);
    follow(chat);
    return chat;
  }

  /** @param {import('./internal.js').LocalChat} chat */
  function follow(chat) {
    if (chats.size <= MAX_FOLLOWED && !chat.about) chat.off = connection.subscribe('chat_updates', chat.id);
  }

  /** @param {Identity} next */
  function become(next) {
    if (identity.id !== next.id) {
      cursor = '';
      remember(null);
      if (identity.id) chats.forEach((chat) => chat.close());
    }
    identity = next;
    if (!next.signed) store.set('who', next.id ? next : null);
    outbox.load(who());
    for (const { chat, about } of outbox.all()) if (!chats.has(chat)) add(chat, !!about, about);
    const last = store.get('last' + who());
    if (last && !chats.has(last)) add(last, false);
    emit('change');
  }

  /** The history is out of reach; what waits goes to a new chat. */
  function lose() {
    const key = freshKey();
    for (const item of outbox.all()) {
      if (item.pending && item.key !== item.chat) outbox.keep(item, { chat: key, who: '', about: {} });
    }
    core.setToken(null);
    become({ id: '' });
  }

  /** @param {import('./outbox.js').Item} item of a chat that is to be made */
  async function make({ chat: key, about }) {
    const mine = identity;
    const waiting = () => outbox.all().filter((item) => item.chat === key);
    if (about && !about.client_message_id) {
      // The same request each time: the key is good for no other.
      about = { ...mine.id ? { user_id: mine.id } : { email: 'unknown@example.com' }, ...about, client_message_id: key };
      for (const item of waiting()) outbox.keep(item, { about });
    }
    const { user_id, chat_id, token } = await request('POST', '/api/users/chats/create', about);
    if (mine !== identity) return; // Somebody else by now: again.
    const chat = chats.get(key) || add(key, true, about);
    chats.delete(key);
    chats.set(chat_id, chat);
    chat.id = chat_id;
    chat.about = undefined;
    for (const item of waiting()) {
      if (item.key === key) outbox.drop(item);
      else outbox.keep(item, { chat: chat_id, who: user_id, about: undefined });
    }
    if (!mine.signed) {
      if (token && token !== mine.token) core.setToken(token);
      become({ id: user_id, token: token || mine.token });
    }
    remember(chat_id);
    connection.start();
    follow(chat);
    look();
  }

  on('seen', recall);
  core.since = () => cursor;
  core.deliver = async (item) => {
    const opens = item.key === item.chat;
    if (item.about) await make(item);
    if (!opens && !item.about) await deliver(item);
  };
  core.refused = () => {
    if (identity.id && !identity.signed && !core.options.getToken) return lose();
    // A visitor without a chat has no token, and misses nothing.
    core.denied = identity.id ? 'denied' : 'live';
    core.settle();
  };
  core.heard = (type, data) => {
    if (type === 'website_status') {
      customer.online = data.online;
      customer.agents = data.agents;
      emit('status');
    } else if (/^chat_/.test(type)) {
      core.soon(look, data);
    }
  };

  /** Again until getToken() has said who it is. */
  const begin = createLook(core, async () => {
    const token = await core.token();
    if (!token && identity.token) core.useToken(identity.token);
    const id = customerOf(token);
    become(id ? { id, signed: true } : identity);
    connection.subscribe('website_status');
    // Where only a first message waits, there may be no token to connect with before it has arrived.
    if (identity.id || !outbox.all()[0]) connection.start();
    await look();
  });

  const customer = {
    on,
    get id() { return identity.id || null; },
    get known() { return !!(identity.id || store.all('out', '')[0]); },
    get chats() { return [...chats.values()].sort((a, b) => a.last_activity < b.last_activity ? 1 : -1); },
    get unread() { return customer.chats.reduce((sum, chat) => sum + chat.unread, 0); },
    /** @type {boolean | null} */
    online: null,
    agents: 0,
    start: () => started = started || begin(),
    /** @param {{ token: string }} who */
    async identify({ token }) {
      const id = customerOf(token);
      if (!id) throw new TypeError('not a token of a visitor');
      core.setToken(token);
      become({ id, signed: true });
      await (started ? look() : customer.start());
    },
    reset() {
      outbox.all().forEach(outbox.drop);
      core.setToken(null);
      become({ id: '' });
    },
    /** @param {Record<string, string>} about */
    create(about) {
      customer.start();
      recall();
      const key = freshKey();
      outbox.add(who(), 'user', key, '', about, key);
      const chat = add(key, true, about);
      chat.last_activity = new Date().toISOString();
      outbox.flush();
      emit('change');
      return chat;
    },
  };
  return customer;
}
