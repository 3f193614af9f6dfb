// A chat as an agent follows it: history by pages, and what only agents may do.
const PAGE = 50;
const GAP_PAGE = 200;

/**
 * @param {import('./internal.js').Core} core
 * @param {import('./internal.js').Tools} tools
 * @param {string} id
 * @param {(id: string) => any} row the chat in the inbox, where it is there
 * @param {string} who whose outbox
 */
export function createAgentChat(core, { createChat, createLook, SakuraError }, id, row, who) {
  const { call, request } = core;
  const path = `/api/chats/${encodeURIComponent(id)}`;
  const ai = `/api/dashboard/chats/${encodeURIComponent(id)}/ai-agent`;
  let tag = '';
  let before = '';

  /** @param {number} limit @param {string} [earlier] @param {Record<string, string>} [headers] */
  const history = (limit, earlier, headers) =>
    call('GET', `${path}/messages?limit=${limit}${earlier ? `&before=${earlier}` : ''}`, undefined, headers);

  const look = createLook(core, async () => {
    const first = !tag;
    if (!row(id)) chat.apply(await request('GET', path));
    const { status, data, etag } = await history(PAGE, '', tag ? { 'If-None-Match': tag } : {});
    if (status === 304) return;
    let { messages: page, has_more: more, next_before: next } = data;
    // What came while nobody listened may be more than a page: back, until it meets what is here.
    while (chat.messages.some((m) => m._id) && more && !page.some((/** @type {any} */ m) => chat.knows(m._id))) {
      ({ data: { messages: data.messages, has_more: more, next_before: next } } = await history(GAP_PAGE, next));
      page = [...data.messages, ...page];
    }
    if (!before) {
      chat.complete = !more;
      before = next;
    }
    tag = etag || '';
    // What lies before it there is for older() to fetch.
    chat.merge(page.slice(Math.max(0, page.findIndex((/** @type {any} */ m) => chat.knows(m._id)))));
    // Later the inbox hands on each row as it comes: the one that it has now may be older than what a change of ours was answered.
    if (first && row(id)) chat.apply(row(id));
    chat.emit('change');
  });

  const chat = createChat(core, id, 'agent', look, () => who);
  chat.complete = false;
  const { hear } = chat;
  chat.hear = (type, data) => {
    if (/^chat_/.test(type)) core.soon(look, data);
    hear(type, data);
  };

  /** Only where the chat is still as it is shown here. @param {Record<string, string | null>} change */
  async function patch(change) {
    const { assigned_to, status } = chat;
    const { data, etag } = await call('GET', path);
    chat.apply(data);
    if (data.assigned_to !== assigned_to || data.status !== status) throw new SakuraError(412, 'The chat has changed');
    try {
      chat.apply((await call('PATCH', path, change, { 'If-Match': etag || '' })).data);
    } catch (error) {
      look();
      throw error;
    }
  }

  return Object.assign(chat, {
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
    ai: async () => (await request('GET', ai)).ai_agent_enabled,
    async setAi(/** @type {boolean} */ enabled) { await request('PATCH', ai, { enabled }); },
  });
}
