/** The accent of a site that names none. */
const ACCENT = '#2554c7';

/** Only "#aabbcc" is a colour here: what else a page hands over never reaches a style sheet. @param {string} [text] */
export const accent = (text = '') => /^#[\da-f]{6}$/i.test(text) ? text : ACCENT;

/**
 * White or black, whichever can be read on this colour: between relative luminances (WCAG) of 0.175 and 0.183 both have a contrast
 * of 4.5 : 1. That leaves room to take the curve for its straight beginning too.
 * @param {string} color
 */
export const textOn = (color) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, at) =>
  sum + weight * ((parseInt(color.substr(1 + 2 * at, 2), 16) / 255 + 0.055) / 1.055) ** 2.4, 0) < 0.179 ? '#fff' : '#000';
