/** The smallest emitter that does: who draws hears of what has changed. */

/**
 * @template {unknown[]} A
 * @returns {{ on(fn: (...args: A) => void): () => void, emit(...args: A): void }}
 */
export function emitter() {
  /** @type {Set<(...args: A) => void>} */
  const heard = new Set();
  return {
    on(fn) {
      heard.add(fn);
      return () => heard.delete(fn);
    },
    emit(...args) {
      for (const fn of [...heard]) fn(...args);
    },
  };
}
