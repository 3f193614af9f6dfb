// Each row of the race table (docs/sync.md), replayed step by step.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeStorage, inWorld, settle, texts, visitor } from './fake.mjs';

const race = (name, fn) => test(name, () => inWorld(fn));
const counted = (server, end) => server.requests.filter((request) => request.path.endsWith(end)).length;
const later = () => {
  let open;
  const gate = new Promise((resolve) => { open = resolve; });
  return { gate, open };
};

/** The next fetch of a visitor's chats reads now and is answered when what comes back here is called. */
function holdNext(server) {
  const { gate, open } = later();
  let held = 0;
  server.between = async (request, answer) => {
    const read = answer();
    if (request.path.endsWith('/chats') && !held++) await gate;
    return read;
  };
  return open;
}

race('a message between the fetch and the subscription', async (world) => {
  const { clock, server } = world;
  const { user_id, chat_id } = server.create();
  server.storage.setItem('sakura http://chat.test who', JSON.stringify({ id: user_id }));
  const sakura = server.client();
  const heard = server.heard.bind(server);
  let wrote = false;
  server.heard = (socket, frame) => {
    if (!wrote && frame.subscription_type === 'chat_updates') { // The first fetch is over, the subscription not begun.
      wrote = true;
      server.post(chat_id, 'agent', 'in between');
    }
    heard(socket, frame);
  };
  sakura.customer().start();
  await clock.advance(500);
  assert.ok(wrote);
  assert.deepEqual(texts(await sakura.chat(chat_id)), ['in between']);
  assert.equal(sakura.state, 'live');
});

race('a message between the subscription and the fetch', async (world) => {
  const { clock, server } = world;
  const { chat, id } = await visitor(world);
  server.sockets[server.sockets.length - 1].drop(1006);
  await clock.advance(600);
  const { gate, open } = later();
  server.between = async (request, answer) => {
    if (request.path.endsWith('/chats')) await gate;
    return answer();
  };
  server.sockets[server.sockets.length - 1].drop(1006);
  await clock.advance(1500); // Subscribed again; the fetch that follows has not reached the server.
  server.post(id, 'agent', 'early');
  open();
  await clock.advance(500);
  assert.deepEqual(texts(chat), ['early']);
});

race('a message during a fetch that has already read: one more fetch, not two', async (world) => {
  const { clock, server } = world;
  const { chat, id } = await visitor(world);
  const open = holdNext(server);
  server.post(id, 'agent', 'one');
  await clock.advance(50);
  const before = counted(server, '/chats');
  server.post(id, 'agent', 'two');
  server.post(id, 'agent', 'three');
  server.post(id, 'agent', 'four');
  await clock.advance(50);
  assert.equal(counted(server, '/chats'), before, 'one fetch at a time');
  open();
  await clock.advance(200);
  assert.equal(counted(server, '/chats'), before + 1, 'three notices, one more fetch');
  assert.deepEqual(texts(chat), ['one', 'two', 'three', 'four']);
});

race('a message is read before it is here: its mark is not lost', async (world) => {
  const { clock, server } = world;
  const { chat, id } = await visitor(world);
  const open = holdNext(server);
  const { _id } = server.post(id, 'user', 'from another page');
  await clock.advance(50);
  server.heard(server.live[0], { action: 'read', chat_id: id, side: 'agent', message_id: _id });
  await clock.advance(50);
  open();
  await clock.advance(200);
  assert.deepEqual(chat.messages.map((m) => m.read), [true]);
});

race('a half-open connection is found, and what was written meanwhile comes', async (world) => {
  const { clock, server } = world;
  const { sakura, chat, id } = await visitor(world);
  assert.equal(sakura.state, 'live');
  server.deaf = true;
  server.post(id, 'agent', 'unheard');
  await clock.advance(44_000);
  assert.equal(server.live.length, 1, 'quiet for 44 s is nothing');
  server.deaf = false;
  server.live[0].server = { ...server, deaf: true, latency: 5 }; // This socket alone stays dead.
  await clock.advance(8_000);
  assert.deepEqual(texts(chat), ['unheard']);
  assert.equal(sakura.state, 'live');
});

race('a line that is only quiet is asked once in 45 s, and kept', async (world) => {
  const { clock, server } = world;
  await visitor(world);
  const [socket] = server.live;
  await clock.advance(10 * 60_000);
  assert.deepEqual(server.live, [socket]);
  const pings = socket.said.filter((frame) => frame.action === 'ping').length;
  assert.ok(pings >= 10 && pings <= 14, `${pings} pings in ten minutes`);
});

