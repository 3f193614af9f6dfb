/** What this browser keeps of an agent's wishes. Where storage is forbidden the page works and forgets. */

/**
 * @param {string} name
 * @param {string} [value] given: keeps it; empty: forgets it
 * @returns {string} what is kept
 */
export function kept(name, value) {
  try {
    if (value) localStorage.setItem(name, value);
    else if (value === '') localStorage.removeItem(name);
    return localStorage.getItem(name) || '';
  } catch {
    return value || '';
  }
}
