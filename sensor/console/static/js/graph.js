// Cytoscape in the page's colours. It would put a style element into the page, which the page's policy forbids: the rule is
// in our stylesheet, and an element of that id keeps it from trying.
import { el, safe } from "./core.js";
import { colours } from "./charts.js";

const STYLE = "__________cytoscape_stylesheet";
const drawn = new Set();

export function graph(box, { nodes, edges, style, layout = { name: "preset" }, open = () => {}, ...more }) {
  if (!window.cytoscape) return null;
  if (!document.getElementById(STYLE)) document.head.append(el("meta", { id: STYLE }));
  const named = (data) => ({ ...data, label: safe(data.label ?? "") });
  const made = window.cytoscape({
    container: box,
    elements: { nodes: nodes.map((each) => ({ ...each, data: named(each.data) })), edges: edges.map((each) => ({ ...each, data: named(each.data) })) },
    layout, minZoom: 0.1, maxZoom: 3, wheelSensitivity: 0.4, boxSelectionEnabled: false, ...more,
  });
  const paint = () => made.style().fromJson(style(colours())).update();
  paint();
  made.fit(undefined, 24);
  made.on("tap", "node", (event) => open(event.target));
  drawn.add({ made, paint });
  return made;
}

document.addEventListener("driftspan:theme", () => drawn.forEach(({ paint }) => paint()));
addEventListener("resize", () => drawn.forEach(({ made }) => { made.resize(); made.fit(undefined, 24); }));
