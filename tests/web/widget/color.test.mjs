import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accent, textOn } from '../../../src/web/widget/color.js';

/** As WCAG 2.2 defines them, apart from how the widget computes it. */
function luminance(color) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

test('a text can be read on every accent', () => {
  for (let r = 0; r < 256; r += 5) {
    for (let g = 0; g < 256; g += 5) {
      for (let b = 0; b < 256; b += 6) {
        const color = `#${((r << 16) + (g << 8) + b).toString(16).padStart(6, '0')}`;
        const ratio = contrast(color, textOn(color) === '#fff' ? '#ffffff' : '#000000');
        assert.ok(ratio >= 4.5, `${textOn(color)} on ${color}: ${ratio}`);
      }
    }
  }
});

test('white stands on dark, black on light', () => {
  assert.equal(textOn('#000000'), '#fff');
  assert.equal(textOn('#2554C7'), '#fff');
  assert.equal(textOn('#ffffff'), '#000');
  assert.equal(textOn('#ffd166'), '#000');
});

test('six digits need no browser to understand them; all else is in browser/widget', () => {
  assert.equal(accent('#A03050'), '#A03050');
  assert.match(accent(undefined), /^#[\da-f]{6}$/);
  assert.equal(accent(''), accent(undefined));
});
