/** Figures as people read them: three digits that matter, and a unit. */

const NONE = '–';
const THIN = '\u202f'; // between a figure and its unit, where no line may end

/**
 * @param {number} value not negative
 * @param {number} [digits] that matter
 */
function plain(value, digits = 3) {
  const whole = value >= 1 ? Math.floor(Math.log10(value)) + 1 : 1;
  return value.toLocaleString('en', { maximumFractionDigits: value < 1e-9 ? 0 : Math.max(0, Math.min(2, digits - whole)) });
}

/** @typedef {(value: number | null | undefined) => string} Unit */

/**
 * @param {(value: number) => string} write
 * @returns {Unit}
 */
function unit(write) {
  return (value) => (value === null || value === undefined || !Number.isFinite(value) ? NONE : write(value));
}

export const count = unit((n) => plain(n, n < 10 ? 2 : 1));
export const rate = unit((n) => `${plain(n, n < 10 ? 2 : 1)}/s`);
export const percent = unit((n) => `${(n * 100).toLocaleString('en', { maximumFractionDigits: n < 0.0995 || (n > 0.99 && n < 1) ? 1 : 0 })}${THIN}%`);
export const cores = unit((n) => `${n.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}${THIN}cores`);

export const time = unit((s) => {
  if (s < 0.001) return `${plain(s * 1e6, 2)}${THIN}µs`;
  if (s < 1) return `${plain(s * 1e3)}${THIN}ms`;
  return `${plain(s)}${THIN}s`;
});

export const bytes = unit((n) => {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  for (; n >= 1024 && i < names.length - 1; i++) n /= 1024;
  return `${plain(n)}${THIN}${names[i]}`;
});

export const byteRate = unit((n) => `${bytes(n)}/s`);

/** @param {number} seconds */
export function span(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (seconds < 60) return `${Math.floor(seconds)}${THIN}s`;
  if (minutes < 60) return `${minutes}${THIN}min`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)}${THIN}h ${minutes % 60}${THIN}min`;
  return `${Math.floor(minutes / 1440)}${THIN}d ${Math.floor((minutes % 1440) / 60)}${THIN}h`;
}

/**
 * Where a scale ends: the least round figure that is not below; of bytes a round one of KiB, MiB, …
 * @param {number} value
 * @param {Unit} [of]
 */
export function ceiling(value, of) {
  if (value <= 0) return 1;
  const binary = of === bytes || of === byteRate;
  const prefix = binary ? 1024 ** Math.max(0, Math.floor(Math.log2(value) / 10)) : 1;
  const power = 10 ** Math.floor(Math.log10(value / prefix));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power * prefix).find((end) => end >= value * (1 - 1e-9)) ?? value;
}
