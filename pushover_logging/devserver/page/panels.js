// The panels beside the pushes: quota, simulated faults, clearing the inbox.

import { day, number, plural, shortTime } from "./words.js";

const element = (id) => document.getElementById(id);

/** Send a control call to the server; show its error on the page. */
export async function control(method, path, options) {
  const body = options === undefined ? undefined : JSON.stringify(options);
  try {
    const answer = await fetch(`/dev/${path}`, { method, body });
    if (!answer.ok) showMessage((await answer.json()).error);
    return answer.ok;
  } catch {
    showMessage("The server does not answer.");
    return false;
  }
}

let hiding = 0;

export function showMessage(sentence) {
  const place = element("message");
  place.textContent = sentence;
  place.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { place.hidden = true; }, 8000);
}

export function drawFigures({ quota, faults, kept, problem }) {
  element("problem").textContent = problem ?? "";
  element("problem").hidden = !problem;
  drawQuota(quota);
  drawFaults(faults);
  element("kept").textContent = `The newest ${number(kept)} pushes are kept.`;
}

function drawQuota({ limit, remaining, reset, headers }) {
  const share = limit ? Math.min(1, remaining / limit) : 0;
  element("remaining").textContent = number(remaining);
  element("limit").textContent = `of ${number(limit)} messages remain`;
  element("quota-left").style.width = `${share * 100}%`;
  const bar = element("quota-bar");
  bar.dataset.level = share < 0.05 ? "empty" : share < 0.2 ? "low" : "fine";
  bar.setAttribute("aria-valuemax", limit);
  bar.setAttribute("aria-valuenow", remaining);
  bar.setAttribute("aria-valuetext", `${number(remaining)} of ${number(limit)} remain`);
  const headersNote = { missing: " Answers omit it.", garbage: " Answers have invalid values." }[headers] ?? "";
  element("quota-reset").textContent = `Resets on ${day(reset)}, ${shortTime(reset)}.${headersNote}`;
}

function drawFaults(faults) {
  element("faults").replaceChildren(...faults.map((fault) => {
    const item = document.createElement("li");
    const count = fault.count === null ? "all requests" : plural(fault.count, "request", "requests");
    item.textContent = `${fault.kind}: ${count}, ${fault.path ?? "all calls"}`;
    return item;
  }));
  element("clear-faults").hidden = element("faults-banner").hidden = !faults.length;
  element("faults-banner-text").textContent = `${plural(faults.length, "simulated fault", "simulated faults")} active`;
}

export function wirePanels() {
  element("quota-form").addEventListener("submit", (event) => {
    event.preventDefault();
    control("POST", "quota", { remaining: event.target.remaining.valueAsNumber });
  });
  for (const id of ["clear-faults", "clear-faults-quickly"]) {
    element(id).addEventListener("click", () => control("DELETE", "faults"));
  }
  wireFaults(element("fault-form"));
  wireClearing(element("confirm"));
}

function wireFaults(form) {
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

function wireClearing(dialog) {
  element("clear-inbox").addEventListener("click", () => dialog.showModal());
  element("cancel-clear").addEventListener("click", () => dialog.close());
  element("confirm-clear").addEventListener("click", () => {
    dialog.close();
    control("POST", "reset");
  });
}
