// The visitor's side alone: what the widget is built from. The agents' side is not in its bundle.
import { createCore } from './core.js';
import { createCustomer } from './customer.js';
import { SakuraError } from './http.js';

export { SakuraError };

/**
 * @param {import('./sakura.js').ClientOptions} [options]
 * @returns {Omit<import('./sakura.js').Sakura, 'inbox'>}
 */
export const createClient = (options) => withCustomer(createCore(options)).api;

/** @param {import('./internal.js').Core} core */
export function withCustomer(core) {
  /** @type {ReturnType<typeof createCustomer> | null} */
  let mine = null;
  const customer = () => mine = mine || createCustomer(core);
  const api = {
    customer,
    /** @param {string} id */
    async chat(id) {
      await customer().start();
      const chat = core.chats.get(id);
      if (!chat) throw new SakuraError(404, `Chat not found: ${id}`);
      return chat;
    },
    /** @param {{ name?: string, email?: string }} [about] */
    createChat: (about) => customer().create(about),
  };
  return { api: /** @type {any} */ (Object.defineProperties(api, Object.getOwnPropertyDescriptors(core.api))), isVisitor: () => !!mine };
}
