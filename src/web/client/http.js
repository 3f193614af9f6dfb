// Requests with this client's token: what an answer means, and when another token is asked for.

/** A request that was refused: the answer's status and sentence. Status 0: no answer came. */
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

/**
 * @param {string} base
 * @param {import('./sakura.js').ClientOptions} options
 * @param {() => void} ondenied no token is left that the server takes
 */
export function createHttp(base, options, ondenied) {
  /** @type {Promise<string | null> | null} */
  let token = options.token ? Promise.resolve(options.token) : null;
  let spare = true; // May another token be asked for? Not where the last one came so and was refused.

  const http = {
    /** Is there no use in coming again with this token? */
    denied: false,

    /** The token to use now; null: none. Where getToken() fails nothing is known: it is asked again later. */
    token() {
      token = token || Promise.resolve().then(() => options.getToken ? options.getToken() : null).catch((error) => {
        token = null;
        throw unreached(error);
      });
      return token;
    },

    /** The server does not take this token. Is there another one to try? @param {string | null} used */
    async refuse(used) {
      if (used !== await http.token()) return true;
      if (used && spare && options.getToken) {
        spare = false;
        token = null;
        const next = await http.token();
        if (next && next !== used) return true;
      }
      http.denied = true;
      ondenied();
      return false;
    },

    /** @param {string | null} next */
    setToken(next) {
      token = Promise.resolve(next);
      spare = true;
      http.denied = false;
    },

    /**
     * @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers]
     * @returns {Promise<{ status: number, data: any, etag: string | null }>}
     */
    async call(method, path, body, headers) {
      const used = await http.token();
      let answer, text, data;
      try {
        // No Content-Type: it is text/plain then, for which a browser needs not ask first whether it may.
        answer = await (options.fetch || fetch)(base + path, {
          method,
          body: body === undefined ? body : JSON.stringify(body),
          headers: used ? { ...headers, Authorization: `Bearer ${used}` } : headers,
          credentials: 'omit',
          cache: 'no-store',
          signal: AbortSignal.timeout(ANSWER_MS),
        });
        text = await answer.text();
      } catch (error) {
        throw unreached(error);
      }
      const { status } = answer;
      // Without getToken() another token is somebody else's.
      if (status === 401 && await http.refuse(used) && options.getToken) return http.call(method, path, body, headers);
      try {
        data = JSON.parse(text);
      } catch {
        data = {}; // A proxy's page.
      }
      if (!answer.ok && status !== 304) {
        const { detail } = data;
        throw new SakuraError(status, (detail && detail[0].msg || detail) || `HTTP ${status}`,
          +/** @type {string} */ (answer.headers.get('Retry-After')) * 1000);
      }
      spare = true;
      return { status, data, etag: answer.headers.get('ETag') };
    },
  };
  return http;
}
