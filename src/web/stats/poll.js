/** Asks for /metrics every second while the page is seen, and says what came of it. */

import { restarted } from './change.js';
import { figures } from './figures.js';
import { GAP_MS } from './history.js';
import { Metrics } from './metrics.js';
import { troubles } from './trouble.js';

/** @typedef {import('./history.js').Point} Point */
/** status: of the answer; 0: none came. @typedef {{ status: number, metrics: Metrics | null, point: Point }} News */

const EVERY_MS = 1000;
const PATIENCE_MS = 5000;
const WINDOW_MS = 5500; // over which shares and quantiles are taken

export class Poll {
  /**
   * @param {() => string | null} token
   * @param {(news: News) => void} tell
   */
  constructor(token, tell) {
    this.token = token;
    this.tell = tell;
    /** @type {{ at: number, metrics: Metrics }[]} scrapes of one process without a gap, the oldest first */
    this.scrapes = [];
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.turn = 0; // what was begun before the last stop() counts no more
  }

  start() {
    this.stop();
    void this.ask(this.turn);
  }

  stop() {
    clearTimeout(this.timer);
    this.turn++;
    this.scrapes = [];
  }

  /** @param {number} turn */
  async ask(turn) {
    const begun = performance.now();
    const { status, text } = await this.scrape();
    if (turn !== this.turn) return;
    const at = (begun + performance.now()) / 2; // nearer to when the server looked than either
    const metrics = status === 200 ? new Metrics(text) : null;
    this.tell({ status, metrics, point: metrics ? this.take(at, metrics) : { at, figures: null } });
    if (turn !== this.turn) return; // who was told has stopped it
    this.timer = setTimeout(() => this.ask(turn), Math.max(100, EVERY_MS - (performance.now() - begun)));
  }

  async scrape() {
    const token = this.token();
    try {
      const answer = await fetch('/metrics', {
        cache: 'no-store',
        headers: token ? { Authorization: `Bearer ${token}` } : {},
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      return { status: answer.status, text: await answer.text() };
    } catch {
      return { status: 0, text: '' };
    }
  }

  /**
   * What happened in a time without answers is nobody's second, so there are no figures for it.
   * @param {number} at
   * @param {Metrics} metrics
   * @returns {Point}
   */
  take(at, metrics) {
    const last = this.scrapes[this.scrapes.length - 1];
    const again = last !== undefined && restarted(last.metrics, metrics);
    if (!last || again || at - last.at > GAP_MS) {
      this.scrapes = [{ at, metrics }];
      return again ? { at, figures: null, restart: true } : { at, figures: null };
    }
    this.scrapes = this.scrapes.filter((scrape) => scrape.at >= at - WINDOW_MS);
    const early = this.scrapes[0] ?? last;
    this.scrapes.push({ at, metrics });
    return {
      at,
      figures: figures(last.metrics, metrics, (at - last.at) / 1000, early.metrics),
      troubles: troubles(last.metrics, metrics),
    };
  }
}
