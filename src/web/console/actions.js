/** What agents do to conversations, in the terms of the server: a chat's status and owner, a customer's inbox. */

/** @typedef {import('../client/sakura.js').Chat} Chat */
/** @typedef {import('../client/sakura.js').Inbox} Inbox */
/** @typedef {import('../client/sakura.js').CustomerRow} CustomerRow */

/**
 * Closes the chat; its customer is resolved with the last one that is open, since the inboxes go by customers.
 * @param {Inbox} inbox
 * @param {Chat} chat
 * @param {CustomerRow | null} customer
 */
export async function resolve(inbox, chat, customer) {
  await chat.setStatus('closed');
  if (!customer || customer.status === 'resolved') return;
  const open = customer.chats.some((c) => c.chat_id !== chat.id && c.status !== 'closed');
  if (open) return;
  const now = await inbox.patch(customer._id, { status: 'resolved' });
  // The visitor wrote meanwhile, which has opened the chat again.
  if (chat.status !== 'closed') await wake(inbox, now);
}

/**
 * @param {Inbox} inbox
 * @param {Chat} chat
 * @param {CustomerRow | null} customer
 */
export async function reopen(inbox, chat, customer) {
  if (chat.status === 'closed') await chat.setStatus('open');
  await wake(inbox, customer);
}

/**
 * A resolved customer is active again: an agent says so, or the visitor has written. The server opens the chat by
 * itself then; the inbox is ours to change, and every console that does says the same.
 * @param {Inbox} inbox
 * @param {CustomerRow | null} customer
 */
export async function wake(inbox, customer) {
  if (customer && customer.status === 'resolved') await inbox.patch(customer._id, { status: 'active' });
}

/**
 * @param {Inbox} inbox
 * @param {CustomerRow} customer
 * @param {string} to an inbox, or 'escalated'
 */
export async function move(inbox, customer, to) {
  const status = to === 'escalated' ? 'escalated' : customer.status === 'resolved' ? 'resolved' : 'active';
  await inbox.patch(customer._id, { category: to === 'escalated' ? 'human-chats' : to, status });
}
