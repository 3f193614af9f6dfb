/** In which chats a visitor types. It ends by a word, by the message, or by itself. */

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

  /**
   * @param {string} chatId
   * @param {{ role: string, typing: boolean, expires_ms: number }} by
   */
  heard(chatId, by) {
    if (by.role !== 'user') return;
    if (!by.typing) {
      this.ended(chatId);
      return;
    }
    const before = this.timers.get(chatId);
    clearTimeout(before);
    this.timers.set(chatId, setTimeout(() => this.ended(chatId), by.expires_ms));
    if (!before) this.changed(chatId);
  }

  /** @param {string} chatId */
  ended(chatId) {
    clearTimeout(this.timers.get(chatId));
    if (this.timers.delete(chatId)) this.changed(chatId);
  }
}
