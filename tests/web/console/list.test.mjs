// The list's arithmetic and where a changed customer comes to stand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pages, placed } from '../../../src/web/console/source.js';
import { Customers } from '../../../src/web/console/customers.js';
import { anchored, rangeOf } from '../../../src/web/console/virtual.js';

const at = (n) => `2026-01-01T00:00:${String(n).padStart(2, '0')}.000000Z`;
const customer = (id, n, more = {}) => ({
  _id: id, name: id, email: '', category: 'agent-inbox', status: 'active',
  chats: [{ chat_id: 'chat-' + id, last_activity: at(n), created_at: at(n), unread: 0, messages: [] }], ...more,
});
const ids = (rows) => rows.map((row) => row._id).join('');

test('of ten thousand rows those in sight are drawn, and some beyond each edge', () => {
  const view = { height: 680, row: 68, count: 10000, over: 6 };
  assert.deepEqual(rangeOf({ ...view, top: 0 }), { from: 0, to: 16 });
  assert.deepEqual(rangeOf({ ...view, top: 68 * 5000 }), { from: 4994, to: 5016 });
  assert.deepEqual(rangeOf({ ...view, top: 68 * 9990 }), { from: 9984, to: 10000 });
});

test('a list that has become shorter than it is scrolled draws no row that is not there', () => {
  assert.deepEqual(rangeOf({ top: 5000, height: 600, row: 68, count: 3, over: 6 }), { from: 3, to: 3 });
  assert.deepEqual(rangeOf({ top: -40, height: 600, row: 68, count: 0, over: 6 }), { from: 0, to: 0 });
});

test('a row that comes in above does not push away what one reads; at the top one sees it come', () => {
  assert.equal(anchored(680, 68, 10, 11), 748);
  assert.equal(anchored(680, 68, 10, 9), 612);
  assert.equal(anchored(0, 68, 0, 1), 0);
  assert.equal(anchored(680, 68, 10, -1), 680);
});

test('a changed customer moves to where its activity belongs, and leaves where it belongs no more', () => {
  const rows = [customer('a', 9), customer('b', 8), customer('c', 7)];
  const rule = { keep: true, grow: true, complete: true };
  assert.equal(ids(placed(rows, customer('c', 10), rule)), 'cab');
  assert.equal(ids(placed(rows, customer('b', 8), rule)), 'abc');
  assert.equal(ids(placed(rows, customer('b', 8), { ...rule, keep: false })), 'ac');
  assert.equal(ids(placed(rows, customer('d', 1), rule)), 'abcd');
});

test('what belongs below the pages that are loaded waits for its page; a search takes in nobody new', () => {
  const rows = [customer('a', 9), customer('b', 8)];
  assert.equal(placed(rows, customer('d', 1), { keep: true, grow: true, complete: false }), rows);
  assert.equal(placed(rows, customer('d', 20), { keep: true, grow: false, complete: true }), rows);
  assert.equal(placed(rows, customer('x', 20), { keep: false, grow: true, complete: true }), rows);
});

test('pages come one at a time, without doubles, until there are no more', async () => {
  const all = Array.from({ length: 150 }, (_, i) => customer('c' + i, 0));
  const asked = [];
  const source = pages(new Customers({ customers: [] }), async (skip, limit) => {
    asked.push(skip);
    // Somebody new at the top pushes the last of the first page onto the second one.
    return { users: all.slice(Math.max(0, skip - 1), skip - 1 + limit + (skip ? 0 : 1)), total: 150 };
  }, { keeps: () => true, grow: true });
  await Promise.all([source.more(), source.more()]);
  assert.deepEqual([asked, source.rows.length, source.complete], [[0], 100, false]);
  await source.more();
  await source.more();
  assert.deepEqual(asked, [0, 100]);
  assert.equal(new Set(source.rows.map((row) => row._id)).size, source.rows.length);
  assert.deepEqual([source.rows.length, source.complete], [150, true]);
});

test('a page that is refused leaves its sentence, until something comes again', async () => {
  let refused = true;
  const source = pages(new Customers({ customers: [] }), async () => {
    if (refused) throw new Error('Too many requests');
    return { users: [customer('a', 1)], total: 1 };
  }, { keeps: () => true, grow: true });
  await source.more();
  assert.equal(source.error, 'Too many requests');
  source.changed([]);
  refused = false;
  await source.more();
  assert.deepEqual([source.error, ids(source.rows)], ['', 'a']);
});

test('what the inbox has of a customer counts more than a page that was under way', () => {
  const live = customer('a', 9, { name: 'now' });
  const customers = new Customers({ customers: [live] });
  customers.changed(['a']);
  assert.equal(customers.take(customer('a', 3, { name: 'before' })).name, 'now');
  assert.equal(customers.take(customer('b', 3)).name, 'b');
  assert.equal(customers.ofChat('chat-b')?._id, 'b');
  assert.equal(customers.ofChat('chat-c'), null);
});

test('of thousands of customers no history is kept, and who has unread is counted once', () => {
  const customers = new Customers({ customers: [] });
  const chat = { chat_id: 'x', last_activity: at(1), unread: 2, messages: [{ text: '1' }, { text: '2' }] };
  customers.take(customer('a', 1, { chats: [chat] }));
  assert.deepEqual(customers.byId.get('a').chats[0].messages, [{ text: '2' }]);
  assert.equal(customers.withUnread.size, 1);
  customers.take(customer('a', 1));
  assert.equal(customers.withUnread.size, 0);
});
