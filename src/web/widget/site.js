// What the site says, and what all parts of the widget share: there is one widget on a page.
import { createEmitter } from '../client/emitter.js';
import { createClient } from '../client/visitor.js';
import { LANGUAGES, TITLES, language } from './labels.js';

export const { src, dataset } = /** @type {HTMLScriptElement} */ (document.currentScript);
export const lang = language(dataset.lang, document.documentElement.lang, navigator.language);
export const title = dataset.title || TITLES[LANGUAGES.indexOf(lang)];
export const client = createClient({ url: new URL(src).origin });
export const customer = client.customer();
/** open, close, message, unread, and draw: something that is shown is different now. */
export const { on, emit } = createEmitter();
export const changed = () => emit('draw');
