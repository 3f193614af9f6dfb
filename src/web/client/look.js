/**
 * A notice says "look", nothing more. One fetch at a time; who asks during one is given the next, because the one that runs
 * may have read before what he was told of. A fetch that fails for now is tried again; the promise waits for it, and rejects
 * only with what is refused for good.
 * @param {import('./internal.js').Core} core
 * @param {() => Promise<void>} fetchOnce
 */
export function createLook(core, fetchOnce) {
  /** @type {Promise<void>} */
  let last = Promise.resolve();
  /** Asked for, not begun. @type {Promise<void> | null} */
  let next = null;

  async function run() {
    next = null;
    let refused;
    for (let failures = 0; ; failures++) {
      try {
        await fetchOnce();
        break;
      } catch (error) {
        const { status, wait } = /** @type {import('./http.js').SakuraError} */ (error);
        refused = status > 0 && status < 405 && error;
        if (refused) break;
        // Nothing can be promised while something cannot be looked at.
        core.ill.add(run);
        core.doubt();
        await core.pause(failures, wait);
      }
    }
    core.ill.delete(run);
    core.settle();
    if (refused) throw refused;
  }

  return () => {
    if (!next) {
      next = last = last.then(run, run);
      next.catch(() => {}); // Who does not ask is not told.
    }
    return next;
  };
}
