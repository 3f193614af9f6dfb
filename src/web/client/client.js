import { createAgentChat } from './agent.js';
import { createCore } from './core.js';
import { createInbox } from './inbox.js';
import { withCustomer } from './visitor.js';

/**
 * @param {import('./sakura.js').ClientOptions} [options]
 * @returns {import('./sakura.js').Sakura}
 */
export function createClient(options) {
  const core = createCore(options);
  const { api, isVisitor } = withCustomer(core);
  const visitorChat = api.chat;
  /** @type {ReturnType<typeof createInbox> | null} */
  let inbox = null;
  return Object.assign(api, {
    /** @param {{ owner?: string, limit?: number }} [about] */
    inbox: (about) => inbox = inbox || createInbox(core, about),
    /** @param {string} id */
    async chat(id) {
      if (isVisitor()) return visitorChat(id);
      let chat = /** @type {ReturnType<typeof createAgentChat> | undefined} */ (core.chats.get(id));
      if (!chat) {
        chat = createAgentChat(core, id, () => inbox && inbox.row(id));
        core.chats.set(id, chat);
        core.connection.start();
        chat.follow();
      }
      await chat.both();
      return chat;
    },
  });
}
