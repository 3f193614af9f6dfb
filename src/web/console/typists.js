/** In which chats somebody types. It ends by a word, by a message, or by itself. */

const MS = 6000;

export class Typists {
  /** @param {(chatId: string) => void} changed */
  constructor(changed) {
    this.changed = changed;
    /** @type {Map<string, ReturnType<typeof setTimeout>>} */
    this.timers = new Map();
  }

  /** @param {string} chatId */
  has(chatId) {
    return this.timers.has(chatId);
  }

  /** @param {string} chatId */
  heard(chatId) {
    const before = this.timers.get(chatId);
    clearTimeout(before);
    this.timers.set(chatId, setTimeout(() => this.ended(chatId), MS));
    if (!before) this.changed(chatId);
  }

  /** @param {string} chatId */
  ended(chatId) {
    clearTimeout(this.timers.get(chatId));
    if (this.timers.delete(chatId)) this.changed(chatId);
  }
}
