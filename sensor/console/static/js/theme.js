// Before anything is drawn: the theme that was chosen, else the system's; and whether this is a wall screen.
(() => {
  "use strict";
  const root = document.documentElement;
  const told = localStorage.getItem("driftspan.theme");
  root.dataset.theme = told || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  if (new URLSearchParams(location.search).has("wall") || sessionStorage.getItem("driftspan.wall")) root.dataset.wall = "";
})();
