import assert from 'node:assert/strict';
import { test } from 'node:test';
import { address, pieces } from '../../../src/web/widget/links.js';

const links = (text) => pieces(text).filter((_, index) => index % 2);

test('pieces together are the text', () => {
  for (const text of ['', 'a', 'https://a.example', ' https://a.example/ ', 'see https://a.example, mailto:x@a.example!', '\n\nhttp://a.example\n']) {
    assert.equal(pieces(text).join(''), text);
  }
});

test('web addresses and mail addresses with their scheme are links', () => {
  assert.deepEqual(links('http://a.example https://b.example/p?q=1#f mailto:ann@c.example HTTPS://D.EXAMPLE'),
    ['http://a.example', 'https://b.example/p?q=1#f', 'mailto:ann@c.example', 'HTTPS://D.EXAMPLE']);
});

test('what people write without a scheme is a link too, and leads where they mean', () => {
  assert.deepEqual(links('www.a.example/x, ann@a.example. Ben.O-x+y@b.c.example!').map((piece) => [piece, address(piece)]), [
    ['www.a.example/x', 'https://www.a.example/x'], ['ann@a.example', 'mailto:ann@a.example'], ['Ben.O-x+y@b.c.example', 'mailto:Ben.O-x+y@b.c.example'],
  ]);
  assert.equal(address('HTTPS://a.example'), 'HTTPS://a.example');
  assert.equal(address('mailto:ann@a.example'), 'mailto:ann@a.example');
  for (const text of ['javascript:ann@a.example', 'javascript:www.a.example']) {
    for (const piece of links(text)) assert.match(address(piece), /^(https|mailto):/);
  }
});

test('what turns letters round ends a link: it reads as where it leads', () => {
  for (const turn of ['\u202e', '\u202b', '\u2066', '\u2067', '\u202c']) {
    assert.deepEqual(links(`https://a.example/${turn}moc.bank//:sptth`), ['https://a.example/']);
  }
});

test('nothing else is a link', () => {
  for (const text of ['javascript:alert(1)', 'data:text/html,x', 'ftp://a.example', 'file:///etc/passwd', 'a.example', 'ann@a', '@a.example', 'ann @a.example', 'www.', 'wwww.a.example',
    'xhttps://a.example', 'https://', 'mailto:', 'blob:https', 'vbscript:x', 'https:/a.example']) {
    assert.deepEqual(links(text), [], text);
  }
});

test('a scheme in front of a web address makes no other link', () => {
  assert.deepEqual(links('javascript:https://a.example/'), ['https://a.example/']);
});

test('what ends a sentence, a quotation or a bracket is not part of a link', () => {
  for (const end of ['.', ',', '!', '?', ':', ';', ')', ').', '"', "'", '>', ']', '}', '...', ' and', '\nand', '<b>']) {
    assert.deepEqual(links(`(see https://a.example/x${end}`), ['https://a.example/x'], end);
  }
});

test('a link stays whole with what belongs into it', () => {
  for (const link of ['https://a.example/a_(b)/c', 'https://a.example/?a=b,c;d!e', 'https://a.example/ü/日本', 'https://[::1]:8000/x']) {
    assert.deepEqual(links(`${link} `), [link]);
  }
});

test('no text takes long', () => {
  const start = process.hrtime.bigint();
  for (const part of ['http://', 'https://.', 'mailto:)', 'https://a)', 'http://....', '!', 'h', ')', 'a@', 'a.a@', 'a-', 'www.', `${'a'.repeat(64)}@`, '@a.', '+']) pieces(part.repeat(1e5 / part.length));
  assert.ok(process.hrtime.bigint() - start < 5_000_000_000n);
});
