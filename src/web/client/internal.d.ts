// What the client's own modules share. Not part of its API.
import type { createConnection } from './connection.js';
import type { createPace, createStore } from './core.js';
import type { createChat } from './chat.js';
import type { createHttp } from './http.js';
import type { createOutbox, Item } from './outbox.js';
import type { ClientOptions, Sakura, State } from './sakura.js';

export type Pace = ReturnType<typeof createPace>;
export type Store = ReturnType<typeof createStore>;
export type LocalChat = ReturnType<typeof createChat>;

export interface Core {
  base: string;
  options: ClientOptions;
  http: ReturnType<typeof createHttp>;
  pace: Pace;
  store: Store;
  connection: ReturnType<typeof createConnection>;
  outbox: ReturnType<typeof createOutbox>;
  chats: Map<string, LocalChat>;
  state: State;
  /** Are notices wanted while nobody looks at the page? Agents' sound and notifications are. */
  keen: boolean;
  on(event: string, fn: (...args: any[]) => void): () => void;
  emit(event: string, ...args: any[]): void;
  setState(state: State): void;
  /** No token is left that the server takes. A visitor's side knows a way out. */
  refused(): void;
  onframe(reader: (type: string, data: any) => void): void;
  setToken(token: string | null): void;
  /** Sends what waits; resolves when it is stored. */
  deliver(item: Item): Promise<void>;
  api: Pick<Sakura, 'state' | 'on' | 'request' | 'setToken' | 'close'>;
}
