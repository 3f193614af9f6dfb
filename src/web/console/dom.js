/**
 * Makes elements. Text goes in as text nodes only, so nothing that a visitor writes is ever markup, and nothing here
 * needs an inline style or script: the page's CSP forbids both.
 */

/** @typedef {Node | string | null | undefined | false} Kid */
/** @typedef {{ [name: string]: string | number | boolean | null | undefined | ((event: any) => void) }} Props */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Props} [props] a function is a listener, true an empty attribute; false, null and undefined are none
 * @param {...Kid} kids
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props, ...kids) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value != null) node.setAttribute(name, String(value));
  }
  append(node, kids);
  return node;
}

/**
 * @param {Node} node
 * @param {Kid[]} kids
 */
function append(node, kids) {
  for (const kid of kids) {
    if (kid) node.appendChild(typeof kid === 'string' ? document.createTextNode(kid) : kid);
  }
}

/**
 * Puts these in place of whatever the node has.
 * @param {Element} node
 * @param {...Kid} kids
 */
export function fill(node, ...kids) {
  node.textContent = '';
  append(node, kids);
}

/**
 * Writes only what differs: an unchanged row causes no mutation at all.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * @param {Element} node
 * @param {string} name
 * @param {string | null | false} value null or false: without it
 */
export function setAttr(node, name, value) {
  if (value === null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/**
 * @param {Element} node
 * @param {boolean} shown
 */
export function show(node, shown) {
  if (node.hasAttribute('hidden') === shown) node.toggleAttribute('hidden', !shown);
}
