// The panels beside the pushes: the month's messages, trouble on request, starting over.

import { day, number, plural, shortTime } from "./words.js";

const element = (id) => document.getElementById(id);

/** Ask the server to do something; says so on the page where it cannot. */
export async function control(method, path, options) {
  const body = options === undefined ? undefined : JSON.stringify(options);
  try {
    const answer = await fetch(`/dev/${path}`, { method, body });
    if (!answer.ok) complain((await answer.json()).error);
    return answer.ok;
  } catch {
    complain("The dev server does not answer.");
    return false;
  }
}

let forgetting = 0;

export function complain(sentence) {
  const place = element("complaint");
  place.textContent = sentence;
  place.hidden = false;
  clearTimeout(forgetting);
  forgetting = setTimeout(() => { place.hidden = true; }, 8000);
}

export function drawFigures({ quota, faults, kept }) {
  drawQuota(quota);
  drawFaults(faults);
  element("kept").textContent = `The newest ${number(kept)} pushes are kept.`;
}

function drawQuota({ limit, remaining, reset, headers }) {
  const share = limit ? Math.min(1, remaining / limit) : 0;
  element("remaining").textContent = number(remaining);
  element("limit").textContent = `of ${number(limit)} messages left`;
  element("quota-left").style.width = `${share * 100}%`;
  const bar = element("quota-bar");
  bar.dataset.level = share < 0.05 ? "empty" : share < 0.2 ? "low" : "fine";
  bar.setAttribute("aria-valuemax", limit);
  bar.setAttribute("aria-valuenow", remaining);
  bar.setAttribute("aria-valuetext", `${number(remaining)} of ${number(limit)} left`);
  const untrue = { missing: " Answers do not tell.", garbage: " Answers tell nonsense." }[headers] ?? "";
  element("quota-reset").textContent = `Starts anew on ${day(reset)}, ${shortTime(reset)}.${untrue}`;
}

function drawFaults(faults) {
  element("faults").replaceChildren(...faults.map((fault) => {
    const item = document.createElement("li");
    const often = fault.count === null ? "without end" : plural(fault.count, "time", "times");
    item.textContent = `${fault.kind}, ${often}, ${fault.path ?? "every call"}`;
    return item;
  }));
  element("behave").hidden = element("misbehaving").hidden = !faults.length;
  element("misbehaving-text").textContent = `${plural(faults.length, "trouble", "troubles")} to come`;
}

export function wireTools() {
  element("quota-form").addEventListener("submit", (event) => {
    event.preventDefault();
    control("POST", "quota", { remaining: event.target.remaining.valueAsNumber });
  });
  for (const id of ["behave", "behave-quickly"]) {
    element(id).addEventListener("click", () => control("DELETE", "faults"));
  }
  wireTrouble(element("trouble-form"));
  wireReset(element("confirm-reset"));
}

function wireTrouble(form) {
  form.kind.addEventListener("change", () => {
    for (const label of form.querySelectorAll("[data-kind]")) label.hidden = label.dataset.kind !== form.kind.value;
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const count = form.count.value === "" ? null : form.count.valueAsNumber;
    const fault = { kind: form.kind.value, count };
    if (form.path.value) fault.path = form.path.value;
    if (fault.kind === "status") fault.status = form.status.valueAsNumber;
    if (fault.kind === "delay") fault.seconds = form.seconds.valueAsNumber;
    control("POST", "faults", fault);
  });
}

function wireReset(dialog) {
  element("reset").addEventListener("click", () => dialog.showModal());
  element("keep").addEventListener("click", () => dialog.close());
  element("forget").addEventListener("click", () => {
    dialog.close();
    control("POST", "reset");
  });
}
