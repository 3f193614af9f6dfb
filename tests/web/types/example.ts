// The client as it is shown in the docs: that this compiles is the test.
import { createClient, SakuraError, type Message } from '../../../src/web/client/sakura.js';

export async function visitor(): Promise<void> {
  const sakura = createClient({ url: 'https://chat.example.com', getToken: async () => 'token' });
  const customer = sakura.customer();
  await customer.start();
  const chat = customer.chats[0] ?? await sakura.createChat({ name: 'Ann', email: 'ann@example.com' });
  const off = chat.on('message', (message) => console.log(message.text));
  chat.on('change', () => console.log(chat.messages.length));
  chat.on('typing', () => console.log(chat.typists.map((typist) => typist.agent?.name)));
  chat.on('read', () => console.log(chat.read_up_to.agent));
  chat.on('state', (state) => console.log(state === 'live'));
  try {
    const sent: Message = await chat.send('text');
    console.log(sent._id);
  } catch (error) {
    if (error instanceof SakuraError) console.log(error.status, error.message);
  }
  chat.typing(true);
  chat.read();
  await chat.older();
  for await (const message of chat) console.log(message.role, message.text);
  off();
}

export async function agent(): Promise<void> {
  const sakura = createClient({ token: 'token' });
  const inbox = sakura.inbox({ limit: 50 });
  inbox.on('change', (ids) => console.log(ids.length, inbox.customers[0]?.chats[0]?.unread));
  inbox.on('message', (chat_id, role) => console.log(chat_id, role));
  await inbox.start();
  const chat = await sakura.chat('8f2d5b1e-6a0c-4c7e-9b7a-0d6f3c1a2e45');
  await chat.assign('ann');
  await chat.setStatus('closed');
  await chat.setAi(!(await chat.ai()));
}
