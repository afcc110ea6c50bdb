// The inbox: receives pushes as they arrive, and shows them as a device would.

import { Chart } from "./chart.js";
import { Feed } from "./feed.js";
import { wireKeys } from "./keys.js";
import { Model, plainText, stateOf } from "./model.js";
import { Decrypter, close } from "./decryption.js";
import { control, drawFigures, wirePanels } from "./panels.js";
import { Rejections } from "./rejections.js";
import { PRIORITIES, number, plural, priorityName } from "./words.js";

const element = (id) => document.getElementById(id);
const model = new Model();
const feed = new Feed(model);
const chart = new Chart();
const decrypter = new Decrypter();
const rejections = new Rejections();
let kept = 0;
let life = 0;
let drawing = 0;

// Arriving

function listen() {
  const events = new EventSource("/inbox/events");
  const on = (name, act) => events.addEventListener(name, (event) => act(JSON.parse(event.data)));
  on("hello", startOver);
  on("pushes", receive);
  on("emergencies", (changed) => changed.forEach(({ number: which, emergency }) => updateEmergency(which, emergency)));
  on("rejections", (fresh) => { rejections.add(fresh); announceRejection(fresh[0]); });
  on("figures", (figures) => { kept = figures.kept; drawFigures(figures); });
  events.addEventListener("error", () => showConnection(false));
  window.addEventListener("pagehide", () => events.close());
}

/** Load all pushes again, the newest first: this page may have missed some. */
async function startOver(figures) {
  showConnection(true);
  const mine = (life += 1);
  kept = figures.kept;
  model.startOver(figures.now);
  rejections.startOver(figures.rejections);
  feed.redraw();
  drawFigures(figures);
  feed.element.setAttribute("aria-busy", "true");
  for (let before = figures.newest + 1; before > 1; ) {
    const answer = await fetch(`/inbox/pushes?before=${before}`);
    const pushes = answer.ok ? await answer.json() : [];
    if (mine !== life) return;
    if (!pushes.length) break;
    model.add(pushes, { newer: false, kept });
    await openAll(pushes);
    feed.extend();
    drawLater();
    before = pushes.at(-1).number;
  }
  feed.element.setAttribute("aria-busy", "false");
  drawLater();
}

async function receive(pushes) {
  const fresh = model.add(pushes, { newer: true, kept });
  await openAll(fresh);
  feed.prepend(fresh);
  announce(fresh);
  drawLater();
}

function updateEmergency(which, emergency) {
  const push = model.updateEmergency(which, emergency);
  if (!push) return;
  const state = stateOf(push, model.now());
  if (model.filter.state) feed.redraw();
  else feed.refresh(push);
  if (state !== "ringing") element("announce").textContent = `${push.title}: ${state}`;
  drawLater();
}

function announce(fresh) {
  if (!fresh.length) return;
  const loud = fresh.filter((push) => push.priority === 2);
  const place = element(loud.length ? "announce-alarm" : "announce");
  const one = loud[0] ?? fresh[0];
  const text = `${priorityName(one.priority)}: ${one.title || "encrypted"}. ${plainText(one).slice(0, 200)}`;
  place.textContent = fresh.length === 1 ? text : `${plural(fresh.length, "new push", "new pushes")}. ${text}`;
}

function announceRejection({ status, errors }) {
  element("announce").textContent = `Rejected with ${status}: ${errors[0] ?? ""}`;
}

function showConnection(alive) {
  const place = element("connection");
  place.dataset.alive = alive;
  place.textContent = alive ? "live" : "reconnecting";
}

// Drawing around the pushes

function drawLater() {
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    drawAround();
  });
}

function drawAround() {
  const matching = feed.matching;
  const empty = !model.pushes.length;
  const busy = feed.element.getAttribute("aria-busy") === "true";
  chart.draw(matching, model.now());
  drawChips();
  drawAlarm();
  element("count").textContent = model.isFiltered() && !empty
    ? `${number(matching.length)} of ${plural(model.pushes.length, "push", "pushes")}` : "";
  element("overview").hidden = empty && !busy;
  element("empty").hidden = !empty || busy;
  element("no-match").hidden = empty || matching.length > 0;
}

function drawAlarm() {
  const ringing = model.ringing().length;
  element("alarm").hidden = !ringing;
  element("alarm-text").textContent = `${plural(ringing, "emergency rings", "emergencies ring")}`;
  document.title = ringing ? `(${ringing}) ringing – Local Pushover server` : "Local Pushover server";
}

function drawChips() {
  const counts = new Map();
  for (const push of model.pushes) {
    if (model.matchesBesides(push)) counts.set(push.priority, (counts.get(push.priority) ?? 0) + 1);
  }
  for (const chip of element("priorities").children) {
    const level = Number(chip.dataset.priority);
    chip.setAttribute("aria-pressed", model.filter.priorities.has(level));
    chip.querySelector("b").textContent = number(counts.get(level) ?? 0);
  }
}

