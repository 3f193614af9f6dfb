import { changed, client, customer, dataset } from './site.js';

/** @typedef {import('../client/sakura.js').Chat} Chat */

let turn = Promise.resolve();

export const talk = {
  /** What is talked in; null: a new one, made by its first message; undefined: not known yet.
   * @type {Chat | null | undefined} */
  chat: undefined,
  /** What the site says of a visitor who writes for the first time; unproven. No name: the server gives one. */
  about: { name: dataset.name, email: dataset.email || 'unknown@example.com' },

  /** @param {Chat | null} [next] */
  choose(next) {
    talk.chat = next;
    next?.on('change', changed);
    next?.on('typing', changed);
    changed();
  },

  /** The most recent one, as soon as it is known; another where it is gone. */
  pick() {
    const { chat, choose } = talk;
    if (chat === null || chat && customer.chats.includes(chat)) changed();
    else choose(customer.chats[0]);
  },

  /** One after the other, so that two at once make one chat. What is refused stands there as failed. @param {string} text */
  send(text) {
    turn = turn.then(async () => {
      if (talk.chat === undefined && customer.known) {
        // What an earlier page knew is there in a moment, long before the server has answered.
        customer.start().catch(() => {});
        await new Promise((done) => setTimeout(done));
        talk.pick();
      }
      if (!talk.chat) talk.choose(await client.createChat(talk.about));
      talk.chat?.send(text).catch(() => {});
    });
  },
};
