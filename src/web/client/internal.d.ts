// What the client's own modules share. Not part of its API.
import type { createChat } from './chat.js';
import type { createConnection } from './connection.js';
import type { createHttp } from './http.js';
import type { createOutbox, Item } from './outbox.js';
import type { ClientOptions, State } from './sakura.js';

export type LocalChat = ReturnType<typeof createChat>;

export interface Core {
  base: string;
  options: ClientOptions;
  http: ReturnType<typeof createHttp>;
  store: (name: string, text?: string | null) => any;
  connection: ReturnType<typeof createConnection>;
  outbox: ReturnType<typeof createOutbox>;
  /** By id, and those that the server has not made yet by the key of what makes them. */
  chats: Map<string, LocalChat>;
  state: State;
  /** Are notices wanted while nobody looks at the page? Agents' sound and notifications are. */
  keen?: boolean;
  /** Of the client, and of its visitor. */
  on(event: string, fn: (...args: any[]) => void): () => void;
  emit(event: string, ...args: any[]): void;
  setState(state: State): void;
  /** Live until a moment ago. */
  doubt(): void;
  /** No token is left that the server takes. */
  denied(): void;
  /** What is true then: a visitor without a chat has no token, and misses nothing. */
  deniedState(): State;
  delay(failures: number): number;
  /** Before the next attempt. Ends early where something speaks for trying now, but not before the server wants it. */
  pause(failures: number, wait: number): Promise<void>;
  wake(): void;
  /** As a hint says: at once, or within its time. */
  soon(look: () => Promise<void>, hint: { spread_ms?: number }): void;
  /** Who cannot do now what he must: while there is one, nothing is promised. */
  ill(who: unknown, now: boolean): void;
  isIll(): boolean;
  setToken(token: string | null): void;
  /** Sends what waits; resolves when it is stored. */
  deliver(item: Item): Promise<void>;
  onframe(type: string, data: any): void;
  /** Grows as the sides are added. */
  api: any;
}
