/**
 * The agents' console, served at `/`.
 *
 * What tests and scripts may hold on to (stable, in every theme and at every width):
 *   body[data-view=loading|signin|desk], body[data-line=STATE], body[data-pane=list|thread], body[data-panel-open],
 *   body[data-first] (no conversation at all) · [data-state] the state of the line · [data-section=ID] .count ·
 *   [data-search] · [data-list] > li[data-customer=ID][data-chat][data-unread][data-typing], keyed: a row's node stays
 *   the same while it is drawn · [data-title] the open conversation's name · [data-messages] >
 *   li[data-message=ID][data-side=user|agent|assistant|system][data-state=pending|failed|sent] .bubble, .ticks.seen ·
 *   [data-typing-line] · [data-composer] · [data-panel] · [data-banner] · [data-notes] · [data-live] · [data-empty] ·
 *   [data-tag] the widget's tag · [data-signin], [data-token], [data-reason] · [data-help], [data-preferences] ·
 *   [data-action=send|retry|discard|newest|back|assign|resolve|reopen|panel|back-panel|ai|move|copy|help|preferences|
 *   notifications|sound|shortcuts|sign-in|sign-out].
 * In development `?server=http://localhost:8000` names another server on this machine.
 */

import { createClient } from '../client/sakura.js';
import { Desk } from './desk.js';
import { fill } from './dom.js';
import { forgetDrafts } from './drafts.js';
import { agentOf } from './me.js';
import { listen } from './notify.js';
import { tokenIn } from './route.js';
import { signInPage, storedToken, storeToken } from './signin.js';
import { setTheme } from './theme.js';

/** A page on this machine may name another server on this machine; from anywhere else that would be a trap. */
function serverUrl() {
  const local = /^(localhost|127\.0\.0\.1|\[::1\])$/;
  const given = new URLSearchParams(location.search).get('server');
  if (!given || !local.test(location.hostname)) return location.origin;
  try {
    const url = new URL(given);
    return local.test(url.hostname) && /^https?:$/.test(url.protocol) ? url.origin : location.origin;
  } catch {
    return location.origin;
  }
}

/** The token that a link brought is taken and does not stay in the address or in the history. */
function takeToken() {
  const brought = tokenIn(location.hash);
  if (!brought) return storedToken();
  storeToken(brought);
  history.replaceState(null, '', location.pathname + location.search);
  return brought;
}

/**
 * @param {string} view
 * @param {Node} node
 */
function put(view, node) {
  document.body.dataset.view = view;
  fill(/** @type {Element} */ (document.getElementById('app')), node);
}

/** @param {string} reason */
function askForToken(reason) {
  storeToken(null);
  put('signin', signInPage(reason, (token) => {
    storeToken(token);
    location.reload();
  }));
  document.getElementById('token')?.focus();
}

/**
 * Why is the token refused? The server has a sentence for it.
 * @param {import('../client/sakura.js').Sakura} sakura
 * @param {string | null} token
 */
async function denied(sakura, token) {
  const said = await sakura.request('GET', '/api/users?limit=1').then(() => '', (error) => String(error.message));
  sakura.close();
  askForToken(token ? `The server does not take this token: ${said || 'it may not see the inbox'}.` : 'This server asks who you are.');
}

function main() {
  setTheme();
  listen();
  const token = takeToken();
  const server = serverUrl();
  const sakura = createClient({ url: server, token: token || undefined });
  let over = false;
  const end = () => {
    if (over) return;
    over = true;
    void denied(sakura, token);
  };
  const onState = () => sakura.state === 'denied' && end();
  sakura.on('state', onState);
  const signOut = token && (() => {
    over = true;
    sakura.close();
    forgetDrafts();
    askForToken('You are signed out.');
  });
  const desk = new Desk({ sakura, me: agentOf(token), server, signOut: signOut || null });
  put('desk', desk.node);
  // A visitor's token is a good one, but not for this.
  desk.start().catch((error) => (error.status === 403 ? end() : desk.voice.note(error.message)));
  onState();
}

main();
