/** An address that one may follow; what ends a sentence or a bracket after it is not part of it, nor is what turns its letters round. */
const WEB = /(?:https?:\/\/|mailto:|www\.)[^\s<>"\u202a-\u202e\u2066-\u2069]*[^\s<>"'.,:;!?)\]}*_~\u202a-\u202e\u2066-\u2069]/;
const MAIL = /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/;
const LINK = new RegExp(`\\b(${WEB.source}|${MAIL.source})`, 'i');

/** Cuts a text so that every second piece is an address; together they are the text. @param {string} text */
export const pieces = (text) => text.split(LINK);

/** Where an address leads. @param {string} piece */
export const address = (piece) => /^(https?|mailto):/i.test(piece) ? piece : (/^www\./i.test(piece) ? 'https://' : 'mailto:') + piece;
