// The visitor's side alone: what the widget is built from. The agents' side is not in its bundle.
import { createCore } from './core.js';
import { createCustomer } from './customer.js';
import { SakuraError } from './http.js';

export { SakuraError };

/**
 * @param {import('./sakura.js').ClientOptions} [options]
 * @returns {Omit<import('./sakura.js').Sakura, 'inbox'>}
 */
export const createClient = (options) => withCustomer(createCore(options));

/** @param {import('./internal.js').Core} core */
export function withCustomer(core) {
  const customer = () => core.visitor = core.visitor || createCustomer(core);
  return Object.assign(/** @type {any} */ (core), {
    customer,
    /** @param {string} id */
    async chat(id) {
      await customer().start();
      const chat = core.chats.get(id);
      if (!chat) throw new SakuraError(404, `Chat not found: ${id}`);
      return chat;
    },
    createChat: async (about = {}) => customer().create(about),
  });
}
