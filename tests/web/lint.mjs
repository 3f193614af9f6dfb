// What no page of ours may do, looked for in the sources: markup made from text, code made from text, anything inline that a strict
// Content-Security-Policy would block, anything from elsewhere. Lines that are comments may name what they avoid.
import { readFileSync, readdirSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../src/web/', import.meta.url));

// Namespaces are names, not addresses; example.com is what documents call a site (RFC 2606).
const OUTSIDE = /(?:https?:|wss?:)?\/\/(?!www\.w3\.org\/|(?:[\w-]+\.)*example\.(?:com|org|net)\b)[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b/i;

/** [what it is, which files, what it looks like, a line that it must find] */
const RULES = [
  ['markup from text', /\.(js|html)$/, /\b(inner|outer)HTML\b|insertAdjacentHTML|\bsetHTML(Unsafe)?\b/, 'e.innerHTML = text;'],
  ['markup from text', /\.(js|html)$/, /document\.write|createContextualFragment|DOMParser|\.srcdoc\b|srcdoc=/, 'document.writeln(text)'],
  ['code from text', /\.(js|html)$/, /\beval\s*\(|\bFunction\s*\(|import\s*\(\s*(?!panel\))[^'"\s]/, 'return new Function(text)'],
  ['code from text', /\.(js|html)$/, /\bset(Timeout|Interval)\s*\(\s*['"`]/, "setTimeout('f()', 1)"],
  ['code from text', /\.(js|html)$/, /['"`=]\s*javascript:/i, "a.href = 'javascript:f()'"],
  ['style attribute', /\.js$/, /setAttribute\(\s*['"`]style['"`]|\bstyle=["'`\\]/, "e.setAttribute('style', 'top:0')"],
  ['inline handler', /\.js$/, /setAttribute\(\s*['"`]on/i, "e.setAttribute('onclick', f)"],
  ['inline style', /\.html$/, /\sstyle\s*=|<style\b/i, '<p style="top:0">'],
  ['inline handler', /\.html$/, /\son[a-z]+\s*=/i, '<p onclick="f()">'],
  ['inline script', /\.html$/, /<script\b(?![^>]*\ssrc\s*=)/i, '<script type="module">f()'],
  ['from elsewhere', /\.(js|html|css)$/, OUTSIDE, "fetch('https://cdn.jsdelivr.net/x.js')"],
  ['from elsewhere', /\.css$/, /@import|url\(\s*['"]?(?!data:|#)/i, '@import "x.css";'],
  ['a dependency', /\.js$/, /(?:\bfrom|\bimport)\s*\(?\s*['"](?!\.\.?\/)/, "import x from 'lodash';"],
];

/** Where a rule finds something: [rule's name, line number, line]. */
function findings(name, text) {
  const found = [];
  let comment = false; // inside <!-- --> or /* */
  text.split('\n').forEach((line, i) => {
    const begins = /^\s*(\/\*|<!--)/.test(line);
    const inside = comment || begins;
    if (begins) comment = true;
    if (comment && /(\*\/|-->)\s*$/.test(line)) comment = false;
    if (inside || /^\s*\/\//.test(line)) return;
    for (const [what, files, pattern] of RULES) if (files.test(name) && pattern.test(line)) found.push([what, i + 1, line.trim()]);
  });
  return found;
}

function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

let failed = 0;
const fail = (text) => {
  console.error(text);
  failed++;
};

// A rule that finds nothing anywhere is no rule.
for (const [what, files, , example] of RULES) {
  const name = ['a.js', 'a.html', 'a.css'].find((n) => files.test(n));
  if (!findings(name, `${example}\n`).some(([w]) => w === what)) fail(`lint.mjs: the rule '${what}' does not find: ${example}`);
}
if (findings('a.js', "// innerHTML\n/* eval( */\nconst svg = 'http://www.w3.org/2000/svg';\n").length) fail('lint.mjs: finds what is harmless');

let read = 0;
for (const path of filesBelow(ROOT)) {
  const name = relative(ROOT, path);
  if (/^package.*\.json$|node_modules/.test(name)) fail(`${name}: pages of ours need no package`);
  if (!['.js', '.html', '.css'].includes(extname(path))) continue;
  read++;
  for (const [what, line, text] of findings(name, readFileSync(path, 'utf8'))) fail(`src/web/${name}:${line}: ${what}: ${text}`);
}
if (read === 0) fail(`${ROOT}: no sources`);
if (failed) process.exit(1);
console.log(`${read} files: nothing inline, nothing made from text, nothing from elsewhere`);
