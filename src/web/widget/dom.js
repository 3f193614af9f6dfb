/**
 * An element. The part is its class, for style and for tests. What elements have as a property is set so, the rest as attributes;
 * text only ever becomes text.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} part
 * @param {Record<string, any>} properties
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, part, properties, ...children) {
  /** @type {any} */
  const node = document.createElement(tag);
  for (const name in properties) {
    if (name in node) node[name] = properties[name];
    else node.setAttribute(name, properties[name]);
  }
  node.className = part;
  node.append(...children);
  return node;
}

/** A line drawing in a box of 24. @param {string} path */
export function icon(path) {
  const [drawing, line] = ['svg', 'path'].map((tag) => document.createElementNS('http://www.w3.org/2000/svg', tag));
  drawing.setAttribute('viewBox', '0 0 24 24');
  line.setAttribute('d', path);
  drawing.append(line);
  return drawing;
}

/** @param {string} part @param {string} label @param {string} path @param {() => void} [onclick] */
export const button = (part, label, path, onclick) => make('button', part, { type: 'button', 'aria-label': label, onclick }, icon(path));
