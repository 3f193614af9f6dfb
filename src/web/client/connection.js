// The WebSocket: open while it is wanted, and what is subscribed on it.
import { backOff } from './core.js';

const PATH = '/ws/dashboard';
const UPDATES = 'chat_updates';
const OPEN_MS = 10000;
/**
 * The server's pings are control frames, which a browser answers itself and shows to no script: silence says nothing there.
 * So after 45 s without a frame one `ping` is sent; a line that gives nothing within 5 s more is dead. Where there is a reason
 * for doubt (seen again, back on the network, a message stored whose notice does not come) it is asked sooner.
 */
const SILENCE_MS = 45000;
const PONG_MS = 5000;
/** 1012 and 1013 say that many come back at once, or that one was too slow: the next attempt is spread over this. */
const SPREAD_MS = 5000;
/** A connection that has held so long lets the next one begin without back-off. */
const STEADY_MS = 10000;

/**
 * held: the server has said that it has begun, and what was missed before has been fetched.
 * @typedef {{ topic: string, chat?: string, held?: boolean }} Subscription
 */

/** @param {import('./internal.js').Core} core */
export function createConnection(core) {
  const page = /** @type {any} */ (globalThis);
  /** @type {Set<Subscription>} */
  const subscriptions = new Set();
  /** @type {any} */
  let socket = null;
  let opened = 0; // When; 0: it is not open.
  let wanted = false;
  let failures = 0;
  let turn = 0; // One for each socket, so that what was begun for an earlier one changes nothing.
  let again = 0; // The turn in which what was refused is asked for again.
  /** @type {any} */
  let timer;
  /** @type {string | null} */
  let token;

  /** What happens where nothing else does: one thing at a time. @param {number} ms @param {() => void} fn */
  function after(ms, fn) {
    clearTimeout(timer);
    timer = setTimeout(fn, ms);
  }

  /** @param {object} frame */
  function say(frame) {
    if (opened) socket.send(JSON.stringify(frame));
  }

  /** @param {Subscription} one @param {string} [action] */
  function ask({ topic, chat }, action = 'subscribe') {
    // What is read and changed first: when messages are heard, everything is.
    for (const type of topic === UPDATES ? ['chat_events', topic] : [topic]) {
      say({ action, subscription_type: type, chat_id: chat, since: core.since() || undefined });
    }
  }

  /** Nothing is promised before messages are heard. */
  const waiting = () => [...subscriptions].filter((one) => one.topic === UPDATES && !one.held);

  function probe() {
    say({ action: 'ping' });
    after(PONG_MS, lost);
  }

  async function open() {
    if (!wanted || socket || core.denied) return;
    const mine = ++turn;
    try {
      token = await core.token();
      if (mine !== turn) return;
      socket = new (core.options.WebSocket || page.WebSocket)(core.base.replace(/^http/, 'ws') + PATH, token ? ['bearer', token] : []);
    } catch {
      if (mine === turn) lost();
      return;
    }
    after(OPEN_MS, lost);
    socket.onopen = () => {
      opened = performance.now();
      after(SILENCE_MS, probe);
      for (const one of subscriptions) {
        one.held = false;
        ask(one);
      }
      core.settle();
    };
    socket.onmessage = (/** @type {{ data: any }} */ { data }) => {
      after(SILENCE_MS, probe);
      take(JSON.parse(data));
    };
    socket.onclose = lost;
    socket.onerror = () => {};
  }

  /** @param {any} frame */
  async function take({ type, data, subscription_type: topic, chat_id: chat, message }) {
    const mine = turn;
    if (data) core.hear(type, data);
    if (type === 'subscribed' && topic === UPDATES) {
      await core.look().catch(() => {});
      if (mine !== turn) return;
      for (const one of subscriptions) if (one.chat === chat) one.held = true;
      core.settle();
    } else if (type === 'error' && /subscribe to chat_updates/.test(message) && again !== turn) {
      // After a restart the server does not know a visitor's chats before it has been asked for them.
      again = turn;
      await core.look().catch(() => {});
      await core.pause(failures++);
      again = 0;
      if (mine === turn) waiting().forEach((one) => ask(one));
    }
  }

  function drop() {
    turn++;
    clearTimeout(timer);
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    socket = null;
    opened = 0;
  }

  /** @param {{ code?: number }} [event] */
  async function lost({ code } = {}) {
    const was = opened;
    if (was && performance.now() - was > STEADY_MS) failures = 0;
    drop();
    const mine = turn;
    core.doubt();
    let wait = code === 1012 || code === 1013 ? Math.random() * SPREAD_MS : 0;
    try {
      if (code === 1008) await core.refuse(token);
      // A browser does not tell why a connection could not be opened; a request does.
      else if (!was) await core.call('GET', PATH);
    } catch (error) {
      const { status, wait: asked } = /** @type {import('./http.js').SakuraError} */ (error);
      if (mine !== turn) return;
      wait += asked;
      core.settle(status ? 'stale' : 'offline');
      // The server is there, its WebSocket is not for us (a proxy): what has changed is fetched at each attempt.
      if (status === 426) core.look();
    }
    if (mine === turn) after(wait + backOff(failures++), open);
  }

  /** Something speaks for trying now: the network is back, the page is seen again. @param {{ type?: string }} event */
  function hurry({ type }) {
    if (type === 'offline') return opened && lost();
    if (opened) probe();
    else open();
    core.wake();
    core.emit('seen');
  }

  /** @param {'addEventListener' | 'removeEventListener'} how */
  function listen(how) {
    // On its way down an event of the document passes the window.
    ['online', 'offline', 'visibilitychange'].forEach((type) => page[how]?.(type, hurry, true));
  }

  return {
    say,
    /** A message has been stored: its notice must come. */
    expect() {
      if (opened) after(PONG_MS, probe);
    },
    /** Nothing is missed. */
    holds: () => opened && !waiting().length,
    start() {
      wanted = !core.closed;
      if (wanted) listen('addEventListener'); // Again changes nothing.
      open();
    },
    /** By another token, or none. */
    restart() {
      drop();
      failures = 0;
      open();
    },
    end() {
      wanted = false;
      listen('removeEventListener');
      drop();
    },
    /** @param {string} topic @param {string} [chat] without: all */
    subscribe(topic, chat) {
      /** @type {Subscription} */
      const one = { topic, chat };
      subscriptions.add(one);
      ask(one);
      return () => {
        subscriptions.delete(one);
        ask(one, 'unsubscribe');
      };
    },
  };
}
