import { createClient } from '../client/sakura.js';

window.Sakura = { createClient };
