/**
 * The page an agent works at: inboxes, list, conversation, details. It follows the address (route.js), hears the
 * inbox, and hands each thing to the module that draws it.
 */

import { move, reopen, resolve } from './actions.js';
import { Composer } from './composer.js';
import { Calls } from './calls.js';
import { emailOf, nameOf, newestChat } from './customer.js';
import { Customers } from './customers.js';
import { h, setText, show } from './dom.js';
import { nothing } from './empty.js';
import { Head } from './head.js';
import { InboxPane } from './inboxpane.js';
import { Nav, STATES } from './nav.js';
import { Panel } from './panel.js';
import { preferencesDialog } from './preferences.js';
import { read, write } from './route.js';
import { createVoice, sentence } from './say.js';
import { helpDialog, listenKeys } from './shortcuts.js';
import { Thread } from './thread.js';
import { Typists } from './typists.js';
import { full } from './when.js';

/** @typedef {import('../client/sakura.js').Chat} Chat */
/** @typedef {import('../client/sakura.js').CustomerRow} CustomerRow */
/** @typedef {import('./route.js').Place} Place */

/** From this width on details stand beside the conversation, else over it (style.css). */
const WIDE = window.matchMedia('(min-width: 1280px)');

export class Desk {
  /**
   * @param {{ sakura: import('../client/sakura.js').Sakura, me: import('./me.js').Me, server: string,
   *   signOut: (() => void) | null }} of
   */
  constructor({ sakura, me, server, signOut }) {
    this.sakura = sakura;
    this.me = me;
    this.inbox = sakura.inbox();
    this.customers = new Customers(this.inbox);
    this.voice = createVoice();
    /** @type {Place} */
    this.place = { section: '', chat: null };
    /** @type {Chat | null} */
    this.chat = null;
    /** @type {boolean | null} */
    this.ai = null;
    /** @type {Map<string, string>} customer → last seen: the inbox's rows do not say it */
    this.lastSeen = new Map();
    this.turn = 0;
    /** Does the step back in history lead to the list? */
    this.fromList = false;
    this.replaced = false;
    this.panelOpen = WIDE.matches;
    this.failed = false;
    this.stirred = 0;

    this.typists = new Typists((chatId) => this.#refreshRow(chatId));
    this.calls = new Calls(this);
    this.nav = new Nav({ preferences: () => preferences.showModal(), help: () => help.showModal() });
    this.pane = new InboxPane({ sakura, inbox: this.inbox, customers: this.customers, server }, this.#rowView());
    this.head = new Head({
      back: () => this.back(), assign: () => this.assign(), resolve: () => this.resolve(), panel: () => this.showPanel(!this.panelOpen),
    });
    this.thread = new Thread(this.voice);
    this.composer = new Composer({
      send: (text) => this.chat && void this.chat.send(text).catch(() => {}),
      typing: (on) => this.chat && this.chat.typing(on),
    });
    this.panel = new Panel({
      close: () => this.showPanel(false), ai: (on) => this.setAi(on), move: (inbox) => this.move(inbox),
    });
    const preferences = preferencesDialog(me, signOut);
    const help = helpDialog();
    this.banner = h('p', { class: 'banner', hidden: true, 'data-banner': true });
    this.none = h('div', { class: 'thread-none' }, nothing('No conversation open', 'Choose one from the list, or press j.'));
    this.talk = h('div', { class: 'talk', hidden: true }, this.head.node, this.thread.node, this.composer.node);
    this.node = h('div', { class: 'desk' }, this.nav.node, this.pane.node,
      h('main', { class: 'thread', 'data-thread': true }, this.banner, this.none, this.talk), this.panel.node,
      this.voice.node, preferences, help);
    this.help = help;
  }

  /** @returns {import('./row.js').RowView} */
  #rowView() {
    const desk = this;
    return {
      get section() { return desk.place.section; },
      get open() { return desk.place.chat; },
      here: (chatId) => this.inbox.here(chatId),
      typing: (chatId) => this.typists.has(chatId),
      agentName: (id) => this.agentName(id),
    };
  }

  /** @param {string | null} id */
  agentName(id) {
    if (!id) return '';
    if (id === this.me.id) return this.me.name;
    return this.inbox.agents.find((agent) => agent.id === id)?.name || id;
  }

  async start() {
    const { inbox } = this;
    this.sakura.on('state', (state) => this.#state(state));
    inbox.on('change', (ids) => this.#changed(ids));
    inbox.on('counts', () => this.nav.counts(inbox.counts));
    inbox.on('presence', () => this.#presence());
    inbox.on('typing', (chatId, by) => this.typists.heard(chatId, by));
    inbox.on('message', (chatId, role) => this.calls.told(chatId, role));
    window.addEventListener('hashchange', () => this.#arrive());
    WIDE.addEventListener('change', () => this.showPanel(WIDE.matches));
    listenKeys(this.#keys());
    this.showPanel(this.panelOpen);
    this.#state(this.sakura.state);
    this.#arrive();
    await inbox.start();
    this.#changed(inbox.customers.map((row) => row._id));
    this.nav.counts(inbox.counts);
    this.pane.begin();
  }

  /**
   * @param {Partial<Place>} to
   * @param {boolean} [replace] back is not to lead through it
   */
  go(to, replace = false) {
    const hash = write({ ...this.place, ...to });
    if (!replace) {
      location.hash = hash;
      return;
    }
    history.replaceState(history.state, '', hash);
    this.replaced = true;
    this.#arrive();
    this.replaced = false;
  }

  #arrive() {
    const before = this.place;
    this.place = read(location.hash);
    const { section, chat } = this.place;
    this.nav.select(section);
    if (section !== before.section) this.pane.choose(section);
    if (chat !== before.chat) {
      this.fromList = !!chat && (this.replaced ? this.fromList : !before.chat && before.section !== '');
      void this.#open(chat);
    }
    document.body.dataset.pane = chat ? 'thread' : 'list';
    this.showPanel(this.panelOpen && (chat === before.chat || WIDE.matches));
    this.pane.list.refresh();
  }

  back() {
    if (this.fromList) history.back();
    else this.go({ chat: null }, true);
  }

  /** @param {string | null} id */
  async #open(id) {
    const turn = ++this.turn;
    this.chat?.close();
    this.chat = null;
    this.ai = null;
    this.failed = false;
    show(this.none, !id);
    show(this.talk, !!id);
    if (!id) {
      this.thread.close();
      return;
    }
    this.thread.wait('Loading…');
    show(this.composer.node, false);
    this.#drawChat();
    try {
      const chat = await this.sakura.chat(id);
      if (turn !== this.turn) {
        if (this.place.chat !== id) chat.close();
        return;
      }
      this.chat = chat;
      chat.on('change', () => this.#drawChat());
      await this.#meet(id);
      if (turn === this.turn) this.#opened(chat);
    } catch (error) {
      if (turn !== this.turn) return;
      this.failed = true;
      this.thread.wait(sentence(/** @type {Error} */ (error)));
      this.showPanel(this.panelOpen);
    }
  }

  /** @param {Chat} chat */
  #opened(chat) {
    const name = this.visitor();
    show(this.composer.node, true);
    this.composer.open(chat.id, name);
    this.thread.open(chat, name);
    this.#drawChat();
    void chat.ai().then((on) => {
      if (this.chat !== chat) return;
      this.ai = on;
      this.#drawChat();
    }, () => {});
  }

  /**
   * A link may lead to a chat of a customer that no list has brought yet.
   * @param {string} chatId
   */
  async #meet(chatId) {
    if (this.customers.ofChat(chatId)) return;
    const chat = await this.sakura.request('GET', '/api/chats/' + encodeURIComponent(chatId));
    if (chat.user_id) this.customers.take(await this.sakura.request('GET', '/api/users/' + encodeURIComponent(chat.user_id)));
  }

  customer() {
    return this.place.chat ? this.customers.ofChat(this.place.chat) : null;
  }

  visitor() {
    const customer = this.customer();
    return customer ? nameOf(customer) : 'Visitor';
  }

  #drawChat() {
    const { chat } = this;
    const id = this.place.chat;
    const customer = this.customer();
    if (!id) return;
    const here = this.inbox.here(id);
    const row = customer ? customer.chats.find((c) => c.chat_id === id) : undefined;
    const assigned = chat ? chat.assigned_to : row ? row.assigned_to : null;
    const closed = (chat ? chat.status : row && row.status) === 'closed' || customer?.status === 'resolved';
    this.head.update({
      name: this.failed ? 'This conversation cannot be shown' : this.visitor(), failed: this.failed, here, closed, mine: !!assigned && assigned === this.me.id,
      line: here ? 'On the site now' : customer ? emailOf(customer) || customer.claimed_email || lastLine(customer) : '',
      assignee: this.agentName(assigned), panel: this.panelOpen,
    });
    if (chat && this.thread.chat === chat) this.thread.rename(this.visitor());
    if (customer && this.panelOpen) {
      void this.#look(customer).catch(() => this.lastSeen.delete(customer._id));
      this.panel.update({
        customer, chatId: id, section: this.place.section, here, ai: this.ai, assignee: this.agentName(assigned),
        lastSeen: customer.last_seen || this.lastSeen.get(customer._id) || '',
      });
    }
  }

  /** @param {CustomerRow} customer */
  async #look(customer) {
    if (customer.last_seen || this.lastSeen.has(customer._id)) return;
    this.lastSeen.set(customer._id, '');
    const { last_seen } = await this.sakura.request('GET', '/api/users/' + encodeURIComponent(customer._id));
    this.lastSeen.set(customer._id, last_seen || '');
    this.#drawChat();
  }

  /** @param {boolean} open */
  showPanel(open) {
    const opens = open && !this.panelOpen && !!this.place.chat;
    const closes = !open && this.panel.node.contains(document.activeElement);
    this.panelOpen = open;
    document.body.toggleAttribute('data-panel-open', open && !!this.place.chat && !this.failed);
    this.#drawChat();
    if (opens && !WIDE.matches) this.panel.node.querySelector('button')?.focus();
    if (closes) this.head.panel.focus();
  }

  /** @param {readonly string[]} ids */
  #changed(ids) {
    this.customers.changed(ids);
    this.pane.changed(ids);
    this.calls.changed(ids);
    const open = this.customer();
    if (open && ids.includes(open._id)) this.#drawChat();
    const unread = this.customers.withUnread.size;
    document.title = (unread ? `(${unread}) ` : '') + 'Inbox · Sakura';
  }

