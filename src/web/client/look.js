import { SakuraError } from './http.js';

/** Will the same request be answered otherwise later? @param {any} error */
export const passing = (error) =>
  error instanceof SakuraError && (!error.status || error.status >= 500 || [408, 409, 425, 429].includes(error.status));

/**
 * A notice says "look", nothing more. One fetch at a time; who asks during one is given the next, because the one that runs
 * may have read before what he was told of. A fetch that fails for now is tried again; the promise waits for it.
 * @param {() => Promise<void>} fetchOnce
 * @param {import('./internal.js').Pace} pace
 * @returns {() => Promise<void>} rejects only with what is refused for good
 */
export function createLook(fetchOnce, pace) {
  /** @type {Promise<void> | null} */
  let running = null;
  /** @type {Promise<void> | null} */
  let next = null;

  async function run() {
    for (let failures = 0; ; failures++) {
      try {
        await fetchOnce();
        return pace.well(run);
      } catch (error) {
        if (!passing(error)) {
          pace.well(run);
          throw error;
        }
        pace.ill(run);
        await pace.pause(failures, /** @type {SakuraError} */ (error).wait);
      }
    }
  }

  /** @returns {Promise<void>} */
  function look() {
    if (!running) {
      running = run().finally(() => { running = null; });
      return running;
    }
    next = next || running.catch(() => {}).then(() => {
      next = null;
      return look();
    });
    return next;
  }
  return look;
}
