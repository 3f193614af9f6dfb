/** The accent of a site that names none. */
const ACCENT = '#2554c7';

/**
 * The site's colour as "#aabbcc": nothing else reaches a style sheet. What is written otherwise ("teal", "hsl(…)") the browser paints.
 * @param {string} [text]
 */
export function accent(text) {
  if (!text) return ACCENT;
  if (/^#[\da-f]{6}$/i.test(text)) return text;
  const pen = /** @type {CanvasRenderingContext2D} */ (document.createElement('canvas').getContext('2d'));
  // What is no colour leaves the pen as it was.
  const [one, other] = [ACCENT, '#000000'].map((before) => {
    pen.fillStyle = before;
    pen.fillStyle = text;
    return pen.fillStyle;
  });
  if (one !== other) {
    console.warn('sakura: data-color is no colour:', text);
    return ACCENT;
  }
  pen.fillRect(0, 0, 1, 1);
  return `#${[...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => (part + 256).toString(16).slice(1)).join('')}`;
}

/**
 * White or black, whichever can be read on this colour: between relative luminances (WCAG) of 0.175 and 0.183 both have a contrast
 * of 4.5 : 1. That leaves room to take the curve for its straight beginning too.
 * @param {string} color
 */
export const textOn = (color) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, at) =>
  sum + weight * ((parseInt(color.substr(1 + 2 * at, 2), 16) / 255 + 0.055) / 1.055) ** 2.4, 0) < 0.179 ? '#fff' : '#000';
