// The agents' side, which client.js loads when it is first used: a visitor's page does without.
import { createAgentChat } from './agent.js';
import { createInbox } from './inbox.js';

/**
 * Agents hear of all chats on one subscription.
 * @param {import('./internal.js').Core} core
 * @param {import('./internal.js').Tools} tools what is there already, so that it is there once
 * @param {import('./internal.js').InboxFront} front what becomes the inbox
 * @param {{ owner?: string, limit?: number }} [about]
 */
export async function createAgents(core, tools, front, about) {
  const { chats, connection, outbox } = core;
  const inbox = createInbox(core, tools, front, about);
  const who = `agent ${tools.claims(await core.token()).sub || ''}`;
  core.look = async () => { await Promise.allSettled([inbox, ...chats.values()].map((one) => one.look())); };
  connection.subscribe('chat_updates');
  connection.start();
  outbox.load(who); // What an earlier page has left is sent.

  return {
    /** @param {string} id */
    async chat(id) {
      const chat = chats.get(id) || createAgentChat(core, tools, id, inbox.row, who);
      chats.set(id, chat);
      await chat.look();
      return chat;
    },
  };
}
