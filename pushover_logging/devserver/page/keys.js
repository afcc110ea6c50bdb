// Keyboard shortcuts. They can be turned off, and do nothing while the user types.

const STORED = "inbox-shortcuts";

const isTyping = (target) => target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");

export function wireKeys(actions) {
  const toggle = document.getElementById("shortcuts");
  toggle.checked = localStorage.getItem(STORED) !== "off";
  toggle.addEventListener("change", () => localStorage.setItem(STORED, toggle.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return actions.Escape(event);
    const action = actions[event.key];
    if (!action || !toggle.checked || isTyping(event.target)) return;
    event.preventDefault();
    action(event);
  });
}
