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
/** 1012 and 1013 say that many come back at once, or that one was too slow: the first attempt is spread over this. */
const SPREAD_MS = 5000;
/** A connection that has held so long lets the next one begin without back-off. */
const STEADY_MS = 10000;

/**
 * @typedef {{ topic: string, chat: string, look?: () => Promise<void>, since?: () => string, ready: boolean }} Subscription
 *   look: done once the server says that the subscription has begun; the state is not live before.
 */

/**
 * @param {import('./internal.js').Core} core
 * @param {(type: string, data: any) => void} onframe
 */
export function createConnection(core, onframe) {
  const { http, pace, options } = core;
  /** @type {Set<Subscription>} */
  const subscriptions = new Set();
  /** @type {any} */
  let socket = null;
  let open = false;
  let wanted = false;
  let starting = false;
  let attempts = 0;
  let ends = 0;
  /** @type {any} */
  let retryTimer;
  /** @type {any} */
  let watchTimer;
  /** @type {any} */
  let steadyTimer;
  let asked = false;
  /** @type {string | null} */
  let used = null;

  const page = /** @type {any} */ (globalThis);
  const hidden = () => page.document && page.document.hidden && !core.keen;
  const offline = () => page.navigator && page.navigator.onLine === false;

  /** @param {object} frame */
  function say(frame) {
    if (open) socket.send(JSON.stringify(frame));
    return open;
  }

  /** One chat and all chats exclude each other on one connection: all is enough. @param {Subscription} one */
  function ask(one) {
    const all = one.chat && [...subscriptions].find((other) => other.topic === one.topic && !other.chat);
    if (all) one.ready = all.ready;
    else say({
      action: 'subscribe', subscription_type: one.topic, chat_id: one.chat || undefined,
      since: one.since && one.since() || undefined,
    });
  }

  /** @param {number} ms */
  function watch(ms) {
    clearTimeout(watchTimer);
    watchTimer = setTimeout(silent, ms);
  }

  function silent() {
    if (!open || asked) return lost(0);
    if (hidden()) return;
    asked = true;
    say({ action: 'ping' });
    watch(PONG_MS);
  }

  async function start() {
    clearTimeout(retryTimer);
    if (!wanted || socket || starting) return;
    starting = true;
    try {
      used = await http.current();
    } catch (error) {
      return later(0);
    } finally {
      starting = false;
    }
    if (!wanted || http.denied) return;
    try {
      socket = new (options.WebSocket || page.WebSocket)(core.base.replace(/^http/, 'ws') + PATH, used ? ['bearer', used] : []);
    } catch (error) {
      return later(0);
    }
    const mine = socket;
    asked = false;
    watch(OPEN_MS);
    mine.onopen = () => {
      if (mine !== socket) return;
      open = true;
      watch(SILENCE_MS);
      steadyTimer = setTimeout(() => { attempts = 0; }, STEADY_MS);
      subscriptions.forEach((one) => { one.ready = false; });
      subscriptions.forEach(ask);
      settle();
    };
    mine.onmessage = (/** @type {{ data: any }} */ event) => {
      if (mine !== socket) return;
      asked = false;
      watch(SILENCE_MS);
      let frame;
      try {
        frame = JSON.parse(event.data);
      } catch {
        return;
      }
      take(frame);
      settle();
    };
    mine.onclose = (/** @type {{ code: number }} */ event) => { if (mine === socket) lost(event.code); };
    mine.onerror = () => {};
  }

  /** @param {any} frame */
  function take({ type, data, subscription_type: topic, chat_id: chat, message }) {
    if (type === 'subscribed') {
      for (const one of subscriptions) {
        if (one.topic !== topic || (chat && one.chat !== chat) || one.ready) continue;
        const mine = socket;
        const done = () => {
          if (mine !== socket) return;
          one.ready = true;
          settle();
        };
        if (one.look) one.look().then(done, () => {});
        else one.ready = true;
      }
      pace.wake();
    } else if (type === 'error' && /subscribe to chat_/.test(message)) {
      // After a restart the server does not know a visitor's chat before it has been asked for it.
      const mine = socket;
      for (const one of subscriptions) {
        if (!one.ready && one.look && one.topic === message.split(' ').pop()) {
          one.look().then(() => pace.pause(attempts++, 0)).then(() => { if (mine === socket && !one.ready) ask(one); }, () => {});
        }
      }
    } else if (data) {
      onframe(data.type === 'chat_message_notification' ? data.type : type, data);
    }
  }

  /** Live: every subscription holds and what was missed before it has been fetched. */
  function settle() {
    if (open && !pace.anyIll && [...subscriptions].every((one) => one.ready || !one.look)) core.setState('live');
  }

  function end() {
    ends++;
    const old = socket;
    socket = null;
    open = false;
    clearTimeout(watchTimer);
    clearTimeout(steadyTimer);
    clearTimeout(retryTimer);
    if (old) {
      old.onopen = old.onmessage = old.onclose = null;
      old.close();
    }
  }

  /** @param {number} code */
  async function lost(code) {
    const was = open;
    end();
    core.setState(offline() ? 'offline' : core.state === 'live' ? 'stale' : core.state);
    const mine = ends;
    let wait = 0;
    try {
      if (code === 1008) await http.renew(used);
      // A browser does not tell why a connection could not be opened; a request does.
      else if (!was) await http.call('GET', PATH);
    } catch (error) {
      const { status, wait: asks } = /** @type {import('./http.js').SakuraError} */ (error);
      wait = asks;
      if (mine !== ends) return; // Begun anew meanwhile.
      if (!status) core.setState('offline');
      else if (status === 401) return core.refused();
      else if (status === 426) {
        // The server is there, its WebSocket is not for us (a proxy): what has changed is fetched at each attempt.
        core.setState('stale');
        subscriptions.forEach((one) => { if (one.look) one.look().catch(() => {}); });
      }
    }
    if (mine !== ends) return;
    if (code === 1012 || code === 1013) wait += Math.random() * SPREAD_MS;
    later(wait);
  }

  /** @param {number} wait */
  function later(wait) {
    clearTimeout(retryTimer);
    if (wanted && !http.denied) retryTimer = setTimeout(start, wait + pace.delay(attempts++));
  }

  /** Something speaks for trying now: the network is back, the page is seen again. */
  function hurry() {
    if (open) watch(0);
    else start();
    pace.wake();
  }
  const seen = () => { if (!page.document.hidden) hurry(); };
  const gone = () => core.setState('offline');

  return {
    say,
    hurry,
    settle,
    /** A message has been stored: its notice must come. */
    expect() {
      if (open && !asked) watch(PONG_MS);
    },
    start() {
      if (wanted) return;
      wanted = true;
      page.addEventListener?.('online', hurry);
      page.addEventListener?.('offline', gone);
      page.document?.addEventListener('visibilitychange', seen);
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
      page.removeEventListener?.('online', hurry);
      page.removeEventListener?.('offline', gone);
      page.document?.removeEventListener('visibilitychange', seen);
    },
    /**
     * @param {string} topic @param {string} [chat] @param {() => Promise<void>} [look] @param {() => string} [since]
     */
    subscribe(topic, chat = '', look, since) {
      /** @type {Subscription} */
      const one = { topic, chat, look, since, ready: false };
      subscriptions.add(one);
      ask(one);
      return () => {
        subscriptions.delete(one);
        const same = [...subscriptions].filter((other) => other.topic === topic);
        if (same.some((other) => other.chat === chat)) return;
        say({ action: 'unsubscribe', subscription_type: topic, chat_id: chat || undefined });
        if (!chat) same.forEach(ask);
      };
    },
  };
}
