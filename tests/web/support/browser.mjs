/**
 * The distribution's browsers, driven headless: Chromium by its own protocol through a pipe, Firefox ESR by WebDriver BiDi.
 *
 * Each run has a profile and a home of its own in a temporary folder and talks to nobody but this machine. What goes wrong in
 * any page (an error on the console, an exception, a request that fails or is refused) is written down, and check() fails the
 * test for what nobody expected. Every wait ends: by what it waits for, or by an error that says what the page showed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import puppeteer from 'puppeteer-core';
import * as leftovers from './leftovers.mjs';

/** Sanitizers and busy machines take longer; nothing that works waits for it. */
export const PATIENCE_MS = 60_000 * Number(process.env.SAKURAD_SLOWER || 1);

const PROGRAMS = {
  chromium: ['/usr/bin/chromium', '/usr/lib/chromium/chromium'],
  firefox: ['/usr/bin/firefox-esr', '/usr/lib/firefox-esr/firefox-esr'],
};

// A proxy at which nobody listens: whatever a browser wants from elsewhere on its own account is refused at once, with a
// network or without. Both go to this machine directly all the same.
const NOWHERE = '127.0.0.1:9';

const CHROMIUM_FLAGS = [
  '--no-sandbox', // root has no other way, and the pages are our own
  '--disable-gpu', '--disable-quic', '--disable-component-update', '--disable-domain-reliability', '--no-pings',
  '--no-default-browser-check', '--no-service-autorun', '--mute-audio', '--hide-scrollbars', '--disable-lcd-text',
  '--disable-extensions', '--font-render-hinting=none', '--noerrdialogs', `--proxy-server=${NOWHERE}`,
  '--proxy-bypass-list=127.0.0.1;localhost;[::1]',
  '--disable-features=DialMediaRouteProvider,InterestFeedContentSuggestions,CertificateTransparencyComponentUpdater',
];

const [NOWHERE_HOST, NOWHERE_PORT] = NOWHERE.split(':');
const FIREFOX_PREFS = {
  'network.proxy.type': 1,
  'network.proxy.http': NOWHERE_HOST, 'network.proxy.http_port': Number(NOWHERE_PORT),
  'network.proxy.ssl': NOWHERE_HOST, 'network.proxy.ssl_port': Number(NOWHERE_PORT),
  'network.proxy.no_proxies_on': '127.0.0.1, localhost, [::1]',
  'network.proxy.allow_bypass': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.dns.disablePrefetch': true,
  'network.prefetch-next': false,
  'network.trr.mode': 5,
  'app.normandy.enabled': false,
  'app.shield.optoutstudies.enabled': false,
  'browser.region.update.enabled': false,
  'browser.region.network.url': '',
  'browser.topsites.contile.enabled': false,
  'browser.urlbar.merino.endpointURL': '',
  'browser.newtabpage.activity-stream.feeds.section.topstories': false,
  'browser.discovery.enabled': false,
  'dom.push.enabled': false,
  'extensions.blocklist.enabled': false,
  'extensions.systemAddon.update.enabled': false,
  'extensions.formautofill.addresses.enabled': false,
  'media.gmp-provider.enabled': false,
  'services.settings.server': `http://${NOWHERE}/`,
  'security.OCSP.enabled': 0,
  'toolkit.telemetry.enabled': false,
  'toolkit.telemetry.unified': false,
  'toolkit.telemetry.server': `http://${NOWHERE}/`,
  'browser.cache.disk.enable': false,
  // A page in a window behind another is as awake as one in front: these tests look at two at once.
  'dom.min_background_timeout_value': 4,
  'dom.timeout.enable_budget_timer_throttling': false,
  'widget.windows.window_occlusion_tracking.enabled': false,
  // One process for all pages is a third of the memory and of the start.
  'dom.ipc.processCount': 1,
  'fission.autostart': false,
};

/** @param {'chromium' | 'firefox'} kind */
export async function launch(kind = process.env.SAKURAD_BROWSER || 'chromium', { flags = [] } = {}) {
  const program = PROGRAMS[kind]?.find(existsSync);
  if (!program) {
    throw new Error(`${kind}: there is no ${PROGRAMS[kind]?.join(' or ') ?? 'such browser'} (tools/test installs it); all tests but the pages': ctest -LE web`);
  }
  const home = await mkdtemp(path.join(tmpdir(), `sakurad-${kind}-`));
  leftovers.folder(home);
  const env = {
    ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, XDG_DATA_HOME: home, TZ: 'UTC', LANG: 'C.UTF-8',
    LANGUAGE: 'en', DBUS_SESSION_BUS_ADDRESS: 'disabled:', DBUS_SYSTEM_BUS_ADDRESS: 'disabled:', NO_AT_BRIDGE: '1',
    GSETTINGS_BACKEND: 'memory', MOZ_CRASHREPORTER_DISABLE: '1', TMPDIR: home,
  };
  delete env.DISPLAY;
  delete env.WAYLAND_DISPLAY;
  const common = {
    executablePath: program, headless: true, env, timeout: PATIENCE_MS, protocolTimeout: 3 * PATIENCE_MS, defaultViewport: null,
    handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false,
  };
  const own = kind === 'chromium'
    ? { browser: 'chrome', pipe: true, userDataDir: home, args: [...CHROMIUM_FLAGS, ...flags] }
    : { browser: 'firefox', protocol: 'webDriverBiDi', args: ['--profile', home, '--no-remote'], extraPrefsFirefox: FIREFOX_PREFS };
  let puppet;
  try {
    puppet = await puppeteer.launch({ ...common, ...own });
  } catch (error) {
    rmSync(home, { recursive: true, force: true });
    throw error;
  }
  const pid = puppet.process()?.pid;
  if (pid) leftovers.process(-pid);
  return new Browser(kind, puppet, home);
}

