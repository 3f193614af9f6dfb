/**
 * The demonstration, served at `/demo`: a shop with the widget on it, and beside it the agents' console in a frame.
 * Both are the real ones; this page has nothing to do but to hand a token that a link brought (`/demo#token=…`) to the
 * console, which keeps it for this tab, and to take it out of the address.
 */
import { tokenIn } from '../console/route.js';
import { storeToken } from '../console/signin.js';

const frame = /** @type {HTMLIFrameElement} */ (document.querySelector('iframe'));
const token = tokenIn(location.hash);
if (token) {
  storeToken(token);
  history.replaceState(null, '', location.pathname + location.search);
  frame.contentWindow?.location.reload();
}
