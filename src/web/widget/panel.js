import { button, icon, make } from './dom.js';
import { followKeyboard, launcher, shadow } from './frame.js';
import { drawLog, list } from './log.js';
import { away, client, closing, customer, emit, fresh, offline, online, sending, title, write } from './site.js';
import { PHONE } from './style.js';
import { chat, choose, send } from './talk.js';

/** Pixels from the newest message that count as seeing it. */
const NEAR = 48;

/** What is read out: new messages of the other side, and only they. */
export const said = make('div', 'said', [], { role: 'log' });
const state = make('div', 'state', [], { role: 'status' });
// The browser's own list lies unseen over the drawing.
const select = make('select', 'select', [], { ariaLabel: fresh, onchange() {
  choose(customer.chats[select.selectedIndex] || null);
  field.focus();
} });
const others = make('div', 'chats', [icon('M4 6h16M4 12h16M4 18h10'), select]);
// It begins at the lower end: there it stays, and what comes above moves nothing.
const scroll = make('div', 'scroll', [list], { tabIndex: 0, role: 'group', ariaLabel: title, onscroll: look });
const field = make('textarea', 'field', [], { rows: 1, maxLength: 4000, placeholder: write, ariaLabel: write, dir: 'auto', oninput: type });
/** It is on the page from the first opening on. */
const panel = make('dialog', 'panel', [
  make('header', '', [make('div', 'head', [make('h2', 'title', [title]), state]), others, button('close', closing, 'M6 6l12 12M18 6L6 18', close)]),
  scroll, make('form', '', [field, button('send', sending, 'M12 19V5M6 11l6-6 6 6', submit)]),
], { ariaLabel: title, onkeydown: key, onkeyup: key, onkeypress: key, oncancel: close });

function type() {
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight}px`;
  chat?.typing(!!field.value);
}

function submit() {
  const text = field.value.trim();
  field.focus();
  if (!text) return;
  send(text);
  field.value = '';
  type();
  scroll.scrollTop = 0;
}

/** What is typed here is none of the page's short cuts; what an input method composes (Safari: 229) is its own.
 * @param {KeyboardEvent} event */
function key(event) {
  event.stopPropagation();
  if (event.type !== 'keydown' || event.isComposing || event.keyCode === 229) return;
  if (event.key === 'Escape') close();
  else if (event.key === 'Enter' && event.target === field && !event.shiftKey) submit();
  else return;
  event.preventDefault();
}

/** What is seen is read. */
function look() {
  if (chat?.unread && panel.open && !document.hidden && scroll.scrollTop > -NEAR) chat.read();
}

export function draw() {
  if (!panel.open) return;
  state.textContent = { connecting: '…', stale: '…', offline, denied: offline,
    live: customer.online ? online : customer.online === false ? away : '' }[client.state];
  state.classList.toggle('online', state.textContent === online);
  others.hidden = !customer.chats.length;
  if (!select.matches(':focus')) {
    select.replaceChildren(...[...customer.chats, null].map((each) => make('option', '',
      [each ? (each.unread ? '● ' : '') + each.messages[each.messages.length - 1]?.text.slice(0, 50) : fresh], { selected: each === chat })));
  }
  drawLog();
  look();
}

export function open() {
  customer.start().catch(() => {}); // The state says what is wrong.
  if (panel.open) return;
  if (!panel.parentNode) {
    shadow.append(panel);
    document.addEventListener('visibilitychange', look);
    followKeyboard();
  }
  launcher.hidden = true;
  if (matchMedia(PHONE).matches) panel.showModal();
  else panel.show();
  panel.append(said); // What lies behind a modal dialog is not read out.
  field.focus();
  draw();
  emit('open');
}

export function close() {
  if (!panel.open) return;
  panel.close();
  shadow.append(said);
  launcher.hidden = false;
  launcher.focus();
  emit('close');
}
