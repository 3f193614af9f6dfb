/** What a customer's row says, worked out in one place: name, newest chat, unread, a line of preview. */

/** @typedef {import('../client/sakura.js').CustomerRow} CustomerRow */
/** @typedef {import('../client/sakura.js').ChatRow} ChatRow */

const NOBODY = /^unknown@example\.com$|@widget\.local$/i;

/**
 * An address that somebody really gave; the server's stand-ins are none.
 * @param {CustomerRow} customer
 * @returns {string}
 */
export function emailOf(customer) {
  const email = customer.email || '';
  return NOBODY.test(email.trim()) ? '' : email;
}

const NAME_LETTERS = 120;
// What turns text round or joins lines, and letters that show nothing. The joiners of emoji and Persian stay.
const HIDDEN = /[\p{Cc}\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]+/gu;
const BLANK = /^[\p{C}\p{Z}\p{M}\u115f\u1160\u2800\u3164\uffa0]*$/u;

/**
 * A name stands among words of ours: it is not to change how they read, nor to be nothing.
 * @param {string | null | undefined} text
 */
function shown(text) {
  const clean = (text || '').slice(0, 4 * NAME_LETTERS).replace(HIDDEN, ' ').trim();
  return BLANK.test(clean) ? '' : [...clean].slice(0, NAME_LETTERS).join('');
}

/** @param {CustomerRow} customer */
export function nameOf(customer) {
  const name = shown(customer.name);
  const given = name && name !== 'Unknown User' && name !== 'Widget User' && !/^User [0-9a-f]{8}$/i.test(name);
  return given ? name : shown(emailOf(customer)) || shown(customer.claimed_email) || 'Visitor ' + String(customer._id).slice(-4);
}

/**
 * The first letters of the first and the last word; by code points, so that no emoji is cut in half. Scripts without
 * capitals have one letter: two of Arabic would join into something else.
 * @param {string} name
 */
export function initials(name) {
  const words = name.split(/[\s@._-]+/).filter(Boolean);
  const first = [...(words[0] || '?')][0];
  const last = words.length > 1 ? [...words[words.length - 1]][0] : '';
  return (first + (/\p{Lu}|\p{Ll}/u.test(first) && /\p{L}/u.test(last) ? last : '')).toUpperCase();
}

/** @param {ChatRow} chat */
export function activeAt(chat) {
  return chat.last_activity || chat.created_at || '';
}

/**
 * @param {CustomerRow} customer
 * @returns {ChatRow | null} the one that was active last
 */
export function newestChat(customer) {
  let newest = null;
  for (const chat of customer.chats) {
    if (!newest || activeAt(chat) > activeAt(newest)) newest = chat;
  }
  return newest;
}

/** @param {CustomerRow} customer */
export function lastActive(customer) {
  const chat = newestChat(customer);
  return chat ? activeAt(chat) : customer.last_seen || '';
}

/** @param {CustomerRow} customer */
export function unreadOf(customer) {
  return customer.chats.reduce((sum, chat) => sum + (chat.unread || 0), 0);
}

/**
 * @param {CustomerRow} customer
 * @returns {{ who: string, text: string }} the newest message, in one line
 */
export function preview(customer) {
  const chat = newestChat(customer);
  const last = chat && chat.messages[chat.messages.length - 1];
  if (!last) return { who: '', text: 'No messages yet' };
  const who = last.role === 'user' ? '' : last.role === 'assistant' ? 'AI' : last.agent ? last.agent.name : 'Agent';
  return { who, text: last.text.slice(0, 200).replace(/\s+/g, ' ').trim() };
}
