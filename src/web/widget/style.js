import { accent, textOn } from './color.js';

/** Where the panel covers everything. */
export const PHONE = '(max-width:480px)';

/**
 * The whole look, for one constructed style sheet, so that no page's policy stands in its way. Light and dark are the browser's own
 * colours, grey is half of either. The rule of :host comes first: its --height and --top follow the keyboard of a phone. What a page
 * says to all its elements, even with !important, says nothing here: an important rule inside wins over one outside.
 * @param {{ color?: string, position?: string }} site its accent, and left or right
 */
export const styles = ({ color, position = '' }) => `:host{all:initial!important;position:fixed!important;z-index:2147483647!important;font:15px/1.5 system-ui!important;color-scheme:light dark!important}
@media print{:host{display:none!important}}
*{box-sizing:border-box;margin:0;padding:0}
[hidden]{display:none!important}
button,textarea{all:unset;cursor:pointer}
:focus-visible{outline:2px solid CanvasText;outline-offset:2px}
svg{display:block;width:24px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.launcher,dialog{position:fixed;inset:auto;bottom:20px;${/^(left|right)$/.test(position) ? position : 'inset-inline-end'}:20px;box-shadow:0 4px 24px #0003}
.launcher,.send,.mine .text{background:${accent(color)};color:${textOn(accent(color))}}
.launcher{padding:16px;border-radius:50%}
.badge{position:absolute;top:-4px;right:-4px;min-width:24px;border-radius:12px;background:CanvasText;color:Canvas;text-align:center}
.said{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
dialog{width:384px;height:min(640px,100vh - 40px);max-width:none;max-height:none;border:1px solid #8885;border-radius:16px;background:Canvas;color:CanvasText;overflow:hidden;flex-direction:column}
dialog[open]{display:flex}
header,form{display:flex;align-items:center;gap:12px;padding:12px 16px;border-bottom:1px solid #8885}
.head{flex:1;min-width:0;overflow-wrap:anywhere}
h2{font-size:16px}
.state,.name,.meta,.day,.failed{font-size:13px;opacity:.7}
.online::before{content:"● ";color:#2e9e5b}
.chats{position:relative}
.chats:focus-within{outline:2px solid;outline-offset:2px}
select{position:absolute;inset:0;width:100%;opacity:0}
.scroll{flex:1;display:flex;flex-direction:column-reverse;overflow-y:auto;overscroll-behavior:contain;padding:16px;outline-offset:-2px}
li{display:flex;flex-direction:column;align-items:flex-start;margin-top:2px}
.first{margin-top:12px}
.mine{align-items:flex-end}
.day{align-self:center;padding:8px}
.text{max-width:85%;padding:8px 12px;border-radius:16px;background:#8883;white-space:pre-wrap;overflow-wrap:anywhere}
.pending{opacity:.6}
a{color:inherit}
.message:has(+.message:not(.first)) .meta{display:none}
.failed button{text-decoration:underline;margin-inline-start:8px}
form{align-items:flex-end;border:0;border-top:1px solid #8885}
textarea{flex:1;min-width:0;max-height:120px;margin:6px 0;font-size:16px;white-space:pre-wrap;overflow-wrap:anywhere;cursor:text;outline:0!important}
form:focus-within{border-color:#888}
.send{padding:6px;border-radius:50%}
:placeholder-shown~.send{opacity:.4}
@media ${PHONE}{dialog{inset:var(--top,0) 0 auto;width:100%;height:var(--height,100%);border:0;border-radius:0;padding:env(safe-area-inset-top) 0 env(safe-area-inset-bottom)}}
@media(prefers-reduced-motion:no-preference){.typing{animation:a 1s infinite alternate}}
@keyframes a{to{opacity:.4}}`;
