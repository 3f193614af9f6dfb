/** Where the panel covers everything. */
export const PHONE = '(max-width:480px),(max-height:400px)';

/** The panel's look, beside that of frame.js. The rule of the dialog comes first: its --height and --top follow the keyboard of a phone. */
export const STYLES = `dialog{width:384px;height:min(640px,100vh - 40px);max-width:none;max-height:none;border:1px solid #8885;border-radius:16px;background:Canvas;color:CanvasText;overflow:hidden;flex-direction:column}
dialog[open]{display:flex}
header,form{display:flex;align-items:center;gap:12px;padding:12px 16px;border-bottom:1px solid #8885}
.head{flex:1;min-width:0;overflow-wrap:anywhere}
h2{font-size:16px}
.state,.name,.meta,.day,.failed,.count{font-size:13px;opacity:.7}
.online::before{content:"● ";color:#2e9e5b}
.chats{position:relative}
.chats:focus-within{outline:2px solid;outline-offset:2px}
select{position:absolute;inset:0;width:100%;opacity:0;font-size:16px}
.scroll{flex:1;display:flex;flex-direction:column-reverse;overflow-y:auto;overscroll-behavior:contain;padding:16px;outline-offset:-2px}
ol{list-style:none}
li{display:flex;flex-direction:column;align-items:flex-start;margin-top:2px;overflow-wrap:anywhere}
.first{margin-top:12px}
.mine{align-items:flex-end}
.day{align-self:center;padding:8px}
.text{max-width:85%;padding:8px 12px;border-radius:16px;background:#8883;white-space:pre-wrap}
.greeting .text{padding:0;background:0 0;font-size:20px;font-weight:600}
.pending{opacity:.8}
a{color:inherit}
.message:not(.first) .name,.message:not(.last) .meta{display:none}
.failed{opacity:1}
.failed button{text-decoration:underline;margin-inline-start:4px}
.count{padding:0 16px 4px;text-align:end}
.count:empty{display:none}
form{align-items:flex-end;border:0;border-top:1px solid #8885}
textarea{flex:1;min-width:0;max-height:120px;overflow-y:auto;margin:6px 0;font-size:16px;white-space:pre-wrap;overflow-wrap:anywhere;cursor:text;outline:0!important}
form:focus-within{border-color:#888}
.send{padding:6px;border-radius:50%}
.send:disabled,:placeholder-shown~.send{opacity:.4}
@media ${PHONE}{dialog{inset:var(--top,0) 0 auto;width:100%;height:var(--height,100%);border:0;border-radius:0;padding:env(safe-area-inset-top) 0 env(safe-area-inset-bottom)}}
@media(prefers-reduced-motion:no-preference){dialog[open]{animation:open .15s ease-out}.typing{animation:type 1s infinite alternate}}
@keyframes open{from{opacity:0;transform:translateY(8px)}}
@keyframes type{to{opacity:.4}}`;
