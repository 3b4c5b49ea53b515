// A page whose middle the server draws anew, for a range and a case, when either changes or something is new.
import { AUTOMATIC, choice, later, one, query, state, stated } from "./core.js";
import { bars, lines, severityBars } from "./charts.js";

export function ranged(name, kinds) {
  const part = one(`#${name}`);
  const shown = { range: "24h", case: "", ...stated() };

  function draw() {
    for (const box of part.querySelectorAll("[data-chart]")) {
      const series = JSON.parse(box.dataset.series);
      const span = { start: +box.dataset.start, end: +box.dataset.end };
      if (box.dataset.chart === "severity") severityBars(box, series, span);
      else (box.dataset.chart === "bars" ? bars : lines)(box, Object.entries(series).map(([each, data]) => ({ name: each.replace("messages.", ""), data, area: box.dataset.area })), span);
    }
  }
  function refresh(headers = {}) {
    window.htmx?.ajax("GET", `/console/${name}${query(shown)}`, { target: `#${name}`, swap: "innerHTML", headers });
  }
  function change(values) {
    Object.assign(shown, values);
    state({ range: shown.range === "24h" ? "" : shown.range, case: shown.case });
    refresh();
  }
  choice(one("#range"), (range) => change({ range }));
  one("#case").addEventListener("change", (event) => change({ case: event.target.value }));
  document.addEventListener("htmx:after:swap", draw);
  const soon = later(1500, () => refresh(AUTOMATIC));
  for (const kind of kinds) document.addEventListener(`driftspan:${kind}`, soon);
  draw();
}
