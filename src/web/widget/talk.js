import { changed, client, customer, dataset } from './site.js';

/** @typedef {import('../client/sakura.js').Chat} Chat */

/** What the site says of a visitor who writes for the first time; unproven. No name: the server gives one. */
export const about = { name: dataset.name, email: dataset.email || 'unknown@example.com' };

/** What is talked in; null: a new one, made by its first message; undefined: not known yet.
 * @type {Chat | null | undefined} */
export let chat;
let turn = Promise.resolve();

/** @param {Chat | null} [next] */
export function choose(next) {
  chat = next;
  next?.on('change', changed);
  next?.on('typing', changed);
  changed();
}

/** The most recent one, as soon as it is known. */
export const pick = () => chat === undefined && customer.chats.length ? choose(customer.chats[0]) : changed();

/** One after the other, so that two at once make one chat. What is refused stands there as failed. @param {string} text */
export function send(text) {
  turn = turn.then(async () => {
    if (!chat) choose(await client.createChat(about));
    chat?.send(text).catch(() => {});
  });
}
