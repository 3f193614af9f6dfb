// What the client owes the server and the page beside the races: order, patience, honesty, small talk.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inWorld, randomOf, texts, visitor } from './fake.mjs';

const rule = (name, fn) => test(name, () => inWorld(fn));
const sends = (server) => server.requests.filter((request) => request.path.endsWith('/send'));

rule('messages of one chat are sent in order, one at a time', async (world) => {
  const { clock, server } = world;
  const { chat, id } = await visitor(world);
  let now = 0;
  let most = 0;
  server.between = async (request, answer) => {
    if (!request.path.endsWith('/send')) return answer();
    most = Math.max(most, ++now);
    await new Promise((resolve) => { setTimeout(resolve, Math.random() * 50); });
    now--;
    return answer();
  };
  const all = Array.from({ length: 50 }, (_, i) => `text ${i}`);
  const sent = all.map((text) => chat.send(text));
  assert.deepEqual(texts(chat), all, 'shown at once');
  await clock.advance(10_000);
  await Promise.all(sent);
  assert.equal(most, 1);
  assert.deepEqual(server.chat(id).messages.map((m) => m.text), all);
  assert.deepEqual(texts(chat), all);
});

rule('what is refused for good is shown with the reason, stays, and can be tried again or thrown away', async (world) => {
  const { clock, server } = world;
  const { chat } = await visitor(world);
  for (const status of [400, 403, 404, 413, 422]) {
    server.between = async (request, answer) =>
      request.path.endsWith('/send') ? { status, data: { detail: status === 422 ? [{ msg: 'no' }] : 'no' } } : answer();
    const sent = assert.rejects(chat.send('hello'), { status, message: 'no' });
    await clock.advance(100);
    await sent;
    const [message] = chat.messages;
    assert.equal(message.failed, 'no');
    assert.equal(message.pending, undefined);
    const asked = sends(server).length;
    await clock.advance(60_000);
    assert.equal(sends(server).length, asked);
    chat.discard(message);
    assert.deepEqual(texts(chat), []);
  }
  chat.send('again').catch(() => {});
  await clock.advance(100);
  server.between = async (request, answer) => answer();
  chat.retry(chat.messages[0]);
  await clock.advance(200);
  assert.deepEqual(texts(chat), ['again']);
  assert.ok(chat.messages[0]._id);
});

for (const status of [401, 408, 409, 429, 500, 503]) {
  rule(`${status} is no reason to give a message up`, async (world) => {
    const { clock, server } = world;
    const { chat } = await visitor(world, { token: 'one', getToken: () => 'two' });
    let times = 0;
    server.between = async (request, answer) =>
      request.path.endsWith('/send') && times++ < 1 ? { status, data: { detail: 'not now' } } : answer();
    const sent = chat.send('hello');
    await clock.advance(2_000);
    assert.ok((await sent)._id);
  });
}

rule('Retry-After is honoured, whatever speaks for hurry', async (world) => {
  const { clock, server } = world;
  const { chat, sakura } = await visitor(world);
  let refused = 0;
  server.between = async (request, answer) =>
    request.path.endsWith('/send') && !refused++ ? { status: 429, data: { detail: 'slow' }, retryAfter: '30' } : answer();
  chat.send('hello');
  await clock.advance(1_000);
  server.sockets[0].drop(1006);
  await clock.advance(28_000);
  assert.equal(sends(server).length, 1);
  assert.equal(sakura.state, 'live');
  await clock.advance(3_000);
  assert.equal(sends(server).length, 2);
});

rule('a server that is away is asked with full jitter, at most every 20 s in the long run', async (world) => {
  const { clock, server } = world;
  const { sakura } = await visitor(world);
  assert.equal(sakura.state, 'live');
  const states = [];
  sakura.on('state', (state) => states.push(state));
  server.down = true;
  server.sockets.forEach((socket) => socket.drop(1006));
  const before = server.sockets.length;
  await clock.advance(10 * 60_000);
  const attempts = server.sockets.length - before;
  assert.ok(attempts > 40 && attempts < 120, `${attempts} attempts in ten minutes`);
  assert.deepEqual(states, ['stale', 'offline']);
  server.down = false;
  await clock.advance(25_000);
  assert.equal(sakura.state, 'live');
});

for (const code of [1012, 1013]) {
  test(`after ${code} a crowd comes back over seconds, not at once`, async () => {
    const waits = [];
    for (let seed = 1; seed <= 20; seed++) {
      await inWorld(async (world) => {
        const { clock, server } = world;
        await visitor(world);
        const before = server.sockets.length;
        server.sockets.forEach((socket) => socket.drop(code));
        const start = clock.now;
        while (server.sockets.length === before && clock.now - start < 30_000) await clock.advance(50);
        waits.push(clock.now - start);
      }, seed);
    }
    assert.ok(Math.max(...waits) > 3_000, `${waits}`);
    assert.ok(Math.max(...waits) < 7_000, `${waits}`);
    assert.ok(waits.filter((wait) => wait < 1_000).length < 10, `${waits}`);
  });
}

