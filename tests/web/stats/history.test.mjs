// The operators' page draws what it knows: lines end where seconds are missing, and figures have units.
import assert from 'node:assert/strict';
import test from 'node:test';
import { GAP_MS, History, pieces } from '../../../src/web/stats/history.js';
import { byteRate, bytes, ceiling, cores, count, percent, rate, span, time } from '../../../src/web/stats/units.js';

const point = (at, a) => ({ at, figures: a === undefined ? null : { a } });
const plain = (text) => text.replaceAll('\u202f', ' ');

test('a course is cut where the server did not answer, a figure is not known, or nobody looked', () => {
  const points = [point(0, 1), point(1000, 2), point(2000), point(3000, 3), point(4000, null), point(5000, 4), point(5000 + GAP_MS + 1, 5),
    point(9000, NaN), point(10000, Infinity)];
  assert.deepEqual(pieces(points, 'a').map((piece) => piece.map(({ value }) => value)), [[1, 2], [3], [4], [5]]);
  assert.deepEqual(pieces(points, 'other'), []);
  assert.deepEqual(pieces([point(0, 0)], 'a'), [[{ at: 0, value: 0 }]], 'none is a figure too');
});

test('only so many minutes are kept', () => {
  const history = new History(10_000);
  for (let at = 0; at <= 30_000; at += 1000) history.add(point(at, at));
  assert.equal(history.points[0].at, 20_000);
  assert.equal(history.since(25_000).length, 6);
});

test('the moment under the pointer is one that is known of', () => {
  const history = new History(60_000);
  assert.equal(history.near(0), null);
  for (const at of [0, 1000, 2000, 20_000]) history.add(point(at, 1));
  assert.equal(history.near(1400)?.at, 1000);
  assert.equal(history.near(10_000), null);
  assert.equal(history.near(19_500)?.at, 20_000);
});

test('figures are read with three digits at most, and their unit', () => {
  const rows = [
    [time, [[0.0000005, '0.5 µs'], [0.000064, '64 µs'], [0.00123, '1.23 ms'], [0.0456, '45.6 ms'], [0.789, '789 ms'], [2.5, '2.5 s'], [123.4, '123 s']]],
    [rate, [[0, '0/s'], [0.25, '0.3/s'], [3.14159, '3.1/s'], [42.4, '42/s'], [1234567, '1,234,567/s']]],
    [count, [[0, '0'], [1.6, '1.6'], [16384, '16,384']]],
    [percent, [[0, '0 %'], [0.025, '2.5 %'], [0.5, '50 %'], [0.999, '99.9 %'], [1, '100 %']]],
    [bytes, [[0, '0 B'], [1023, '1,023 B'], [1024, '1 KiB'], [29.5 * 2 ** 20, '29.5 MiB'], [2 ** 40, '1 TiB']]],
    [byteRate, [[1536, '1.5 KiB/s']]],
    [cores, [[0.2, '0.20 cores']]],
  ];
  for (const [unit, values] of rows) {
    for (const [value, text] of values) assert.equal(plain(unit(value)), text);
    for (const none of [null, undefined, NaN, Infinity]) assert.equal(unit(none).includes('–'), true);
  }
  assert.deepEqual([5, 65, 3725, 90_000].map((n) => plain(span(n))), ['5 s', '1 min', '1 h 2 min', '1 d 1 h']);
});

test('a scale ends at a round figure that is not below', () => {
  for (const value of [1e-6, 0.0031, 0.9999, 1, 1.01, 7, 99, 100, 101, 12345]) {
    const end = ceiling(value);
    assert.ok(end >= value && end <= value * 1.6, `${value}: ${end}`);
  }
  assert.equal(ceiling(0), 1);
  assert.equal(plain(bytes(ceiling(30 * 2 ** 20, bytes))), '30 MiB');
  assert.equal(plain(bytes(ceiling(900 * 2 ** 10, bytes))), '1,000 KiB');
});
