// What is behind the launcher: loaded when it is opened for the first time.
import { createLog } from './log.js';
import { PHONE, STYLES } from './style.js';
import { wordsIn } from './words.js';

/** Pixels from the newest message that count as seeing it. */
const NEAR = 48;
/** Pixels from the oldest row that call for older ones. */
const FAR = 600;
/** Characters of one message, and from where on they are counted for the visitor. */
const LIMIT = 4000;
const COUNTED = 3600;

/** @param {import('./widget.js').Parts} parts */
export function createPanel(parts) {
  const { make, button, icon, shadow, launcher, said, client, customer, talk, emit, title } = parts;
  const words = wordsIn(parts.language);
  const log = createLog(parts, words);
  const sheet = parts.addStyles(STYLES);
  let due = false;
  let options = '';

  const state = make('div', 'state', [], { role: 'status' });
  // The browser's own list lies unseen over the drawing.
  const select = make('select', 'select', [], { ariaLabel: words.chats, onchange() {
    talk.choose(customer.chats[select.selectedIndex] || null);
    field.focus();
  } });
  const others = make('div', 'chats', [icon('M4 6h16M4 12h16M4 18h10'), select]);
  // It begins at the lower end: there it stays, and what comes above moves nothing.
  const scroll = make('div', 'scroll', [log.list], { tabIndex: 0, role: 'group', ariaLabel: title, onscroll: look });
  const count = make('div', 'count', [], { role: 'status', dir: 'auto' });
  const field = make('textarea', 'field', [], { rows: 1, placeholder: words.write, ariaLabel: words.write, dir: 'auto', oninput: type });
  const sender = button('send', words.send, 'M12 19V5M6 11l6-6 6 6', submit);
  const panel = make('dialog', 'panel', [
    make('header', '', [make('div', 'head', [make('h2', 'title', [make('bdi', '', [title])]), state]), others,
      button('close', words.close, 'M6 6l12 12M18 6L6 18', close)]),
    scroll, count, make('form', '', [field, sender]),
  ], { ariaLabel: title, onkeydown: key, onkeyup: key, onkeypress: key, oncancel: cancel });
  shadow.append(panel);
  document.addEventListener('visibilitychange', look);
  followKeyboard();

  /** What covers the whole of a phone covers what its keyboard leaves. */
  function followKeyboard() {
    const { style } = /** @type {CSSStyleRule} */ (sheet.cssRules[0]);
    const seen = /** @type {VisualViewport} */ (visualViewport);
    const follow = () => {
      style.setProperty('--height', `${seen.height * seen.scale}px`);
      style.setProperty('--top', `${seen.offsetTop}px`);
    };
    seen.addEventListener('resize', follow);
    seen.addEventListener('scroll', follow);
    follow();
  }

  const text = () => field.value.trim();

  function type() {
    const { length } = text();
    field.style.height = 'auto';
    field.style.height = `${field.scrollHeight}px`;
    count.textContent = length > COUNTED ? `${length > LIMIT ? `${words.long}: ` : ''}${length} / ${LIMIT}` : '';
    sender.disabled = length > LIMIT;
    talk.chat?.typing(!!field.value);
  }

  function submit() {
    const said = text();
    field.focus();
    if (!said || said.length > LIMIT) return;
    talk.send(said);
    field.value = '';
    type();
    scroll.scrollTop = 0;
  }

  /** What is typed here is none of the page's short cuts; what an input method composes (Safari: 229) is its own, and so is what
   * closes a list that the browser shows.
   * @param {KeyboardEvent} event */
  function key(event) {
    event.stopPropagation();
    if (event.type !== 'keydown' || event.isComposing || event.keyCode === 229 || event.target === select) return;
    if (event.key === 'Escape') close();
    else if (event.key === 'Enter' && event.target === field && !event.shiftKey) submit();
    else return;
    event.preventDefault();
  }

  /** @param {Event} event */
  function cancel(event) {
    if (event.target !== panel) return;
    event.preventDefault();
    close();
  }

  /** What is seen is read. */
  function look() {
    const { chat } = talk;
    if (!panel.open) return;
    if (chat?.unread && !document.hidden && scroll.scrollTop > -NEAR) chat.read();
    if (scroll.scrollHeight - scroll.clientHeight + scroll.scrollTop < FAR) log.more();
  }

  function drawState() {
    const { online } = customer;
    // Without a chat nothing is asked for, so there is nothing to say.
    const word = client.state !== 'live' ? client.state !== 'connecting' || customer.known ? words[client.state] : ''
      : online ? words.online : online === false ? words.away : '';
    if (state.textContent !== word) state.textContent = word;
    state.classList.toggle('online', word === words.online);
  }

  function drawChats() {
    const texts = customer.chats.map(({ unread, messages }) =>
      (unread ? '● ' : '') + [...(messages[messages.length - 1]?.text || '').slice(0, 60)].slice(0, 50).join(''));
    const looks = JSON.stringify(texts);
    others.hidden = !texts.length;
    if (looks !== options && !select.matches(':focus')) {
      options = looks;
      select.replaceChildren(...[...texts, words.fresh].map((each) => make('option', '', [each])));
    }
    const at = talk.chat ? customer.chats.indexOf(talk.chat) : texts.length;
    if (!select.matches(':focus')) select.selectedIndex = at;
  }

  function drawNow() {
    due = false;
    if (!panel.open) return;
    drawState();
    drawChats();
    log.draw();
    look();
  }

  /** Several changes at once are drawn once. */
  function draw() {
    if (!due) Promise.resolve().then(drawNow);
    due = true;
  }

  function open() {
    if (panel.open) return;
    // It may have taken its time: who writes elsewhere goes on writing there.
    const writes = document.activeElement?.matches('input,textarea,select,[contenteditable]');
    launcher.hidden = true;
    if (matchMedia(PHONE).matches) panel.showModal();
    else panel.open = true; // show() would take the focus.
    panel.append(said); // What lies behind a modal dialog is not read out.
    if (!writes) field.focus();
    drawNow();
    emit('open');
  }

  function close() {
    if (!panel.open) return;
    panel.close();
    shadow.append(said);
    launcher.hidden = false;
    launcher.focus();
    emit('close');
  }

  return { open, close, draw };
}
