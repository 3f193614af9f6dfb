/** One customer in the list. It is drawn once and then written only where it differs. */

import { initials, nameOf, newestChat, preview, unreadOf } from './customer.js';
import { h, setAttr, setText, show } from './dom.js';
import { write } from './route.js';
import { brief } from './when.js';

/** @typedef {import('../client/sakura.js').CustomerRow} CustomerRow */
/**
 * What a row shows beside the customer itself.
 * @typedef {object} RowView
 * @property {string} section
 * @property {string | null} open the chat that is open
 * @property {(chatId: string) => boolean} here
 * @property {(chatId: string) => boolean} typing
 * @property {(id: string) => string} agentName
 */

export class Row {
  /**
   * @param {CustomerRow} customer
   * @param {RowView} view
   */
  constructor(customer, view) {
    this.avatar = h('span', { class: 'avatar', 'aria-hidden': 'true' });
    this.here = h('span', { class: 'here' }, h('span', { class: 'unseen' }, 'On the site now'));
    this.name = h('span', { class: 'row-name', dir: 'auto' });
    this.time = h('time', { class: 'row-time' });
    this.text = h('span', { class: 'row-text', dir: 'auto' });
    this.owner = h('span', { class: 'row-owner' });
    this.badge = h('span', { class: 'badge' });
    this.link = h('a', { class: 'row-link', tabindex: -1 },
      h('span', { class: 'row-face' }, this.avatar, this.here),
      h('span', { class: 'row-top' }, this.name, this.time),
      h('span', { class: 'row-bottom' }, this.text, this.owner, this.badge));
    this.node = h('li', { class: 'row', 'data-customer': customer._id }, this.link);
    this.customer = customer;
    this.update(customer, view);
  }

  /**
   * @param {CustomerRow} customer
   * @param {RowView} view
   */
  update(customer, view) {
    this.customer = customer;
    const chat = newestChat(customer);
    const name = nameOf(customer);
    const unread = unreadOf(customer);
    const typing = customer.chats.some((c) => view.typing(c.chat_id));
    const { who, text } = preview(customer);
    const selected = customer.chats.some((c) => c.chat_id === view.open);

    setAttr(this.link, 'href', write({ section: view.section, chat: chat ? chat.chat_id : null }));
    setAttr(this.link, 'aria-current', selected && 'true');
    setAttr(this.node, 'data-chat', chat && chat.chat_id);
    setAttr(this.node, 'data-unread', unread > 0 && String(unread));
    setAttr(this.node, 'data-typing', typing && 'true');
    setText(this.avatar, initials(name));
    show(this.here, customer.chats.some((c) => view.here(c.chat_id)));
    setText(this.name, name);
    setText(this.time, brief(chat && (chat.last_activity || chat.created_at)));
    setText(this.text, typing ? 'is typing…' : who ? who + ': ' + text : text);
    this.#assignee(chat ? chat.assigned_to : null, view);
    setText(this.badge, unread > 99 ? '99+' : String(unread));
    setAttr(this.badge, 'aria-label', unread + ' unread');
    show(this.badge, unread > 0);
  }

  /**
   * @param {string | null} id
   * @param {RowView} view
   */
  #assignee(id, view) {
    show(this.owner, !!id);
    if (!id) return;
    const name = view.agentName(id);
    setText(this.owner, initials(name));
    setAttr(this.owner, 'title', 'Assigned to ' + name);
  }
}
