// The real server, started and ended as an operator would, in a folder of its own.
import { spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as leftovers from './leftovers.mjs';

const START_MS = 120_000;

/** Below the ephemeral range, so that no client's own port can take it while the server is away. */
async function freePort() {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    const free = await new Promise((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

/** A token as any issuer with the key would sign it. claims: over those of a dashboard that lasts an hour. */
export function sign(key, claims = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ aud: 'sakurad', role: 'dashboard', exp, ...claims })}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

/**
 * Starts SAKURAD_BIN on a free port with a fresh store; resolves when it is healthy.
 * args: further flags; auth: with a key of its own, so that token() can sign; environment: variables of its own.
 * The port, the store and the key stay the same over restart(), stop() + start() and kill() + start().
 * @param {{ args?: string[], auth?: boolean, environment?: Record<string, string> }} [options]
 */
export async function startServer({ args = [], auth = false, environment = {} } = {}) {
  const binary = process.env.SAKURAD_BIN;
  if (!binary) throw new Error('SAKURAD_BIN must name the program to test');
  const directory = mkdtempSync(join(tmpdir(), 'sakurad-web-'));
  leftovers.folder(directory);
  const logPath = join(directory, 'log');
  const key = randomBytes(48).toString('base64url');
  const keyFile = join(directory, 'key');
  if (auth) writeFileSync(keyFile, key, { mode: 0o600 });
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SAKURAD_')).concat(Object.entries(environment)));
  let child = null;
  let ended = null;

  const server = {
    port: await freePort(),
    url: '',
    directory,
    key,
    /** @param {Record<string, unknown>} [claims] */
    token: (claims) => sign(key, claims),
    log: () => readFileSync(logPath, 'utf8'),
    get pid() { return child?.pid; },
    start,
    /** As SIGTERM ends it; gives its exit code. */
    stop: () => end('SIGTERM'),
    /** As a crash ends it. */
    kill: () => end('SIGKILL'),
    async restart(signal = 'SIGTERM') {
      await end(signal);
      await start();
    },
    /** stop() and forget everything it stored. */
    async discard() {
      const code = await end('SIGTERM');
      rmSync(directory, { recursive: true, force: true });
      return code;
    },
  };

  function launch() {
    const log = openSync(logPath, 'a');
    child = spawn(binary, ['--store', `sqlite:${directory}/sakurad.db`, '--listen', `127.0.0.1:${server.port}`,
      ...(auth ? ['--auth-key', keyFile] : []), ...args], { cwd: directory, env, stdio: ['ignore', log, log] });
    closeSync(log);
    const mine = child;
    const { pid } = mine;
    if (pid) leftovers.process(pid);
    ended = new Promise((resolve) => {
      const gone = (/** @type {unknown} */ how) => {
        if (pid) leftovers.ended(pid);
        if (child === mine) child = null;
        resolve(how);
      };
      child.once('exit', (code, signal) => gone(code ?? signal));
      child.once('error', (error) => gone(error.message)); // It could not be started: there will be no exit.
    });
  }

  async function start() {
    for (let attempt = 0; ; attempt++) {
      server.url = `http://127.0.0.1:${server.port}`;
      launch();
      const deadline = Date.now() + START_MS;
      while (child && Date.now() < deadline) {
        const healthy = await fetch(`${server.url}/api/health`).then((answer) => answer.status === 200, () => false);
        if (healthy && child) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const log = server.log();
      if (attempt === 2 || !/in use/i.test(log)) {
        throw new Error(`the server did not start (${await end('SIGKILL')}):\n${log}`);
      }
      server.port = await freePort(); // Somebody was faster.
    }
  }

  async function end(signal) {
    child?.kill(signal);
    return ended;
  }

  await start();
  return server;
}
