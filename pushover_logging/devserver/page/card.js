// One push as a device shows it. Every text is inserted as text; nothing is parsed as markup.

import { safeLink, stateOf } from "./model.js";
import { number, plural, priorityName, size, span, time, wholeTime } from "./words.js";

const template = (id) => document.getElementById(id).content.firstElementChild;

export function drawCard(push, now) {
  const card = template("push-template").cloneNode(true);
  const part = (selector) => card.querySelector(selector);
  card.dataset.number = push.number;
  card.dataset.priority = push.priority;
  card.id = `push-${push.number}`;
  part(".tile use").setAttribute("href", `#priority-${push.priority}`);
  part(".title").id = `title-${push.number}`;
  card.setAttribute("aria-labelledby", part(".title").id);
  drawTime(part("time"), push);
  drawTexts(part, push);
  drawImage(part(".image"), push);
  drawFacts(part(".facts"), push);
  drawEmergency(card, push, now);
  return card;
}

function drawTime(element, push) {
  element.textContent = time(push.shown_at);
  element.dateTime = new Date(push.shown_at * 1000).toISOString();
  element.title = `Received ${wholeTime(push.received_at)}`;
}

function drawTexts(part, push) {
  const closed = push.encrypted && !push.opened;
  part(".title").textContent = closed ? "Encrypted" : push.title;
  part(".text").classList.toggle("monospace", push.monospace);
  part(".text").classList.toggle("closed", Boolean(closed));
  if (closed) part(".text").textContent = push.problem ?? "Enter the key to read it.";
  else part(".text").append(...push.text.map(drawRun));
  if (push.url) drawLink(part(".link"), push);
}

function drawRun(run) {
  const link = run.href && safeLink(run.href);
  const element = document.createElement(link ? "a" : "span");
  element.textContent = run.text;
  if (link) aim(element, link);
  for (const look of ["bold", "italic", "underline"]) element.classList.toggle(look, Boolean(run[look]));
  if (run.color) element.style.color = run.color; // the browser ignores a text that is no color
  return element;
}

function aim(anchor, address) {
  anchor.href = address;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
}

function drawLink(line, push) {
  const address = safeLink(push.url);
  const element = document.createElement(address ? "a" : "span");
  element.append(apart(push.url_title || push.url));
  element.title = push.url;
  if (address) aim(element, address);
  else if (push.url_title) element.append(apart(` (${push.url})`));
  line.replaceChildren(icon("link"), element);
  line.hidden = false;
}

/** A text whose direction, or marks that turn it, change nothing beside it. */
function apart(text) {
  const element = document.createElement("bdi");
  element.textContent = text;
  return element;
}

function drawImage(anchor, push) {
  if (!push.image?.address) return;
  const picture = anchor.querySelector("img");
  anchor.href = picture.src = push.image.address;
  picture.alt = `Image ${push.image.name}`;
  anchor.hidden = false;
}

function drawFacts(list, push) {
  const facts = [[`priority-${push.priority}`, priorityName(push.priority), "priority"]];
  if (push.encrypted) facts.push(["lock", push.opened ? "Encrypted, decrypted here" : "Encrypted"]);
  if (push.sound) facts.push(["sound", push.sound]);
  facts.push(["device", push.devices.join(", ") || "no device"]);
  if (push.image) facts.push(["file", `${push.image.name}, ${size(push.image.size)}`]);
  if (push.ttl) facts.push(["timer", `deleted after ${span(push.ttl)}`]);
  if (push.tags) facts.push(["tag", push.tags]);
  list.replaceChildren(...facts.map(drawFact), drawNumber(push));
}

function drawFact([symbol, text, className]) {
  const fact = template("fact-template").cloneNode(true);
  fact.querySelector("use").setAttribute("href", `#${symbol}`);
  fact.querySelector("span").textContent = text;
  if (className) fact.classList.add(className);
  return fact;
}

function drawNumber(push) {
  const fact = document.createElement("li");
  fact.className = "number";
  fact.textContent = `#${number(push.number)}`;
  return fact;
}

function icon(name) {
  const fact = template("fact-template").querySelector("svg").cloneNode(true);
  fact.querySelector("use").setAttribute("href", `#${name}`);
  return fact;
}

/** Draw the state of an emergency; called again as time passes. */
export function drawEmergency(card, push, now) {
  const state = stateOf(push, now);
  const box = card.querySelector(".emergency");
  box.hidden = !state;
  if (!state) return;
  card.dataset.state = state;
  box.querySelector(".actions").hidden = state !== "ringing";
  box.querySelector("use").setAttribute("href", `#${SYMBOLS[state]}`);
  box.querySelector("p").textContent = SENTENCES[state](push.emergency, now);
}

const SYMBOLS = { ringing: "priority-2", acknowledged: "done", cancelled: "ended", expired: "ended" };

const SENTENCES = {
  ringing(emergency, now) {
    const rung = Math.min(50, Math.floor((now - emergency.sent_at) / emergency.retry) + 1);
    const next = emergency.sent_at + rung * emergency.retry;
    const left = `expires in ${span(emergency.expires_at - now)}`;
    const again = rung < 50 && next < emergency.expires_at ? `next in ${span(next - now)}, ` : "";
    return `Ringing: ${plural(Math.max(1, rung), "alert", "alerts")} so far, ${again}${left}`;
  },
  acknowledged(emergency) {
    const where = emergency.acknowledged_by_device ? ` on ${emergency.acknowledged_by_device}` : "";
    return `Acknowledged ${time(emergency.acknowledged_at)}${where}${calledBack(emergency)}`;
  },
  cancelled: (emergency) => `Cancelled by the application ${time(emergency.expires_at)}`,
  expired: (emergency) => `Expired unacknowledged ${time(emergency.expires_at)}`,
};

function calledBack(emergency) {
  if (emergency.called_back_at !== null) return `; application called back ${time(emergency.called_back_at)}`;
  if (emergency.callback === "local") return "; calling the application back…";
  return emergency.callback ? "; its callback is not on this machine and is not called" : "";
}
