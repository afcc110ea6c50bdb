// The list of rejected requests, newest first, each with the request that caused it.

import { number, time, wholeTime } from "./words.js";

const KEPT = 200;
const element = (id) => document.getElementById(id);

export class Rejections {
  #all = [];

  startOver(rejections) {
    this.#all = rejections;
    element("rejections-list").replaceChildren(...rejections.map(drawRejection));
    this.#count();
  }

  /** Add newer rejections, newest first. */
  add(fresh) {
    this.#all = [...fresh, ...this.#all].slice(0, KEPT);
    const list = element("rejections-list");
    list.prepend(...fresh.map(drawRejection));
    while (list.childElementCount > KEPT) list.lastElementChild.remove();
    this.#count();
  }

  #count() {
    element("rejections").hidden = !this.#all.length;
    element("rejections-count").textContent = number(this.#all[0]?.number ?? 0);
  }
}

function drawRejection(rejection) {
  const item = element("rejection-template").content.firstElementChild.cloneNode(true);
  const part = (selector) => item.querySelector(selector);
  part(".status").textContent = rejection.status;
  part(".reason").textContent = rejection.errors.join("; ") || "no reason given";
  part("time").textContent = time(rejection.received_at);
  part("time").dateTime = new Date(rejection.received_at * 1000).toISOString();
  part("time").title = wholeTime(rejection.received_at);
  part(".call").textContent = `${rejection.method} ${rejection.path}`;
  const facts = Object.entries(rejection.params);
  if (rejection.content_type) facts.unshift(["Content-Type", rejection.content_type]);
  if (rejection.client) facts.unshift(["User-Agent", rejection.client]);
  part("dl").replaceChildren(...facts.map(drawParameter));
  return item;
}

function drawParameter([name, text]) {
  const row = document.createElement("div");
  const term = document.createElement("dt");
  const value = document.createElement("dd");
  term.textContent = name;
  value.textContent = text === "" ? "(empty)" : text;
  row.append(term, value);
  return row;
}
