import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LANGUAGES, TITLES, language } from '../../../src/web/widget/labels.js';
import { WORDS, wordsIn } from '../../../src/web/widget/words.js';

test('ten languages have all labels', () => {
  assert.deepEqual([...LANGUAGES].sort(), ['ar', 'de', 'en', 'es', 'fr', 'it', 'nl', 'pl', 'pt', 'tr']);
  for (const texts of [TITLES, ...Object.values(WORDS).map((row) => row.split('|'))]) {
    assert.equal(texts.length, LANGUAGES.length, String(texts));
    for (const text of texts) assert.ok(text && text === text.trim(), String(texts));
    assert.ok(/[\u0600-\u06ff]/.test(texts[LANGUAGES.indexOf('ar')]), String(texts));
  }
});

test('labels of one language differ, so that nothing is called like something else', () => {
  LANGUAGES.forEach((lang, place) => {
    const { stale, retry, ...others } = wordsIn(place); // What the widget does and what one can do may be one word.
    const texts = [TITLES[place], stale.replace(/[ …]+$/, ''), ...Object.values(others)];
    assert.equal(new Set(texts).size, texts.length, lang);
    assert.ok(!texts.slice(2).includes(retry), lang);
  });
  assert.equal(wordsIn(LANGUAGES.indexOf('de')).close, 'Schließen');
});

test('every state of the client has words', () => {
  for (const state of ['connecting', 'stale', 'offline', 'denied']) assert.ok(wordsIn(0)[state], state);
});

test("the site's word for the language counts, then the page's, then the browser's, then English", () => {
  assert.equal(language('de', 'fr', 'es'), 'de');
  assert.equal(language(undefined, 'fr-CA', 'es'), 'fr');
  assert.equal(language(undefined, '', 'pt-BR'), 'pt');
  assert.equal(language('xx', 'ja', 'AR-eg'), 'ar');
  assert.equal(language(undefined, '', 'ja'), 'en');
  assert.equal(language('constructor', '__proto__', undefined), 'en');
});
