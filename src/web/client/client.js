import { createChat } from './chat.js';
import { claims, createCore } from './core.js';
import { createEmitter } from './emitter.js';
import { SakuraError } from './http.js';
import { createLook } from './look.js';
import { withCustomer } from './visitor.js';

/** The agents' side, once it is loaded. @type {typeof import('./agents.js') | undefined} */
let part;

/**
 * @param {import('./sakura.js').ClientOptions} [options]
 * @returns {import('./sakura.js').Sakura}
 */
export function createClient(options) {
  const core = createCore(options);
  const { chat: visitorChat } = withCustomer(core);
  /** @type {{ owner?: string, limit?: number } | undefined} */
  let about;
  /** @type {{ chat(id: string): Promise<any> }} */
  let agents;

  /** Again until it is there, as everything that is asked for. */
  const load = createLook(core, async () => {
    part = part || await import('./agents.js');
    agents = agents || await part.createAgents(core, { createChat, createLook, SakuraError, claims }, inbox, about);
  });

  /** @type {any} */
  const inbox = Object.assign(createEmitter(), { customers: [], complete: false, counts: null, agents: [], here: () => false });
  for (const name of ['start', 'more', 'search', 'patch', 'close']) {
    inbox[name] = async (/** @type {any[]} */ ...args) => {
      await load();
      return inbox[name](...args); // It is another one now.
    };
  }

  return Object.assign(/** @type {any} */ (core), {
    /** @param {{ owner?: string, limit?: number }} [options] */
    inbox(options) {
      about = about || options;
      return inbox;
    },
    /** @param {string} id */
    async chat(id) {
      if (core.visitor) return visitorChat(id);
      await load();
      return agents.chat(id);
    },
  });
}
