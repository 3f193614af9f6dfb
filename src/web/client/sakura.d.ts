/**
 * sakura: the client of sakurad, for browsers and Node ≥ 20. One connection, shared by everything made from one client.
 * Names of fields are the server's own (GET /api/openapi.json, GET /api/asyncapi.json).
 * Nothing here throws for a line that is down: what is sent waits in the outbox, what is shown says so by `state`.
 */

/** `connecting` → `live`; `stale`: was live a moment ago and cannot promise now; `offline`; `denied`: the token is refused. */
export type State = 'connecting' | 'live' | 'stale' | 'offline' | 'denied';
export type Off = () => void;

export interface Agent { id: string; name: string }

export interface Message {
  /** The server's id; null while the message is pending or has failed. */
  _id: string | null;
  /** client_message_id of what this client sent; the message keeps it when it is stored. */
  key?: string;
  role: string;
  text: string;
  /** RFC 3339; of a pending message this machine's clock, only to be shown. */
  timestamp: string;
  /** Agents: agents have read it. A visitor: for own messages agents have, for others the visitor has. */
  read: boolean;
  agent?: Agent;
  /** Waits in the outbox. */
  pending?: true;
  /** Refused for good: the server's sentence. It stays until retry() or discard(). */
  failed?: string;
}

export interface ClientOptions {
  /** Where the server is: "https://chat.example.com". Default: the page's own origin. */
  url?: string;
  token?: string;
  /** Asked for a token at the start and once more when the server refuses the one in use; null: denied. */
  getToken?: () => Promise<string | null> | string | null;
  /** Where the outbox and a visitor's identity are kept. Default: localStorage where there is one and it works, else memory. */
  storage?: Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'> | null;
  /** For Node before 22 (the `ws` package) and for tests. */
  WebSocket?: any;
  fetch?: typeof fetch;
}

export function createClient(options?: ClientOptions): Sakura;

/** A request that was refused: the answer's status and sentence. */
export class SakuraError extends Error {
  constructor(status: number, message: string, wait?: number);
  /** 0: no answer came. */
  status: number;
}

export interface Sakura {
  readonly state: State;
  on(event: 'state', fn: (state: State) => void): Off;
  /** A visitor's side: own chats, unread, whether agents are there. One per client. */
  customer(): Customer;
  /** An agent's side. One per client. */
  inbox(options?: { owner?: string; limit?: number }): Inbox;
  /** Follows one chat: resolves when its newest messages are there. The same object while it is open. */
  chat(id: string): Promise<Chat>;
  /** Visitors: the first call makes a customer, later ones another chat of the same. */
  createChat(about?: { name?: string; email?: string }): Promise<Chat>;
  /** A call of the HTTP API with this client's token; rejects with SakuraError. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<any>;
  /** Another token from now on (an agent signed in, a visitor identified). */
  setToken(token: string | null): void;
  /** Ends the connection; the outbox stays stored. */
  close(): void;
}

export interface Customer {
  /** null before the first chat. */
  readonly id: string | null;
  /** Has start() something to load or to send? So it is where there is an id, and where a first message still waits. */
  readonly known: boolean;
  /** Most recently active first. */
  readonly chats: readonly Chat[];
  /** Messages that the visitor has not read, over all chats. */
  readonly unread: number;
  /** Are agents there? null: not known yet. */
  readonly online: boolean | null;
  readonly agents: number;
  /** Connects and loads what there is. Without a known visitor it asks the server for nothing but website_status. */
  start(): Promise<void>;
  /** A token that the site's backend signed says who the visitor is; replaces the anonymous one. */
  identify(who: { token: string }): Promise<void>;
  /** Forgets the visitor on this machine. */
  reset(): void;
  on(event: 'change' | 'status', fn: () => void): Off;
  on(event: 'message', fn: (message: Message, chat: Chat) => void): Off;
}

export interface Chat extends AsyncIterable<Message> {
  readonly id: string;
  /** Oldest first, one contiguous end of the history, and behind it what is pending or has failed. */
  readonly messages: readonly Message[];
  /** Is all of the history in `messages`? */
  readonly complete: boolean;
  readonly unread: number;
  readonly status: 'open' | 'closed';
  readonly assigned_to: string | null;
  readonly read_up_to: { user: string | null; agent: string | null };
  /** Who types now, but for oneself. */
  readonly typists: readonly { role: string; agent?: Agent; text?: string }[];
  /** Shown at once as pending; resolves when stored, rejects with SakuraError when refused for good. */
  send(text: string): Promise<Message>;
  retry(message: Message): void;
  discard(message: Message): void;
  /** Call it at every key stroke: it says no more than is needed. */
  typing(on: boolean, text?: string): void;
  /** Up to this message (default: the newest) one has read. Only forwards. */
  read(message?: Message): void;
  /** A page of older messages; false: there are none. */
  older(limit?: number): Promise<boolean>;
  /** For agents. They reject with SakuraError; 412: somebody was faster, the chat has been looked at again. */
  assign(to: string | null): Promise<void>;
  setStatus(status: 'open' | 'closed'): Promise<void>;
  ai(): Promise<boolean>;
  setAi(enabled: boolean): Promise<void>;
  /** `message`: a new one, once each, in order (not those that were there at first, nor older pages); `change`: anything shown. */
  on(event: 'message', fn: (message: Message) => void): Off;
  on(event: 'change' | 'typing' | 'read', fn: () => void): Off;
  on(event: 'state', fn: (state: State) => void): Off;
  /** Stops following; what is in the outbox is still sent. */
  close(): void;
}

/** A chat as the refetch gives it, cut to its newest messages. */
export interface ChatRow {
  chat_id: string; status: string; created_at: string; last_activity: string; total_messages: number; unread: number;
  assigned_to: string | null; read_up_to: { user: string | null; agent: string | null };
  messages: { role: string; text: string; timestamp: string; read: boolean; agent?: Agent }[];
}
export interface CustomerRow {
  _id: string; name: string; email: string; category: string; status: string; chats: ChatRow[]; [field: string]: any;
}

export interface Inbox {
  /** Most recently active first, as far as loaded. Rows are replaced, never changed in place. */
  readonly customers: readonly CustomerRow[];
  /** Are all customers in `customers`? */
  readonly complete: boolean;
  /** Chats by section, as `unread_counts` has them ("unified-inbox", "agent-inbox-active", …); null where one may not know. */
  readonly counts: Readonly<Record<string, number>> | null;
  /** Agents that are connected, at most 100. */
  readonly agents: readonly Agent[];
  /** Has a visitor's widget this chat open? */
  here(chat_id: string): boolean;
  /** Connects and loads the newest; resolves when they are there. */
  start(): Promise<void>;
  /** The next page of customers; false: there are none. */
  more(): Promise<boolean>;
  /** By prefix of any word of name and address. */
  search(q: string, page?: { skip?: number; limit?: number }): Promise<{ users: CustomerRow[]; total: number }>;
  /** category, status, name. */
  patch(customer_id: string, change: { category?: string; status?: string; name?: string }): Promise<CustomerRow>;
  /** `change`: which customers have a new row or place. */
  on(event: 'change', fn: (ids: readonly string[]) => void): Off;
  /** A new message of a customer, for sound and notification. */
  on(event: 'message', fn: (chat_id: string, role: string) => void): Off;
  on(event: 'counts' | 'presence', fn: () => void): Off;
  /** Somebody types there, or does no more; it ends by itself after `expires_ms`, and with the message. */
  on(event: 'typing', fn: (chat_id: string, by: { role: string; typing: boolean; expires_ms: number }) => void): Off;
  close(): void;
}
