// The client of sakurad for pages and Node: what /client.js serves. Its API is described by sakura.d.ts.
export { createClient } from './client.js';
export { SakuraError } from './http.js';
