// What the client's own modules share. Not part of its API.
import type { createChat } from './chat.js';
import type { createConnection } from './connection.js';
import type { createCustomer } from './customer.js';
import type { claims } from './core.js';
import type { createHttp, SakuraError } from './http.js';
import type { createLook } from './look.js';
import type { createOutbox, Item } from './outbox.js';
import type { ClientOptions, Inbox, Sakura, State } from './sakura.js';

/** What the agents' side, which is loaded later, has from the visitor's. */
export interface Tools {
  createChat: typeof createChat;
  createLook: typeof createLook;
  SakuraError: typeof SakuraError;
  claims: typeof claims;
}
export type InboxFront = Inbox & { emit(event: string, ...args: any[]): void };
export type LocalChat = ReturnType<typeof createChat>;

/** `on` and `emit` are of the client, and of its visitor. */
export interface Core extends ReturnType<typeof createHttp> {
  base: string;
  options: ClientOptions;
  on(event: string, fn: (...args: any[]) => void): () => void;
  emit(event: string, ...args: any[]): void;
  store: {
    get(name: string): any;
    /** null: not any more. */
    set(name: string, value: unknown): void;
    /** All whose names begin so and who are somebody's. */
    all(name: string, who: string): any[];
  };
  connection: ReturnType<typeof createConnection>;
  outbox: ReturnType<typeof createOutbox>;
  /** By id, and those that the server has not made yet by the key to make them by. */
  chats: Map<string, LocalChat>;
  visitor?: ReturnType<typeof createCustomer>;
  /** Ended for good: nothing is asked for and nothing connects. */
  closed: boolean;

  state: State;
  /** The state to show while there is no use in coming again with this token; '': there is. */
  denied: State | '';
  /** Who cannot do now what he must: while there is one, nothing is promised. */
  ill: Set<unknown>;
  /** Live, where all holds; else as given. */
  settle(otherwise?: State): void;
  /** Live until a moment ago. */
  doubt(): void;
  /** No token is left that the server takes. */
  refused(): void;
  setToken(token: string | null): void;
  close(): void;

  /** Before the next attempt. Ends early where something speaks for trying now, but not before the server wants it. */
  pause(failures: number, wait?: number): Promise<void>;
  wake(): void;
  /** As a hint says: at once, or within its time. */
  soon(look: () => Promise<void>, hint: { spread_ms?: number }): void;

  request: Sakura['request'];
  /** Sends what waits; resolves when it is stored. */
  deliver(item: Item): Promise<void>;
  /** A frame came. */
  hear(type: string, data: any): void;
  /** What a side adds: to whom else a frame is of use, how all that is shown is looked at, the cursor of the last look. */
  heard(type: string, data: any): void;
  look(): Promise<void>;
  since(): string;
}
