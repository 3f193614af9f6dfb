/**
 * A conversation: its messages, older ones as one scrolls up, who types, and the place to write. It is read only while
 * somebody looks at it: the page visible, focused, and its end in sight.
 */

import { Bubble, authorOf } from './bubble.js';
import { fill, h, setText, show } from './dom.js';
import { icon } from './icons.js';
import { looking, onLook } from './looking.js';
import { sentence } from './say.js';
import { standing } from './standing.js';

/** @typedef {import('../client/sakura.js').Chat} Chat */
/** @typedef {import('../client/sakura.js').Message} Message */

const NEAR_PX = 80;
const OLDER_PX = 300;
const OLDER = 50;

export class Thread {
  /** @param {{ announce(text: string): void }} voice */
  constructor(voice) {
    this.voice = voice;
    /** @type {Chat | null} */
    this.chat = null;
    this.visitor = '';
    /** @type {Map<string, Bubble>} */
    this.bubbles = new Map();
    /** @type {(() => void)[]} */
    this.offs = [];
    /** @type {string | null | undefined} */
    this.freshAfter = undefined;
    this.end = true;
    this.fetching = false;
    this.due = false;

    this.list = h('ol', { class: 'messages', 'aria-label': 'Messages', 'data-messages': true });
    this.older = h('p', { class: 'older', role: 'status' });
    this.scroll = h('div', { class: 'scroll thread-scroll', tabindex: 0, role: 'region', 'aria-label': 'Conversation' },
      this.older, this.list);
    this.typing = h('p', { class: 'typing', 'data-typing-line': true });
    this.jump = h('button', { type: 'button', class: 'jump', hidden: true, 'data-action': 'newest', click: () => this.toEnd() },
      icon('down'), h('span', {}, 'New messages'));
    this.node = h('div', { class: 'thread-body' }, this.scroll, this.jump, this.typing);

    this.scroll.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.end && this.toEnd()).observe(this.scroll);
    onLook(() => this.#read());
  }

  /** @param {string} sentence what stands where messages will, or cannot, be */
  wait(sentence) {
    this.close();
    setText(this.older, sentence);
  }

  close() {
    for (const off of this.offs) off();
    this.offs = [];
    this.chat?.close();
    this.chat = null;
    this.bubbles.clear();
    fill(this.list);
    setText(this.typing, '');
    show(this.jump, false);
  }

  /**
   * @param {Chat} chat
   * @param {string} visitor
   */
  open(chat, visitor) {
    this.close();
    this.chat = chat;
    this.visitor = visitor;
    this.freshAfter = chat.unread > 0 ? chat.read_up_to.agent : undefined;
    this.offs = [
      chat.on('change', () => this.#drawSoon()),
      chat.on('typing', () => this.#typists()),
      chat.on('message', (message) => this.#came(message)),
    ];
    this.draw();
    this.#typists();
    this.toEnd();
    void this.#fill();
  }

  /** @param {string} visitor */
  rename(visitor) {
    if (visitor === this.visitor) return;
    this.visitor = visitor;
    this.draw();
  }

  /** One message is several changes; they are drawn together, before the browser paints. */
  #drawSoon() {
    if (this.due) return;
    this.due = true;
    queueMicrotask(() => {
      this.due = false;
      this.draw();
    });
  }

  draw() {
    const { chat } = this;
    if (!chat) return;
    const { messages } = chat;
    const at = standing(messages, { seenTo: chat.read_up_to.user, freshAfter: this.freshAfter });
    const keys = new Set(messages.map(keyOf));
    let changed = false;
    for (const [key, bubble] of this.bubbles) {
      if (keys.has(key)) continue;
      bubble.node.remove();
      this.bubbles.delete(key);
      changed = true;
    }
    let node = this.list.firstChild;
    messages.forEach((message, i) => {
      let bubble = this.bubbles.get(keyOf(message));
      if (!bubble) this.bubbles.set(keyOf(message), (bubble = new Bubble(chat)));
      changed = bubble.update(message, at[i], this.visitor) || changed;
      if (bubble.node === node) node = node.nextSibling;
      else this.list.insertBefore(bubble.node, node);
    });
    setText(this.older, chat.complete && messages.length === 0 ? 'No messages yet.' : '');
    if (changed && this.end) this.toEnd();
    this.#read();
  }

  #typists() {
    const who = this.chat ? this.chat.typists : [];
    const names = who.map((t) => (t.role === 'user' ? this.visitor : t.agent ? t.agent.name : t.role === 'assistant' ? 'AI' : 'Another agent'));
    const text = who.find((t) => t.role === 'user' && t.text)?.text;
    setText(this.typing, !names.length ? '' : text ? `${names[0]}: ${text}`
      : names.join(', ') + (names.length > 1 ? ' are typing…' : ' is typing…'));
    this.typing.toggleAttribute('data-preview', !!text);
    if (this.end) this.toEnd();
  }

  /** @param {Message} message */
  #came(message) {
    if (message.role === 'agent' && message.key) return;
    this.voice.announce(`${authorOf(message, this.visitor)}: ${message.text}`);
    if (!this.end) show(this.jump, true);
  }

  toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.end = true;
    show(this.jump, false);
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroll;
    this.end = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (this.end) {
      show(this.jump, false);
      this.#read();
    }
    if (scrollTop < OLDER_PX) void this.#fetchOlder();
  }

  /** A page that does not fill the window could never be scrolled up. */
  async #fill() {
    const { chat } = this;
    while (chat && chat === this.chat && !chat.complete && this.scroll.scrollHeight <= this.scroll.clientHeight + OLDER_PX) {
      if (!(await this.#fetchOlder())) return;
    }
  }

  /** What is read stays where it is while older messages come in above it. */
  async #fetchOlder() {
    const { chat } = this;
    if (!chat || chat.complete || this.fetching) return false;
    this.fetching = true;
    setText(this.older, 'Loading older messages…');
    const below = this.scroll.scrollHeight - this.scroll.scrollTop;
    let error = '';
    const got = await chat.older(OLDER).catch((e) => ((error = sentence(e)), false));
    this.fetching = false;
    if (chat !== this.chat) return false;
    this.draw();
    setText(this.older, error);
    if (!this.end) this.scroll.scrollTop = this.scroll.scrollHeight - below;
    return got;
  }

  #read() {
    const { chat } = this;
    if (chat && this.end && chat.unread > 0 && looking()) chat.read();
  }
}

/** @param {Message} message */
function keyOf(message) {
  return message.key || message._id || '';
}
