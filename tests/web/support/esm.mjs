// For `node --import`: the pages' sources, and what is made of them, are modules, as browsers know from how they are named; node would ask a package.json.
import { register } from 'node:module';

const hooks = `export async function load(url, context, next) {
  return next(url, /\\/(src\\/web|web\\/files)\\//.test(url) && url.endsWith('.js') ? { ...context, format: 'module' } : context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
