/**
 * An element by its class, which is its name for style and for tests. Text only ever becomes text.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} className
 * @param {(Node | string)[]} [children]
 * @param {Record<string, any>} [properties]
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, className, children = [], properties) {
  const node = Object.assign(document.createElement(tag), { className }, properties);
  node.append(...children);
  return node;
}

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