export class Browser {
  constructor(kind, puppet, home) {
    this.kind = kind;
    this.puppet = puppet;
    this.home = home;
    /** @type {{ page: string, what: string, text: string, url?: string }[]} */
    this.problems = [];
    /** @type {RegExp[]} */
    this.expected = [];
    this.pages = new Set();
  }

  /** Cookies and storage of its own, as another person's browser has. */
  async person(name) {
    return new Person(this, name, await this.puppet.createBrowserContext());
  }

  /** From now on problems that match are part of the test. */
  expect(...patterns) {
    this.expected.push(...patterns);
  }

  /** Fails for every problem that nobody expected; then begins anew. */
  check() {
    const found = this.problems.filter((p) => !this.expected.some((e) => e.test(`${p.what}: ${p.text} ${p.url ?? ''}`)));
    this.problems = [];
    if (found.length === 0) return;
    const lines = found.map((p) => `  ${p.page}: ${p.what}: ${p.text}${p.url ? ` (${p.url})` : ''}`);
    throw new Error(`${this.kind}: problems in the pages:\n${[...new Set(lines)].join('\n')}`);
  }

  /** Ends the process group whatever state it is in. */
  kill() {
    const pid = this.puppet.process()?.pid;
    for (const target of pid ? [-pid, pid] : []) {
      try {
        process.kill(target, 'SIGKILL');
      } catch {
        // gone already
      }
    }
  }

  async close() {
    const child = this.puppet.process();
    const ended = child && child.exitCode === null && child.signalCode === null
      ? new Promise((done) => child.once('exit', done)) : null;
    await within(10_000, this.puppet.close().catch(() => {}));
    await within(5_000, ended);
    this.kill();
    await within(5_000, ended);
    if (child?.pid) leftovers.ended(-child.pid);
    await rm(this.home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

class Person {
  constructor(browser, name, context) {
    this.browser = browser;
    this.name = name;
    this.context = context;
  }

  /**
   * A window of its own, so that it is visible beside others.
   * before: run in the page before its own scripts. allow: problems that are part of this page.
   * @param {string} url
   */
  async open(url, { width = 1100, height = 800, theme = 'light', before = null, beforeArgs = [], still = true } = {}) {
    const page = await this.context.newPage({ type: 'window' });
    page.setDefaultTimeout(PATIENCE_MS);
    page.setDefaultNavigationTimeout(PATIENCE_MS);
    this.browser.pages.add(page);
    page.requested = [];
    this.#watch(page);
    await page.setViewport({ width, height });
    await emulate(page, { theme, still });
    if (before) await page.evaluateOnNewDocument(before, ...beforeArgs);
    await page.goto(url, { waitUntil: 'load' });
    return page;
  }

  #watch(page) {
    const note = (what, text, where) => this.browser.problems.push({ page: this.name, what, text, url: where });
    page.on('console', (m) => {
      if (m.type() === 'error') note('console', m.text(), m.location()?.url);
    });
    page.on('pageerror', (e) => note('exception', e?.stack || e?.message || String(e)));
    page.on('request', (r) => page.requested.push(`${r.method()} ${r.url()}`));
    page.on('requestfailed', (r) => {
      const why = r.failure()?.errorText ?? '';
      // A page that goes takes its requests with it.
      if (!/ERR_ABORTED|NS_BINDING_ABORTED|NS_ERROR_ABORT|browsing context was disposed/.test(why)) note('request', `${r.method()} ${why}`, r.url());
    });
    page.on('response', (r) => {
      if (r.status() >= 400) note('answer', `${r.request().method()} ${r.status()}`, r.url());
    });
  }
}

/** What a visitor's system says of itself. Firefox has no such call over BiDi: there the pages' own query is answered. */
async function emulate(page, { theme, still }) {
  const features = [
    { name: 'prefers-color-scheme', value: theme },
    { name: 'prefers-reduced-motion', value: still ? 'reduce' : 'no-preference' },
  ];
  await page.emulateMediaFeatures(features).catch(() => {});
}

/** The promise, or undefined after so long. */
export async function within(ms, promise) {
  let timer;
  const late = new Promise((done) => (timer = setTimeout(done, ms)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Until fn is true in the page. Its value is given back. */
export async function until(page, what, fn, ...args) {
  try {
    const handle = await page.waitForFunction(fn, { polling: 25, timeout: PATIENCE_MS }, ...args);
    return await handle.jsonValue();
  } catch (error) {
    if (error.name !== 'TimeoutError') throw error;
    throw new Error(`waited ${PATIENCE_MS / 1000} s in vain until ${what}. The page showed:\n${await shown(page)}`);
  }
}

/** What a person would read, shadow roots included. */
export async function shown(page) {
  return page.evaluate(() => {
    const texts = [document.body?.innerText ?? ''];
    for (const e of document.querySelectorAll('*')) if (e.shadowRoot) texts.push(...[...e.shadowRoot.children].map((c) => c.innerText ?? ''));
    return texts.join('\n---\n').slice(0, 3000);
  }).catch((error) => `(${error.message})`);
}
