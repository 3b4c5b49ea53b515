// Lists that the server draws: j and k go through rows, Enter opens the row's first link; a filter acts at once.
import { all, one } from "./core.js";
import { listen } from "./keys.js";

export function walk() {
  let here = -1;
  const rows = () => all("[data-walk] tbody tr");
  function go(to) {
    const found = rows();
    if (!found.length) return;
    here = Math.max(0, Math.min(to, found.length - 1));
    found.forEach((row, number) => row.classList.toggle("here", number === here));
    found[here].scrollIntoView({ block: "nearest" });
  }
  listen({ j: () => go(here + 1), k: () => go(here - 1), Enter: () => one("a", rows()[here] ?? document.createElement("tr"))?.click() });
}

walk();
const form = one("form#filters");
form?.addEventListener("change", () => form.requestSubmit());
