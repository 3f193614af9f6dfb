// The WebSocket: open while it is wanted, what is subscribed on it, and what may be promised meanwhile.

const PATH = '/ws/dashboard';
const OPEN_MS = 10000;
/**
 * The server's pings are control frames, which a browser answers itself and shows to no script: silence says nothing there.
 * So after 45 s without a frame one `ping` is sent; a line that gives nothing within 5 s more is dead. Hidden pages of
 * visitors do not ask (a phone's radio stays asleep): they ask when they are seen again. Where there is a reason for doubt
 * (seen again, back on the network, a message stored whose notice does not come) it is asked sooner.
 */
const SILENCE_MS = 45000;
const PONG_MS = 5000;
/** 1012 and 1013 say that many come back at once, or that one was too slow: the next attempt is spread over this. */
const SPREAD_MS = 5000;
/** A connection that has held so long lets the next one begin without back-off. */
const STEADY_MS = 10000;

/**
 * look: done when the server has said that the subscription has begun; the state is not live before.
 * @typedef {{ topic: string, chat: string, look?: () => Promise<void>, since?: () => string, ready: unknown }} Subscription
 */

/**
 * @param {import('./internal.js').Core} core
 * @param {(type: string, data: any) => void} onframe
 */
export function createConnection(core, onframe) {
  const { http, options } = core;
  const page = /** @type {any} */ (globalThis);
  /** @type {Set<Subscription>} */
  const subscriptions = new Set();
  /** @type {any} */
  let socket = null;
  let open = false;
  let wanted = false;
  let asked = false;
  let attempts = 0;
  let turn = 0; // One for each socket, so that what was begun for an earlier one changes nothing.
  let opened = 0;
  /** @type {any} */
  let retryTimer;
  /** @type {any} */
  let watchTimer;
  /** @type {string | null} */
  let token;

  /** @param {object} frame */
  function say(frame) {
    if (open) socket.send(JSON.stringify(frame));
  }

  /** @param {Subscription} one @param {string} action */
  function ask({ topic, chat, since }, action = 'subscribe') {
    // What is read and changed first: when messages are heard, everything is.
    for (const type of topic === 'chat_updates' ? ['chat_events', topic] : [topic]) {
      say({ action, subscription_type: type, chat_id: chat || undefined, since: since && since() || undefined });
    }
  }

  /** One chat and all chats exclude each other on one connection: all is enough. @param {Subscription} one */
  function begin(one) {
    const all = one.chat && [...subscriptions].find((other) => other.topic === one.topic && !other.chat);
    if (all) one.ready = all.ready;
    else ask(one);
  }

  /** @param {number} ms */
  function watch(ms) {
    clearTimeout(watchTimer);
    watchTimer = setTimeout(() => {
      if (!open || asked) return lost(0);
      if (page.document && page.document.hidden && !core.keen) return;
      asked = true;
      say({ action: 'ping' });
      watch(PONG_MS);
    }, ms);
  }

  async function start() {
    clearTimeout(retryTimer);
    if (!wanted || socket || http.denied) return;
    const mine = ++turn;
    try {
      token = await http.token();
      if (mine !== turn) return;
      socket = new (options.WebSocket || page.WebSocket)(core.base.replace(/^http/, 'ws') + PATH, token ? ['bearer', token] : []);
    } catch {
      return mine === turn && lost(0);
    }
    watch(OPEN_MS);
    socket.onopen = () => {
      open = true;
      opened = performance.now();
      watch(SILENCE_MS);
      subscriptions.forEach((one) => { one.ready = 0; });
      subscriptions.forEach(begin);
      settle();
    };
    socket.onmessage = (/** @type {{ data: any }} */ event) => {
      asked = false;
      watch(SILENCE_MS);
      take(JSON.parse(event.data));
      settle();
    };
    socket.onclose = (/** @type {{ code: number }} */ event) => lost(event.code);
    socket.onerror = () => {};
  }

  /** @param {any} frame */
  function take({ type, data, subscription_type: topic, chat_id: chat, message }) {
    const mine = turn;
    for (const one of subscriptions) {
      if (one.ready || !one.look) continue;
      if (type === 'subscribed' && one.topic === topic && (!chat || one.chat === chat)) {
        one.look().then(() => {
          if (mine === turn) one.ready = 1;
          settle();
        }, () => {});
      } else if (type === 'error' && /subscribe to chat_updates/.test(message)) {
        // After a restart the server does not know a visitor's chat before it has been asked for it.
        one.look().then(() => core.pause(attempts++, 0)).then(() => { if (mine === turn && !one.ready) begin(one); }, () => {});
      }
    }
    if (data) onframe(type, data);
  }

  /** Live: every subscription holds, and what was missed before it has been fetched. */
  function settle() {
    if (open && !core.isIll() && [...subscriptions].every((one) => one.ready || !one.look)) core.setState('live');
  }

  function end() {
    turn++;
    clearTimeout(watchTimer);
    clearTimeout(retryTimer);
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    socket = null;
    open = asked = false;
  }

  /** @param {number} code */
  async function lost(code) {
    const was = open;
    if (was && performance.now() - opened > STEADY_MS) attempts = 0;
    end();
    const mine = turn;
    core.doubt();
    let wait = code === 1012 || code === 1013 ? Math.random() * SPREAD_MS : 0;
    try {
      if (code === 1008) await http.refuse(token);
      // A browser does not tell why a connection could not be opened; a request does.
      else if (!was) await http.call('GET', PATH);
    } catch (error) {
      const { status, wait: asks } = /** @type {import('./http.js').SakuraError} */ (error);
      if (mine !== turn) return;
      wait += asks;
      if (!status) core.setState('offline');
      if (status === 426) {
        // The server is there, its WebSocket is not for us (a proxy): what has changed is fetched at each attempt.
        core.setState('stale');
        subscriptions.forEach((one) => one.look && one.look());
      }
    }
    if (mine === turn && wanted) retryTimer = setTimeout(start, wait + core.delay(attempts++));
  }

  /** Something speaks for trying now: the network is back, the page is seen again. @param {{ type?: string }} event */
  function hurry({ type }) {
    if (type === 'offline') return core.setState(type);
    if (open) watch(0);
    else start();
    core.wake();
    core.emit('seen');
  }

  /** @param {'add' | 'remove'} how */
  function listen(how) {
    const name = `${how}EventListener`;
    // On its way down an event of the document passes the window.
    if (page[name]) ['online', 'offline', 'visibilitychange'].forEach((type) => page[name](type, hurry, true));
  }

  return {
    say,
    settle,
    /** A message has been stored: its notice must come. */
    expect() {
      if (open && !asked) watch(PONG_MS);
    },
    start() {
      if (!wanted) listen('add');
      wanted = true;
      start();
    },
    /** By another token, or none. */
    restart() {
      end();
      attempts = 0;
      start();
    },
    stop() {
      wanted = false;
      end();
      listen('remove');
    },
    /** @param {string} topic @param {string} [chat] @param {() => Promise<void>} [look] @param {() => string} [since] */
    subscribe(topic, chat = '', look, since) {
      /** @type {Subscription} */
      const one = { topic, chat, look, since, ready: 0 };
      subscriptions.add(one);
      begin(one);
      return () => {
        subscriptions.delete(one);
        const same = [...subscriptions].filter((other) => other.topic === topic);
        ask({ ...one, since: undefined }, 'unsubscribe');
        if (!chat) same.forEach(begin);
      };
    },
  };
}
