// A chat as an agent follows it: history by pages, and what only agents may do.
import { createChat } from './chat.js';
import { SakuraError } from './http.js';
import { createLook } from './look.js';

const PAGE = 50;
const GAP_PAGE = 200;
const TRIES = 3;

/**
 * @param {import('./internal.js').Core} core
 * @param {string} id
 * @param {() => any} row the chat in the inbox, where it is there
 */
export function createAgentChat(core, id, row) {
  const { http, connection } = core;
  const chat = createChat(core, id, 'agent', '');
  const path = `/api/chats/${encodeURIComponent(id)}`;
  let tag = '';
  /** @type {string | null} */
  let before = null;

  /** @param {number} limit @param {string | null} [earlier] @param {Record<string, string>} [headers] */
  const history = (limit, earlier, headers) => http.call('GET',
    `${path}/messages?limit=${limit}${earlier ? `&before=${encodeURIComponent(earlier)}` : ''}`, undefined, headers);

  const messages = createLook(async () => {
    const { status, data, etag } = await history(PAGE, null, tag ? { 'If-None-Match': tag } : {});
    if (status === 304) return;
    let page = data.messages;
    let { has_more: more, next_before: next } = data;
    // What came while nobody listened may be more than a page: back, until it meets what is here.
    while (chat.loaded && more && !page.some((/** @type {any} */ m) => chat.knows(m._id))) {
      const { data: earlier } = await history(GAP_PAGE, next);
      page = earlier.messages.concat(page);
      ({ has_more: more, next_before: next } = earlier);
    }
    if (!chat.loaded || !chat.stored.length) {
      chat.complete = !more;
      before = next;
    }
    tag = etag || '';
    chat.merge(page);
    chat.loaded = true;
    chat.emit('change');
  }, core.pace);

  const head = createLook(async () => {
    chat.apply(row() || (await http.call('GET', path)).data);
  }, core.pace);

  chat.look = messages;
  const both = async () => {
    await messages();
    await head();
  };

  const hear = chat.hear;
  chat.hear = (type, data) => {
    if (type === 'chat_message_notification') messages().catch(() => {});
    else if (type === 'chat_changed' && !row()) head().catch(() => {});
    hear(type, data);
  };

  /** Only where the chat is still as it is shown here. @param {Record<string, string | null>} change */
  async function patch(change) {
    for (let tries = 0; ; tries++) {
      const { data, etag } = await http.call('GET', path);
      const same = data.assigned_to === chat.assigned_to && data.status === chat.status;
      if (!same) {
        chat.apply(data);
        throw new SakuraError(412, 'The chat has changed');
      }
      try {
        // The tag moves with messages too, which are no reason to refuse.
        chat.apply((await http.call('PATCH', path, change, { 'If-Match': etag || '*' })).data);
        return;
      } catch (error) {
        if (/** @type {SakuraError} */ (error).status !== 412 || tries === TRIES) throw error;
      }
    }
  }

  const ai = `/api/dashboard/chats/${encodeURIComponent(id)}/ai-agent`;
  return Object.assign(chat, {
    both,
    follow() {
      chat.offs.push(connection.subscribe('chat_updates', id, both), connection.subscribe('chat_events', id, both));
    },
    async older(limit = PAGE) {
      if (chat.complete) return false;
      const { data } = await history(limit, before);
      chat.complete = !data.has_more;
      before = data.next_before;
      chat.merge(data.messages, true);
      chat.emit('change');
      return true;
    },
    assign: (/** @type {string | null} */ to) => patch({ assigned_to: to }),
    setStatus: (/** @type {'open' | 'closed'} */ status) => patch({ status }),
    ai: async () => (await http.call('GET', ai)).data.ai_agent_enabled,
    async setAi(/** @type {boolean} */ enabled) { await http.call('PATCH', ai, { enabled }); },
  });
}
