import { address, api, el, later, moment, one, query, state, stated } from "./core.js";
import { column, grid } from "./grid.js";

const form = one("#filters");
const filters = () => Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
const given = stated();
for (const field of form.elements) if (field.name) field.value = given[field.name] ?? "";

const two = (above, below) => el("div", {}, above || "–", el("div", { class: "second" }, below || "\u00a0"));
const when = (value) => two(moment(value, 0, 10), moment(value, 11));
const view = grid(one("#grid"), {
  index: "ip",
  sort: ["last_seen", "desc"],
  load: ({ page, size, sort, order, signal }) => api(`/console/assets${query({ ...filters(), sort, order, limit: size, offset: (page - 1) * size })}`, { signal }),
  open: (row) => location.assign(`/assets/${encodeURIComponent(address(row.ip))}${query({ case: row.case_id })}`),
  empty: "No host fits.",
  columns: [
    column("Host", "ip", (value, row) => two(el("b", {}, address(value)), row.hostname || row.mac), { width: 170 }),
    column("Zone", "zone", (value, row) => two(value, row.purdue_level == null ? "" : `level ${row.purdue_level}${row.zone_inferred ? ", inferred" : ""}`), { width: 120 }),
    column("Vendor", "vendor", (value, row) => two(value, [row.model, row.firmware].filter(Boolean).join(" ")), { minWidth: 160 }),
    column("Roles", "roles", (value) => el("span", { class: "tags" }, ...value.map((each) => el("span", { class: "tag" }, each))), { headerSort: false, minWidth: 140 }),
    column("Protocols", "protocols", (value) => value.join(", "), { headerSort: false, minWidth: 130, quiet: true }),
    column("First seen", "first_seen", when, { width: 112 }),
    column("Last seen", "last_seen", when, { width: 112 }),
    column("Baseline", "baseline", (value) => el("span", { class: `tag ${value === "as learnt" ? "" : "warn"}` }, value), { headerSort: false, width: 96 }),
  ],
});
const changed = () => { state(filters()); view.reload(); };
form.addEventListener("submit", (event) => { event.preventDefault(); changed(); });
form.addEventListener("input", later(350, changed));
form.addEventListener("reset", () => setTimeout(changed));
