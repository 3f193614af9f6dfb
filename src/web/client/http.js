// Requests with this client's token: what an answer means, and when another token is asked for.

/** A request that was refused: the answer's status and sentence. Status 0: no answer came. */
export class SakuraError extends Error {
  /** @param {number} status @param {string} message @param {number} [wait] */
  constructor(status, message, wait) {
    super(message);
    this.status = status;
    /** Milliseconds that the server asks to wait. */
    this.wait = wait || 0;
  }
}

/** Time for an answer's head, and then for its body: on a half-open line fetch() alone would wait for minutes. */
const ANSWER_MS = 30000;

/** @param {any} data */
const sentence = (data) => Array.isArray(data?.detail) ? data.detail[0]?.msg : data?.detail;

/**
 * @param {string} base
 * @param {import('./sakura.js').ClientOptions} options
 * @param {() => void} ondenied no token is left that the server takes
 */
export function createHttp(base, options, ondenied) {
  /** undefined: not asked for yet. @type {string | null | undefined} */
  let token = options.token || (options.getToken ? undefined : null);
  /** @type {Promise<string | null> | null} */
  let asking = null;
  let tried = false; // This token came in place of a refused one and has not been taken yet.
  let denied = false;

  function ask() {
    asking = asking || Promise.resolve().then(() => /** @type {any} */ (options).getToken()).finally(() => { asking = null; });
    return asking;
  }

  /** The token to use now; null: none. Rejects where getToken() does: then nothing is known, and it is asked again. */
  async function current() {
    if (token === undefined) {
      const got = await ask().catch((error) => { throw new SakuraError(0, String(error)); });
      if (token === undefined) {
        token = got;
        if (!got) deny();
      }
    }
    return token || null;
  }

  function deny() {
    denied = true;
    ondenied();
  }

  /** The server refused this token: is there another one to try? @param {string | null} refused */
  async function renew(refused) {
    if (denied) return false;
    if (token !== refused) return true;
    if (!refused || tried || !options.getToken) {
      deny();
      return token !== refused;
    }
    const got = await ask().catch((error) => { throw new SakuraError(0, String(error)); });
    if (token !== refused) return true;
    if (!got || got === refused) {
      deny();
      return false;
    }
    token = got;
    tried = true;
    return true;
  }

  /**
   * @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers]
   * @returns {Promise<{ status: number, data: any, etag: string | null }>}
   */
  async function call(method, path, body, headers) {
    const used = await current();
    const abort = new AbortController();
    const limit = () => setTimeout(() => abort.abort(), ANSWER_MS);
    let timer = limit();
    let answer, text;
    try {
      // No Content-Type: it is text/plain then, for which a browser needs not ask first whether it may.
      answer = await (options.fetch || fetch)(base + path, {
        method,
        body: body === undefined ? undefined : JSON.stringify(body),
        headers: used ? { ...headers, Authorization: `Bearer ${used}` } : headers,
        credentials: 'omit',
        cache: 'no-store',
        signal: abort.signal,
      });
      clearTimeout(timer);
      timer = limit();
      text = await answer.text();
    } catch (error) {
      throw new SakuraError(0, String(error));
    } finally {
      clearTimeout(timer);
    }
    const { status } = answer;
    if (status === 401 && await renew(used)) return call(method, path, body, headers);
    let data = null;
    try {
      data = JSON.parse(text);
    } catch {
      // A proxy's page.
    }
    if (!answer.ok && status !== 304) {
      throw new SakuraError(status, sentence(data) || `HTTP ${status}`, Number(answer.headers.get('Retry-After')) * 1000);
    }
    if (used === token) tried = false;
    return { status, data, etag: answer.headers.get('ETag') };
  }

  return {
    call,
    current,
    renew,
    get denied() { return denied; },
    /** @param {string | null} next */
    setToken(next) {
      token = next;
      tried = denied = false;
    },
  };
}
