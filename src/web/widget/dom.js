/**
 * An element by its class, which is its name for style and for tests. Text only ever becomes text. What is no property of it (in
 * some browsers: role, ariaLabel) becomes an attribute.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} className
 * @param {(Node | string)[]} [children]
 * @param {Record<string, any>} [properties]
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, className, children = [], properties = {}) {
  const node = document.createElement(tag);
  node.className = className;
  for (const name in properties) {
    if (name in node) /** @type {any} */ (node)[name] = properties[name];
    else node.setAttribute(name.replace('aria', 'aria-'), properties[name]);
  }
  node.append(...children);
  return node;
}

/** @param {Element} node @param {string} text */
export const label = (node, text) => node.setAttribute('aria-label', text);

/** A button with a line drawing in a box of 24. @param {string} className @param {string} ariaLabel @param {string} path
 * @param {() => void} [onclick] */
export const button = (className, ariaLabel, path, onclick) =>
  make('button', className, [icon(path)], { type: 'button', ariaLabel, onclick });

/** @param {string} path */
export function icon(path) {
  const [drawing, line] = ['svg', 'path'].map((tag) => document.createElementNS('http://www.w3.org/2000/svg', tag));
  drawing.setAttribute('viewBox', '0 0 24 24');
  line.setAttribute('d', path);
  drawing.append(line);
  return drawing;
}
