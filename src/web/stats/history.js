/** The last minutes, a point for each second that was asked about. */

/** @typedef {import('./figures.js').Figures} Figures */
/** `at`: milliseconds of performance.now(). No figures: the server did not answer then, or is another process since.
 * @typedef {{ at: number, figures: Figures | null, restart?: true, troubles?: number[] }} Point */

/** Longer than this between two points nothing is known: no line goes across. */
export const GAP_MS = 2500;

export class History {
  /** @param {number} keptMs */
  constructor(keptMs) {
    this.keptMs = keptMs;
    /** @type {Point[]} oldest first */
    this.points = [];
  }

  /** @param {Point} point */
  add(point) {
    this.points.push(point);
    const first = this.points.findIndex((p) => p.at >= point.at - this.keptMs);
    if (first > 0) this.points.splice(0, first);
  }

  /** @param {number} from */
  since(from) {
    return this.points.filter((point) => point.at >= from);
  }

  /**
   * The one that is nearest to a moment; null: none near it.
   * @param {number} at
   */
  near(at) {
    /** @type {Point | null} */
    let best = null;
    for (const point of this.points) if (!best || Math.abs(point.at - at) < Math.abs(best.at - at)) best = point;
    return best && Math.abs(best.at - at) <= GAP_MS ? best : null;
  }
}

/**
 * A figure's course, cut where it is not known.
 * @param {Point[]} points
 * @param {string} figure
 * @returns {{ at: number, value: number }[][]} pieces, each with one point or more
 */
export function pieces(points, figure) {
  /** @type {{ at: number, value: number }[][]} */
  const out = [];
  /** @type {{ at: number, value: number }[] | null} */
  let piece = null;
  for (const { at, figures } of points) {
    const value = figures ? figures[figure] : null;
    if (value === null || value === undefined || !Number.isFinite(value)) {
      piece = null;
      continue;
    }
    if (piece && at - piece[piece.length - 1].at > GAP_MS) piece = null;
    if (!piece) out.push((piece = []));
    piece.push({ at, value });
  }
  return out;
}