race('a message that is stored but whose notice does not come: the line is asked at once', async (world) => {
  const { clock, server } = world;
  const { chat } = await visitor(world);
  server.live[0].server = { deaf: true, latency: 5 };
  chat.send('hello');
  await clock.advance(12_000);
  assert.equal(server.sockets.filter((socket) => !socket.closed).length, 1);
  assert.equal(server.live[0].server, server, 'another connection');
  assert.deepEqual(texts(chat), ['hello']);
});

race('two tabs share an outbox: stored once, seen once in both', async (world) => {
  const { clock, server } = world;
  const first = await visitor(world);
  const second = server.client();
  second.customer().start();
  await clock.advance(200);
  const { gate, open } = later();
  server.between = async (request, answer) => {
    if (request.path.endsWith('/send')) await gate;
    return answer();
  };
  first.chat.send('once');
  await clock.advance(50);
  const third = server.client(); // Loaded while the message waits: it takes it over.
  third.customer().start();
  await clock.advance(200);
  open();
  await clock.advance(500);
  assert.deepEqual(server.chat(first.id).messages.map((m) => m.text), ['once']);
  for (const sakura of [first.sakura, second, third]) assert.deepEqual(texts(await sakura.chat(first.id)), ['once']);
  assert.equal([...server.storage.map.keys()].filter((name) => name.includes(' out')).length, 0);
});

race('two tabs that both began before the visitor was known: one visitor', async (world) => {
  const { clock, server } = world;
  const other = server.client();
  other.customer().start();
  await clock.advance(200);
  const first = await visitor(world);
  const chat = await other.createChat();
  chat.send('hello');
  await clock.advance(500);
  assert.equal(other.customer().id, first.customer.id);
  assert.equal(server.users.size, 1);
  assert.equal(other.customer().chats.length, 2);
  assert.deepEqual(texts(chat), ['hello']);
});

race('the answer of a send is lost: stored once, never shown twice', async (world) => {
  const { clock, server } = world;
  const { chat } = await visitor(world);
  let lost = 0;
  server.between = async (request, answer) => {
    const given = answer();
    if (request.path.endsWith('/send') && lost++ < 2) throw new TypeError('fetch failed');
    return given;
  };
  const seen = [];
  chat.on('change', () => seen.push(texts(chat).join()));
  const told = [];
  chat.on('message', (message) => told.push(message.text));
  const sent = chat.send('hello');
  await clock.advance(10_000);
  assert.equal((await sent)._id, server.chat(chat.id).messages[0]._id);
  assert.equal(server.chat(chat.id).messages.length, 1);
  assert.ok(seen.every((shown) => shown === 'hello'), seen.join(' | '));
  assert.deepEqual(told, ['hello']);
  const keys = server.requests.filter((request) => request.path.endsWith('/send')).map((request) => request.body.client_message_id);
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1, 'by one key');
});

race('the answer of a send is lost and the page reloaded: still once', async (world) => {
  const { clock, server } = world;
  const { sakura, chat, id } = await visitor(world);
  server.between = async (request, answer) => {
    const given = answer();
    if (request.path.endsWith('/send')) throw new TypeError('fetch failed');
    return given;
  };
  chat.send('hello').catch(() => {});
  await clock.advance(100);
  sakura.close();
  server.between = async (request, answer) => answer();
  const next = server.client();
  next.customer().start();
  await clock.advance(1_000);
  assert.deepEqual(texts(await next.chat(id)), ['hello']);
  assert.equal(server.chat(id).messages.length, 1);
});

race('the server restarts: its cursors are of another epoch, and it does not know the chat yet', async (world) => {
  const { clock, server } = world;
  const { sakura, chat, id } = await visitor(world);
  server.post(id, 'agent', 'before');
  await clock.advance(100);
  server.restart();
  server.post(id, 'agent', 'while it came up');
  await clock.advance(5_000);
  server.post(id, 'agent', 'after');
  await clock.advance(100);
  assert.deepEqual(texts(chat), ['before', 'while it came up', 'after']);
  assert.equal(sakura.state, 'live');
});

race('the wall clock jumps: nothing waits longer, nothing changes its place', async (world) => {
  const { clock, server } = world;
  const { chat } = await visitor(world);
  server.down = true;
  chat.send('one');
  clock.skew = -3_600_000;
  chat.send('two');
  clock.skew = 86_400_000;
  chat.send('three');
  await clock.advance(100);
  assert.deepEqual(texts(chat), ['one', 'two', 'three']);
  const next = server.client(); // A tab that is opened now reads them from the storage.
  next.customer().start();
  server.down = false;
  await clock.advance(25_000);
  assert.deepEqual(server.chat(chat.id).messages.map((m) => m.text), ['one', 'two', 'three']);
  assert.deepEqual(texts(chat), ['one', 'two', 'three']);
});

