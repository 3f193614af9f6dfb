/** What a visitor and an agent do and see, in terms of the pages: the one place that knows how the pages are made. */
import { until } from './browser.mjs';

/** The widget's shadow root, as an expression for functions that run in a page. */
const ROOT = "document.querySelector('sakura-chat')?.shadowRoot";

/** Runs in a page: text where one writes, as typing leaves it. */
const TYPED = `(field, text) => { field.focus(); field.value = text; field.dispatchEvent(new InputEvent('input', { bubbles: true })); }`;

export class Visitor {
  /** @param {import('puppeteer-core').Page} page with the widget on it */
  constructor(page) {
    this.page = page;
  }

  /** body: with `root`, the widget's shadow root, and `args`. */
  do(body, ...args) {
    return this.page.evaluate(`((...args) => { const root = ${ROOT}; ${body} })(...${JSON.stringify(args)})`);
  }

  until(what, body, ...args) {
    return until(this.page, what, `((...args) => { const root = ${ROOT}; if (!root) return false; ${body} })(...${JSON.stringify(args)})`);
  }

  async open() {
    await this.until('the widget is there', "return root.querySelector('.launcher')");
    await this.do("if (!root.querySelector('dialog')?.open) root.querySelector('.launcher').click()");
    await this.until('the panel is open', "return root.querySelector('dialog')?.open && root.querySelector('.field')");
  }

  /** Key by key, and Enter. */
  async writes(text) {
    await this.types(text);
    await this.page.keyboard.press('Enter');
  }

  /** Key by key, without sending it. */
  async types(text) {
    await this.do("root.querySelector('.field').focus()");
    await this.page.keyboard.type(text);
  }

  /** At once, as many as there are. */
  async bursts(texts) {
    await this.do(`for (const text of args) {
      (${TYPED})(root.querySelector('.field'), text);
      root.querySelector('.send').click();
    }`, ...texts);
  }

  /** Texts, oldest first. */
  messages() {
    return this.do("return [...root.querySelectorAll('.message .text')].map((e) => e.textContent)");
  }

  async sees(text) {
    await this.until(`the widget shows: ${text}`,
      "return [...root.querySelectorAll('.message .text')].some((e) => e.textContent === args[0])", text);
  }

  /** Nothing waits to be sent. */
  async settled() {
    await this.until('all is sent', "return !root.querySelector('.message.pending')");
  }

  async seesTyping() {
    await this.until('the widget shows that the agent types', "return root.querySelector('.typing')");
  }

  async seesRead() {
    await this.until('the last own message is ticked as read',
      "return [...root.querySelectorAll('.message.mine')].pop()?.querySelector('.tick')?.textContent === '✓✓'");
  }

  async seesOnline() {
    await this.until('agents are there', "return root.querySelector('.state').classList.contains('online')");
  }

  /** What its links lead to. */
  links() {
    return this.do("return [...root.querySelectorAll('a')].map((a) => [a.href, a.rel])");
  }
}

export class Agent {
  /** @param {import('puppeteer-core').Page} page the console */
  constructor(page) {
    this.page = page;
  }

  /** Rows of the list as far as they are drawn. */
  rows() {
    return this.page.evaluate(() => [...document.querySelectorAll('[data-customer]')].map((row) => ({
      name: row.querySelector('.row-name')?.textContent, text: row.querySelector('.row-text')?.textContent,
      unread: row.getAttribute('data-unread'), chat: row.getAttribute('data-chat'),
    })));
  }

  async seesRow(text) {
    await until(this.page, `a row shows: ${text}`,
      (wanted) => [...document.querySelectorAll('[data-customer]')].some((row) => row.textContent.includes(wanted)), text);
  }

  /** Opens the chat in whose row this stands. */
  async opens(text) {
    await this.seesRow(text);
    await this.page.evaluate((wanted) => {
      const row = [...document.querySelectorAll('[data-customer]')].find((r) => r.textContent.includes(wanted));
      row.querySelector('a').click();
    }, text);
    await this.seesOpen();
  }

  async seesOpen() {
    await until(this.page, 'a chat is open', () => document.querySelector('[data-composer]')?.getClientRects().length > 0);
  }

  async writes(text) {
    await this.types(text);
    await this.page.keyboard.press('Enter');
  }

  async types(text) {
    await this.page.evaluate(() => document.querySelector('[data-composer]').focus());
    await this.page.keyboard.type(text);
  }

  async bursts(texts) {
    await this.page.evaluate(`for (const text of ${JSON.stringify(texts)}) {
      (${TYPED})(document.querySelector('[data-composer]'), text);
      document.querySelector('[data-action=send]').click();
    }`);
  }

  /** Takes back what was typed. */
  async clears() {
    await this.page.evaluate(`(${TYPED})(document.querySelector('[data-composer]'), '')`);
  }

  messages() {
    return this.page.evaluate(() => [...document.querySelectorAll('li.message .bubble')].map((e) => e.textContent));
  }

  async sees(text) {
    await until(this.page, `the console shows: ${text}`,
      (wanted) => [...document.querySelectorAll('li.message .bubble')].some((e) => e.textContent === wanted), text);
  }

  async settled() {
    await until(this.page, 'all is sent', () => !document.querySelector('li.message[data-state=pending]'));
  }

  async seesTyping() {
    await until(this.page, 'the console shows that the visitor types', () => document.querySelector('[data-typing-line]').textContent);
  }

  async seesRead() {
    await until(this.page, 'the last own message is ticked as seen',
      () => [...document.querySelectorAll('li.message[data-side=agent]')].pop()?.querySelector('.ticks.seen'));
  }

  async seesHere() {
    await until(this.page, 'the visitor is there', () => document.querySelector('.head [data-here]'));
  }

  links() {
    return this.page.evaluate(() => [...document.querySelectorAll('li.message .bubble a')].map((a) => [a.href, a.rel]));
  }
}
