/** Light, dark, or as the system has it. The colours are all in style.css; here is only which. */

import { kept } from './kept.js';

const NAME = 'sakura.theme';

/** @typedef {'auto' | 'light' | 'dark'} Theme */

/** @returns {Theme} */
export function theme() {
  const value = kept(NAME);
  return value === 'light' || value === 'dark' ? value : 'auto';
}

/** @param {Theme} [value] */
export function setTheme(value = theme()) {
  kept(NAME, value === 'auto' ? '' : value);
  if (value === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
}
