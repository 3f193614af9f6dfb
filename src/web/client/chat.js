// One chat: what is stored, in the server's order, and behind it what waits in the outbox.
import { createEmitter } from './emitter.js';

const TYPING_MS = 3000;

/**
 * @param {import('./internal.js').Core} core
 * @param {string} id
 * @param {'user' | 'agent'} side whose eyes these are
 * @param {() => Promise<void>} look fetches what is new
 * @param {() => string} who whose outbox
 */
export function createChat({ outbox, connection, chats, emit: tell }, id, side, look, who) {
  const { on, emit } = createEmitter();
  /** @typedef {import('./sakura.js').Message} Message @typedef {import('./outbox.js').Item} Item */
  /** @type {Message[]} */
  let stored = [];
  /** @type {Map<string, { role: string, agent?: import('./sakura.js').Agent, text?: string, timer: any }>} */
  const typists = new Map();
  /** The newest message that the server is to mark as read. @type {string | null} */
  let wanted = null;
  let saidTyping = 0;

  /** @param {string | null | undefined} message_id */
  const place = (message_id) => stored.findIndex((message) => message._id === message_id);
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

  /** As the server has it. @param {'user' | 'agent'} reader @param {string | null} message_id */
  function marked(reader, message_id) {
    if (reader === side && place(message_id) >= place(wanted)) wanted = null;
    mark(reader, message_id);
  }

  /** @param {{ role: string, agent?: import('./sakura.js').Agent }} by */
  function stopTyping({ role, agent }) {
    const key = role + (agent ? agent.id : '');
    const typist = typists.get(key);
    if (typist) clearTimeout(typist.timer);
    if (typists.delete(key)) emit('typing');
    return key;
  }

  /** @param {Message} message @param {(item: Item) => void} act */
  function ifFailed(message, act) {
    const item = outbox.of(chat.id).find((one) => one.key === message.key);
    if (item && item.failed) act(item);
  }

  const chat = {
    id,
    on,
    emit,
    look,
    /** @type {() => void} */
    off: () => {},
    complete: true,
    /** Are the first messages here? Later ones are new. */
    loaded: false,
    last_activity: '',
    /** @type {'open' | 'closed'} */
    status: 'open',
    /** @type {string | null} */
    assigned_to: null,
    /** @type {{ user: string | null, agent: string | null }} */
    read_up_to: { user: null, agent: null },

    /** @type {readonly Message[]} */
    get messages() { return [...stored, ...outbox.of(chat.id).filter((item) => !item.twin)]; },
    get unread() { return stored.filter((message) => theirs(message) && !message.read).length; },
    get typists() { return [...typists.values()]; },

    /** @param {string} message_id */
    knows: (message_id) => place(message_id) >= 0,

    /** @param {any[]} page in the server's order, contiguous with what is here @param {boolean} [older] */
    merge(page, older) {
      /** @type {Message[]} */
      const fresh = [];
      for (const message of page) {
        const { _id, text } = message;
        const old = stored[place(_id)];
        if (old) {
          old.read = old.read || message.read;
          continue;
        }
        // The answer of a send may be late or lost: what is seen here first is not shown twice.
        const own = !theirs(message) && outbox.of(chat.id).find((item) =>
          item._id ? item._id === _id : item.tried && item.pending && !item.twin && item.text === text);
        if (own) {
          message.key = own.key;
          own.twin = _id;
          if (own._id) outbox.drop(own);
        }
        fresh.push(message);
      }
      stored = older ? [...fresh, ...stored] : [...stored, ...fresh];
      if (!older && chat.loaded) {
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
      marked('user', read_up_to.user);
      marked('agent', read_up_to.agent);
      emit('change');
    },

    /** It is stored. Is it here already? @param {Item} item */
    sent({ _id, twin, key }) {
      const here = stored[place(_id)];
      if (twin !== _id && twin) delete stored[place(twin)].key;
      if (here) here.key = key;
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
        marked(data.side, data.message_id);
        emit(type);
        emit('change');
      }
    },

    /** @param {string} text @returns {Promise<Message>} */
    send(text) {
      chat.typing(false);
      const item = outbox.add(who(), side, chat.id, text);
      return new Promise((resolve, reject) => {
        item.resolve = resolve;
        item.reject = reject;
        outbox.flush();
      });
    },
    /** @param {Message} message */
    retry: (message) => ifFailed(message, (item) => {
      delete item.failed;
      item.pending = true;
      outbox.keep(item);
      outbox.flush();
    }),
    /** @param {Message} message */
    discard: (message) => ifFailed(message, outbox.drop),

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
      wanted = message._id;
      mark(side, wanted);
      chat.sayRead();
      emit('change');
    },
    /** Again after each reconnect, until the server has it. */
    sayRead() {
      if (wanted) connection.say({ action: 'read', chat_id: chat.id, message_id: wanted, side });
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
