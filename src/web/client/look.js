/**
 * A notice says "look", nothing more. One fetch at a time; who asks during one is given the next, because the one that runs
 * may have read before what he was told of. A fetch that fails for now is tried again; the promise waits for it.
 * @param {import('./internal.js').Core} core
 * @param {() => Promise<void>} fetchOnce
 */
export function createLook(core, fetchOnce) {
  /** @type {Promise<void> | null} */
  let running = null;
  /** @type {Promise<void> | null} */
  let next = null;

  async function run() {
    for (let failures = 0; ; failures++) {
      let failed;
      try {
        await fetchOnce();
      } catch (error) {
        failed = /** @type {any} */ (error);
      }
      // Nothing can be promised while something cannot be looked at.
      const passing = failed && (!failed.status || failed.status > 404) && failed.wait >= 0;
      core.ill(run, passing);
      if (!failed) return;
      if (!passing) throw failed;
      await core.pause(failures, failed.wait);
    }
  }

  /** Rejects only with what is refused for good; who does not ask is not told. @returns {Promise<void>} */
  function look() {
    if (running) {
      next = next || running.catch(() => {}).then(() => {
        next = null;
        return look();
      });
      next.catch(() => {});
      return next;
    }
    running = run().finally(() => { running = null; });
    running.catch(() => {});
    return running;
  }
  return look;
}
