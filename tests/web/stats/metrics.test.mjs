// The operators' page reads Prometheus' text format and says what happened between two scrapes, or that it cannot know.
import assert from 'node:assert/strict';
import test from 'node:test';
import { between, change, mean, quantile, restarted } from '../../../src/web/stats/change.js';
import { figures } from '../../../src/web/stats/figures.js';
import { Metrics } from '../../../src/web/stats/metrics.js';
import { described, troubles } from '../../../src/web/stats/trouble.js';

const histogram = (name, counts, sum = 0) => counts
  .map(([le, n]) => `${name}_bucket{le="${le}"} ${n}`).concat(`${name}_sum ${sum}`, `${name}_count ${counts.at(-1)[1]}`).join('\n');
const seconds = (...counts) => new Metrics(histogram('t', counts)).histogram('t');

test('lines of every form are read, and what is none is passed over', () => {
  const m = new Metrics([
    '# HELP a A thing.', '# TYPE a counter', 'a 1', 'b{x="1"} 2.5', 'b{x="2",y="z"} 3 1700000000000', 'inf +Inf', 'less -Inf',
    'nan NaN', 'exp 1e-06', 'c{} 4', '', 'not a line', 'd{x="1" 5', 'e', 'f abc', '9g 1', 'h{x="a}b{c=\\"d\\"\\\\\\ne"} 7', 'i:j 8', 'k 0x10x',
  ].join('\n'));
  assert.equal(m.value('a'), 1);
  assert.equal(m.value('b'), 5.5);
  assert.equal(m.value('b', { x: '2' }), 3);
  assert.equal(m.value('b', { x: '3' }), null);
  assert.equal(m.value('inf'), Infinity);
  assert.equal(m.value('less'), -Infinity);
  assert.ok(Number.isNaN(m.value('nan')));
  assert.equal(m.value('exp'), 1e-6);
  assert.equal(m.value('c'), 4);
  assert.equal(m.value('i:j'), 8);
  assert.deepEqual(m.rows('h')[0].labels, { x: 'a}b{c="d"\\\ne' });
  for (const none of ['not', 'd', 'e', 'f', 'g', 'k', 'toString']) assert.equal(m.value(none), null, none);
});

test('a histogram is read in the order of its bounds, and only where it is whole', () => {
  const m = new Metrics('h_bucket{le="+Inf"} 3\nh_bucket{le="0.5"} 2\nh_bucket{le="0.1"} 1\nh_sum 1.5\nhalf_bucket{le="1"} 1');
  assert.deepEqual(m.histogram('h'), { bounds: [0.1, 0.5, Infinity], counts: [1, 2, 3], sum: 1.5 });
  assert.equal(m.histogram('half'), null);
  assert.equal(m.histogram('none'), null);
});

test('quantiles lie within their bucket', () => {
  const even = seconds(['1', 0], ['2', 100], ['4', 100], ['+Inf', 100]);
  assert.equal(quantile(even, 0.5), 1.5);
  assert.ok(Math.abs(quantile(even, 0.99) - 1.99) < 1e-9);
  assert.equal(quantile(even, 1), 2);
  assert.equal(quantile(seconds(['1', 10], ['+Inf', 10]), 0.5), 0.5);
  assert.equal(quantile(seconds(['1', 90], ['2', 90], ['4', 100], ['+Inf', 100]), 0.95), 3);
});

test('what is beyond the last finite bound counts as that bound; nothing observed is no figure', () => {
  assert.equal(quantile(seconds(['1', 0], ['2', 1], ['+Inf', 100]), 0.99), 2);
  assert.equal(quantile(seconds(['+Inf', 3]), 0.5), null);
  assert.equal(quantile(null, 0.5), null);
  assert.equal(between(seconds(['1', 5], ['+Inf', 5]), seconds(['1', 5], ['+Inf', 5])), null);
});

test('only what happened between two scrapes counts', () => {
  const seen = between(seconds(['1', 100], ['2', 100], ['+Inf', 100]), seconds(['1', 100], ['2', 110], ['+Inf', 110]));
  assert.deepEqual(seen?.counts, [0, 10, 10]);
  assert.equal(quantile(seen, 0.5), 1.5);
  assert.equal(between(seconds(['1', 5], ['+Inf', 9]), seconds(['1', 3], ['+Inf', 9])), null, 'a count that fell');
  assert.equal(between(seconds(['1', 5], ['+Inf', 9]), seconds(['1', 5], ['2', 7], ['+Inf', 19])), null, 'other bounds');
  assert.equal(mean(between(null, new Metrics(histogram('t', [['1', 2], ['+Inf', 4]], 10)).histogram('t'))), 2.5);
});

test('a counter that fell is not known; a row that is new began at 0', () => {
  const [a, b] = [new Metrics('c 10\nd{x="1"} 5'), new Metrics('c 4\nd{x="1"} 7\nd{x="2"} 3')];
  assert.equal(change(a, b, 'c'), null);
  assert.equal(change(a, b, 'd'), 5);
  assert.equal(change(a, b, 'd', { x: '2' }), 3);
  assert.equal(change(a, b, 'none'), null);
});

test('a restart is seen by the start, and by time used that fell where there is no start', () => {
  const at = (start, cpu) => new Metrics(`${start === null ? '' : `process_start_time_seconds ${start}`}\nprocess_cpu_seconds_total ${cpu}`);
  assert.ok(!restarted(at(100, 1), at(100.02, 2)), 'two clocks are never quite one');
  assert.ok(restarted(at(100, 1), at(130, 2)));
  assert.ok(restarted(at(null, 5), at(null, 1)));
  assert.ok(!restarted(at(null, 1), at(null, 1)));
});

test('figures are of a second, quantiles of some', () => {
  const scrape = (n, cpu) => new Metrics([
    `sakurad_store_ops_total{kind="insert_message"} ${n}`, 'sakurad_queue_depth{queue="writer"} 7', `sakurad_thread_cpu_seconds_total{thread="writer"} ${cpu}`,
    `sakurad_cache_lookups_total{result="hit"} ${3 * n}`, `sakurad_cache_lookups_total{result="miss"} ${n}`,
    histogram('sakurad_request_seconds', [['0.001', n], ['0.002', n], ['+Inf', n]]),
  ].join('\n'));
  const f = figures(scrape(100, 1), scrape(300, 1.5), 2, scrape(0, 0));
  assert.equal(f.messages, 100);
  assert.equal(f.writer_queue, 7);
  assert.equal(f['thread:writer'], 0.25);
  assert.equal(f.hits, 0.75);
  assert.equal(f.request_p50, 0.0005);
  assert.equal(f.batch_mean, null);
  assert.equal(f.notices, null, 'what the server does not say is not 0');
  assert.equal(figures(scrape(300, 1), scrape(100, 1), 1, scrape(300, 0)).messages, null);
});

test('trouble is counted, and told only where there is some', () => {
  const scrape = (bad, full) => new Metrics(`sakurad_http_requests_total{route="/",code="200"} 9${bad}
sakurad_http_requests_total{route="/",code="503"} ${bad}\nsakurad_queue_full_total{queue="writer"} ${full}\nsakurad_queue_full_total{queue="reader"} 1`);
  const told = described(troubles(scrape(1, 0), scrape(4, 2)));
  assert.deepEqual(told.map(({ what, count }) => [what, count]), [['Answered 5xx', 3], ['Refused: queue full', 2]]);
  assert.deepEqual(described(troubles(scrape(4, 2), scrape(4, 2))), []);
});
