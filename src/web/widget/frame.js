import { button, make } from './dom.js';
import { dataset, lang, title } from './site.js';
import { styles } from './style.js';

/** A page that takes the widget out gets it back after this; two that quarrel do not spin. */
const BACK_MS = 100;

const host = document.createElement('sakura-chat');
const sheet = new CSSStyleSheet();
const badge = make('span', 'badge');
const watch = new MutationObserver(() => setTimeout(mount, BACK_MS));

export const shadow = host.attachShadow({ mode: 'open' });
export const launcher = button('launcher', title, 'M4 5h16v11H10l-6 4z');

/** At the end of the body that the page has now: some replace it as one goes from page to page. */
function mount() {
  const { body } = document;
  if (!body || body === host.parentNode) return;
  body.append(host);
  watch.observe(body, { childList: true });
}

/** Puts the launcher on the page. */
export function appear() {
  host.lang = lang;
  host.dir = lang === 'ar' ? 'rtl' : 'ltr';
  sheet.replaceSync(styles(dataset));
  shadow.adoptedStyleSheets = [sheet];
  launcher.append(badge);
  shadow.append(launcher);
  watch.observe(document.documentElement, { childList: true });
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', mount);
  else mount();
}

/** @param {number} unread */
export function count(unread) {
  badge.textContent = String(unread || '');
  launcher.ariaLabel = `${title} ${badge.textContent}`;
}

/** What covers the whole of a phone covers what its keyboard leaves. */
export function followKeyboard() {
  const { style } = /** @type {CSSStyleRule} */ (sheet.cssRules[0]);
  const seen = /** @type {VisualViewport} */ (visualViewport);
  const follow = () => {
    style.setProperty('--height', `${seen.height * seen.scale}px`);
    style.setProperty('--top', `${seen.offsetTop}px`);
  };
  seen.onresize = seen.onscroll = follow;
  follow();
}
