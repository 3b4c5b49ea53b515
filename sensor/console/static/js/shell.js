// The frame of every page: theme, wall screen, log-out, keys, live updates.
import { all, api, complain, one } from "./core.js";
import { listen } from "./keys.js";
import { follow } from "./live.js";

const root = document.documentElement;

function turnTheme() {
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("driftspan.theme", root.dataset.theme);
  document.dispatchEvent(new CustomEvent("driftspan:theme"));
}

function turnWall() {
  if ("wall" in root.dataset) { delete root.dataset.wall; sessionStorage.removeItem("driftspan.wall"); }
  else { root.dataset.wall = ""; sessionStorage.setItem("driftspan.wall", "1"); }
  dispatchEvent(new Event("resize"));
}

const keys = one("#keys");
const showKeys = () => (keys.open ? keys.close() : keys.showModal());
one("#turn-theme").addEventListener("click", turnTheme);
one("#turn-wall").addEventListener("click", turnWall);
one("#show-keys").addEventListener("click", showKeys);
one("#log-out").addEventListener("click", () => api("/api/v1/session", { method: "DELETE" }).then(() => location.assign("/login"), complain));

listen({
  "?": showKeys,
  t: turnTheme,
  W: turnWall,
  "/": () => one("[data-search]")?.focus(),
  ...Object.fromEntries(all(".side a[data-key]").filter((to) => to.dataset.key).map((to) => [`g ${to.dataset.key}`, () => to.click()])),
});
const here = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
document.addEventListener("pointerover", ({ target }) => {
  const shown = target.closest?.("time[datetime]");
  if (shown && !shown.title) shown.title = `${here.format(new Date(shown.dateTime))}, where you are`;
});
follow(one("#live"));
