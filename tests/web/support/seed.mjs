/** Customers, chats and messages made by the public HTTP API: pipelined, so that ten thousand cost a second or two. */
import { connect } from 'node:net';

/**
 * Sends POSTs over one connection, some of them ahead of their answers; gives the answers in order.
 * @param {string} url
 * @param {{ path: string, body: object, token?: string }[]} posts
 */
function pipelined(url, posts, ahead = 32) {
  const { hostname, port, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const answers = [];
    let sent = 0;
    let received = Buffer.alloc(0);
    const socket = connect(Number(port), hostname);
    const more = () => {
      let text = '';
      for (; sent < posts.length && sent - answers.length < ahead; sent++) {
        const { path, body, token } = posts[sent];
        const json = JSON.stringify(body);
        text += `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n${token ? `Authorization: Bearer ${token}\r\n` : ''}` +
          `Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`;
      }
      if (text) socket.write(text);
    };
    socket.on('connect', more);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`closed after ${answers.length} of ${posts.length} answers`)));
    socket.on('data', (part) => {
      received = received.length ? Buffer.concat([received, part]) : part;
      for (;;) {
        const head = received.indexOf('\r\n\r\n');
        if (head < 0) break;
        const text = received.toString('latin1', 0, head);
        const length = Number(/content-length: *(\d+)/i.exec(text)?.[1]);
        const end = head + 4 + length;
        if (received.length < end) break;
        const status = Number(text.slice(9, 12));
        const body = received.toString('utf8', head + 4, end);
        if (status !== 200) return void socket.destroy(new Error(`${posts[answers.length].path}: ${status} ${body}`));
        answers.push(JSON.parse(body));
        received = received.subarray(end);
      }
      if (answers.length === posts.length) {
        resolve(answers);
        socket.end();
      } else {
        more();
      }
    });
  });
}

/** The same over several connections; answers in the order of the posts. */
export async function post(url, posts, connections = 8) {
  if (posts.length === 0) return [];
  const size = Math.ceil(posts.length / connections);
  const shares = [];
  for (let i = 0; i < posts.length; i += size) shares.push(pipelined(url, posts.slice(i, i + size)));
  return (await Promise.all(shares)).flat();
}

const FIRST = ['Ada', 'Ben', 'Chloe', 'Dmitri', 'Elif', 'Farid', 'Grace', 'Hugo', 'Ines', 'Jonas', 'Keiko', 'Liam', 'Mina', 'Noor',
  'Olga', 'Pablo', 'Quinn', 'Rosa', 'Sven', 'Tara', 'Umar', 'Vera', 'Wen', 'Yusuf', 'Zoe'];
const LAST = ['Abel', 'Bauer', 'Costa', 'Dahl', 'Eriksen', 'Fischer', 'Garcia', 'Haddad', 'Ivanova', 'Jansen', 'Kato', 'Lopez', 'Moreau',
  'Novak', 'Okafor', 'Petrov', 'Quist', 'Rossi', 'Sato', 'Tanaka'];

/** The i-th of many: the name says the number, so that each is found. */
export const customer = (i) => ({
  name: `${FIRST[i % FIRST.length]} ${LAST[Math.floor(i / FIRST.length) % LAST.length]} ${i}`,
  email: `customer.${i}@example.com`,
});

/**
 * count customers with a chat and a message each, the last of them most recently active. Gives their chats.
 * @returns {Promise<{ chat_id: string, user_id: string, name: string, email: string }[]>}
 */
export async function crowd(url, count, { token = '' } = {}) {
  const people = Array.from({ length: count }, (_, i) => customer(i));
  const made = await post(url, people.map((body) => ({ path: '/api/users/chats/create', body, token })));
  await post(url, made.map(({ chat_id }, i) => ({
    path: `/api/users/chats/${chat_id}/send`, body: { content: `Question number ${i}`, role: 'user' }, token,
  })));
  return made.map(({ chat_id, user_id }, i) => ({ chat_id, user_id, ...people[i] }));
}