function makeChips() {
  const template = element("chip-template").content.firstElementChild;
  element("priorities").append(...PRIORITIES.map(({ level, name }) => {
    const chip = template.cloneNode(true);
    chip.dataset.priority = level;
    chip.querySelector("use").setAttribute("href", `#priority-${level}`);
    chip.querySelector("span").textContent = name;
    chip.addEventListener("click", () => toggle(level));
    return chip;
  }));
}

// Filtering

function toggle(level) {
  const { priorities } = model.filter;
  if (!priorities.delete(level)) priorities.add(level);
  applyFilter();
}

function applyFilter() {
  model.search(element("search").value);
  model.filter.state = element("state").value;
  feed.redraw();
  drawLater();
}

function showAll() {
  element("search").value = element("state").value = "";
  model.filter.priorities.clear();
  applyFilter();
}

// Acknowledging

function acknowledge(card) {
  const push = card && model.get(Number(card.dataset.number));
  if (push && stateOf(push, model.now()) === "ringing") {
    control("POST", `acknowledge/${push.emergency.receipt}`, {});
  } else if (card) {
    element("announce").textContent = "This push is not a ringing emergency.";
  }
}

function acknowledgeByKey() {
  const card = feed.current();
  if (card) return acknowledge(card);
  const [newest] = model.ringing();
  if (newest && (feed.goTo(newest) || (showAll(), feed.goTo(newest)))) acknowledge(feed.card(newest.number));
}

function goToRinging() {
  const ringing = model.ringing();
  const current = feed.current();
  const place = current ? ringing.findIndex((push) => push.number === Number(current.dataset.number)) : -1;
  const next = ringing[(place + 1) % ringing.length];
  if (next && !feed.goTo(next)) {
    showAll();
    feed.goTo(next);
  }
}

// Encrypted pushes

async function openAll(pushes) {
  if (!decrypter.hasKey) return;
  for (const push of pushes) if (push.encrypted) await decrypter.open(push);
}

async function takeKey(event) {
  event.preventDefault();
  const field = element("key");
  const note = element("key-note");
  try {
    await decrypter.take(field.value.trim());
  } catch (error) {
    note.textContent = error.message;
    return;
  }
  field.value = "";
  const sealed = model.pushes.filter((push) => push.encrypted);
  await openAll(sealed);
  const opened = sealed.filter((push) => push.opened).length;
  note.textContent = `Decrypted ${number(opened)} of ${plural(sealed.length, "encrypted push", "encrypted pushes")}.`;
  showKey();
}

function removeKey() {
  decrypter.forget();
  for (const push of model.pushes) if (push.encrypted) close(push);
  element("key-note").textContent = "The key is removed.";
  showKey();
}

function showKey() {
  element("remove-key").hidden = !decrypter.hasKey;
  feed.redraw();
  drawLater();
}

// Wiring

function wireFeed() {
  feed.element.addEventListener("click", (event) => {
    const card = event.target.closest(".push");
    if (event.target.closest(".acknowledge")) acknowledge(card);
    if (event.target.closest(".expire")) {
      control("POST", `expire/${model.get(Number(card.dataset.number)).emergency.receipt}`);
    }
  });
}

function wireTop() {
  const [tools, opening] = [element("tools"), element("show-tools")];
  opening.addEventListener("click", () => {
    const open = tools.classList.toggle("open");
    opening.setAttribute("aria-expanded", open);
    if (open) tools.scrollIntoView({ block: "start" });
  });
  element("search").addEventListener("input", applyFilter);
  element("state").addEventListener("change", applyFilter);
  element("clear-filters").addEventListener("click", showAll);
  element("show-ringing").addEventListener("click", goToRinging);
  element("show-help").addEventListener("click", () => element("help").showModal());
  element("close-help").addEventListener("click", () => element("help").close());
  element("key-form").addEventListener("submit", takeKey);
  element("remove-key").addEventListener("click", removeKey);
}

function leaveSearch() {
  if (model.isFiltered() || element("search").value) showAll();
  document.activeElement?.blur();
}

wirePanels();
wireFeed();
wireTop();
makeChips();
wireKeys({
  j: () => feed.move(1),
  k: () => feed.move(-1),
  a: acknowledgeByKey,
  e: goToRinging,
  o: () => feed.current()?.querySelector(".link a, .text a")?.click(),
  "/": () => element("search").focus(),
  "?": () => element("help").showModal(),
  Escape: leaveSearch,
});
element("address").textContent = `${location.origin}/1/`;
setInterval(() => {
  feed.tick();
  drawAlarm();
}, 1000);
setInterval(drawLater, 5000);
listen();
