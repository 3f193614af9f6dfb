/** The page's icons: strokes on a grid of 24, drawn in the colour of the text around them. */

const PATHS = {
  back: 'M15 5l-7 7 7 7',
  bell: 'M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 21h4',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  clock: 'M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  down: 'M12 5v14M6 13l6 6 6-6',
  help: 'M9.5 9.3a2.6 2.6 0 1 1 3.7 2.4c-.8.4-1.2 1-1.2 1.9M12 17v.1M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18',
  info: 'M4 5h16v14H4zM15 5v14',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4.5 20a7.5 7.5 0 0 1 15 0',
  reopen: 'M5 9h9a5 5 0 0 1 0 10h-3M9 5L5 9l4 4',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16.2 16.2L20.5 20.5',
  send: 'M12 19V5M6 11l6-6 6 6',
  settings: 'M4 7h8M18 7h2M15 4.5v5M4 17h2M12 17h8M9 14.5v5',
  signout: 'M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9',
  sound: 'M4 10v4h3l5 4V6L7 10zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11',
  theme: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 3v18M12 7h4.6M12 12h6M12 17h4.6',
  ticks: 'M2 12.5l4 4 8.5-9M10 15l1.5 1.5L20 7.5',
  flower: 'M8.1 6.6a3.9 3.9 0 1 0 7.8 0a3.9 3.9 0 1 0-7.8 0M13.2 10.3a3.9 3.9 0 1 0 7.8 0a3.9 3.9 0 1' +
    ' 0-7.8 0M11.3 16.4a3.9 3.9 0 1 0 7.8 0a3.9 3.9 0 1 0-7.8 0M4.9 16.4a3.9 3.9 0 1 0 7.8 0a3.9 3.9 0 1 0-7.8 0M3 10.3a3.9 3.9 0 1 0 7.8 0a3.9 3.9 0 1 0-7.8 0',
};

/** @typedef {keyof typeof PATHS} IconName */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @param {IconName} name
 * @returns {SVGSVGElement} hidden from screen readers: the control around it has a name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  path.setAttribute('d', PATHS[name]);
  svg.appendChild(path);
  return svg;
}
