// One chat: what is stored, in the server's order, and behind it what waits in the outbox.
import { createEmitter } from './emitter.js';

const TYPING_MS = 3000;

/** @typedef {import('./sakura.js').Message} Message @typedef {import('./sakura.js').Agent} Agent */

/**
 * @param {import('./internal.js').Core} core
 * @param {string} id
 * @param {'user' | 'agent'} side whose eyes these are
 * @param {() => Promise<void>} look fetches what is new
 * @param {() => string} who whose outbox
 */
export function createChat({ outbox, connection, chats, emit: tell }, id, side, look, who) {
  const { on, emit } = createEmitter();
  /** @type {Message[]} */
  const stored = [];
  /** @type {Map<string, { role: string, agent?: Agent, text?: string, timer: any }>} */
  const typists = new Map();
  /** The newest message that this page has marked as read. @type {string | null} */
  let marked = null;
  let saidTyping = 0;

  /** @param {string | null | undefined} message_id */
  const place = (message_id) => stored.findIndex((message) => message._id === message_id);
  /** Stored as this one, or so it seems. @param {{ key: string }} item */
  const twin = (item) => stored.find((message) => message.key === item.key);
  /** Is it the agents who read this message? @param {{ role: string }} message */
  const forAgents = (message) => message.role === 'user';
  /** @param {{ role: string }} message */
  const theirs = (message) => forAgents(message) === (side === 'agent');

  /** Marks go forwards only. @param {'user' | 'agent'} reader @param {string | null} message_id */
  function mark(reader, message_id) {
    const at = place(message_id);
    if (!message_id || at < place(chat.read_up_to[reader])) return;
    chat.read_up_to = { ...chat.read_up_to, [reader]: message_id };
    stored.forEach((message, i) => {
      if (i <= at && forAgents(message) === (reader === 'agent')) message.read = true;
    });
  }

  /** @param {{ role: string, agent?: Agent }} by */
  function stopTyping({ role, agent }) {
    const key = role + agent?.id;
    clearTimeout(typists.get(key)?.timer);
    if (typists.delete(key)) emit('typing');
    return key;
  }

  const chat = {
    id,
    on,
    emit,
    look,
    off: () => {},
    complete: true,
    /** Are the first messages here? Later ones are new. */
    loaded: false,
    /** What it is to be made of. @type {Record<string, string> | undefined} */
    about: undefined,
    last_activity: '',
    /** @type {'open' | 'closed'} */
    status: 'open',
    /** @type {string | null} */
    assigned_to: null,
    /** @type {{ user: string | null, agent: string | null }} */
    read_up_to: { user: null, agent: null },

    /** @type {readonly Message[]} */
    get messages() { return [...stored, ...outbox.of(chat.id).filter((item) => !twin(item))]; },
    get unread() { return stored.filter((message) => theirs(message) && !message.read).length; },
    get typists() { return [...typists.values()]; },

    /** @param {string} message_id */
    knows: (message_id) => place(message_id) >= 0,

    /** @param {any[]} page in the server's order, contiguous with what is here @param {boolean} [older] */
    merge(page, older) {
      const fresh = page.filter((message) => {
        const { _id, text, read } = message;
        const old = stored[place(_id)];
        if (old) {
          old.read = old.read || read;
          return false;
        }
        // The answer of a send may be late or lost: what is seen here first is not shown twice.
        const own = !theirs(message) && outbox.of(chat.id).find((item) =>
          item._id ? item._id === _id : item.pending && item.text === text && !twin(item));
        if (own) {
          message.key = own.key;
          if (own._id) outbox.drop(own);
        }
        if (!older) stored.push(message);
        return true;
      });
      if (older) stored.unshift(...fresh);
      else if (chat.loaded) {
        for (const message of fresh) {
          stopTyping(message);
          emit('message', message);
          tell('message', message, chat);
        }
      }
      chat.loaded = true;
    },

    /** @param {any} row a chat as an answer gives it */
    apply({ status, assigned_to, last_activity, created_at, read_up_to }) {
      chat.status = status;
      chat.assigned_to = assigned_to;
      chat.last_activity = last_activity || created_at;
      mark('user', read_up_to.user);
      mark('agent', read_up_to.agent);
      emit('change');
    },

    /** It is stored. Is it here already? @param {import('./outbox.js').Item} item */
    sent(item) {
      const guess = twin(item);
      if (guess) delete guess.key;
      const here = stored[place(item._id)];
      if (here) here.key = item.key;
      return here;
    },

    /** @param {string} type @param {any} data */
    hear(type, data) {
      if (type === 'typing' && (side === 'agent' || data.role !== 'user')) {
        const key = stopTyping(data);
        if (data.typing) {
          typists.set(key, { ...data, timer: setTimeout(stopTyping, data.expires_ms, data) });
          emit('typing');
        }
      } else if (type === 'read') {
        mark(data.side, data.message_id);
        if (place(data.message_id) < 0) look(); // It is on its way here, and was perhaps fetched before it was read.
        emit(type);
        emit('change');
      }
    },

    /** @param {string} text @returns {Promise<Message>} */
    send(text) {
      chat.typing(false);
      const item = outbox.add(who(), side, chat.id, text, chat.about);
      return new Promise((resolve, reject) => {
        item.resolve = resolve;
        item.reject = reject;
        outbox.flush();
      });
    },
    retry: outbox.retry,
    discard: outbox.discard,

    /** @param {boolean} typing @param {string} [text] */
    typing(typing, text) {
      const now = performance.now();
      if (typing ? now - saidTyping < TYPING_MS && saidTyping : !saidTyping) return;
      saidTyping = typing ? now : 0;
      connection.say({ action: 'typing', chat_id: chat.id, typing, text, role: side });
    },
    /** @param {Message} [message] */
    read(message = stored[stored.length - 1]) {
      if (!message || place(message._id) <= place(chat.read_up_to[side])) return;
      marked = message._id;
      mark(side, marked);
      chat.sayRead();
      emit('change');
    },
    /** Again after each reconnect: nothing says whether the server has it. */
    sayRead() {
      if (marked) connection.say({ action: 'read', chat_id: chat.id, message_id: marked, side });
    },
    /** @type {(limit?: number) => Promise<boolean>} */
    older: async () => false,

    close() {
      typists.forEach(stopTyping);
      chat.off();
      chats.delete(chat.id);
      emit('close');
    },

    async *[Symbol.asyncIterator]() {
      /** @type {(Message | undefined)[]} */
      const queue = [];
      let wake = () => {};
      const offs = ['message', 'close'].map((event) => on(event, (message) => {
        queue.push(message);
        wake();
      }));
      try {
        for (;;) {
          while (queue.length) {
            const message = queue.shift();
            if (!message) return;
            yield message;
          }
          await new Promise((/** @type {(v?: any) => void} */ resolve) => { wake = resolve; });
        }
      } finally {
        offs.forEach((off) => off());
      }
    },
  };
  return chat;
}