  /** Visitors come and go by the hundred: all of a frame's changes are drawn at once. */
  #presence() {
    this.stirred = this.stirred || requestAnimationFrame(() => {
      this.stirred = 0;
      this.pane.list.refresh();
      this.#drawChat();
    });
  }

  /** @param {string} chatId */
  #refreshRow(chatId) {
    const customer = this.customers.ofChat(chatId);
    if (customer) this.pane.list.refresh([customer._id]);
  }

  /** @param {import('../client/sakura.js').State} state */
  #state(state) {
    this.nav.show(state);
    document.body.dataset.line = state;
    if (state === 'live') this.pane.changed([]); // A page that did not come is asked for again.
    show(this.banner, state === 'offline' || state === 'stale');
    setText(this.banner, state === 'offline'
      ? 'You are offline. What you write is kept and sent when the line is back.'
      : STATES[state] + ' What you see may be some seconds old.');
  }

  /** @param {Promise<unknown>} done */
  #try(done) {
    done.catch((error) => {
      this.voice.note(sentence(error));
      this.#drawChat();
    });
  }

  assign() {
    const { chat, me } = this;
    if (chat) this.#try(chat.assign(chat.assigned_to === me.id ? null : me.id));
  }

  resolve() {
    const { chat, inbox } = this;
    const customer = this.customer();
    if (!chat) return;
    const closed = chat.status === 'closed' || customer?.status === 'resolved';
    this.#try((closed ? reopen : resolve)(inbox, chat, customer)
      .then(() => this.voice.note(closed ? 'Reopened.' : 'Resolved. A new message opens it again.')));
  }

  /** @param {string} to */
  move(to) {
    const customer = this.customer();
    if (customer) this.#try(move(this.inbox, customer, to));
  }

  /** @param {boolean} on */
  setAi(on) {
    const { chat } = this;
    if (!chat) return;
    this.#try(chat.setAi(on).then(() => {
      if (this.chat !== chat) return;
      this.ai = on;
      this.#drawChat();
    }));
  }

  /** @param {number} by */
  step(by) {
    const { rows } = this.pane.list;
    const open = this.customer();
    const at = open ? rows.findIndex((row) => row._id === open._id) : -1;
    const next = rows[at < 0 ? 0 : at + by];
    const chat = next && newestChat(next);
    if (!chat) return;
    this.go({ chat: chat.chat_id }, !!this.place.chat);
    this.pane.list.reveal(rows.indexOf(next));
  }

  escape() {
    const focused = document.activeElement;
    if (focused === this.pane.search) {
      this.pane.clear();
      this.pane.search.blur();
    } else if (this.panelOpen && !WIDE.matches) this.showPanel(false);
    else if (focused === this.composer.input) this.thread.scroll.focus();
    else if (this.place.chat) this.back();
  }

  /** @returns {Record<string, () => void>} */
  #keys() {
    return {
      next: () => this.step(1),
      previous: () => this.step(-1),
      search: () => this.pane.search.focus(),
      reply: () => this.composer.input.focus(),
      resolve: () => this.resolve(),
      assign: () => this.assign(),
      panel: () => this.place.chat && this.showPanel(!this.panelOpen),
      help: () => this.help.showModal(),
      escape: () => this.escape(),
    };
  }
}

/** @param {CustomerRow} customer */
function lastLine(customer) {
  const chat = newestChat(customer);
  return chat ? 'Last message ' + full(chat.last_activity || chat.created_at) : '';
}