rule('a hint with spread_ms is followed within that time, not at once', async (world) => {
  const { clock, server } = world;
  const { chat, id } = await visitor(world);
  const polls = () => server.requests.filter((request) => request.path.endsWith('/chats')).length;
  const tell = server.tell;
  server.tell = () => {};
  server.post(id, 'agent', 'quietly');
  server.tell = tell;
  const before = polls();
  server.live[0].hear({ type: 'chat_updates', data: { chat_id: '*', message_role: 'system', spread_ms: 60_000 } });
  await clock.advance(1_000);
  assert.equal(polls(), before);
  await clock.advance(60_000);
  assert.equal(polls(), before + 1);
  assert.deepEqual(texts(chat), ['quietly']);
});

rule('where a proxy lets no WebSocket through, what is new still comes; nothing is promised', async (world) => {
  const { clock, server } = world;
  server.blocked = true;
  const { sakura, chat, id } = await visitor(world);
  server.post(id, 'agent', 'by request');
  await clock.advance(45_000);
  assert.deepEqual(texts(chat), ['by request']);
  assert.equal(sakura.state, 'stale');
});

rule('an answer that fails for a moment is asked for again, and the state says so', async (world) => {
  const { clock, server } = world;
  const { sakura, chat, id } = await visitor(world);
  const states = [];
  sakura.on('state', (state) => states.push(state));
  let failures = 3;
  server.between = async (request, answer) => failures && request.path.endsWith('/chats') && failures-- ? { status: 503 } : answer();
  server.post(id, 'agent', 'hello');
  await clock.advance(10_000);
  assert.deepEqual(texts(chat), ['hello']);
  assert.deepEqual(states, ['stale', 'live']);
});

rule('the first chat is made with the first message, also after a reload without a line', async (world) => {
  const { clock, server } = world;
  server.down = true;
  const sakura = server.client();
  assert.equal(sakura.customer().known, false);
  const chat = await sakura.createChat({ name: 'Ann' });
  chat.send('one').catch(() => {});
  chat.send('two').catch(() => {});
  await clock.advance(500);
  assert.deepEqual(texts(chat), ['one', 'two']);
  sakura.close();
  const next = server.client();
  assert.equal(next.customer().id, null);
  assert.equal(next.customer().known, true, 'there is something to send');
  next.customer().start().catch(() => {});
  await clock.advance(500);
  assert.deepEqual(texts(next.customer().chats[0]), ['one', 'two']);
  server.down = false;
  await clock.advance(25_000);
  assert.equal(server.users.size, 1);
  const [user] = server.users.values();
  assert.equal(next.customer().id, user._id);
  assert.deepEqual([...user.chats.values()].map((made) => made.messages.map((m) => m.text)), [['one', 'two']]);
  assert.equal(server.requests.find((request) => request.path.endsWith('/create')).body.name, 'Ann');
});

rule('with authentication a visitor is a stranger until the first message, then known by the token', async (world) => {
  const { clock, server } = world;
  server.auth = new Set(['given']);
  const sakura = server.client();
  sakura.customer().start();
  await clock.advance(60_000);
  assert.equal(sakura.state, 'live');
  assert.ok(server.sockets.length < 3, 'who may not listen does not knock');
  const chat = await sakura.createChat();
  chat.send('hello');
  await clock.advance(1_000);
  assert.equal(sakura.state, 'live');
  server.post(chat.id, 'agent', 'hi');
  await clock.advance(200);
  assert.deepEqual(texts(chat), ['hello', 'hi']);
  server.auth = new Set(['newer']); // The stored token is good no more: a new visitor, and nothing typed is lost.
  server.sockets.forEach((socket) => socket.drop(1008));
  chat.send('lost?').catch(() => {});
  await clock.advance(5_000);
  assert.deepEqual([...server.users.values()].flatMap((user) => [...user.chats.values()].map((one) => one.messages.map((m) => m.text))),
    [['hello', 'hi'], ['lost?']]);
  assert.equal(sakura.state, 'live');
});

rule('typing is said no more often than needed, and its end once', async (world) => {
  const { clock, server } = world;
  const { chat } = await visitor(world);
  for (let i = 0; i < 100; i++) {
    chat.typing(true);
    await clock.advance(100);
  }
  chat.typing(false);
  chat.typing(false);
  await clock.advance(100);
  const said = server.live[0].said.filter((frame) => frame.action === 'typing').map((frame) => frame.typing);
  assert.deepEqual(said, [true, true, true, true, false]);
});

