// Requests with this client's token: what an answer means, and when another token is asked for.

/** A request that was refused: the answer's status and sentence. Status 0: no answer of the server came. */
export class SakuraError extends Error {
  /** @param {number} status @param {string} message @param {number} [wait] milliseconds that the server asks to wait */
  constructor(status, message, wait) {
    super(message);
    this.status = status;
    this.wait = wait || 0;
  }
}

/** On a half-open line fetch() alone would wait for minutes, and what is asked next with it. */
const ANSWER_MS = 30000;

/** @param {unknown} error */
const unreached = (error) => new SakuraError(0, `${error}`);

/** @param {import('./internal.js').Core} core */
export function createHttp(core) {
  const { base, options } = core;
  /** @type {Promise<string | null> | null} */
  let token = options.token ? Promise.resolve(options.token) : null;
  let spare = true; // May another token be asked for? Not where the last one came so and was refused.

  const http = {
    /** The token to use now; null: none. Where getToken() fails nothing is known: it is asked again later. */
    token: () => token = token || Promise.resolve().then(options.getToken || (() => null)).catch((error) => {
      token = null;
      throw unreached(error);
    }),

    /** The server does not take this token. Is there another one to try? @param {string | null} used */
    async refuse(used) {
      if (used !== await http.token()) return true;
      if (used && spare && options.getToken) {
        spare = false;
        token = null;
        const next = await http.token();
        if (next && next !== used) return true;
      }
      core.refused();
      return false;
    },

    /** @param {string | null} next */
    useToken(next) {
      token = Promise.resolve(next);
      spare = true;
      core.denied = '';
    },

    /**
     * @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers]
     * @returns {Promise<{ status: number, data: any, etag: string | null }>}
     */
    async call(method, path, body, headers) {
      const used = await http.token();
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), ANSWER_MS);
      let answer, text, data;
      try {
        if (core.closed) throw 'closed';
        // No Content-Type: it is text/plain then, for which a browser needs not ask first whether it may.
        answer = await (options.fetch || fetch)(base + path, {
          method,
          body: body === undefined ? body : JSON.stringify(body),
          headers: used ? { ...headers, Authorization: `Bearer ${used}` } : headers,
          credentials: 'omit',
          cache: 'no-store',
          signal: abort.signal,
        });
        text = await answer.text();
      } catch (error) {
        throw unreached(error);
      } finally {
        clearTimeout(timer);
      }
      let { status } = answer;
      try {
        data = status === 304 || Object(JSON.parse(text));
      } catch {
        // Somebody else's page: a proxy's, a hotel's. It says nothing of what was asked, but that it was too large.
        if (status !== 413) status = 0;
      }
      // Without getToken() another token is somebody else's.
      if (status === 401 && await http.refuse(used) && options.getToken) return http.call(method, path, body, headers);
      if (!status || !answer.ok && status !== 304) {
        const detail = data?.detail;
        throw new SakuraError(status, detail?.[0]?.msg || detail || `HTTP ${answer.status}`,
          +/** @type {string} */ (answer.headers.get('Retry-After')) * 1000);
      }
      spare = true;
      return { status, data, etag: answer.headers.get('ETag') };
    },
  };
  return http;
}
