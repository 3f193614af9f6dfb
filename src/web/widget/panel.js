import { button, icon, make } from './dom.js';
import { createLog } from './log.js';
import { client, customer, labels, title } from './site.js';
import { PHONE } from './style.js';
import { chat, choose, send } from './talk.js';

/** Pixels from the newest message that count as seeing it. */
const NEAR = 48;

/** The panel, made when it is opened for the first time. @param {() => void} close */
export function createPanel(close) {
  const [, closing, sending, write, fresh, online, away, connecting, offline] = labels;
  const log = createLog();
  const state = make('div', 'state', { role: 'status' });
  // The browser's own list lies unseen over the drawing.
  const select = make('select', 'select', { 'aria-label': fresh, onchange() {
    choose(customer.chats[select.selectedIndex] || null);
    field.focus();
  } });
  const others = make('div', 'chats', {}, icon('M4 6h16M4 12h16M4 18h10'), select);
  // It begins at the lower end: there it stays, and older messages above move nothing.
  const scroll = make('div', 'scroll', { tabIndex: 0, role: 'group', 'aria-label': title, onscroll: look }, log.list);
  const field = make('textarea', 'field', { rows: 1, maxLength: 4000, placeholder: write, 'aria-label': write, dir: 'auto', oninput: type });
  const panel = make('dialog', 'panel', { 'aria-label': title, onkeydown: key, onkeyup: key, onkeypress: key, oncancel: close },
    make('header', '', {}, make('div', 'head', {}, make('h2', 'title', { dir: 'auto' }, title), state), others,
      button('close', closing, 'M6 6l12 12M18 6L6 18', close)),
    scroll, make('form', '', {}, field, button('send', sending, 'M12 19V5M6 11l6-6 6 6', submit)));

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

  function draw() {
    if (!panel.open) return;
    state.textContent = { connecting, stale: connecting, offline, denied: offline, live: customer.online ? online : away }[client.state];
    state.classList.toggle('online', state.textContent === online);
    others.hidden = !customer.chats.length;
    if (!select.matches(':focus')) {
      select.replaceChildren(...[...customer.chats, null].map((each) => make('option', '', { selected: each === chat },
        each ? (each.unread ? '● ' : '') + each.messages[each.messages.length - 1]?.text.slice(0, 50) : fresh)));
    }
    log.draw();
    look();
  }

  document.addEventListener('visibilitychange', look);

  return {
    panel,
    draw,
    open() {
      if (matchMedia(PHONE).matches) panel.showModal();
      else panel.show();
      field.focus();
      draw();
    },
  };
}
