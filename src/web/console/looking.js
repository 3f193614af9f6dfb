/** Does somebody look at this page now? Only then is anything read, and only then is nobody called. */

export function looking() {
  return document.visibilityState === 'visible' && document.hasFocus();
}

/** @param {() => void} fn called when somebody may have begun to look */
export function onLook(fn) {
  window.addEventListener('focus', fn);
  document.addEventListener('visibilitychange', fn);
}
