import { accent, textOn } from './color.js';
import { button, label, make } from './dom.js';
import { dataset, lang, title } from './site.js';

/** A page that takes the widget out gets it back after this; two that quarrel do not spin. */
const BACK_MS = 100;

const host = document.createElement('sakura-chat');
const badge = make('span', 'badge');
const watch = new MutationObserver(() => setTimeout(mount, BACK_MS));

export const shadow = host.attachShadow({ mode: 'open' });
export const launcher = button('launcher', title, 'M4 5h16v11H10l-6 4z');
/** What is read out: new messages of the other side, and only they. */
export const said = make('div', 'said', [], { role: 'log' });

/**
 * What a page says to all its elements, even with !important, says nothing here: an important rule inside wins over one outside;
 * direction is not part of "all". Light and dark are the browser's own colours, grey is half of either.
 */
const styles = (color = accent(dataset.color)) => `:host{all:initial!important;position:fixed!important;z-index:2147483647!important;font:15px/1.5 system-ui!important;color-scheme:light dark!important;direction:${host.dir}!important;unicode-bidi:isolate!important;--accent:${color}!important;--on:${textOn(color)}!important}
@media print{:host{display:none!important}}
*{box-sizing:border-box;margin:0;padding:0}
[hidden]{display:none!important}
button,textarea{all:unset;cursor:pointer}
:focus-visible{outline:2px solid CanvasText;outline-offset:2px}
svg{display:block;width:24px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.launcher,dialog{position:fixed;inset:auto;bottom:max(20px,env(safe-area-inset-bottom));${/^(left|right)$/.test(dataset.position || '') ? dataset.position : 'inset-inline-end'}:20px;box-shadow:0 4px 24px #0003}
.launcher,.send,.mine .text{background:var(--accent);color:var(--on)}
.launcher{padding:16px;border-radius:50%}
.badge{position:absolute;top:-4px;right:-4px;min-width:24px;border-radius:12px;background:CanvasText;color:Canvas;text-align:center}
.said{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
[aria-busy=true] svg{opacity:.5}
@media(prefers-reduced-motion:no-preference){[aria-busy=true] svg{animation:busy 1s infinite alternate}}
@keyframes busy{from{opacity:1}}`;

/** At the end of the body that the page has now: some replace it as one goes from page to page. */
function mount() {
  const { body } = document;
  if (!body || body === host.parentNode) return;
  body.append(host);
  watch.observe(body, { childList: true });
}

/** @param {string} text One of our own: constructed, so that no page's policy stands in its way. */
export function addStyles(text) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, sheet];
  return sheet;
}

/** Puts the launcher on the page. */
export function appear() {
  host.lang = lang;
  host.dir = lang === 'ar' ? 'rtl' : 'ltr';
  addStyles(styles());
  launcher.append(badge);
  shadow.append(launcher, said);
  watch.observe(document.documentElement, { childList: true });
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', mount);
  else mount();
}

/** @param {number} unread */
export function count(unread) {
  badge.textContent = String(unread || '');
  label(launcher, `${title} ${badge.textContent}`);
}
