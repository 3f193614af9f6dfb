/**
 * Times as people read them. They are absolute ("14:05", "Mon", "3 Nov"), never "5 minutes ago": so they stay true
 * without redrawing anything as time goes by.
 */

const DAY = 86400000;

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * Making a format costs more than all of its uses together.
 * @param {string} name
 * @param {Intl.DateTimeFormatOptions} options
 */
function format(name, options) {
  let made = formats.get(name);
  if (!made) formats.set(name, (made = new Intl.DateTimeFormat('en-GB', options)));
  return made;
}

/** @param {Date} date */
function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/**
 * Whole days between two moments, as the wall calendar counts them.
 * @param {Date} from
 * @param {Date} to
 */
function days(from, to) {
  return Math.round((midnight(to) - midnight(from)) / DAY);
}

/**
 * @param {string | null | undefined} time RFC 3339
 * @returns {Date | null} null where there is none or it cannot be read
 */
export function parse(time) {
  const date = time ? new Date(time) : null;
  return date && !Number.isNaN(date.getTime()) ? date : null;
}

/** @param {string | null | undefined} time */
export function clock(time) {
  const date = parse(time);
  return date ? format('clock', { hour: '2-digit', minute: '2-digit' }).format(date) : '';
}

/**
 * For a row: as short as it can be.
 * @param {string | null | undefined} time
 * @param {Date} [now]
 */
export function brief(time, now = new Date()) {
  const date = parse(time);
  if (!date) return '';
  const ago = days(date, now);
  if (ago <= 0) return clock(time);
  if (ago < 7) return format('weekday', { weekday: 'short' }).format(date);
  return date.getFullYear() === now.getFullYear()
    ? format('day', { day: 'numeric', month: 'short' }).format(date)
    : format('year', { day: 'numeric', month: 'short', year: '2-digit' }).format(date);
}

/**
 * For the line between two days of a conversation.
 * @param {string | null | undefined} time
 * @param {Date} [now]
 */
export function dayName(time, now = new Date()) {
  const date = parse(time);
  if (!date) return '';
  const ago = days(date, now);
  if (ago <= 0) return 'Today';
  if (ago === 1) return 'Yesterday';
  if (ago < 7) return format('long weekday', { weekday: 'long' }).format(date);
  return date.getFullYear() === now.getFullYear()
    ? format('long day', { weekday: 'short', day: 'numeric', month: 'long' }).format(date)
    : format('long year', { day: 'numeric', month: 'long', year: 'numeric' }).format(date);
}

/** @param {string | null | undefined} time */
export function full(time) {
  const date = parse(time);
  return date ? format('full', { dateStyle: 'medium', timeStyle: 'short' }).format(date) : '';
}

const KEPT_MOMENTS = 10000;

/** @type {Map<string, { at: number, day: number }>} reading a time costs more than all else of a message that stays as it is */
const moments = new Map();

/** @param {string | null | undefined} time */
function moment(time) {
  const key = time || '';
  let found = moments.get(key);
  if (!found) {
    const date = parse(key);
    if (moments.size >= KEPT_MOMENTS) moments.clear();
    moments.set(key, (found = { at: date ? date.getTime() : NaN, day: date ? midnight(date) : NaN }));
  }
  return found;
}

/**
 * @param {string | null | undefined} a
 * @param {string | null | undefined} b
 */
export function sameDay(a, b) {
  return moment(a).day === moment(b).day;
}

/**
 * Are two messages said in one breath? Then they stand together.
 * @param {string | null | undefined} a
 * @param {string | null | undefined} b
 */
export function close(a, b) {
  return Math.abs(moment(a).at - moment(b).at) < 5 * 60000;
}
