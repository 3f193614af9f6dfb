// What the console makes of names, times, texts, addresses and keys.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sideOf } from '../../../src/web/console/bubble.js';
import { sends } from '../../../src/web/console/composer.js';
import { emailOf, initials, nameOf, preview } from '../../../src/web/console/customer.js';
import { parts } from '../../../src/web/console/links.js';
import { claims } from '../../../src/web/console/me.js';
import { described, inboxOf } from '../../../src/web/console/panel.js';
import { read, tokenIn, write } from '../../../src/web/console/route.js';
import { belongs, SECTIONS, sectionOf } from '../../../src/web/console/sections.js';
import { actionOf } from '../../../src/web/console/shortcuts.js';
import { standing } from '../../../src/web/console/standing.js';
import { brief, dayName } from '../../../src/web/console/when.js';

const hrefs = (text) => parts(text).filter((part) => part.href).map((part) => part.href);

test('links are http, https and mail, without what ends the sentence, and no text is lost', () => {
  assert.deepEqual(hrefs('see https://a.example/x?y=1#z, or http://b.example.'), ['https://a.example/x?y=1#z', 'http://b.example']);
  assert.deepEqual(hrefs('(https://a.example/b_(c))!'), ['https://a.example/b_(c)']);
  assert.deepEqual(hrefs('write to ann+x@mail.example.'), ['mailto:ann+x@mail.example']);
  assert.deepEqual(hrefs('javascript:alert(1) data:text/html,x file:///etc/passwd //a.example www'), []);
  for (const text of ['', 'a https://x.example b', 'https://x.example', 'x@y.example<https://z.example>']) {
    assert.equal(parts(text).map((part) => part.text).join(''), text);
  }
});

test('a long text that is nearly an address all along costs no more than its length', () => {
  const began = performance.now();
  for (const text of ['a.'.repeat(50_000), `x@${'a-'.repeat(50_000)}`, `http://x${'.'.repeat(50_000)}a`]) parts(text);
  assert.ok(performance.now() - began < 5000);
});

test('a name turns nothing round, is one line of some length, and is never nothing', () => {
  const called = (name) => nameOf({ _id: '6b0625e001c6e9ad63b9fcfa', name, email: 'ann@x.example', chats: [] });
  assert.equal(called('\u202egro.knab\u202c'), 'gro.knab');
  assert.equal(called('Ann\nSmith'), 'Ann Smith');
  for (const blank of ['\u200b', '\u3164', '\u2800 \u00ad', '\u0301']) assert.equal(called(blank), 'ann@x.example');
  assert.equal(called('👩‍👩‍👧 نرگس‌ها'), '👩‍👩‍👧 نرگس‌ها');
  assert.equal(called('N'.repeat(500)).length, 120);
});

test('a stand-in is nobody’s name or address', () => {
  const row = { _id: '6b0625e001c6e9ad63b9fcfa', name: 'Unknown User', email: 'unknown@example.com', chats: [] };
  assert.equal(nameOf(row), 'Visitor fcfa');
  assert.equal(emailOf(row), '');
  assert.equal(nameOf({ ...row, claimed_email: 'ann@x.example' }), 'ann@x.example');
  assert.equal(nameOf({ ...row, name: 'User 6b0625e0', email: 'user_6b@widget.local' }), 'Visitor fcfa');
  assert.equal(nameOf({ ...row, name: ' Ann ' }), 'Ann');
});

test('initials cut no emoji in half and join no letters of scripts without capitals', () => {
  assert.deepEqual(['Ann Lindqvist', 'tom', '🌸 Tanaka', 'أمينة الزهراء', '李小龙', 'ann@x.example', ''].map(initials),
    ['AL', 'T', '🌸', 'أ', '李', 'AE', '?']);
});

test('a preview is one line of the newest message of the newest chat', () => {
  const chat = (last_activity, message) => ({ chat_id: last_activity, last_activity, messages: message ? [message] : [] });
  const row = (...chats) => ({ _id: 'a', chats });
  const old = chat('2026-01-01', { role: 'user', text: 'old' });
  assert.deepEqual(preview(row(old, chat('2026-01-02', { role: 'agent', text: 'two\n lines', agent: { id: 'b', name: 'Bo' } }))),
    { who: 'Bo', text: 'two lines' });
  assert.equal(preview(row(chat('2026-01-02'), old)).text, 'No messages yet');
});

test('times are short today and longer the longer ago', () => {
  const now = new Date(2026, 5, 15, 12);
  const ago = (days) => new Date(2026, 5, 15 - days, 9, 5).toISOString();
  assert.equal(brief(ago(0), now), '09:05');
  assert.equal(brief(ago(2), now), 'Sat');
  assert.equal(brief(ago(30), now), '16 May');
  assert.match(brief(ago(300), now), /25$/);
  assert.deepEqual([0, 1, 3].map((d) => dayName(ago(d), now)), ['Today', 'Yesterday', 'Friday']);
  assert.equal(brief('nonsense', now), '');
  assert.equal(brief(null, now), '');
});

