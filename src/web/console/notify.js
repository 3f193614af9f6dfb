/**
 * Tells an agent who looks elsewhere: by the browser's notification, by a short sound, each only after it was asked
 * for by a button. The sound is made here, so there is no file to fetch.
 */

import { kept } from './kept.js';

const NOTIFY = 'sakura.notify';
const SOUND = 'sakura.sound';

const QUIET_S = 1;

/** @type {AudioContext | null} */
let audio = null;
let quiet = 0;

/** Browsers let a page sound only after somebody has touched it. */
function wakeAudio() {
  if (!audio) audio = new AudioContext();
  void audio.resume();
}

export function soundOn() {
  return kept(SOUND) === 'on';
}

/** @param {boolean} on */
export function setSound(on) {
  kept(SOUND, on ? 'on' : '');
  if (!on) return;
  wakeAudio();
  ring();
}

/** Two soft notes, a fifth apart; not again while they sound. */
export function ring() {
  if (!audio || audio.currentTime < quiet) return;
  const start = audio.currentTime;
  quiet = start + QUIET_S;
  [660, 990].forEach((frequency, i) => {
    const context = /** @type {AudioContext} */ (audio);
    const tone = context.createOscillator();
    const volume = context.createGain();
    const at = start + i * 0.12;
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.12, at + 0.015);
    volume.gain.exponentialRampToValueAtTime(0.0005, at + 0.35);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + 0.4);
  });
}

/** @returns {'on' | 'off' | 'blocked' | 'none'} none: this browser, or this kind of page, has no notifications */
export function notifying() {
  if (typeof Notification === 'undefined') return 'none';
  if (Notification.permission === 'denied') return 'blocked';
  return Notification.permission === 'granted' && kept(NOTIFY) === 'on' ? 'on' : 'off';
}

/** @param {boolean} on */
export async function setNotifying(on) {
  if (on && notifying() !== 'none') await Notification.requestPermission();
  kept(NOTIFY, on ? 'on' : '');
}

/**
 * @param {string} title
 * @param {string} text
 * @param {string} chatId a later message of the same chat takes the place of the earlier one
 * @param {() => void} open
 */
export function notify(title, text, chatId, open) {
  if (notifying() !== 'on') return;
  try {
    const shown = new Notification(title, { body: text.slice(0, 200), tag: chatId });
    shown.onclick = () => {
      window.focus();
      open();
      shown.close();
    };
  } catch {
    // Phones have them for service workers only.
  }
}

/** A sound that was asked for in an earlier visit works again from the first touch on. */
export function listen() {
  const once = () => {
    if (soundOn()) wakeAudio();
    for (const event of ['pointerdown', 'keydown']) window.removeEventListener(event, once);
  };
  for (const event of ['pointerdown', 'keydown']) window.addEventListener(event, once);
}
