// Names on a drawing, of one size whatever the zoom. Of those that would lie over one another, or over a host, only the
// first are shown; closer up there is room for more.
const SIZE = 11, TITLE = 13, HIGH = 14, AIR = 3; // pixels of the screen

const apart = (a, b) => a.x2 < b.x1 || b.x2 < a.x1 || a.y2 < b.y1 || b.y2 < a.y1;

// `nodes`: the most important first. Gives what shows them anew, as after a change of what can be seen.
export function labelled(made, nodes) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `${SIZE}px Inter, sans-serif`;
  const widths = nodes.map((node) => pen.measureText(node.data("label")).width + 2 * AIR);
  const titles = made.nodes("[zone]");

  function show() {
    const zoom = made.zoom();
    made.batch(() => {
      nodes.forEach((node) => node.data("size", SIZE / zoom));
      titles.forEach((node) => node.data("size", TITLE / zoom));
      const places = nodes.map((node) => node.renderedPosition());
      const faint = nodes.map((node) => node.hasClass("faint"));
      const radius = (nodes[0]?.width() ?? 0) * zoom / 2;
      const dots = places.map(({ x, y }) => ({ x1: x - radius, x2: x + radius, y1: y - radius, y2: y + radius }));
      const taken = titles.map((title) => {
        const { x1, x2, y1 } = title.renderedBoundingBox({ includeLabels: false });
        return { x1, x2, y1: y1 - TITLE - AIR, y2: y1 };
      });
      nodes.forEach((node, at) => {
        const { x } = places[at], top = dots[at].y2 + AIR;
        const box = { x1: x - widths[at] / 2, x2: x + widths[at] / 2, y1: top, y2: top + HIGH };
        const free = !faint[at] && taken.every((other) => apart(box, other)) && dots.every((dot, of) => of === at || faint[of] || apart(box, dot));
        node.toggleClass("unnamed", !free);
        if (free) taken.push(box);
      });
    });
  }

  let waits = 0;
  const soon = () => { waits ||= requestAnimationFrame(() => { waits = 0; show(); }); };
  made.on("zoom resize", soon);
  show();
  return soon;
}
