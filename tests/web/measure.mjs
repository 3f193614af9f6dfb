// What tools/measure-pages prints: the pages in real Chromium, timed in the page itself.
import { launch, until } from './support/browser.mjs';
import { Visitor } from './support/people.mjs';
import { crowd } from './support/seed.mjs';
import { startServer } from './support/server.mjs';
import { site } from './support/site.mjs';
import { shop } from './support/suite.mjs';

const TIMES = 100;
const CUSTOMERS = 10_000;
let missed = false;

const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(q * values.length) - 1)];
function row(what, value, goal, unit = 'ms') {
  const ok = goal === null || value <= goal;
  if (!ok) missed = true;
  const shown = `${value.toFixed(1)} ${unit}`.padStart(10);
  console.log(`${what.padEnd(62)} ${shown}   ${goal === null ? '' : `goal ${goal} ${unit}: ${ok ? 'reached' : 'MISSED'}`}`);
}

/**
 * Runs in /demo: writes on one side, and measures until the text stands on the other in a frame that is about to be painted.
 * @param {'widget' | 'console'} from
 * @param {string} text
 */
function timed(from, text) {
  const root = document.querySelector('sakura-chat')?.shadowRoot;
  const frame = document.querySelector('iframe').contentWindow;
  const field = from === 'widget' ? root.querySelector('.field') : frame.document.querySelector('[data-composer]');
  const submit = from === 'widget' ? root.querySelector('.send') : frame.document.querySelector('[data-action=send]');
  const there = from === 'widget' ? frame.document : root;
  const texts = from === 'widget' ? 'li.message .bubble' : '.message .text';
  const now = (view) => view.performance.timeOrigin + view.performance.now();
  const view = from === 'widget' ? frame : window;
  return new Promise((done) => {
    const look = () => {
      if (![...there.querySelectorAll(texts)].some((e) => e.textContent === text)) return;
      observer.disconnect();
      view.requestAnimationFrame(() => done(now(view) - began));
    };
    const observer = new MutationObserver(look);
    observer.observe(there, { subtree: true, childList: true, characterData: true });
    field.focus();
    field.value = text;
    field.dispatchEvent(new InputEvent('input', { bubbles: true }));
    const began = now(window);
    submit.click();
  });
}

async function messages(browser) {
  const server = await startServer();
  try {
    const page = await (await browser.person('demo')).open(`${server.url}/demo`, { width: 1400 });
    const visitor = new Visitor(page);
    await visitor.open();
    await visitor.writes('the first one');
    await until(page, 'the console in the frame shows the chat', () => {
      const inside = document.querySelector('iframe')?.contentDocument;
      const row = inside?.querySelector('[data-customer] a');
      if (row && !inside.querySelector('li.message .bubble')) row.click();
      return inside?.querySelector('li.message .bubble')?.textContent === 'the first one' && inside.querySelector('[data-composer]');
    });
    for (const from of ['widget', 'console']) {
      const took = [];
      for (let i = 0; i < TIMES; i++) took.push(await page.evaluate(timed, from, `${from} ${i}`));
      const to = from === 'widget' ? 'the console' : 'the widget';
      row(`typed in the ${from} → painted in ${to}, p50 of ${TIMES}`, quantile(took, 0.5), null);
      row(`  p99 of ${TIMES}`, quantile(took, 0.99), 50);
    }
    await page.close();
  } finally {
    await server.discard();
  }
}

async function firstList(browser) {
  const server = await startServer();
  try {
    await crowd(server.url, CUSTOMERS);
    const agent = await browser.person('agent');
    const took = [];
    const whole = [];
    for (let i = 0; i < 9; i++) {
      const page = await agent.open(`${server.url}/`, { before: () => {
        const observer = new MutationObserver(() => {
          if (!document.querySelector('[data-customer]')) return;
          observer.disconnect();
          requestAnimationFrame(() => (window.listed = performance.now()));
        });
        observer.observe(document, { subtree: true, childList: true });
      } });
      const { listed, loaded } = await until(page, 'the list is there', () => window.listed &&
        { listed: window.listed, loaded: performance.getEntriesByType('navigation')[0].loadEventEnd });
      took.push(Math.max(0, listed - loaded));
      whole.push(listed);
      await page.close();
    }
    row(`console, ${CUSTOMERS} customers: first list after load, worst of 9`, Math.max(...took), 300);
    row('  after the address was given, median', quantile(whole, 0.5), null);
  } finally {
    await server.discard();
  }
}

/** Main-thread time of the tasks in which the widget's script was at work, by the browser's own trace. */
function mainThread(trace, script) {
  const events = JSON.parse(Buffer.from(trace).toString()).traceEvents;
  const names = (e) => JSON.stringify(e.args ?? {}).includes(script);
  const main = new Set(events.filter((e) => e.name === 'thread_name' && e.args?.name === 'CrRendererMain').map((e) => `${e.pid}/${e.tid}`));
  const own = events.filter((e) => main.has(`${e.pid}/${e.tid}`));
  const tasks = own.filter((e) => e.ph === 'X' && /RunTask$/.test(e.name));
  const marks = own.filter((e) => /EvaluateScript|FunctionCall|v8\.compile|CompileScript/.test(e.name) && names(e));
  const touched = tasks.filter((task) => marks.some((m) => m.tid === task.tid && m.pid === task.pid && m.ts >= task.ts && m.ts <= task.ts + task.dur));
  if (marks.length === 0) throw new Error('the trace has nothing of the script');
  return touched.reduce((sum, task) => sum + task.dur, 0) / 1000;
}

async function widgetLoad(browser) {
  const host = await site({});
  const server = await startServer({ args: ['--cors-origin', host.origin] });
  try {
    host.pages['/'] = { html: shop(server) };
    const took = [];
    for (let i = 0; i < 9; i++) {
      const page = await (await browser.person('guest')).open('about:blank');
      await page.tracing.start({ categories: ['toplevel', 'devtools.timeline', 'disabled-by-default-v8.compile', 'v8'] });
      await page.goto(`${host.origin}/`, { waitUntil: 'load' });
      await new Visitor(page).until('the launcher is there', "return root.querySelector('.launcher')");
      await page.evaluate(() => new Promise((done) => setTimeout(done, 300)));
      took.push(mainThread(await page.tracing.stop(), 'widget.js'));
      await page.close();
    }
    row('widget: main-thread time at load, median of 9', quantile(took, 0.5), 20);
    row('  worst of 9', Math.max(...took), null);
  } finally {
    await host.close();
    await server.discard();
  }
}

const browser = await launch('chromium');
try {
  await messages(browser);
  await firstList(browser);
  await widgetLoad(browser);
} finally {
  await browser.close();
}
process.exit(missed ? 1 : 0);
