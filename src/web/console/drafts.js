/** What is half written stays with its conversation, in this tab: over a look at another one, a reload, a new sign-in. */

const NAME = 'sakura.draft ';
/** @type {Map<string, string>} for where storage is forbidden */
const here = new Map();

/**
 * @param {string} chatId
 * @param {string} [text] given: keeps it; blank: forgets it
 * @returns {string} what is kept
 */
export function draft(chatId, text) {
  if (text !== undefined) here.set(chatId, text);
  try {
    if (text?.trim()) sessionStorage.setItem(NAME + chatId, text);
    else if (text !== undefined) sessionStorage.removeItem(NAME + chatId);
    return sessionStorage.getItem(NAME + chatId) || '';
  } catch {
    return here.get(chatId) || '';
  }
}

/** Who signs out leaves nothing behind. */
export function forgetDrafts() {
  try {
    for (const name of Object.keys(sessionStorage)) if (name.startsWith(NAME)) sessionStorage.removeItem(name);
  } catch {
    // Then nothing was kept.
  }
}
