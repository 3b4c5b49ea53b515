// Keys, one or two after another ("g a"). Nothing is taken while somebody writes.
const SECOND = 1500; // milliseconds that a first key waits for a second
const known = new Map();
let first = "", since = 0;

export function listen(keys) {
  for (const [name, act] of Object.entries(keys)) known.set(name, act);
}

const writes = (target) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  // A browser would empty a search field besides, and with it what was found.
  if (event.key === "Escape" && writes(event.target) && !event.target.closest("dialog")) { event.preventDefault(); event.target.blur(); return; }
  if (writes(event.target) || event.target.closest?.("dialog")) return;
  if (event.key === "Enter" && event.target.closest?.("a, button, summary")) return;
  const both = Date.now() - since < SECOND && first ? `${first} ${event.key}` : "";
  const act = known.get(both) ?? known.get(event.key);
  first = both && known.has(both) ? "" : event.key;
  since = Date.now();
  if (act) { event.preventDefault(); act(event); }
});