test('the address says where one is, and survives whatever stands in it', () => {
  for (const place of [{ section: 'unified-inbox', chat: null }, { section: 'my-inbox-escalated', chat: 'a/b&c=d#é' }]) {
    assert.deepEqual(read(write(place)), place);
  }
  assert.deepEqual(read('#inbox=none&chat='), { section: 'unified-inbox', chat: null });
  assert.equal(tokenIn('#token=a.b.c'), 'a.b.c');
  assert.equal(tokenIn('#chat=1'), null);
});

test('each customer stands in the unified inbox and in at most one other', () => {
  const inside = (category, status) => SECTIONS.filter((s) => belongs(s, { category, status })).map((s) => s.id);
  assert.deepEqual(inside('agent-inbox', 'active'), ['unified-inbox', 'agent-inbox-active']);
  assert.deepEqual(inside('human-chats', 'escalated'), ['unified-inbox', 'my-inbox-escalated']);
  assert.deepEqual(inside('agent-inbox', 'escalated'), ['unified-inbox']);
  assert.equal(sectionOf('my-inbox-chats').category, 'human-chats');
  assert.equal(inboxOf({ category: 'human-chats', status: 'escalated' }), 'escalated');
});

test('a token says who the agent is, whatever it is made of', () => {
  const token = (payload) => `x.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.y`;
  assert.equal(claims(token({ sub: 'ann', name: 'Änn 🌸' })).name, 'Änn 🌸');
  for (const bad of [null, '', 'x', 'a.b.c', token(null), 'x.e30.y']) assert.deepEqual(claims(bad), {});
});

test('Enter sends, but not with Shift and not while a word is composed', () => {
  const key = { key: 'Enter', shiftKey: false, isComposing: false, keyCode: 13 };
  assert.equal(sends(key), true);
  for (const other of [{ shiftKey: true }, { isComposing: true }, { keyCode: 229 }, { key: 'a' }]) {
    assert.equal(sends({ ...key, ...other }), false);
  }
});

test('letters are shortcuts where nobody writes and nobody turned them off; Escape always', () => {
  const free = { writing: false, on: true };
  assert.equal(actionOf({ key: 'e' }, free), 'resolve');
  assert.equal(actionOf({ key: 'ArrowDown' }, free), 'next');
  assert.equal(actionOf({ key: 'e', ctrlKey: true }, free), null);
  assert.equal(actionOf({ key: 'e' }, { writing: true, on: true }), null);
  assert.equal(actionOf({ key: 'e' }, { writing: false, on: false }), null);
  assert.equal(actionOf({ key: 'Escape' }, { writing: true, on: false }), 'escape');
  assert.equal(actionOf({ key: 'Escape', isComposing: true }, free), null);
  assert.equal(actionOf({ key: 'e', defaultPrevented: true }, free), null);
});

test('messages said in one breath stand together; days, what is new and what is seen are marked', () => {
  const at = (day, minute) => new Date(2026, 0, day, 12, minute).toISOString();
  const m = (id, role, day, minute) => ({ _id: id, role, text: '', timestamp: at(day, minute), read: true });
  const list = [m('1', 'user', 1, 0), m('2', 'user', 1, 1), m('3', 'agent', 1, 2), m('4', 'user', 2, 0), m('5', 'user', 2, 1), m('6', 'user', 2, 30)];
  const all = standing(list, { seenTo: '3', freshAfter: '4' });
  assert.equal(all.map((s) => (s.first ? '(' : '') + '.' + (s.last ? ')' : '')).join(''), '(..)(.)(.)(.)(.)');
  assert.deepEqual(all.map((s) => !!s.day), [true, false, false, true, false, false]);
  assert.deepEqual(all.map((s) => s.fresh), [false, false, false, false, true, false]);
  assert.deepEqual(all.map((s) => s.seen), [true, true, true, false, false, false]);
  const none = { seenTo: null, freshAfter: undefined };
  assert.equal(standing(list, none).some((s) => s.fresh || s.seen), false);
  assert.equal(standing(list, { ...none, freshAfter: 'not loaded' }).some((s) => s.fresh), false);
  assert.equal(standing(list, { ...none, freshAfter: null }).some((s) => s.fresh), false, 'where all is new no line says so');
  assert.equal(standing([m('0', 'agent', 1, 0), ...list], { ...none, freshAfter: null })[1].fresh, true);
});

test('whatever a site reported of place and device is shown as plain words', () => {
  assert.equal(described({ country: 'Japan', city: 'Osaka', lat: 34.7 }, ['city', 'country']), 'Osaka, Japan');
  assert.equal(described({ model: 'X', nested: { a: 1 }, width: 390 }, ['browser']), 'X, 390');
  assert.equal(described(null, []), '');
  assert.equal(described('text', []), '');
});

test('a role that nobody knows stands with ours', () => {
  assert.deepEqual(['user', 'agent', 'assistant', 'system', 'bot'].map(sideOf), ['user', 'agent', 'assistant', 'system', 'agent']);
});
