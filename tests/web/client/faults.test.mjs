// What went wrong once, by what it did to people.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeStorage, inWorld, texts, visitor } from './fake.mjs';

const fault = (name, fn) => test(name, () => inWorld(fn));
const PREFIX = 'sakura http://chat.test ';
const sends = (server) => server.requests.filter((request) => request.path.endsWith('/send'));
const token = (claims) => `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;

for (const junk of ['', '{', 'null', '5', '"text"', '[]', '{"id":7}', '{"who":""}', '{"who":"","chat":"c","key":"k","pending":true}']) {
  fault(`what somebody else has written into the storage kills nothing: ${junk}`, async (world) => {
    const { server } = world;
    for (const name of ['who', 'outk', 'last']) server.storage.setItem(PREFIX + name, junk);
    const { chat } = await visitor(world);
    const sent = chat.send('hello');
    await world.clock.advance(30_000);
    assert.ok((await sent)._id);
    assert.deepEqual(texts(chat), ['hello']);
  });
}

fault('a page of a hotel\'s network that answers 200 to everything is no answer: nothing counts as sent', async (world) => {
  const { clock, server } = world;
  const { chat, id, customer } = await visitor(world);
  server.between = async () => ({ page: '<html>Welcome to our network' });
  const sent = chat.send('hello');
  await clock.advance(5_000);
  assert.equal(chat.messages[0].pending, true);
  server.between = async (request, answer) => answer();
  await clock.advance(30_000);
  assert.ok((await sent)._id);
  assert.deepEqual(server.chat(id).messages.map((m) => m.text), ['hello']);
  assert.ok(customer.id);
});

fault('a proxy\'s page for 403 and 404 says nothing of the visitor or the message', async (world) => {
  const { clock, server } = world;
  const { chat, customer } = await visitor(world);
  const { id } = customer;
  for (const status of [403, 404]) {
    server.between = async () => ({ status, page: '<html>Forbidden' });
    server.post(chat.id, 'agent', `look ${status}`);
    const sent = chat.send(`mine ${status}`);
    await clock.advance(5_000);
    assert.equal(customer.id, id);
    server.between = async (request, answer) => answer();
    await clock.advance(30_000);
    await sent;
  }
  assert.equal(texts(chat).length, 4);
  assert.equal(server.users.size, 1);
});

fault('a proxy\'s page for 413 is about the message: it fails, and those behind it are sent', async (world) => {
  const { clock, server } = world;
  const { chat } = await visitor(world);
  server.between = async (request, answer) => request.body?.content === 'large' ? { status: 413, page: '<html>' } : answer();
  const outcome = Promise.allSettled(['one', 'large', 'two'].map((text) => chat.send(text)));
  await clock.advance(1_000);
  assert.deepEqual((await outcome).map((one) => one.status), ['fulfilled', 'rejected', 'fulfilled']);
  assert.deepEqual(texts(chat).sort(), ['large', 'one', 'two']);
});

for (const retryAfter of ['Wed, 21 Oct 2099 07:28:00 GMT', '99999999999', '-5', 'soon']) {
  fault(`Retry-After: ${retryAfter} makes nobody ask without end, or never again`, async (world) => {
    const { clock, server } = world;
    const { chat } = await visitor(world);
    server.between = async (request, answer) => request.path.endsWith('/send') ? { status: 503, retryAfter } : answer();
    const sent = chat.send('hello');
    await clock.advance(60_000);
    assert.ok(sends(server).length < 30, `${sends(server).length} in a minute`);
    server.between = async (request, answer) => answer();
    await clock.advance(3_700_000);
    assert.ok((await sent)._id);
  });
}

fault('what an agent has written waits for the next page too, and no visitor or other agent sends it', async (world) => {
  const { clock, server } = world;
  const { chat_id } = server.create();
  const open = async (sub) => {
    const sakura = server.client({ token: token({ role: 'dashboard', sub }) });
    const opening = sakura.chat(chat_id);
    await clock.advance(500);
    return { sakura, chat: await opening };
  };
  const first = await open('ann');
  server.between = async (request, answer) => request.path.endsWith('/send') ? { status: 503 } : answer();
  first.chat.send('an answer').catch(() => {});
  await clock.advance(500);
  first.sakura.close();
  server.between = async (request, answer) => answer();
  const customer = server.client().customer();
  assert.equal(customer.known, false);
  customer.start();
  await open('bob');
  await clock.advance(5_000);
  assert.deepEqual(server.chat(chat_id).messages, []);
  const next = await open('ann');
  await clock.advance(1_000);
  assert.deepEqual(server.chat(chat_id).messages.map((m) => [m.role, m.text]), [['agent', 'an answer']]);
  assert.deepEqual(texts(next.chat), ['an answer']);
});

fault('a first message whose chat could not be made says why, and can be tried again', async (world) => {
  const { clock, server } = world;
  server.between = async (request, answer) =>
    request.path.endsWith('/create') ? { status: 422, data: { detail: 'no such address' } } : answer();
  const sakura = server.client();
  const chat = await sakura.createChat({ email: 'wrong' });
  const refused = assert.rejects(chat.send('hello'), { status: 422, message: 'no such address' });
  await clock.advance(500);
  await refused;
  assert.equal(chat.messages[0].failed, 'no such address');
  server.between = async (request, answer) => answer();
  chat.retry(chat.messages[0]);
  await clock.advance(1_000);
  assert.deepEqual(texts(chat), ['hello']);
  assert.ok(chat.messages[0]._id);
});

fault('another visitor on this machine sends nothing of the one before', async (world) => {
  const { clock, server } = world;
  const { chat, customer, id } = await visitor(world);
  server.between = async (request, answer) => request.path.endsWith('/send') ? { status: 503 } : answer();
  chat.send('a secret').catch(() => {});
  await clock.advance(500);
  customer.identify({ token: token({ role: 'widget', sub: 'zoë' }) });
  await clock.advance(100);
  server.between = async (request, answer) => answer();
  const before = sends(server).length;
  await clock.advance(30_000);
  assert.equal(customer.id, 'zoë');
  assert.equal(sends(server).length, before);
  assert.deepEqual(server.chat(id).messages, []);
});

fault('after reset() an answer that was on its way makes nobody known', async (world) => {
  const { clock, server } = world;
  server.latency = 100;
  const sakura = server.client();
  const customer = sakura.customer();
  await customer.start();
  await clock.advance(1_000);
  (await sakura.createChat()).send('hello').catch(() => {});
  await clock.advance(150);
  customer.reset();
  await clock.advance(5_000);
  assert.equal(customer.id, null);
  assert.equal(server.storage.getItem(`${PREFIX}who`), null);
});

fault('where getToken() fails at first the visitor is known as soon as it does not', async (world) => {
  const { clock, server } = world;
  server.create('k', 'zoe');
  let asked = 0;
  const sakura = server.client({
    getToken: async () => {
      if (asked++ < 3) throw new Error('the site is down');
      return token({ role: 'widget', sub: 'zoe' });
    },
  });
  sakura.customer().start();
  await clock.advance(30_000);
  assert.equal(sakura.customer().id, 'zoe');
  assert.equal(sakura.customer().chats.length, 1);
  assert.equal(sakura.state, 'live');
});

fault('what close() finds on its way neither connects nor asks afterwards', async (world) => {
  const { clock, server } = world;
  const sakura = server.client({ getToken: () => new Promise((resolve) => { setTimeout(resolve, 500, 'late'); }) });
  sakura.customer().start();
  const { chat, sakura: other } = await visitor(world, { storage: null });
  server.between = async (request, answer) => request.path.endsWith('/send') ? { status: 503 } : answer();
  chat.send('hello').catch(() => {});
  await clock.advance(300);
  sakura.close();
  other.close();
  const { length } = server.requests;
  await clock.advance(120_000);
  assert.equal(server.requests.length, length);
  assert.deepEqual(server.live, []);
});

fault('with very many chats a restart of the server costs no storm of subscriptions', async (world) => {
  const { clock, server } = world;
  for (let i = 0; i < 80; i++) server.create(`k${i}`, 'many');
  server.storage.setItem(`${PREFIX}who`, JSON.stringify({ id: 'many' }));
  const sakura = server.client();
  sakura.customer().start();
  await clock.advance(2_000);
  assert.equal(sakura.customer().chats.length, 80);
  server.restart();
  await clock.advance(20_000);
  assert.equal(sakura.state, 'live');
  const said = server.sockets.reduce((sum, socket) => sum + socket.said.length, 0);
  assert.ok(said < 64 * 2 * 5, `${said} frames`);
});

fault('an agent\'s page with a chat that is gone is live all the same', async (world) => {
  const { clock, server } = world;
  const { chat_id, user_id } = server.create();
  const sakura = server.client();
  const opening = sakura.chat(chat_id);
  await clock.advance(500);
  await opening;
  server.users.get(user_id).chats.clear();
  server.sockets.forEach((socket) => socket.drop(1006));
  await clock.advance(5_000);
  assert.equal(sakura.state, 'live');
});

fault('a notice that comes when the token has ended is no error of the page', async (world) => {
  const { clock, server } = world;
  server.auth = new Set(['good']);
  const { chat_id } = server.create();
  const sakura = server.client({ token: 'good' });
  sakura.inbox().start();
  await clock.advance(500);
  assert.equal(sakura.state, 'live');
  const unhandled = [];
  const note = (error) => unhandled.push(error);
  process.on('unhandledRejection', note);
  server.auth = new Set();
  server.post(chat_id, 'user', 'hello');
  await clock.advance(1_000);
  process.off('unhandledRejection', note);
  assert.deepEqual(unhandled, []);
  assert.equal(sakura.state, 'denied');
});

fault('an agent\'s open chat follows a hint within its time too', async (world) => {
  const { clock, server } = world;
  const { chat_id } = server.create();
  const sakura = server.client();
  const opening = sakura.chat(chat_id);
  await clock.advance(500);
  await opening;
  const before = server.requests.length;
  server.live[0].hear({ type: 'chat_updates', data: { chat_id: '*', spread_ms: 60_000 } });
  await clock.advance(1_000);
  assert.equal(server.requests.length, before);
  await clock.advance(60_000);
  assert.ok(server.requests.length > before);
});

fault('a browser without AbortSignal.timeout() sends all the same', async (world) => {
  const { timeout } = AbortSignal;
  AbortSignal.timeout = undefined;
  try {
    const { chat } = await visitor(world);
    const sent = chat.send('hello');
    await world.clock.advance(500);
    assert.ok((await sent)._id);
  } finally {
    AbortSignal.timeout = timeout;
  }
});

fault('a storage that is full in the middle loses nothing that is on the page', async (world) => {
  const { clock, server } = world;
  const storage = new FakeStorage();
  const { chat, id } = await visitor(world, { storage });
  server.down = true;
  chat.send('one');
  storage.full = true;
  chat.send('two');
  await clock.advance(500);
  server.down = false;
  await clock.advance(30_000);
  assert.deepEqual(server.chat(id).messages.map((m) => m.text), ['one', 'two']);
  assert.equal([...storage.map.keys()].filter((name) => name.includes(' out')).length, 0);
});
