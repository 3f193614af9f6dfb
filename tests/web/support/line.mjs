/** A line between browsers and the server that can be cut, and that can lose an answer when the server has done what it was asked. */
import { connect, createServer } from 'node:net';

/** @param {number} port the server's */
export async function line(port) {
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  let away = false;
  let losing = 0;
  /** @type {RegExp} */
  let wanted;
  let lost = () => {};
  const server = createServer((near) => {
    if (away) return void near.destroy();
    const far = connect(port, '127.0.0.1');
    const ends = [near, far];
    let last = false;
    const end = () => ends.forEach((one) => {
      one.destroy();
      sockets.delete(one);
    });
    for (const one of ends) {
      sockets.add(one);
      one.on('error', end).on('close', end);
    }
    near.on('data', (part) => {
      if (losing && wanted.test(part.toString('latin1'))) last = true;
      far.write(part);
    });
    far.on('data', (part) => {
      if (!last || losing === 0) return void near.write(part);
      end();
      if (--losing === 0) lost();
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)));
  const it = {
    url: `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`,
    /** Done when so many answers are lost. @param {number} count @param {RegExp} request how its text begins @returns {Promise<void>} */
    lose(count, request) {
      losing = count;
      wanted = request;
      return new Promise((done) => { lost = done; });
    },
    cut() {
      away = true;
      sockets.forEach((socket) => socket.destroy());
    },
    mend() {
      away = false;
    },
    close() {
      it.cut();
      return new Promise((done) => server.close(done));
    },
  };
  return it;
}
