// A Tabulator grid whose pages the server sorts and filters. Cells are text nodes.
import { complain, el, number } from "./core.js";
import { listen } from "./keys.js";

// `load({page, size, sort, order, cursor, signal, automatic})` → {rows, total, exact, more, next}; total null: unknown;
// `exact` false: about so many, or with `more` so many at least; `next`: the cursor of the page behind this one. `open(row)`: Enter or a click.
const DEEPEST = 20_000; // rows before a page that is not reached from the one before it

export function grid(box, { columns, load, open, selected = () => {}, index, sort, empty = "Nothing found.", size = 50, select = false }) {
  let running, here = 0, failed = false, automatic = false, places = {}, placed = "";
  const table = new window.Tabulator(box, {
    index,
    layout: "fitColumns",
    height: fitting(box),
    placeholder: () => (failed ? "The server could not answer." : empty),
    headerSortClickElement: "header",
    pagination: true,
    paginationMode: "remote",
    paginationSize: size,
    paginationSizeSelector: [25, 50, 100, 200],
    paginationCounter: (_, first) => el("span", {}, table.shown ? `${number(first)}–${number(first + table.shown - 1)} of ${table.among}` : ""),
    sortMode: "remote",
    initialSort: sort ? [{ column: sort[0], dir: sort[1] }] : [],
    ajaxURL: "/",
    ajaxRequestFunc: (_, __, params) => fetchPage(params),
    columns,
    selectableRows: select ? "highlight" : false, // by its box alone: a click opens the row
    columnDefaults: { headerTooltip: false, vertAlign: "middle", resizable: "header" },
  });

  async function fetchPage(params) {
    running?.abort();
    running = new AbortController();
    const [by] = params.sort ?? [];
    const byItself = automatic;
    automatic = false;
    const { page, size } = params, now = `${size} ${by?.field} ${by?.dir}`;
    if (page === 1 || placed !== now) places = {};
    placed = now;
    try {
      const found = await load({ page, size, sort: by?.field, order: by?.dir, cursor: places[page], signal: running.signal, automatic: byItself });
      failed = false;
      if (found.next) places[page + 1] = found.next;
      const before = (page - 1) * size + found.rows.length;
      const known = Math.max(found.total ?? 0, before + (found.next || (found.total == null && found.rows.length === size) ? 1 : 0));
      table.shown = found.rows.length;
      table.among = found.total == null ? "many" : found.exact === false ? `${found.more ? "more than" : "about"} ${number(found.more ? Math.max(found.total, before) : found.total)}` : number(found.total);
      const last = Math.max(Math.min(Math.ceil(known / size), DEEPEST / size), found.next ? page + 1 : page);
      return { data: found.rows, last_page: last, last_row: known };
    } catch (error) {
      if (error.name !== "AbortError") { failed = true; complain(error); }
      return { data: [], last_page: 1, last_row: 0 };
    }
  }

  const rows = () => table.getRows("active");
  function go(to, scroll = true) {
    const found = rows();
    if (!found.length) return;
    here = Math.max(0, Math.min(to, found.length - 1));
    found.forEach((row, number) => row.getElement().classList.toggle("here", number === here));
    if (scroll) found[here].getElement().scrollIntoView({ block: "nearest" });
  }
  const current = () => rows()[here];

  table.on("dataProcessed", () => { here = 0; setTimeout(() => go(0, false)); });
  table.on("rowSelectionChanged", (data) => selected(data));
  table.on("rowClick", (event, row) => {
    go(rows().indexOf(row), false);
    if (!event.target.closest(".pick") && !event.shiftKey && !event.ctrlKey && !event.metaKey) open(row.getData());
  });
  listen({
    j: () => go(here + 1),
    k: () => go(here - 1),
    Enter: () => current() && open(current().getData()),
    x: () => select && current()?.toggleSelect(),
    n: () => table.nextPage().catch(() => {}),
    p: () => table.previousPage().catch(() => {}),
  });
  addEventListener("resize", () => table.setHeight(fitting(box)));
  return {
    table,
    reload: () => table.setPage(1).catch(() => {}),
    // `byItself`: something is new, and nobody asked
    refresh: (byItself = false) => { automatic = byItself; return table.setPage(table.getPage()).catch(() => {}); },
    current: () => current()?.getData(),
    step: (by) => { go(here + by); return current()?.getData(); },
    selection: () => table.getSelectedData(),
    unselect: () => table.deselectRow(),
  };
}

// As high as the window leaves room for.
const fitting = (box) => Math.max(320, innerHeight - box.getBoundingClientRect().top - 24);

// A column whose cells `show(value, row)` makes: text or an element.
export const column = (title, field, show, { quiet = false, ...more } = {}) => ({
  title, field,
  formatter: (cell) => {
    const shown = show ? show(cell.getValue(), cell.getData()) : cell.getValue();
    return shown instanceof Node ? shown : el("span", { class: quiet ? "quiet" : null }, shown);
  },
  ...more,
});

export const picker = () => ({
  title: "", field: "_pick", headerSort: false, width: 38, hozAlign: "center", cssClass: "pick", resizable: false,
  formatter: "rowSelection", titleFormatter: "rowSelection", cellClick: (event) => event.stopPropagation(),
});
