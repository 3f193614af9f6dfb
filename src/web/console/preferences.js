/** What an agent sets for this browser: name, colours, notifications, sound, shortcuts; and the way out. */

import { fill, h, setAttr, setText } from './dom.js';
import { icon } from './icons.js';
import { callMe } from './me.js';
import { notifying, setNotifying, setSound, soundOn } from './notify.js';
import { setShortcuts, shortcutsOn } from './shortcuts.js';
import { setTheme, theme } from './theme.js';

/** @typedef {import('./theme.js').Theme} Theme */

/** @type {Record<ReturnType<typeof notifying>, string>} */
const NOTIFICATIONS = {
  on: '',
  off: '',
  blocked: 'This browser forbids them for this page.',
  none: 'This browser has none for this page.',
};

/** @type {readonly { value: Theme, name: string }[]} */
const THEMES = [{ value: 'auto', name: 'System' }, { value: 'light', name: 'Light' }, { value: 'dark', name: 'Dark' }];

/**
 * @param {string} id
 * @param {string} name
 * @param {() => boolean} get
 * @param {(on: boolean) => void | Promise<void>} set
 */
function toggle(id, name, get, set) {
  const hint = h('span', { class: 'hint' });
  const control = h('button', {
    type: 'button', class: 'switch', role: 'switch', 'aria-labelledby': id, 'data-action': id,
    click: async () => {
      await set(!get());
      draw();
    },
  });
  const draw = () => setAttr(control, 'aria-checked', String(get()));
  draw();
  return { control, hint, node: h('div', { class: 'setting' }, h('span', {}, h('span', { id }, name), hint), control) };
}

/**
 * @param {import('./me.js').Me} me
 * @param {(() => void) | null} signOut null: there is nothing to sign out of
 */
export function preferencesDialog(me, signOut) {
  const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': 'preferences-title', 'data-preferences': true });
  const name = h('input', { id: 'my-name', value: me.name, maxlength: 128, autocomplete: 'name', change: () => callMe(me, name.value) });
  const notifications = toggle('notifications', 'Notifications', () => notifying() === 'on', async (on) => {
    await setNotifying(on);
    setText(notifications.hint, NOTIFICATIONS[notifying()]);
  });
  setText(notifications.hint, NOTIFICATIONS[notifying()]);
  fill(dialog,
    h('h2', { id: 'preferences-title' }, 'Preferences'),
    me.proven
      ? h('div', { class: 'setting' }, h('span', {}, 'Signed in as'), h('strong', { dir: 'auto' }, me.name))
      : h('div', { class: 'setting' }, h('label', { for: 'my-name' }, 'Your name'), name),
    h('fieldset', { class: 'setting' }, h('legend', {}, 'Colours'),
      ...THEMES.map(({ value, name: text }) => h('label', { class: 'choice' },
        h('input', { type: 'radio', name: 'theme', value, checked: value === theme(), change: () => setTheme(value) }), text))),
    notifications.node,
    toggle('sound', 'Sound', soundOn, setSound).node,
    toggle('shortcuts', 'Keyboard shortcuts', shortcutsOn, setShortcuts).node,
    h('form', { method: 'dialog', class: 'dialog-foot' },
      signOut && h('button', { type: 'button', class: 'textual', 'data-action': 'sign-out', click: signOut }, icon('signout'), 'Sign out'),
      h('button', { class: 'primary' }, 'Done')));
  return dialog;
}
