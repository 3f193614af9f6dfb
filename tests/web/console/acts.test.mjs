// What agents do to a conversation, and what happens to it meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolve } from '../../../src/web/console/actions.js';

/** @param {() => void} meanwhile happens while the customer is being resolved */
async function resolved(meanwhile) {
  const asked = [];
  const chat = { id: 'a', status: 'open', setStatus: async (status) => { chat.status = status; } };
  const inbox = { patch: async (_id, change) => {
    asked.push(change.status);
    meanwhile(chat);
    return { _id, ...change };
  } };
  await resolve(inbox, chat, { _id: 'x', status: 'active', chats: [{ chat_id: 'a', status: 'open' }] });
  return asked;
}

test('a visitor who writes while the conversation is being resolved does not stay among the resolved', async () => {
  assert.deepEqual(await resolved(() => {}), ['resolved']);
  assert.deepEqual(await resolved((chat) => { chat.status = 'open'; }), ['resolved', 'active']);
});
