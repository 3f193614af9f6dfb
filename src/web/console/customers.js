/**
 * All customers that this page has seen, by id and by chat: the inbox has those that were active last, lists of
 * sections, searches and links bring others. What the inbox has is newest, since it alone is told of changes.
 */

import { unreadOf } from './customer.js';

/** @typedef {import('../client/sakura.js').CustomerRow} CustomerRow */
/** @typedef {import('../client/sakura.js').Inbox} Inbox */

export class Customers {
  /** @param {Inbox} inbox */
  constructor(inbox) {
    this.inbox = inbox;
    /** @type {Map<string, CustomerRow>} */
    this.byId = new Map();
    /** @type {Map<string, string>} chat → customer */
    this.ofChatId = new Map();
    /** @type {Set<string>} customers whose rows are the inbox's own */
    this.live = new Set();
    /** @type {Set<string>} */
    this.withUnread = new Set();
  }

  /**
   * The inbox has other rows for these. They are mostly near its top, so the search ends soon.
   * @param {readonly string[]} ids
   */
  changed(ids) {
    const wanted = new Set(ids);
    for (const row of this.inbox.customers) {
      if (wanted.size === 0) return;
      if (wanted.delete(row._id)) {
        this.live.add(row._id);
        this.#set(row);
      }
    }
  }

  /**
   * @param {CustomerRow} row as an answer just gave it
   * @returns {CustomerRow} the one to show
   */
  take(row) {
    if (!this.live.has(row._id)) this.#set(slim(row));
    return /** @type {CustomerRow} */ (this.byId.get(row._id));
  }

  /** @param {CustomerRow} row */
  #set(row) {
    this.byId.set(row._id, row);
    for (const chat of row.chats) this.ofChatId.set(chat.chat_id, row._id);
    if (unreadOf(row) > 0) this.withUnread.add(row._id);
    else this.withUnread.delete(row._id);
  }

  /**
   * @param {string} chatId
   * @returns {CustomerRow | null}
   */
  ofChat(chatId) {
    const id = this.ofChatId.get(chatId);
    return (id !== undefined && this.byId.get(id)) || null;
  }
}

/**
 * A list shows the newest message only; of thousands of customers the rest is not to be kept.
 * @param {CustomerRow} row
 * @returns {CustomerRow}
 */
function slim(row) {
  return { ...row, chats: row.chats.map((chat) => ({ ...chat, messages: chat.messages.slice(-1) })) };
}
