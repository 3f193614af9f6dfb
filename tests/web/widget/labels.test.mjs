import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LANGUAGES, ROWS, labelsIn, language } from '../../../src/web/widget/labels.js';

test('ten languages have all labels', () => {
  assert.deepEqual([...LANGUAGES].sort(), ['ar', 'de', 'en', 'es', 'fr', 'it', 'nl', 'pl', 'pt', 'tr']);
  for (const row of ROWS) {
    const texts = row.split('|');
    assert.equal(texts.length, LANGUAGES.length, row);
    for (const text of texts) assert.ok(text && text === text.trim(), row);
    assert.ok(/[\u0600-\u06ff]/.test(texts[LANGUAGES.indexOf('ar')]), row);
  }
});

test('labels of one language differ, so that nothing is called like something else', () => {
  for (const lang of LANGUAGES) {
    const texts = labelsIn(lang);
    assert.equal(texts.length, ROWS.length);
    assert.equal(new Set(texts).size, texts.length, lang);
  }
  assert.equal(labelsIn('de')[0], 'Chat');
  assert.ok(labelsIn('de').includes('Schließen'));
});

test("the site's word for the language counts, then the page's, then the browser's, then English", () => {
  assert.equal(language('de', 'fr', 'es'), 'de');
  assert.equal(language(undefined, 'fr-CA', 'es'), 'fr');
  assert.equal(language(undefined, '', 'pt-BR'), 'pt');
  assert.equal(language('xx', 'ja', 'AR-eg'), 'ar');
  assert.equal(language(undefined, '', 'ja'), 'en');
  assert.equal(language('constructor', '__proto__', undefined), 'en');
});
