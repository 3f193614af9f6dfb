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
  const api = withCustomer(core);
  const { customer, chat: visitorChat } = api;
  let isVisitor = false;
  /** @type {ReturnType<typeof createInbox> | undefined} */
  let inbox;
  return Object.assign(api, {
    customer() {
      isVisitor = true;
      return customer();
    },
    /** @param {{ owner?: string, limit?: number }} [about] */
    inbox: (about) => inbox = inbox || createInbox(core, about),
    /** @param {string} id */
    async chat(id) {
      if (isVisitor) return visitorChat(id);
      let chat = core.chats.get(id);
      if (!chat) {
        chat = createAgentChat(core, id, () => inbox && inbox.row(id));
        core.chats.set(id, chat);
        core.connection.start();
      }
      await chat.look();
      return chat;
    },
  });
}
