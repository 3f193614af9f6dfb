/** Who listens to one object. A listener that throws spoils nothing for the others: its error goes where uncaught ones go. */
export function createEmitter() {
  /** @type {Map<string, Set<(...args: any[]) => void>>} */
  const listeners = new Map();
  return {
    /** @param {string} event @param {(...args: any[]) => void} fn */
    on(event, fn) {
      const set = listeners.get(event) || new Set();
      listeners.set(event, set.add(fn));
      return () => { set.delete(fn); };
    },
    /** @param {string} event @param {...any} args */
    emit(event, ...args) {
      for (const fn of [...listeners.get(event) || []]) {
        try {
          fn(...args);
        } catch (error) {
          setTimeout(() => { throw error; });
        }
      }
    },
  };
}
