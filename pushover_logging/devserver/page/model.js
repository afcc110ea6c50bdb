// The pushes this page knows, newest first, and the filter that selects some of them.

/** The state of an emergency by now; null for any other push. */
export function stateOf(push, now) {
  const emergency = push.emergency;
  if (!emergency) return null;
  if (emergency.acknowledged_at !== null) return "acknowledged";
  if (emergency.canceled) return "cancelled";
  return now < emergency.expires_at ? "ringing" : "expired";
}

/** The only addresses that become links; all others are shown as text. */
export function safeLink(text) {
  try {
    const url = new URL(text);
    return ["http:", "https:", "mailto:", "tel:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null; // not an address
  }
}

export const plainText = (push) => push.text.map((run) => run.text).join("");

export class Model {
  pushes = [];
  filter = { words: [], priorities: new Set(), state: "" };
  #byNumber = new Map();
  #emergencies = new Map();
  #unsettled = new Set();
  #ahead = 0;

  /** The server's clock, which may not be this browser's. */
  now() {
    return Date.now() / 1000 + this.#ahead;
  }

  startOver(serverNow) {
    this.#ahead = serverNow - Date.now() / 1000;
    this.pushes = [];
    this.#byNumber.clear();
    this.#emergencies.clear();
    this.#unsettled.clear();
  }

  get(number) {
    return this.#byNumber.get(number);
  }

  /** Add pushes that are newer than all others (or older), newest first; returns those that were new. */
  add(pushes, { newer, kept }) {
    const fresh = pushes.filter((push) => !this.#byNumber.has(push.number));
    for (const push of fresh) this.#note(push);
    this.pushes = newer ? [...fresh, ...this.pushes] : [...this.pushes, ...fresh];
    for (const old of this.pushes.splice(kept)) this.#byNumber.delete(old.number);
    return fresh;
  }

  #note(push) {
    push.emergency = this.#emergencies.get(push.number) ?? push.emergency;
    this.#byNumber.set(push.number, push);
    if (push.emergency) this.#unsettled.add(push);
  }

  /** Set the state of an emergency, even before its push is loaded. */
  updateEmergency(number, emergency) {
    this.#emergencies.set(number, emergency);
    const push = this.get(number);
    if (push) push.emergency = emergency;
    return push;
  }

  /** The pushes that ring now, newest first. */
  ringing() {
    const now = this.now();
    const ringing = [];
    for (const push of this.#unsettled) {
      if (stateOf(push, now) === "ringing") ringing.push(push);
      else this.#unsettled.delete(push);
    }
    return ringing.sort((a, b) => b.number - a.number);
  }

  isFiltered() {
    const { words, priorities, state } = this.filter;
    return words.length > 0 || priorities.size > 0 || state !== "";
  }

  matches(push) {
    const { priorities, state } = this.filter;
    if (priorities.size && !priorities.has(push.priority)) return false;
    return this.matchesBesides(push) && (!state || stateOf(push, this.now()) === state);
  }

  /** Whether it matches the words, whatever its priority and state. */
  matchesBesides(push) {
    const { words } = this.filter;
    if (!words.length) return true;
    push.haystack ??= [push.title, plainText(push), push.url, push.url_title, push.sound, push.tags]
      .concat(push.devices).join("\n").toLowerCase();
    return words.every((word) => push.haystack.includes(word));
  }

  matching() {
    return this.isFiltered() ? this.pushes.filter((push) => this.matches(push)) : this.pushes;
  }

  search(text) {
    this.filter.words = text.toLowerCase().split(/\s+/).filter(Boolean);
  }
}
