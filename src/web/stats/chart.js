/** Lines over time, drawn as SVG: one in the accent, another behind it in grey. */

import { pieces } from './history.js';
import { ceiling } from './units.js';

/** @typedef {import('./history.js').Point} Point */
/** @typedef {{ points: Point[], from: number, to: number, cursor: number | null }} View */
/** @typedef {{ figures: string[], unit: import('./units.js').Unit, least?: number, most?: number, bare?: boolean }} ChartOptions */

const SVG = 'http://www.w3.org/2000/svg';
const TOP = 18; // room for the scale's upper end

/**
 * @param {string} tag
 * @param {{ [name: string]: string | number }} attributes
 * @param {Element[]} kids
 */
export function svg(tag, attributes = {}, ...kids) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...kids);
  return node;
}

export class Chart {
  /** @param {ChartOptions} options figures: the main one first; bare: no scale */
  constructor(options) {
    this.options = options;
    this.grid = svg('path', { class: 'grid' });
    this.restarts = svg('path', { class: 'restart' });
    this.area = svg('path', { class: 'area' });
    this.lines = options.figures.map((_, i) => svg('path', { class: i ? 'line other' : 'line' }));
    this.cursor = svg('path', { class: 'cursor' });
    this.dots = options.figures.map((_, i) => svg('circle', { class: i ? 'dot-at other' : 'dot-at', r: 3 }));
    this.scale = svg('text', { class: 'scale', x: 0, y: 11 });
    this.node = svg('svg', { class: options.bare ? 'spark' : 'chart', 'aria-hidden': 'true' },
      this.grid, this.restarts, this.area, ...[...this.lines].reverse(), this.cursor, ...this.dots, this.scale);
    this.width = 0;
    this.height = 0;
  }

  /** Reads the layout: for all charts before any of them is drawn. */
  measure() {
    this.width = this.node.clientWidth;
    this.height = this.node.clientHeight;
  }

  /** @param {View} view */
  draw(view) {
    const { figures, unit, least = 0, most, bare } = this.options;
    if (!this.width) return;
    const courses = figures.map((figure) => pieces(view.points, figure));
    const values = courses.flat(2).map((point) => point.value);
    const end = most ?? ceiling(Math.max(least, ...values), unit);
    const top = bare ? 2 : TOP;
    const bottom = this.height - 2;
    /** @param {number} at */
    const x = (at) => ((at - view.from) / (view.to - view.from)) * this.width;
    /** @param {number} value */
    const y = (value) => bottom - (Math.min(value, end) / end) * (bottom - top);
    courses.forEach((course, i) => this.lines[i].setAttribute('d', linePath(course, x, y)));
    this.area.setAttribute('d', bare ? '' : areaPath(courses[0], x, y, bottom));
    this.grid.setAttribute('d', bare ? '' : [top, (top + bottom) / 2, bottom].map((at) => `M0 ${at}H${this.width}`).join(''));
    const restarts = view.points.filter((point) => point.restart);
    this.restarts.setAttribute('d', restarts.map((point) => `M${fixed(x(point.at))} ${top}V${bottom}`).join(''));
    this.scale.textContent = bare ? '' : values.length ? unit(end) : 'nothing in this time';
    this.point(view, x, y, top, bottom);
  }

  /**
   * The moment that the pointer is at.
   * @param {View} view
   * @param {(at: number) => number} x
   * @param {(value: number) => number} y
   * @param {number} top
   * @param {number} bottom
   */
  point(view, x, y, top, bottom) {
    const point = view.cursor === null ? undefined : view.points.find((p) => p.at === view.cursor);
    this.cursor.setAttribute('d', point ? `M${fixed(x(point.at))} ${top}V${bottom}` : '');
    this.options.figures.forEach((figure, i) => {
      const value = point?.figures?.[figure];
      const known = point && typeof value === 'number' && Number.isFinite(value);
      this.dots[i].setAttribute('visibility', known ? 'visible' : 'hidden');
      if (!known) return;
      this.dots[i].setAttribute('cx', fixed(x(point.at)));
      this.dots[i].setAttribute('cy', fixed(y(value)));
    });
  }
}

/** @typedef {{ at: number, value: number }[][]} Course */

/**
 * A single point is a line of no length, which a round cap makes a dot.
 * @param {Course} course
 * @param {(at: number) => number} x
 * @param {(value: number) => number} y
 */
function linePath(course, x, y) {
  return course.map((piece) => `M${piece.map((p) => `${fixed(x(p.at))} ${fixed(y(p.value))}`).join('L')}${piece.length > 1 ? '' : 'h0'}`)
    .join('');
}

/**
 * @param {Course} course
 * @param {(at: number) => number} x
 * @param {(value: number) => number} y
 * @param {number} bottom
 */
function areaPath(course, x, y, bottom) {
  return course.map((piece) => {
    const line = piece.map((p) => `${fixed(x(p.at))} ${fixed(y(p.value))}`).join('L');
    return `M${fixed(x(piece[0].at))} ${bottom}L${line}V${bottom}Z`;
  }).join('');
}

/** @param {number} pixels */
function fixed(pixels) {
  return pixels.toFixed(1);
}
