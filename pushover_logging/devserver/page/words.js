// Names, numbers, times and durations as the page shows them.

export const PRIORITIES = [
  { level: 2, name: "Emergency" },
  { level: 1, name: "High" },
  { level: 0, name: "Normal" },
  { level: -1, name: "Low" },
  { level: -2, name: "Lowest" },
];

const NAMES = new Map(PRIORITIES.map(({ level, name }) => [level, name]));
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });
const SHORT_CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "short", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const NUMBER = new Intl.NumberFormat();

export const priorityName = (level) => NAMES.get(level) ?? `Priority ${level}`;
export const number = (value) => NUMBER.format(value);
export const wholeTime = (seconds) => WHOLE.format(seconds * 1000);
export const shortTime = (seconds) => SHORT_CLOCK.format(seconds * 1000);
export const day = (seconds) => DAY.format(seconds * 1000);
export const plural = (count, one, many) => `${number(count)} ${count === 1 ? one : many}`;

/** The time of day, with the day unless it is today. */
export function time(seconds, now = Date.now() / 1000) {
  const [date, today] = [new Date(seconds * 1000), new Date(now * 1000)];
  const clock = CLOCK.format(date);
  return date.toDateString() === today.toDateString() ? clock : `${DAY.format(date)}, ${clock}`;
}

/** A time on the axis of the chart. */
export function axisTime(seconds, span) {
  if (span < 600) return CLOCK.format(seconds * 1000);
  const clock = SHORT_CLOCK.format(seconds * 1000);
  return span > 72000 ? `${DAY.format(seconds * 1000)}, ${clock}` : clock;
}

/** A length of time in its largest fitting unit, such as "58 min". */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.round(whole / 60)} min`;
  if (whole < 172800) return `${Math.round(whole / 3600)} h`;
  return `${Math.round(whole / 86400)} days`;
}

export function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(0)} kB` : `${(bytes / 1048576).toFixed(1)} MB`;
}