rule('who types is shown until it ends, by itself too; one\'s own typing never', async (world) => {
  const { clock, server } = world;
  const { chat, id } = await visitor(world);
  const hear = (data) => server.live[0].hear({ type: 'typing', data: { chat_id: id, expires_ms: 6000, ...data } });
  hear({ role: 'agent', agent: { id: 'ann', name: 'Ann' }, typing: true });
  hear({ role: 'user', typing: true });
  await clock.advance(100);
  assert.deepEqual(chat.typists.map((typist) => typist.agent?.name), ['Ann']);
  await clock.advance(6_000);
  assert.deepEqual(chat.typists, []);
});

rule('a mark goes forwards only, is seen at once, and is said again until the server has it', async (world) => {
  const { clock, server } = world;
  const { chat, customer, id } = await visitor(world);
  server.post(id, 'agent', 'one');
  server.post(id, 'agent', 'two');
  await clock.advance(100);
  assert.equal(customer.unread, 2);
  server.deaf = true;
  chat.read();
  chat.read(chat.messages[0]);
  assert.equal(customer.unread, 0);
  server.deaf = false;
  server.live[0].drop(1006);
  await clock.advance(3_000);
  assert.equal(server.chat(id).read_up_to.user, chat.messages[1]._id);
  assert.equal(customer.unread, 0);
});

rule('what the agents have read is marked on the own messages up to there, on no others, and told', async (world) => {
  const { clock, server } = world;
  const { chat, customer, id } = await visitor(world);
  const [one, , two] = [['user', 'one'], ['agent', 'answer'], ['user', 'two']].map(([role, text]) => server.post(id, role, text));
  await clock.advance(100);
  assert.deepEqual(texts(chat), ['one', 'answer', 'two']);
  let changes = 0;
  chat.on('change', () => changes++);
  const read = async (message) => {
    server.heard(server.live[0], { action: 'read', chat_id: id, side: 'agent', message_id: message._id });
    await clock.advance(100);
    return chat.messages.map((m) => m.read);
  };
  assert.deepEqual(await read(one), [true, false, false]);
  assert.ok(changes, 'who shows it is told');
  assert.deepEqual(await read(two), [true, false, true]);
  assert.equal(customer.unread, 1);
});

rule('what was there before is not told as new', async (world) => {
  const { clock, server } = world;
  const { user_id, chat_id } = server.create();
  server.post(chat_id, 'agent', 'long ago');
  server.storage.setItem('sakura http://chat.test who', JSON.stringify({ id: user_id }));
  const customer = server.client().customer();
  const told = [];
  customer.on('message', (message) => told.push(message.text));
  customer.start();
  await clock.advance(500);
  assert.deepEqual(customer.chats.map(texts), [['long ago']]);
  assert.deepEqual(told, []);
  server.post(chat_id, 'agent', 'now');
  await clock.advance(100);
  assert.deepEqual(told, ['now']);
});

rule('two agents take one chat: the second is told, and sees whose it is', async (world) => {
  const { clock, server } = world;
  const { chat_id } = server.create();
  const [ann, bob] = [server.client({ storage: null }), server.client({ storage: null })];
  const opening = Promise.all([ann.chat(chat_id), bob.chat(chat_id)]);
  await clock.advance(500);
  const [hers, his] = await opening;
  const outcome = Promise.allSettled([hers.assign('ann'), his.assign('bob')]);
  await clock.advance(500);
  const [first, second] = await outcome;
  assert.equal(first.status, 'fulfilled');
  assert.equal(second.reason?.status, 412);
  assert.equal(his.assigned_to, 'ann');
});

rule('an inbox that has not looked yet takes back nothing of what an agent has done', async (world) => {
  const { clock, server } = world;
  const { chat_id } = server.create();
  const sakura = server.client({ storage: null });
  const starting = sakura.inbox().start();
  await clock.advance(500);
  await starting;
  const opening = sakura.chat(chat_id);
  await clock.advance(500);
  const chat = await opening;
  server.between = (request, answer) => (request.path.startsWith('/api/debug/') ? new Promise(() => {}) : answer());
  const taking = chat.assign('ann');
  await clock.advance(500);
  await taking;
  server.post(chat_id, 'user', 'thanks');
  await clock.advance(500);
  assert.deepEqual(texts(chat), ['thanks']);
  assert.equal(chat.assigned_to, 'ann');
});

rule('for await gives each new message once, and ends with the chat', async (world) => {
  const { clock, server } = world;
  const { chat, id } = await visitor(world);
  const got = [];
  const reading = (async () => { for await (const message of chat) got.push(message.text); })();
  server.post(id, 'agent', 'one');
  await clock.advance(100);
  server.post(id, 'agent', 'two');
  await clock.advance(100);
  chat.close();
  await reading;
  assert.deepEqual(got, ['one', 'two']);
});

