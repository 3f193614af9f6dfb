// One chat: what is stored, in the server's order, and behind it what waits in the outbox.
import { createEmitter } from './emitter.js';
import { freshKey } from './outbox.js';

const TYPING_MS = 3000;

/**
 * @param {import('./internal.js').Core} core
 * @param {string} id
 * @param {'user' | 'agent'} side whose eyes these are
 * @param {string} who whose outbox
 */
export function createChat(core, id, side, who) {
  const { on, emit } = createEmitter();
  const { outbox, connection } = core;
  /** @typedef {import('./sakura.js').Message} Message */
  /** @type {Message[]} */
  let stored = [];
  /** @type {Map<string, Message>} */
  const known = new Map();
  /** Stored, but not fetched yet. @type {Message[]} */
  let sent = [];
  /** @type {Map<string, { role: string, agent?: import('./sakura.js').Agent, text?: string, timer: any }>} */
  const typists = new Map();
  /** @type {(() => void)[]} */
  const offs = [];
  /** The newest message that is to be marked as read. @type {string | null} */
  let wanted = null;
  let typingSince = 0;

  /** @param {string | null} message_id */
  const place = (message_id) => stored.findIndex((message) => message._id === message_id);
  /** @param {Message} message */
  const theirs = (message) => (message.role === 'user') === (side === 'agent');

  /** Marks go forwards only; one of a message that is not here yet comes again with it.
   * @param {'user' | 'agent'} reader @param {string | null} message_id */
  function mark(reader, message_id) {
    const at = place(message_id);
    if (!message_id || at < place(chat.read_up_to[reader])) return;
    chat.read_up_to = { ...chat.read_up_to, [reader]: message_id };
    for (const message of stored.slice(0, at + 1)) {
      if ((message.role === 'user') === (reader === 'agent')) message.read = true;
    }
  }

  /** @param {'user' | 'agent'} reader @param {string | null} message_id as the server has it */
  function take(reader, message_id) {
    if (reader === side && place(message_id) >= place(wanted)) wanted = null;
    mark(reader, message_id);
  }

  /** @param {{ role: string, agent?: import('./sakura.js').Agent }} by */
  const writer = ({ role, agent }) => `${role} ${agent ? agent.id : ''}`;

  /** @param {string} key */
  function forget(key) {
    const typist = typists.get(key);
    if (typist) clearTimeout(typist.timer);
    return typists.delete(key);
  }

  /** Again after each reconnect, until the server has it. */
  function sayRead() {
    if (wanted) connection.say({ action: 'read', chat_id: chat.id, message_id: wanted, side });
  }

  const chat = {
    id,
    /** Not made by the server yet: the key of the item that makes it. */
    key: '',
    on,
    emit,
    offs,
    complete: false,
    /** Have the first messages come? Later ones are new. */
    loaded: false,
    last_activity: '',
    /** @type {'open' | 'closed'} */
    status: 'open',
    /** @type {string | null} */
    assigned_to: null,
    /** @type {{ user: string | null, agent: string | null }} */
    read_up_to: { user: null, agent: null },

    get messages() {
      return stored.concat(sent, outbox.of(chat.id).filter((item) => !item.twin).map((item) => item.message));
    },
    get stored() { return stored; },
    get unread() { return stored.filter((message) => theirs(message) && !message.read).length; },
    get typists() { return [...typists.values()].map(({ role, agent, text }) => ({ role, agent, text })); },

    /** @param {string} message_id */
    knows: (message_id) => known.has(message_id),

    /** @param {any[]} page in the server's order, contiguous with what is here @param {boolean} [older] */
    merge(page, older) {
      /** @type {Message[]} */
      const fresh = [];
      for (const { _id, role, text, timestamp, read, agent } of page) {
        const old = known.get(_id);
        if (old) {
          old.read = old.read || read;
          continue;
        }
        /** @type {Message} */
        const message = { _id, role, text, timestamp, read };
        if (agent) message.agent = agent;
        const own = sent.find((one) => one._id === _id);
        // The answer of a send may be lost or late: what is seen here first is not shown twice.
        const twin = !own && !theirs(message) &&
          outbox.of(chat.id).find((item) => item.tried && !item.twin && !item.failed && item.text === text);
        if (own) {
          sent = sent.filter((one) => one !== own);
          message.key = own.key;
        } else if (twin) {
          twin.twin = _id;
          message.key = twin.key;
        }
        known.set(_id, message);
        fresh.push(message);
      }
      stored = older ? fresh.concat(stored) : stored.concat(fresh);
      if (older || !chat.loaded) return;
      for (const message of fresh) {
        if (forget(writer(message))) emit('typing');
        emit('message', message);
        core.emit('message', message, chat);
      }
    },

    /** @param {any} row a chat as an answer gives it */
    apply(row) {
      chat.status = row.status;
      chat.assigned_to = row.assigned_to;
      chat.last_activity = row.last_activity || row.created_at;
      take('user', row.read_up_to.user);
      take('agent', row.read_up_to.agent);
      emit('change');
    },

    /** @param {import('./outbox.js').Item} item has been stored */
    sent(item) {
      const { message, twin } = item;
      if (twin && twin !== message._id) delete /** @type {Message} */ (known.get(twin)).key;
      const here = known.get(/** @type {string} */ (message._id));
      if (here) here.key = message.key;
      else sent.push(message);
      emit('change');
      chat.look().catch(() => {});
    },

    /** Set by whose chat it is. @type {() => Promise<void>} */
    look: async () => {},

    /** @param {string} type @param {any} data */
    hear(type, data) {
      if (type === 'typing' && (side === 'agent' || data.role !== 'user')) {
        const key = writer(data);
        forget(key);
        if (data.typing) {
          const timer = setTimeout(() => { if (forget(key)) emit('typing'); }, data.expires_ms);
          typists.set(key, { role: data.role, agent: data.agent, text: data.text, timer });
        }
        emit('typing');
      } else if (type === 'read') {
        take(data.side, data.message_id);
        emit('read');
        emit('change');
      }
    },

    /** @param {string} text */
    send(text) {
      chat.typing(false);
      const item = outbox.add({ key: freshKey(), who, chat: chat.id, text }, side);
      emit('change');
      return new Promise((/** @type {(message: Message) => void} */ resolve, reject) => {
        item.resolve = resolve;
        item.reject = reject;
        outbox.flush();
      });
    },
    /** @param {Message} message */
    retry(message) {
      const item = outbox.items.find((one) => one.key === message.key);
      if (item && item.failed) outbox.retry(item);
    },
    /** @param {Message} message */
    discard(message) {
      const item = outbox.items.find((one) => one.key === message.key);
      if (!item || !item.failed) return;
      outbox.drop(item);
      emit('change');
    },

    /** @param {boolean} isOn @param {string} [text] */
    typing(isOn, text) {
      const now = performance.now();
      if (isOn ? typingSince && now - typingSince < TYPING_MS : !typingSince) return;
      typingSince = isOn ? now : 0;
      connection.say({ action: 'typing', chat_id: chat.id, typing: isOn, text, role: side });
    },
    /** @param {Message} [message] */
    read(message = stored[stored.length - 1]) {
      if (!message || !message._id || place(message._id) <= place(chat.read_up_to[side])) return;
      wanted = message._id;
      mark(side, wanted);
      sayRead();
      emit('change');
    },
    sayRead,
    /** @type {(limit?: number) => Promise<boolean>} */
    older: async () => false,

    close() {
      typists.forEach((typist) => clearTimeout(typist.timer));
      offs.splice(0).forEach((off) => off());
      core.chats.delete(chat.id);
      emit('close');
    },

    async *[Symbol.asyncIterator]() {
      /** @type {Message[]} */
      const queue = [];
      let open = true;
      /** @type {() => void} */
      let wake = () => {};
      const offs = [
        on('message', (message) => {
          queue.push(message);
          wake();
        }),
        on('close', () => {
          open = false;
          wake();
        }),
      ];
      try {
        while (open || queue.length) {
          if (queue.length) yield /** @type {Message} */ (queue.shift());
          else await new Promise((/** @type {(v?: any) => void} */ resolve) => { wake = resolve; });
        }
      } finally {
        offs.forEach((off) => off());
      }
    },
  };
  return chat;
}
