/** A visitor has written: the inbox is told first, the text comes with its next change; then the agent is called. */

import { wake } from './actions.js';
import { nameOf, preview } from './customer.js';
import { looking } from './looking.js';
import { notify, ring, soundOn } from './notify.js';

export class Calls {
  /** @param {import('./desk.js').Desk} desk */
  constructor(desk) {
    this.desk = desk;
    /** @type {Set<string>} chats of which a message was told and the text is not here yet */
    this.waiting = new Set();
  }

  /**
   * @param {string} chatId
   * @param {string} role
   */
  told(chatId, role) {
    if (role === 'user') this.waiting.add(chatId);
  }

  /** @param {readonly string[]} ids */
  changed(ids) {
    for (const chatId of this.waiting) {
      const customer = this.desk.customers.ofChat(chatId);
      if (!customer || !ids.includes(customer._id)) continue;
      this.waiting.delete(chatId);
      this.#call(chatId, customer);
    }
  }

  /**
   * @param {string} chatId
   * @param {import('../client/sakura.js').CustomerRow} customer
   */
  #call(chatId, customer) {
    const { desk } = this;
    const open = chatId === desk.place.chat;
    desk.typists.ended(chatId);
    void wake(desk.inbox, customer).catch(() => {});
    if (open && looking()) return;
    const name = nameOf(customer);
    if (soundOn()) ring();
    if (!open) desk.voice.announce(`New message from ${name}`);
    if (!looking()) notify(name, preview(customer).text, chatId, () => desk.go({ chat: chatId }));
  }
}
