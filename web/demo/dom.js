// @ts-check
/**
 * Short ways to the document.
 */

/**
 * The element with this id. The page is ours, so one that is missing is a bug.
 *
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return /** @type {T} */ (found);
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} [children]
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, attributes = {}, children = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * One of the shapes of the page.
 *
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

/**
 * Another shape in an icon that is there.
 *
 * @param {Element} parent
 * @param {string} name
 */
export function setIcon(parent, name) {
  parent.querySelector('use')?.setAttribute('href', `#i-${name}`);
}

/**
 * Text, if it differs: a live region that gets the same text again would be read again.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Text, or nothing at all.
 *
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setWords(element, text) {
  setText(element, text);
  element.hidden = text === '';
}

/**
 * An attribute that is there or not.
 *
 * @param {Element} element
 * @param {string} name
 * @param {boolean} present
 */
export function flag(element, name, present) {
  element.toggleAttribute(name, present);
}

const SVG = 'http://www.w3.org/2000/svg';
