// The code against the API that sakura.d.ts promises.
import * as written from '../../../src/web/client/client.js';
import * as visitor from '../../../src/web/client/visitor.js';
import type * as promised from '../../../src/web/client/sakura.js';

export const client: typeof promised.createClient = written.createClient;
export const widget: (options?: promised.ClientOptions) => Omit<promised.Sakura, 'inbox'> = visitor.createClient;
export const refused: typeof promised.SakuraError = visitor.SakuraError;
