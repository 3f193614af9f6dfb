/** An address that one may follow; what ends a sentence or a bracket after it is not part of it. */
const LINK = /\b((?:https?:\/\/|mailto:)[^\s<>"]*[^\s<>"'.,:;!?)\]}*_~])/i;

/** Cuts a text so that every second piece is an address; together they are the text. @param {string} text */
export const pieces = (text) => text.split(LINK);
