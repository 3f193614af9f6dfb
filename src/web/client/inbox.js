// An agent's side: customers by activity, counts, who is there.
const PAGE = 100;
const escape = encodeURIComponent;

/** @typedef {import('./sakura.js').CustomerRow} CustomerRow @typedef {import('./sakura.js').ChatRow} ChatRow */

/** @param {CustomerRow} row */
const activity = (row) => row.chats.reduce((newest, chat) => chat.last_activity > newest ? chat.last_activity : newest, '');

/**
 * @param {import('./internal.js').Core} core
 * @param {import('./internal.js').Tools} tools
 * @param {import('./internal.js').InboxFront} front what becomes the inbox
 * @param {{ owner?: string, limit?: number }} [options]
 */
export function createInbox(core, { createLook }, front, { owner, limit = PAGE } = {}) {
  const { connection, request } = core;
  const { emit } = front;
  /** @type {Map<string, CustomerRow>} */
  const rows = new Map();
  /** @type {Map<string, ChatRow>} */
  const chats = new Map();
  /** @type {Set<string>} */
  const present = new Set();
  /** @type {CustomerRow[] | null} */
  let sorted = null;
  let cursor = '';
  let loaded = false;
  /** @type {(() => void)[]} */
  const offs = [];

  /**
   * Answers to `since` have the chats that changed with their new messages alone, so rows are merged; the newest message is kept.
   * @param {CustomerRow[]} users @param {boolean} [silent] older pages are no news
   */
  function merge(users, silent) {
    for (const user of users) {
      const old = rows.get(user._id);
      for (const chat of user.chats) {
        const before = chats.get(chat.chat_id);
        chat.messages = chat.messages.length ? chat.messages.slice(-1) : before ? before.messages : [];
        chats.set(chat.chat_id, chat);
        const last = chat.messages[0];
        const news = before ? chat.total_messages > before.total_messages : chat.unread > 0;
        if (loaded && !silent && news && last && last.role === 'user') emit('message', chat.chat_id, last.role);
        const followed = core.chats.get(chat.chat_id);
        if (followed) followed.apply(chat);
      }
      const all = new Map([...old ? old.chats : [], ...user.chats].map((chat) => [chat.chat_id, chat]));
      rows.set(user._id, { ...user, chats: [...all.values()] });
    }
    if (sorted) sorted = placed(sorted, users);
    if (users.length) emit('change', users.map((user) => user._id));
  }

  /** These in their new places: the others stand in order, and are many. @param {CustomerRow[]} list @param {CustomerRow[]} users */
  function placed(list, users) {
    const ids = new Set(users.map((user) => user._id));
    list = list.filter((row) => !ids.has(row._id));
    for (const id of ids) {
      const row = /** @type {CustomerRow} */ (rows.get(id));
      const time = activity(row);
      let from = 0;
      for (let to = list.length; from < to;) {
        const middle = (from + to) >> 1;
        if (activity(list[middle]) < time) to = middle;
        else from = middle + 1;
      }
      list.splice(from, 0, row);
    }
    return list;
  }

  const look = createLook(core, async () => {
    for (let more = true; more;) {
      const query = `limit=${limit}${owner ? `&owner=${escape(owner)}` : ''}${cursor ? `&since=${escape(cursor)}` : ''}`;
      const data = await request('GET', `/api/debug/users-chats?${query}`);
      if (!cursor) inbox.complete = data.users.length < limit;
      cursor = data.cursor;
      more = data.more;
      merge(data.users);
    }
    loaded = true;
  });

  core.heard = (type, data) => {
    if (type === 'unread_counts') {
      inbox.counts = data.counts;
      emit('counts');
    } else if (type === 'presence') {
      for (const [id, here] of Object.entries(data.chats)) {
        if (here) present.add(id);
        else present.delete(id);
      }
      if (data.agents) inbox.agents = data.agents;
      emit('presence');
    } else if (type === 'typing') {
      emit('typing', data.chat_id, data);
    } else {
      core.soon(inbox.look, data);
    }
  };

  /** @type {any} */
  const inbox = Object.defineProperties(front, Object.getOwnPropertyDescriptors({
    complete: false,
    /** @type {Record<string, number> | null} */
    counts: null,
    /** @type {import('./sakura.js').Agent[]} */
    agents: [],
    get customers() {
      sorted = sorted || [...rows.values()].map((row) => /** @type {const} */ ([activity(row), row]))
        .sort((a, b) => a[0] < b[0] ? 1 : a[0] > b[0] ? -1 : 0).map(([, row]) => row);
      return sorted;
    },
    look: () => offs.length ? look() : Promise.resolve(),
    /** @param {string} chat_id */
    here: (chat_id) => present.has(chat_id),
    /** @param {string} chat_id */
    row: (chat_id) => chats.get(chat_id),
    async start() {
      if (!offs.length) {
        offs.push(...['unread_counts', 'presence'].map((topic) => connection.subscribe(topic)));
      }
      await look();
    },
    async more() {
      if (inbox.complete) return false;
      const data = await request('GET', `/api/users?skip=${rows.size}&limit=${PAGE}`);
      inbox.complete = data.skip + data.users.length >= data.total;
      merge(data.users, true);
      return data.users.length > 0;
    },
    /** @param {string} q @param {{ skip?: number, limit?: number }} [page] */
    search: (q, { skip = 0, limit: most = PAGE } = {}) =>
      request('GET', `/api/users?q=${escape(q)}&skip=${skip}&limit=${most}`),
    /** @param {string} customer_id @param {{ category?: string, status?: string, name?: string }} change */
    async patch(customer_id, change) {
      const data = await request('PATCH', `/api/users/${escape(customer_id)}`, change);
      merge([data], true);
      return data;
    },
    close() {
      offs.splice(0).forEach((off) => off());
    },
  }));
  core.since = () => cursor;
  return inbox;
}
