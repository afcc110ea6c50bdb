// Decrypts pushes in the browser. The key stays in an object of this module.
//
// A text is base64 of IV, AES-256-CBC of the gzipped text, and HMAC-SHA256 over both, with one key:
// https://pushover.net/api#e2ee

const [IV_BYTES, MAC_BYTES] = [16, 32];
const TEXTS = ["message", "title", "url", "url_title"];

export class Decrypter {
  #keys = null;

  get hasKey() {
    return this.#keys !== null;
  }

  async take(hex) {
    if (!/^[0-9a-f]{64}$/i.test(hex)) throw new Error("The key must be 64 hex digits.");
    if (!crypto.subtle) throw new Error("This browser decrypts only on 127.0.0.1 or localhost.");
    const bytes = Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
    this.#keys = {
      aes: await crypto.subtle.importKey("raw", bytes, "AES-CBC", false, ["decrypt"]),
      mac: await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]),
    };
  }

  forget() {
    this.#keys = null;
  }

  /** Fill in the texts of a push, or set `problem` to the reason that they cannot be read. */
  async open(push) {
    try {
      const texts = {};
      for (const name of TEXTS) {
        texts[name] = push.encrypted[name] ? await this.#decrypt(push.encrypted[name]) : "";
      }
      push.text = push.html ? await clean(texts.message) : [{ text: texts.message }];
      Object.assign(push, { title: texts.title || "No title", url: texts.url, url_title: texts.url_title });
      Object.assign(push, { opened: true, problem: null, haystack: undefined });
    } catch (error) {
      push.problem = error instanceof Unreadable ? error.message : "This text is not encrypted for Pushover.";
    }
  }

  async #decrypt(text) {
    const raw = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
    const [sealed, mac] = [raw.slice(0, -MAC_BYTES), raw.slice(-MAC_BYTES)];
    if (!(await crypto.subtle.verify("HMAC", this.#keys.mac, mac, sealed))) {
      throw new Unreadable("Encrypted with another key, or changed in transit.");
    }
    const iv = sealed.slice(0, IV_BYTES);
    const zipped = await crypto.subtle.decrypt({ name: "AES-CBC", iv }, this.#keys.aes, sealed.slice(IV_BYTES));
    const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }
}

class Unreadable extends Error {}

export function close(push) {
  Object.assign(push, { opened: false, title: "", text: [], url: "", url_title: "", problem: null, haystack: undefined });
}

// The server on this machine cleans all HTML; it does not keep this one.
async function clean(html) {
  const answer = await fetch("/inbox/text", { method: "POST", body: html });
  if (!answer.ok) throw new Unreadable("Its HTML could not be cleaned, so it is not shown.");
  return answer.json();
}
