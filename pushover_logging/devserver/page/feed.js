// The list of pushes: draws only as many as are scrolled to.

import { drawCard, drawEmergency } from "./card.js";

const STEP = 40;

export class Feed {
  #shown = STEP;
  #matching = [];

  constructor(model) {
    this.model = model;
    this.element = document.getElementById("feed");
    this.more = document.getElementById("more");
    this.more.querySelector("button").addEventListener("click", () => this.showMore());
    new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) this.showMore();
    }, { rootMargin: "800px" }).observe(this.more);
  }

  get matching() {
    return this.#matching;
  }

  /** Draw again from the top, as after a change of the filter. */
  redraw() {
    this.#shown = STEP;
    this.#matching = this.model.matching();
    this.element.replaceChildren();
    this.#append();
  }

  /** Newer pushes have arrived: draw those that match above the others. */
  prepend(pushes) {
    const fresh = pushes.filter((push) => this.model.matches(push));
    this.#matching = this.model.matching();
    if (fresh.length > STEP && this.#isAtTop()) return this.redraw();
    const now = this.model.now();
    const cards = fresh.map((push) => drawCard(push, now));
    for (const card of cards) card.classList.add("fresh");
    this.element.prepend(...cards);
    this.#shown += fresh.length;
    if (this.#isAtTop()) this.#trim();
    this.#count();
  }

  /** Older pushes have been loaded. */
  extend() {
    this.#matching = this.model.matching();
    this.#append();
  }

  showMore() {
    if (this.element.childElementCount >= this.#matching.length) return;
    this.#shown = this.element.childElementCount + STEP;
    this.#append();
  }

  /** Draw one push again: its texts or its state have changed. */
  refresh(push) {
    const old = this.card(push.number);
    if (!old) return;
    const focused = old.contains(document.activeElement);
    const card = drawCard(push, this.model.now());
    old.replaceWith(card);
    if (focused) card.focus({ preventScroll: true });
    this.#count();
  }

  /** Update the times of ringing emergencies. */
  tick() {
    for (const card of this.element.querySelectorAll('[data-state="ringing"]')) {
      drawEmergency(card, this.model.get(Number(card.dataset.number)), this.model.now());
    }
  }

  card(number) {
    return document.getElementById(`push-${number}`);
  }

  /** The card that has the focus, or has something inside it that has. */
  current() {
    return document.activeElement?.closest?.(".push") ?? null;
  }

  move(step) {
    const current = this.current();
    const edge = current ? (step > 0 ? "nextElementSibling" : "previousElementSibling") : null;
    const target = edge ? current[edge] : this.element.firstElementChild;
    if (target) this.focus(target);
    if (target && !target.nextElementSibling) this.showMore();
  }

  /** Go to a push, however far down it is; false if the filter hides it. */
  goTo(push) {
    const place = this.#matching.indexOf(push);
    if (place < 0) return false;
    if (place >= this.element.childElementCount) {
      this.#shown = place + STEP;
      this.#append();
    }
    this.focus(this.card(push.number));
    return true;
  }

  focus(card) {
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  }

  #append() {
    const now = this.model.now();
    const waiting = this.#matching.slice(this.element.childElementCount, this.#shown);
    this.element.append(...waiting.map((push) => drawCard(push, now)));
    this.#count();
  }

  #trim() {
    while (this.element.childElementCount > STEP) {
      if (this.element.lastElementChild.contains(document.activeElement)) break;
      this.element.lastElementChild.remove();
    }
    this.#shown = Math.max(STEP, this.element.childElementCount);
  }

  #count() {
    const total = this.#matching.length;
    this.more.hidden = this.element.childElementCount >= total;
    let place = 0;
    for (const card of this.element.children) {
      card.setAttribute("aria-posinset", (place += 1));
      card.setAttribute("aria-setsize", total);
    }
  }

  #isAtTop() {
    return window.scrollY < 300;
  }
}
