// Pushes over time, one bar a step, stacked by priority.

import { PRIORITIES, axisTime, plural, span } from "./words.js";

const BARS = 60;
const STEPS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
const [WIDTH, HEIGHT, GAP] = [600, 100, 2];
const SVG = "http://www.w3.org/2000/svg";
const UPWARDS = [...PRIORITIES].reverse();

/** Count pushes in equal steps that end now; the step is the smallest that holds them all. */
export function count(pushes, now) {
  const oldest = pushes.reduce((least, push) => Math.min(least, push.received_at), now);
  const fitting = (step) => (Math.ceil(now / step) - BARS) * step <= oldest;
  const step = STEPS.find(fitting) ?? Math.ceil((now - oldest) / BARS / 86400 + 1) * 86400;
  const end = Math.ceil(now / step) * step;
  const start = end - BARS * step;
  const bars = Array.from({ length: BARS }, () => new Map());
  for (const { received_at, priority } of pushes) {
    const bar = bars[Math.min(BARS - 1, Math.max(0, Math.floor((received_at - start) / step)))];
    bar.set(priority, (bar.get(priority) ?? 0) + 1);
  }
  return { bars, start, end, step };
}

export class Chart {
  constructor() {
    this.element = document.getElementById("chart");
    this.element.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  }

  draw(pushes, now) {
    const { bars, start, end, step } = count(pushes, now);
    const totals = bars.map((bar) => [...bar.values()].reduce((sum, each) => sum + each, 0));
    const highest = Math.max(...totals, 1);
    const columns = bars.map((bar, place) => drawBar(bar, place, highest, totals[place], start + place * step, step));
    this.element.replaceChildren(...columns.flat());
    this.#label(pushes, totals, { start, end, step });
  }

  #label(pushes, totals, { start, end, step }) {
    const [from, to] = [axisTime(start, end - start), axisTime(end, end - start)];
    const highest = Math.max(...totals);
    document.getElementById("chart-start").textContent = from;
    document.getElementById("chart-end").textContent = to;
    document.getElementById("chart-step").textContent = `1 bar: ${span(step)}, highest: ${highest}`;
    const parts = PRIORITIES.map(({ level, name }) => {
      const found = pushes.filter((push) => push.priority === level).length;
      return `${found} ${name.toLowerCase()}`;
    });
    const label = `${plural(pushes.length, "push", "pushes")} from ${from} to ${to}: ${parts.join(", ")}`;
    this.element.setAttribute("aria-label", label);
  }
}

function drawBar(bar, place, highest, total, at, step) {
  const width = WIDTH / BARS;
  const x = place * width + GAP / 2;
  const base = rectangle("base", x, HEIGHT - 1.5, width - GAP, 1.5);
  const parts = [base];
  let top = HEIGHT;
  for (const { level } of UPWARDS) {
    const height = ((bar.get(level) ?? 0) / highest) * HEIGHT;
    if (!height) continue;
    top -= height;
    parts.push(rectangle(`p${level}`, x, top, width - GAP, height));
  }
  if (total) parts.push(tip(x, width, `${axisTime(at, step)}: ${plural(total, "push", "pushes")}`));
  return parts;
}

function rectangle(className, x, y, width, height) {
  const element = document.createElementNS(SVG, "rect");
  element.setAttribute("class", className);
  for (const [name, value] of Object.entries({ x, y, width, height })) {
    element.setAttribute(name, value.toFixed(2));
  }
  return element;
}

function tip(x, width, text) {
  const element = rectangle("tip", x, 0, width, HEIGHT);
  const title = document.createElementNS(SVG, "title");
  title.textContent = text;
  element.append(title);
  return element;
}