rule('a listener that throws spoils nothing', async (world) => {
  const { clock, server } = world;
  const { chat, id } = await visitor(world);
  let thrown;
  const kept = globalThis.setTimeout;
  globalThis.setTimeout = (fn, ms, ...args) => kept(() => {
    try {
      fn(...args);
    } catch (error) {
      thrown = error;
    }
  }, ms);
  chat.on('message', () => { throw new Error('theirs'); });
  server.post(id, 'agent', 'one');
  await clock.advance(100);
  assert.equal(thrown.message, 'theirs');
  assert.deepEqual(texts(chat), ['one']);
});

rule('the inbox keeps customers by activity, tells what is new, and pages on', async (world) => {
  const { clock, server } = world;
  const made = [server.create(), server.create(), server.create()];
  made.forEach(({ chat_id }) => server.post(chat_id, 'user', 'hello'));
  const sakura = server.client();
  const inbox = sakura.inbox();
  const told = [];
  inbox.on('message', (chat_id, role) => told.push([chat_id, role]));
  inbox.start();
  await clock.advance(500);
  assert.deepEqual(inbox.customers.map((row) => row._id), made.map((one) => one.user_id).reverse());
  assert.deepEqual(told, []);
  server.post(made[0].chat_id, 'user', 'again');
  server.post(made[0].chat_id, 'agent', 'an answer');
  await clock.advance(100);
  server.post(made[1].chat_id, 'user', 'me too');
  await clock.advance(100);
  assert.deepEqual(inbox.customers.map((row) => row._id), [1, 0, 2].map((i) => made[i].user_id));
  assert.deepEqual(told.pop(), [made[1].chat_id, 'user']);
  assert.equal(inbox.customers[0].chats[0].messages[0].text, 'me too');
});

for (let seed = 1; seed <= 60; seed++) {
  test(`whatever is lost in whatever order, in the end nothing is missing, nothing twice, all in order (${seed})`, () => inWorld(async (world) => {
    const { clock, server } = world;
    const { chat, id, sakura } = await visitor(world);
    const agentClient = server.client({ storage: null });
    const opening = agentClient.chat(id);
    await clock.advance(300);
    const agent = await opening;
    const random = randomOf(seed * 7919);
    const told = { user: [], agent: [] };
    chat.on('message', (message) => told.user.push(message._id));
    agent.on('message', (message) => told.agent.push(message._id));
    const once = (which) => {
      const shown = texts(which);
      assert.equal(new Set(shown).size, shown.length, `twice: ${shown}`);
    };
    chat.on('change', () => once(chat));
    agent.on('change', () => once(agent));
    server.between = async (request, answer) => {
      if (random() < 0.15) throw new TypeError('lost on the way there');
      if (random() < 0.2) await new Promise((resolve) => { setTimeout(resolve, random() * 3000); });
      const given = answer();
      if (random() < 0.15) throw new TypeError('lost on the way back');
      return random() < 0.05 ? { status: 503, data: {}, retryAfter: '1' } : given;
    };
    const sent = { user: [], agent: [] };
    for (let i = 0; i < 40; i++) {
      const what = random();
      if (what < 0.35) {
        sent.user.push(`v${i}`);
        chat.send(`v${i}`);
      } else if (what < 0.6) {
        sent.agent.push(`a${i}`);
        agent.send(`a${i}`);
      } else if (what < 0.8) {
        const { live } = server;
        if (live.length) live[Math.floor(random() * live.length)].drop([1001, 1006, 1012, 1013][Math.floor(random() * 4)]);
      } else if (what < 0.85) {
        server.restart();
      } else if (what < 0.9) {
        server.down = !server.down;
      } else if (what < 0.93) {
        server.deaf = !server.deaf;
      }
      await clock.advance(random() * 2500);
    }
    server.down = server.deaf = false;
    server.between = async (request, answer) => answer();
    await clock.advance(180_000);
    const stored = server.chat(id).messages;
    assert.deepEqual(stored.filter((m) => m.role === 'user').map((m) => m.text), sent.user);
    assert.deepEqual(stored.filter((m) => m.role === 'agent').map((m) => m.text), sent.agent);
    for (const [which, side] of [[chat, 'user'], [agent, 'agent']]) {
      assert.deepEqual(texts(which), stored.map((m) => m.text), side);
      assert.deepEqual(told[side], stored.map((m) => m._id), side);
    }
    assert.deepEqual([sakura.state, agentClient.state], ['live', 'live']);
  }, seed));
}
