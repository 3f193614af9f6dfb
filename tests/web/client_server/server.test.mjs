// The client against the real server: what only the real one does (its cursors, tags, tokens, death) is replayed here.
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { createClient } from '../../../src/web/client/sakura.js';
import { startServer } from '../support/server.mjs';

globalThis.crypto ??= webcrypto; // node 18

const texts = (chat) => chat.messages.map((message) => message.text);

/** Waits for what the server has been asked for, by events and not by time. */
async function until(what, holds) {
  const deadline = Date.now() + 60_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function storage() {
  const map = new Map();
  return {
    get length() { return map.size; }, key: (i) => [...map.keys()][i], getItem: (k) => map.get(k) ?? null,
    setItem: (k, v) => map.set(k, v), removeItem: (k) => map.delete(k),
  };
}

for (const auth of [false, true]) {
  const kind = auth ? 'with authentication' : 'without authentication';
  const clients = [];
  let server;
  /** @param {import('../../../src/web/client/sakura.js').ClientOptions} [options] */
  const client = (options) => {
    const made = createClient({ url: server.url, WebSocket, storage: null, ...options });
    clients.push(made);
    return made;
  };
  const agent = () => client({ token: auth ? server.token({ sub: 'ann', name: 'Ann' }) : undefined });
  const pair = async (options) => {
    const visitor = client(options);
    const chat = await visitor.createChat({ name: 'Bob' });
    await chat.send('hello');
    const sakura = agent();
    const desk = await sakura.chat(chat.id);
    await until('both live', () => visitor.state === 'live' && sakura.state === 'live');
    return { visitor, chat, sakura, desk };
  };

  before(async () => { server = await startServer({ auth }); });
  after(async () => {
    clients.forEach((one) => one.close());
    await server.discard();
  });

  test(`a visitor and an agent: messages, marks, typing, presence, status (${kind})`, async () => {
    const { visitor, chat, sakura, desk } = await pair();
    const inbox = sakura.inbox();
    await inbox.start();
    assert.equal(inbox.customers[0].chats[0].chat_id, chat.id);
    assert.equal(desk.unread, 1);
    desk.typing(true);
    await until('the visitor sees who types', () => chat.typists.some((typist) => typist.agent?.name === (auth ? 'Ann' : undefined)));
    desk.read();
    await until('the visitor sees that it is read', () => chat.messages[0].read);
    await desk.send('hi');
    await until('the reply', () => texts(chat).join() === 'hello,hi');
    assert.equal(visitor.customer().unread, 1);
    chat.read();
    await until('the agent sees that it is read', () => desk.read_up_to.user === desk.messages[1]._id);
    await until('agents are there', () => visitor.customer().online === true);
    await until('the visitor is here', () => inbox.here(chat.id));
    await desk.assign('ann');
    await desk.setStatus('closed');
    await until('closed', () => chat.status === 'closed');
    await chat.send('one more');
    await until('open again', () => desk.status === 'open' && inbox.customers[0].chats[0].messages[0].text === 'one more');
    assert.equal(desk.assigned_to, 'ann');
    await desk.setAi(false);
    assert.equal(await desk.ai(), false);
    if (!auth) assert.ok(inbox.counts['unified-inbox'] >= 1);
  });

  for (const how of ['SIGTERM', 'SIGKILL']) {
    test(`${how} under a stream of messages: nothing missing, nothing twice, in order (${kind})`, async () => {
      const { chat, desk } = await pair();
      const told = [];
      desk.on('message', (message) => told.push(message.text));
      const twice = [];
      for (const which of [chat, desk]) {
        which.on('change', () => { if (new Set(texts(which)).size !== texts(which).length) twice.push(texts(which)); });
      }
      const sent = [];
      for (let i = 0; i < 40; i++) sent.push(chat.send(`text ${i}`));
      await sent[10];
      await server.restart(how);
      for (let i = 40; i < 50; i++) sent.push(chat.send(`text ${i}`));
      await Promise.all(sent);
      const all = Array.from({ length: 50 }, (_, i) => `text ${i}`);
      await until('the agent has all', () => told.length >= 50);
      assert.deepEqual(told, all);
      assert.deepEqual(texts(desk), ['hello', ...all]);
      await until('the visitor has all', () => chat.messages.every((message) => message._id));
      assert.deepEqual(texts(chat), ['hello', ...all]);
      assert.deepEqual(twice, []);
    });
  }

  test(`a reload: the visitor is known again, with everything (${kind})`, async () => {
    const kept = storage();
    const { visitor, chat, desk } = await pair({ storage: kept });
    visitor.close();
    await desk.send('while away');
    const next = client({ storage: kept });
    await next.customer().start();
    assert.equal(next.customer().id, visitor.customer().id);
    assert.deepEqual(texts(await next.chat(chat.id)), ['hello', 'while away']);
  });

  test(`a request to make a chat whose answer is lost makes one chat (${kind})`, async () => {
    const kept = storage();
    let lost = 0;
    const visitor = client({
      storage: kept,
      fetch: async (url, init) => {
        const answer = await fetch(url, init);
        if (/create$|send$/.test(String(url)) && lost++ % 2 === 0) {
          await answer.text();
          throw new TypeError('lost');
        }
        return answer;
      },
    });
    const chat = await visitor.createChat();
    await Promise.all([chat.send('one'), chat.send('two')]);
    await until('fetched', () => chat.messages.every((message) => message._id));
    const list = await agent().request('GET', `/api/users/${visitor.customer().id}/chats`);
    assert.deepEqual(list.chats.map((one) => one.messages.map((message) => message.text)), [['one', 'two']]);
    assert.deepEqual(texts(chat), ['one', 'two']);
  });

  test(`304 where nothing has changed, and 412 where somebody was faster (${kind})`, async () => {
    const { chat, sakura } = await pair();
    const statuses = [];
    const other = client({
      token: auth ? server.token({ sub: 'bob', name: 'Bob' }) : undefined,
      fetch: async (url, init) => {
        const answer = await fetch(url, init);
        if (String(url).includes('/messages')) statuses.push(answer.status);
        return answer;
      },
    });
    const his = await other.chat(chat.id);
    await until('live', () => other.state === 'live');
    assert.equal(statuses.pop(), 304, 'the look after `subscribed`');
    const hers = await sakura.chat(chat.id);
    const outcome = await Promise.allSettled([hers.assign('ann'), his.assign('bob')]);
    assert.deepEqual(outcome.map((one) => one.status).sort(), ['fulfilled', 'rejected']);
    assert.equal(outcome.find((one) => one.status === 'rejected').reason.status, 412);
    await until('both see one owner', () => hers.assigned_to && hers.assigned_to === his.assigned_to);
  });

  if (!auth) continue;

  test('a token that ends: another is asked for, once; what was sent in between arrives', async () => {
    const { chat } = await pair();
    let given = 0;
    const soon = () => server.token({ sub: 'carl', name: 'Carl', exp: Math.floor(Date.now() / 1000) - 57 }); // 60 s of leeway
    const sakura = client({ getToken: () => (given++ ? server.token({ sub: 'carl', name: 'Carl' }) : soon()) });
    const desk = await sakura.chat(chat.id);
    await until('live', () => sakura.state === 'live');
    const states = [];
    sakura.on('state', (state) => states.push(state));
    await until('closed by the server, and back', () => given === 2 && sakura.state === 'live');
    await desk.send('still here');
    assert.ok(states.includes('stale') && !states.includes('denied'), states.join());
    await until('the visitor has it', () => texts(chat).includes('still here'));
  });

  test('a token that is no good is denied, and another one lets in', async () => {
    const { chat } = await pair();
    const sakura = client({ token: 'no.good.token' });
    await assert.rejects(sakura.chat(chat.id), { status: 401 });
    await until('denied', () => sakura.state === 'denied');
    sakura.setToken(server.token());
    await until('live', () => sakura.state === 'live');
    assert.deepEqual(texts(await sakura.chat(chat.id)), ['hello']);
  });

  test('a visitor whom the site vouches for, before and after the first chat', async () => {
    const sakura = client({ token: server.token({ role: 'widget', sub: 'customer-7' }) });
    await sakura.customer().start();
    assert.equal(sakura.customer().id, 'customer-7');
    assert.deepEqual(sakura.customer().chats, []);
    const chat = await sakura.createChat();
    await chat.send('it is me');
    const elsewhere = client();
    await elsewhere.customer().start();
    await elsewhere.customer().identify({ token: server.token({ role: 'widget', sub: 'customer-7' }) });
    assert.deepEqual(elsewhere.customer().chats.map(texts), [['it is me']]);
    await until('live', () => elsewhere.state === 'live');
    await chat.send('and again');
    await until('heard', () => texts(elsewhere.customer().chats[0]).length === 2);
  });
}
