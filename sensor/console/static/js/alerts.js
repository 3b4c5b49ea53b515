import { ACTIONS, address as pathOf, shown, wire } from "./alert.js";
import { address, api, complain, el, later, moment, number, one, query, severity, state, stated } from "./core.js";
import { column, grid, picker } from "./grid.js";
import { listen } from "./keys.js";
import { saved } from "./saved.js";
import { say } from "./verdicts.js";

const form = one("#filters"), drawer = one("#drawer"), box = one("#grid");
const maySay = Boolean(box.dataset.maySay);

const filters = () => Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
function fill(values) {
  for (const field of form.elements) if (field.name) field.value = values[field.name] ?? "";
}

async function load({ page, size, sort, order, cursor, signal, automatic }) {
  const found = await api(`/api/v1/alerts${query({ ...filters(), limit: size, sort, order, ...(cursor ? { cursor } : { offset: (page - 1) * size }) })}`, { signal, automatic });
  return Array.isArray(found) ? { rows: found, total: null } : found;
}

const NOBODY = /^(::|0\.0\.0\.0)$/;
const host = (ip, zone) => el("div", {}, NOBODY.test(address(ip)) ? "–" : address(ip), el("div", { class: "second" }, zone || "\u00a0"));
const view = grid(box, {
  index: "alert_id",
  sort: ["last_ts", "desc"],
  select: maySay,
  load,
  open,
  selected: (rows) => { one("#selection").hidden = !rows.length; one("#selected").textContent = `${rows.length} selected`; },
  empty: "No alert fits. Learned, muted and closed ones are under their status.",
  columns: [
    ...(maySay ? [picker()] : []),
    column("Severity", "severity", (value) => severity(value), { width: 108 }),
    column("Last seen", "last_ts", (value) => el("div", {}, moment(value, 11), el("div", { class: "second" }, moment(value, 0, 10))), { width: 112 }),
    column("Alert", "title", (value, row) => el("div", { title: row.summary }, el("b", {}, value), el("div", { class: "second" }, row.summary)), { widthGrow: 3, minWidth: 280, headerSort: false }),
    column("From", "src_ip", (value, row) => host(value, row.src_zone), { width: 142 }),
    column("To", "dst_ip", (value, row) => host(value, row.dst_zone), { width: 142 }),
    column("Protocol", "protocol", null, { width: 100, quiet: true }),
    column("Count", "count", (value) => number(value), { width: 88, hozAlign: "right", headerHozAlign: "right" }),
    column("Status", "status", (value) => el("span", { class: `tag ${value === "open" ? "accent" : ""}` }, value), { width: 92, headerSort: false }),
    ...(one('[name="case"]').options.length > 2 ? [column("Case", "case_id", null, { width: 92, quiet: true })] : []),
  ],
});

async function open(row) {
  drawer.hidden = false;
  await window.htmx.ajax("GET", pathOf(row), { target: "#drawer", swap: "innerHTML" });
}

function close() {
  drawer.hidden = true;
  drawer.replaceChildren();
}

drawer.addEventListener("htmx:after:swap", ready);
document.addEventListener("htmx:after:swap", (event) => { if (event.target === document || !drawer.contains(event.target)) ready(); });
function ready() {
  const article = one("[data-alert]", drawer);
  if (!article || article.dataset.wired) return;
  article.dataset.wired = "1";
  const button = one("[data-close]", drawer);
  button.hidden = false;
  button.addEventListener("click", close);
  wire(drawer, () => { view.refresh(); open(shown(drawer)); });
}

// A verdict is on what is selected, else on the alert that is open, else on the row where the keys are.
async function verdict(action) {
  if (!maySay) return;
  const chosen = view.selection();
  const rows = chosen.length ? chosen : [drawer.hidden ? view.current() : shown(drawer)].filter(Boolean);
  if (await say(action, rows)) {
    view.unselect();
    view.refresh();
    if (!drawer.hidden) open(shown(drawer));
  }
}

function changed() {
  state(filters());
  view.reload();
}

form.addEventListener("submit", (event) => { event.preventDefault(); changed(); });
form.addEventListener("input", later(350, changed));
form.addEventListener("reset", () => setTimeout(changed));
for (const button of document.querySelectorAll("#selection [data-verdict]")) button.addEventListener("click", () => verdict(button.dataset.verdict));
one("#unselect").addEventListener("click", () => view.unselect());
listen({
  ...Object.fromEntries(Object.entries(ACTIONS).map(([key, action]) => [key, () => verdict(action)])),
  Escape: close,
});
document.addEventListener("driftspan:alerts", later(800, () => { if (view.table.getPage() === 1 && !view.selection().length) view.refresh(true); }));
saved("alerts", { list: one("#saved"), keep: one("#save"), forget: one("#forget"), read: filters, write: (values) => { fill(values); changed(); } }).catch(complain);
fill(stated());