race('the token expires: another one is asked for once; where that is refused too, denied', async (world) => {
  const { clock, server } = world;
  server.auth = new Set(['first']);
  const { chat_id } = server.create();
  const given = ['first', 'second', 'third', 'fourth'];
  let asked = 0;
  const sakura = server.client({ getToken: () => given[asked++] });
  const states = [];
  sakura.on('state', (state) => states.push(state));
  const opening = sakura.chat(chat_id);
  await clock.advance(500);
  const chat = await opening;
  assert.equal(sakura.state, 'live');
  server.auth = new Set(['second']);
  server.sockets[0].drop(1008);
  await clock.advance(2_000);
  assert.equal(asked, 2);
  assert.equal(sakura.state, 'live');
  const sent = chat.send('with the second');
  await clock.advance(500);
  await sent;
  server.auth = new Set();
  server.sockets.forEach((socket) => socket.drop(1008));
  await clock.advance(60_000);
  assert.equal(asked, 3, 'once more, not again and again');
  assert.equal(sakura.state, 'denied');
  const sockets = server.sockets.length;
  const waiting = chat.send('kept');
  await clock.advance(60_000);
  assert.equal(server.sockets.length, sockets, 'nobody knocks at a closed door');
  server.auth = new Set(['fifth']);
  sakura.setToken('fifth');
  await clock.advance(2_000);
  await waiting;
  assert.equal(sakura.state, 'live');
  assert.deepEqual(texts(chat), ['with the second', 'kept']);
});

race('the chat is closed meanwhile: it is shown, and the next message still goes out', async (world) => {
  const { clock, server } = world;
  const { chat, id } = await visitor(world);
  server.change(id, { status: 'closed' });
  await clock.advance(100);
  assert.equal(chat.status, 'closed');
  const sent = chat.send('one more thing');
  await clock.advance(200);
  assert.ok((await sent)._id);
});

race('304: what is here is kept, and nothing is told again', async (world) => {
  const { clock, server } = world;
  const { chat_id } = server.create();
  server.post(chat_id, 'user', 'hello');
  const sakura = server.client();
  const opening = sakura.chat(chat_id);
  await clock.advance(500);
  const chat = await opening;
  const told = [];
  chat.on('message', (message) => told.push(message.text));
  const before = server.requests.length;
  server.sockets[0].drop(1006);
  await clock.advance(2_000);
  assert.ok(server.requests.slice(before).some((request) => request.headers['If-None-Match']));
  assert.deepEqual(texts(chat), ['hello']);
  assert.deepEqual(told, []);
  assert.equal(sakura.state, 'live');
});

for (const [what, storage] of Object.entries({
  full: Object.assign(new FakeStorage(), { full: true }),
  forbidden: { get length() { throw new Error('SecurityError'); }, key() {}, getItem() { throw new Error('SecurityError'); },
    setItem() { throw new Error('SecurityError'); }, removeItem() { throw new Error('SecurityError'); } },
  none: null,
})) {
  race(`the storage is ${what}: memory is enough until the page ends`, async (world) => {
    const { clock, server } = world;
    const { chat } = await visitor(world, { storage });
    server.down = true;
    const sent = [chat.send('one'), chat.send('two')];
    await clock.advance(3_000);
    server.down = false;
    await clock.advance(40_000);
    await Promise.all(sent);
    assert.deepEqual(server.chat(chat.id).messages.map((m) => m.text), ['one', 'two']);
    assert.deepEqual(texts(chat), ['one', 'two']);
  });
}

race('more was missed than a page holds: back until it meets what is here', async (world) => {
  const { clock, server } = world;
  const { chat_id } = server.create();
  const all = [];
  const write = (n) => {
    for (let i = 0; i < n; i++) {
      all.push(`text ${all.length}`);
      server.post(chat_id, 'user', all[all.length - 1]);
    }
  };
  write(120);
  const sakura = server.client();
  const opening = sakura.chat(chat_id);
  await clock.advance(500);
  const chat = await opening;
  assert.deepEqual(texts(chat), all.slice(70));
  const told = [];
  chat.on('message', (message) => told.push(message.text));
  server.deaf = true;
  write(700);
  server.deaf = false;
  server.sockets[0].drop(1006);
  await clock.advance(3_000);
  assert.deepEqual(texts(chat), all.slice(70));
  assert.deepEqual(told, all.slice(120), 'what is new is told, the history is not');
  for (let more = true; more;) {
    const page = chat.older();
    await clock.advance(100);
    more = await page;
  }
  assert.deepEqual(texts(chat), all);
  assert.equal(chat.complete, true);
  write(1);
  server.sockets[server.sockets.length - 1].drop(1006);
  await clock.advance(3_000);
  assert.deepEqual(texts(chat), all, 'what is here stays once, wherever in the answer it stands');
  await settle();
});
