import { createClient } from '../client/sakura.js';

/** @type {any} */ (window).Sakura = { createClient };
